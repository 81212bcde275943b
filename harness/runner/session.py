"""One run from beginning to verdict: deploy, drive, tear down, judge."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import signal
from typing import TYPE_CHECKING, Any

from splitbrain.errors import HarnessError, UsageError
from splitbrain.faults.nemesis import Nemesis
from splitbrain.generators import stagger
from splitbrain.histories import Journal
from splitbrain.runner.interpreter import Interpreter
from splitbrain.runner.judge import conclude
from splitbrain.runner.lookout import Lookout
from splitbrain.runner.loop import drive
from splitbrain.store import RunDirectory, create_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from splitbrain.backend import Backend
    from splitbrain.generators import Liftable
    from splitbrain.runner.loop import Course, Watcher
    from splitbrain.runner.preparation import Prepared
    from splitbrain.systems.contract import Client

SECOND = 1_000_000_000


def execute(
    prepared: Prepared, store: Path, started: datetime, watch: Watcher, *, fail_fast: bool = False
) -> tuple[dict[str, Any], RunDirectory]:
    """Carry a prepared run out in a new run directory under `store` and judge it.

    An interrupt (SIGINT, SIGTERM) heals, tears down, and judges what was recorded. With `fail_fast` so
    does the first violation.

    Raises:
        UsageError: the store can't be written.
        HarnessError: the cluster did not come up, or the harness failed.
    """
    test = {**prepared.test, "started": started.isoformat(timespec="seconds")}
    directory = create_run(store, prepared.system.name, test["seed"], started)
    directory.write("test.json", test)
    directory.write("plan.json", prepared.plan.to_json())
    with interrupts() as interrupted:
        nemesis, course, found = _perform(prepared, directory, interrupted, watch, fail_fast=fail_fast)
    directory.write("outcome.json", {**_outcome(nemesis, course), "stopped": found})
    return conclude(directory), directory


def _perform(
    prepared: Prepared,
    directory: RunDirectory,
    interrupted: Callable[[], bool],
    watch: Watcher,
    *,
    fail_fast: bool,
) -> tuple[Nemesis, Course, str | None]:
    """Drive the cluster; return how it went, and the violation that stopped it, if one did."""
    backend = _backend(prepared, directory)
    history = Journal(directory.history)
    faults = Journal(directory.faults)
    stack = contextlib.ExitStack()
    found: Callable[[], str | None] = _nothing
    try:
        backend.open()
        if fail_fast:
            test = prepared.test
            found = stack.enter_context(Lookout(directory, test["reference"], test["workload"])).violation
        interpreter = _interpreter(prepared, backend, history)
        nemesis = Nemesis(
            prepared.plan,
            prepared.faults,
            backend,
            roles=prepared.system.roles,
            journal=faults.append,
            record=interpreter.record_nemesis,
            clock_bound=prepared.system.clock_bound,
        )
        course = drive(
            backend,
            interpreter,
            nemesis,
            duration=round(prepared.plan.duration * SECOND),
            recovery=round(prepared.plan.recovery * SECOND),
            final=_final(prepared),
            interrupted=lambda: interrupted() or found() is not None,
            watch=watch,
            fail_fast=fail_fast,
        )
    except OSError as error:
        raise HarnessError(f"The run in {directory.path} broke off: {error}.") from error
    finally:
        stack.close()
        backend.close()
        history.close()
        faults.close()
    course = dataclasses.replace(course, remarks=[*course.remarks, *interpreter.remarks])
    return nemesis, course, found() or _first_crash(course, fail_fast=fail_fast)


def _nothing() -> None:
    """Nobody is on the lookout."""


def _first_crash(course: Course, *, fail_fast: bool) -> str | None:
    return f"{course.exits[0].node} ended by itself" if fail_fast and course.exits else None


def _backend(prepared: Prepared, directory: RunDirectory) -> Backend:
    if prepared.test["on"] != "local":
        raise UsageError(f"There is no backend {prepared.test['on']!r} for a real run; known is local.")
    from splitbrain.cluster.local.cluster import LocalCluster  # noqa: PLC0415  one backend a run

    test = prepared.test
    return LocalCluster(
        test["reference"],
        test["nodes"],
        settings=test["settings"],
        bugs=test["bugs"],
        directory=directory.nodes,
        seed=test["seed"],
        watch=sorted({role.pattern.kind for role in prepared.system.roles.values()}),
    )


def _interpreter(prepared: Prepared, backend: Backend, journal: Journal) -> Interpreter:
    test = prepared.test

    def client(name: str, preferred: str) -> Client:
        return prepared.system.client(name, backend.nodes, preferred, test["settings"])

    stream = random.Random(f"{test['seed']}/workload")
    workload = prepared.workload()
    operations = workload.generator(workload.settle({}), stream)
    paced = stagger(1 / test["rate"], operations, stream) if test["rate"] else operations
    return Interpreter(
        paced,
        concurrency=test["concurrency"],
        nodes=backend.nodes,
        client=client,
        journal=journal,
        timeout=round(test["operation_timeout"] * SECOND),
        seed=test["seed"],
    )


def _final(prepared: Prepared) -> Liftable:
    workload = prepared.workload()
    return workload.final_generator(workload.settle({}), random.Random(f"{prepared.test['seed']}/final"))


def _outcome(nemesis: Nemesis, course: Course) -> dict[str, Any]:
    return {
        "records": [dataclasses.asdict(record) for record in nemesis.records],
        "exits": [event._asdict() for event in course.exits],
        "interrupted": course.interrupted,
        "remarks": list(course.remarks),
        "ended": course.ended,
    }


class _Interrupts:
    """Counts SIGINT and SIGTERM: the first ends the run in order, the second at once."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self) -> bool:
        """Tell whether the run was asked to end."""
        return self.seen > 0

    def handle(self, _signal: int, _frame: Any) -> None:
        """Count a signal; the second one interrupts whatever is under way."""
        self.seen += 1
        if self.seen > 1:
            raise KeyboardInterrupt


@contextlib.contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Yield what tells whether SIGINT or SIGTERM asked the run to end; restore the handlers after."""
    seen = _Interrupts()
    before = {number: signal.signal(number, seen.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
