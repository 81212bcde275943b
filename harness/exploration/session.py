"""`splitbrain run SYSTEM --on sim`: one simulated run, judged from the files it leaves, like a real one."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from splitbrain.exploration.assess import CHECK_TIMEOUT
from splitbrain.exploration.case import Case
from splitbrain.exploration.determinism import HASH_SEEDS, compare_traces
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.histories import Journal
from splitbrain.runner.examiner import Examiner
from splitbrain.runner.judge import conclude
from splitbrain.runner.session import interrupts
from splitbrain.simulation.environment import Disk, Environment, Network
from splitbrain.store import create_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from splitbrain.exploration.determinism import Divergence
    from splitbrain.exploration.simulate import Lines, Outcome, Resolved
    from splitbrain.runner.loop import Watcher
    from splitbrain.runner.preparation import Prepared
    from splitbrain.simulation.story import Story
    from splitbrain.store import RunDirectory

USUAL = Environment(
    Network(latency=300_000, spread=1_200_000, tail=0.01, tail_latency=8_000_000),
    Disk(sync=200_000, spread=800_000),
)
"""A network and disks of the sort that a rack has: a round trip takes some two milliseconds."""


def case_of(prepared: Prepared) -> Case:
    """Return the case that a prepared run is."""
    test = prepared.test
    return Case(
        system=test["system"],
        nodes=len(test["nodes"]),
        workload=test["workload"],
        seed=test["seed"],
        plan=prepared.plan,
        bugs=tuple(test["bugs"]),
        settings=test["settings"],
        concurrency=test["concurrency"],
        rate=test["rate"],
        operation_timeout=test["operation_timeout"],
        environment=USUAL,
    )


def execute_simulated(
    prepared: Prepared, store: Path, started: datetime, watch: Watcher, *, fail_fast: bool = False
) -> tuple[dict[str, Any], RunDirectory]:
    """Simulate a prepared run in a new run directory under `store` and judge it.

    With `fail_fast` the first violation ends it; its trace is then compared with no other's.

    Raises:
        UsageError: the store can't be written.
        HarnessError: a node raised before it was first ready, or the harness failed.
    """
    case = case_of(prepared)
    resolved = resolve(case)
    test = {**prepared.test, "started": started.isoformat(timespec="seconds")}
    directory = create_run(store, prepared.system.name, test["seed"], started)
    directory.write("test.json", test)
    directory.write("plan.json", prepared.plan.to_json())
    directory.write("case.json", case.to_json())
    with interrupts() as interrupted:
        outcomes: list[Outcome] = []

        found: list[str] = []

        def here() -> Story | None:
            outcomes.append(
                simulate(
                    case,
                    resolved,
                    story=True,
                    interrupted=interrupted,
                    watch=watch,
                    enough=_convicted(resolved, found) if fail_fast else None,
                )
            )
            return None if outcomes[0].cut_short else outcomes[0].story

        divergence = compare_traces(case, resolved, hash_seeds=HASH_SEEDS[:1], here=here)
    stopped = [*found, *(f"{each.node} ended by itself" for each in outcomes[0].exits if fail_fast)]
    write_outcome(
        directory,
        outcomes[0],
        interrupted=outcomes[0].cut_short,
        stopped=stopped[0] if stopped else None,
        divergence=divergence,
    )
    return conclude(directory), directory


def _convicted(resolved: Resolved, found: list[str]) -> Callable[[Lines, Mapping[str, Any]], bool]:
    """Return what looks for a violation in what has happened so far, and puts its summary into `found`."""
    examiner, taken = Examiner(resolved.model, resolved.checkers, timeout=CHECK_TIMEOUT), 0

    def enough(history: Lines, notes: Mapping[str, Any]) -> bool:
        nonlocal taken
        examiner.add(history.lines[taken:])
        taken = len(history.lines)
        violation = examiner.look(lambda: notes)
        found.extend([] if violation is None else [violation])
        return violation is not None

    return enough


def write_outcome(
    directory: RunDirectory,
    outcome: Outcome,
    *,
    interrupted: bool = False,
    stopped: str | None = None,
    divergence: Divergence | None = None,
) -> None:
    """Write what happened as a real run leaves it: history, faults, notes, outcome."""
    for path, lines in ((directory.history, outcome.lines), (directory.faults, outcome.faults)):
        journal = Journal(path)
        try:
            for line in lines:
                journal.append(line)
        finally:
            journal.close()
    for node, notes in outcome.notes.items():
        folder = directory.nodes / node
        folder.mkdir(parents=True, exist_ok=True)
        text = "".join(
            json.dumps({"time": note.time, "kind": note.kind, "fields": note.fields}) + "\n" for note in notes
        )
        (folder / "events.jsonl").write_text(text, encoding="utf-8")
    directory.write(
        "outcome.json",
        {
            "records": [dataclasses.asdict(record) for record in outcome.records],
            "exits": [event._asdict() for event in outcome.exits],
            "interrupted": interrupted,
            "stopped": stopped,
            "remarks": list(outcome.remarks),
            "ended": outcome.ended,
            "reach": [
                [
                    reach.time,
                    sorted(reach.silent),
                    sorted(map(list, reach.impaired)),
                    sorted(map(list, reach.strained)),
                ]
                for reach in outcome.reach
            ],
            "waits": list(outcome.waits),
            "trace": None if outcome.story is None else outcome.story.digest(),
            "divergence": None if divergence is None else divergence.sentence(),
        },
    )
