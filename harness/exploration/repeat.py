"""Doing a case again: write down what it shows as a replay file, and tell later whether it still does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from splitbrain.errors import UsageError
from splitbrain.exploration.assess import assess
from splitbrain.exploration.replay_file import Expectation, Replay
from splitbrain.exploration.reshape import with_faults
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.exploration.words import compare, spoken
from splitbrain.faults.schedule import validate_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.exploration.assess import Assessment
    from splitbrain.exploration.case import Case
    from splitbrain.exploration.simulate import Outcome, Resolved

NOTHING = "Nothing broke."


@dataclass(frozen=True)
class Repetition:
    """A case done again. `same` tells whether its trace is the recorded one, None where none is recorded."""

    case: Case
    outcome: Outcome
    assessment: Assessment
    same: bool | None
    remarks: Sequence[str]


def check_case(case: Case, resolved: Resolved) -> None:
    """Check that what a case names fits its cluster.

    Raises:
        UsageError: the system is larger than the case, or a fault, deviation or crash point names what there
            is not.
    """
    if case.nodes < resolved.system.smallest:
        raise UsageError(
            f"{resolved.system.name} needs at least {resolved.system.smallest} nodes, not {case.nodes}."
        )
    validate_plan(case.plan, resolved.faults, case.names, tuple(resolved.system.roles))
    for point in case.crash_points:
        if point.node not in case.names:
            raise UsageError(
                f"the crash point after {point.label!r} is on {point.node!r}, and the case has the nodes "
                f"{', '.join(case.names)}."
            )
    for deviation in case.deviations:
        message = deviation.message
        if not {message.source, message.destination}.intersection(case.names):
            raise UsageError(
                f"the deviation {deviation.to_json()} is on a link of no node; the case has the nodes "
                f"{', '.join(case.names)}."
            )


def record(case: Case, title: str = "") -> Replay:
    """Run a case and return it as a replay, with what it showed.

    Raises:
        UsageError: the case does not fit its system.
        HarnessError: a node raised before it was first ready.
    """
    # A plan is kept in the order of its instants, and faults of one instant begin in its order.
    case = with_faults(case, case.plan.faults)
    resolved = resolve(case)
    check_case(case, resolved)
    outcome = simulate(case, resolved, story=True)
    assessment = assess(resolved, outcome)
    assert outcome.story is not None
    words = spoken(outcome)
    summary = next((each.summary for each in assessment.violations), NOTHING)
    return Replay(
        title=title or entitle(case, assessment),
        case=case,
        expect=Expectation(assessment.kinds, summary, outcome.story.digest()),
        messages=words.messages,
        notes=words.notes,
    )


def entitle(case: Case, assessment: Assessment) -> str:
    """Return one sentence that says what a case shows, short enough for a list."""
    name = case.system.rpartition("/")[2]
    bugs = f" with {' and '.join(case.bugs)}" if case.bugs else ""
    return f"{name}{bugs}: {next((each.summary for each in assessment.violations), NOTHING)}"


def repeat(replayed: Replay, *, bugs: Sequence[str] | None = None) -> Repetition:
    """Run a replay again, with other seeded bugs if they are given.

    Raises:
        UsageError: it does not fit the code any more; the sentence says what differs.
        HarnessError: a node raised before it was first ready.
    """
    case = replayed.case if bugs is None else replace(replayed.case, bugs=tuple(bugs))
    resolved = resolve(case)
    check_case(case, resolved)
    outcome = simulate(case, resolved, story=True)
    assert outcome.story is not None
    words = spoken(outcome)
    mismatch = compare(case, resolved, words)
    if mismatch.unknown:
        each = mismatch.unknown[0]
        said = words.messages if each.sort == "message" else words.notes
        raise UsageError(
            f"the vocabulary differs: {each.by} names the {each.sort} {each.word!r}, which "
            f"{resolved.system.name} does not have; in this run it had {', '.join(said)}. "
            "Find the bug again and shrink it, or take that entry out."
        )
    digest = outcome.story.digest()
    remarks = list(outcome.remarks)
    same = digest == replayed.expect.trace
    if not same:
        remarks.append(_differing(replayed, case, digest))
        gone = [*sorted(set(replayed.messages) - set(words.messages))]
        new = [*sorted(set(words.messages) - set(replayed.messages))]
        if gone:
            remarks.append(f"Messages that the recorded run had and this one has not: {', '.join(gone)}.")
        if new:
            remarks.append(f"Messages that this run has and the recorded one had not: {', '.join(new)}.")
    remarks += [
        f"In this run no {each.sort} {each.word!r} occurred, which {each.by} names."
        for each in mismatch.unused
    ]
    return Repetition(case, outcome, assess(resolved, outcome), same, remarks)


def _differing(replayed: Replay, case: Case, digest: str) -> str:
    if case.bugs != replayed.case.bugs:
        why = "it was recorded with other seeded bugs"
    else:
        why = f"the code was changed since splitbrain {replayed.splitbrain} recorded it"
    return (
        f"The trace is another one ({digest[:12]}, not {replayed.expect.trace[:12]}): {why}. "
        "The verdict is that of the new run."
    )


def verdict_of(repetition: Repetition) -> dict[str, Any]:
    """Return the verdict of a repetition as `--json` gives it, with what became of the trace."""
    assessment, outcome = repetition.assessment, repetition.outcome
    checks = assessment.checks
    valid = assessment.valid
    reasons = [each.reason for each in checks if each.valid is valid]
    assert outcome.story is not None
    return {
        "valid": valid,
        "reason": " ".join(reasons) if valid is True else reasons[0],
        "operations": sum(line["type"] == "invoke" for line in outcome.lines),
        "seconds": round(sum(each.seconds for each in checks), 6),
        "method": checks[0].method,
        "checks": [
            {
                "checker": each.checker,
                "valid": each.valid,
                "method": each.method,
                "reason": each.reason,
                "seconds": round(each.seconds, 6),
            }
            for each in checks
        ],
        "violations": [each.to_json() for each in assessment.violations],
        "trace": {"digest": outcome.story.digest(), "recorded": repetition.same},
        "virtual_seconds": outcome.ended / 1e9,
        "remarks": list(repetition.remarks),
    }
