"""From a run directory to a verdict: every checker, the gates, the measurements.

It reads files only, so the same function judges a run that just ended, one that was cut short, and
one from last night. Invalid outranks unknown outranks valid; a failed gate turns valid into unknown
and never hides invalid.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

from splitbrain import registry
from splitbrain.checkers.invariants.notes import load_notes
from splitbrain.checkers.liveness import check_liveness
from splitbrain.checkers.models import ModelError, ModelMismatch
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.vacuity import measure_vacuity
from splitbrain.checkers.verdict import CheckResult, Violation, worst
from splitbrain.errors import UsageError
from splitbrain.faults.record import FaultRecord
from splitbrain.histories import HistoryError, read_history
from splitbrain.runner.calm import Reach, calm_spans, membership_changes, patience
from splitbrain.runner.gates import Gate, evaluate_gates
from splitbrain.runner.measurements import measure
from splitbrain.runner.requirements import parse_requirements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splitbrain.checkers.verdict import Certificate, NodeNote
    from splitbrain.histories import History
    from splitbrain.store import RunDirectory
    from splitbrain.systems.description import System

DEFAULT_TIMEOUT = 120.0
"""Seconds that deciding one run's history may take."""


def judge(
    directory: RunDirectory, *, timeout: float | None = None, max_memory_mb: int | None = None
) -> tuple[dict[str, Any], dict[str, Certificate | None]]:
    """Judge a run: return its verdict (the JSON of `verdict.json`) and the checkers' certificates.

    Raises:
        UsageError: the directory is not of a run, or its files can't be read.
    """
    test = directory.read("test.json")
    system: type[System] = registry.find("systems", test["system"]).value
    workload = registry.find("workloads", test["workload"]).value
    outcome = _outcome(directory)
    history = _history(directory)
    notes = load_notes(directory.path)
    records = [FaultRecord.from_json(record) for record in outcome["records"]]
    model = registry.find("models", workload.model, beside=workload)
    results = [
        _linearizable(history, model, DEFAULT_TIMEOUT if timeout is None else timeout, max_memory_mb),
        *[_invariants(registry.find("checkers", name, beside=system), notes) for name in system.invariants],
        _crashes(outcome["exits"]),
        *_liveness(system, outcome, records, history, test["nodes"]),
    ]
    remarks = [*outcome["remarks"], *history.notes]
    windows = [(record.began, record.ended) for record in records if record.began is not None]
    measurements = measure(history, windows)
    gates = [
        *evaluate_gates(history, records, notes, system, workload, nodes=test["nodes"], remarks=remarks),
        *_requirements(test["require"], measurements),
        *_repetition(outcome),
        Gate("ran-to-its-end", held=not outcome["interrupted"], observed=_how_it_ended(outcome)),
    ]
    valid = worst([result.valid for result in results])
    if valid is True and not all(gate.held for gate in gates):
        valid = "unknown"
    verdict = {
        "valid": valid,
        "reason": _reason(valid, results, gates, cut_short=_why_cut_short(outcome)),
        "operations": len(history),
        "seconds": round(sum(result.seconds for result in results), 6),
        "method": results[0].method,
        "checks": [_check(result) for result in results],
        "violations": [violation.to_json() for result in results for violation in result.violations],
        "gates": [{"gate": gate.gate, "held": gate.held, "observed": gate.observed} for gate in gates],
        "measurements": measurements,
        "coverage": {"notes": _note_counts(notes), **_vacuity(history, model, results[0], test["seed"])},
        "remarks": remarks,
        **({"trace": outcome["trace"]} if "trace" in outcome else {}),
        "run": str(directory.path),
        "replay": f"splitbrain replay {directory.path}",
    }
    return verdict, {result.checker: result.certificate for result in results}


def conclude(directory: RunDirectory) -> dict[str, Any]:
    """Judge a run and write verdict and certificates into its directory; return the verdict.

    Raises:
        UsageError: the directory is not of a run, or its files can't be read.
    """
    verdict, certificates = judge(directory)
    for checker, certificate in certificates.items():
        if certificate is not None:
            directory.write(f"certificates/{checker}.json", certificate)
    directory.write("verdict.json", verdict)
    return verdict


def _outcome(directory: RunDirectory) -> dict[str, Any]:
    if (directory.path / "outcome.json").exists():
        return directory.read("outcome.json")
    remark = "The run has no outcome.json: its controller died before it could say how it went."
    return {"records": [], "exits": [], "interrupted": True, "remarks": [remark], "ended": None}


def _history(directory: RunDirectory) -> History:
    try:
        return read_history(directory.history, format="jsonl", tolerate_torn=True)
    except HistoryError as error:
        raise UsageError(str(error)) from error


def _linearizable(
    history: History, model: registry.Found, timeout: float, max_memory_mb: int | None
) -> CheckResult:
    try:
        with registry.answering_for(model.value):
            return check_linearizable(history, model.make(), timeout=timeout, max_memory_mb=max_memory_mb)
    except (UsageError, ModelError, ModelMismatch) as error:
        # A model of anyone's own: what the other checkers have proved must not be lost with it.
        return CheckResult("linearizable", "unknown", "none", str(error))


def _vacuity(
    history: History, model: registry.Found, result: CheckResult, seed: int
) -> dict[str, dict[str, Any]]:
    """Ask of a valid history how much it would have caught."""
    if result.valid is not True or result.certificate is None:
        return {}
    try:
        with registry.answering_for(model.value):
            score = measure_vacuity(history, model.make(), result.certificate, Random(seed))
    except (UsageError, ModelError, ModelMismatch):
        # A model of anyone's own that fails on answers which it never saw: the verdict stands without.
        return {}
    return {"vacuity": score.to_json()}


def _invariants(checker: registry.Found, notes: Mapping[str, Sequence[NodeNote]]) -> CheckResult:
    try:
        with registry.answering_for(checker.value):
            result = checker.make().check(notes)
    except UsageError as error:
        # A checker of anyone's own that fails has decided nothing, and takes no other verdict along.
        return CheckResult(checker.value.name, "unknown", "none", str(error))
    if not isinstance(result, CheckResult):
        return CheckResult(checker.value.name, "unknown", "none", f"It returned {result!r}, no CheckResult.")
    return result


def _crashes(exits: Sequence[Mapping[str, Any]]) -> CheckResult:
    """A node whose process ended by itself, outside any fault, broke its promise to serve."""
    violations = [
        Violation(
            "CRASH",
            f"The process of {each['node']} ended by itself ({each['status']}).",
            {"node": each["node"], "status": each["status"], "log": each["log"]},
        )
        for each in exits
    ]
    reason = violations[0].summary if violations else "No node ended by itself."
    return CheckResult("crash", not violations, "exit status", reason, violations)


def _liveness(
    system: type[System],
    outcome: Mapping[str, Any],
    records: Sequence[FaultRecord],
    history: History,
    nodes: Sequence[str],
) -> list[CheckResult]:
    """Ask whether a simulated system served while it was calm; of a real one nobody knows when it was."""
    if "reach" not in outcome or outcome["interrupted"]:
        return []
    reaches = [
        Reach(time, frozenset(silent), *(frozenset(map(tuple, links)) for links in (impaired, strained)))
        for time, silent, impaired, strained in outcome["reach"]
    ]
    spans = calm_spans(
        reaches,
        nodes,
        outcome["ended"],
        least=1,
        availability=system.availability,
        one_sided=system.one_sided,
        membership=membership_changes(records, outcome["ended"]),
    )
    return [check_liveness(spans, history, patience(system), outcome["waits"])]


def _repetition(outcome: Mapping[str, Any]) -> list[Gate]:
    """A simulated run was repeated in another process: what a seed doesn't decide can't be trusted."""
    if outcome.get("trace") is None or outcome["interrupted"]:
        return []
    divergence = outcome.get("divergence")
    return [Gate("trace-repeats", held=divergence is None, observed=divergence or outcome["trace"])]


def _requirements(text: str | None, measurements: Mapping[str, Any]) -> list[Gate]:
    return [
        Gate(
            f"require {requirement.text}",
            held=requirement.held(measurements),
            observed=measurements.get(requirement.measurement.replace("-", "_")),
        )
        for requirement in parse_requirements(text)
    ]


def _how_it_ended(outcome: Mapping[str, Any]) -> str:
    if outcome.get("stopped"):
        return "stopped at the first violation"
    return "cut short" if outcome["interrupted"] else "to its end"


def _why_cut_short(outcome: Mapping[str, Any]) -> str:
    if outcome.get("stopped"):
        return "The run was stopped at the first violation. "
    return "The run was cut short. " if outcome["interrupted"] else ""


def _reason(valid: Any, results: Sequence[CheckResult], gates: Sequence[Gate], *, cut_short: str) -> str:
    if valid is True:
        return " ".join(result.reason for result in results)
    for result in results:
        if result.valid is valid:
            return cut_short + result.reason
    failed = [gate.gate for gate in gates if not gate.held]
    plural = "s" if len(failed) > 1 else ""
    return f"{cut_short}No violation was found, but {len(failed)} gate{plural} failed: {', '.join(failed)}."


def _check(result: CheckResult) -> dict[str, Any]:
    return {
        "checker": result.checker,
        "valid": result.valid,
        "method": result.method,
        "reason": result.reason,
        "seconds": round(result.seconds, 6),
        "certificate": f"certificates/{result.checker}.json" if result.certificate is not None else None,
    }


def _note_counts(notes: Mapping[str, Sequence[NodeNote]]) -> dict[str, int]:
    counts = Counter(note.kind for each in notes.values() for note in each)
    return dict(sorted(counts.items()))
