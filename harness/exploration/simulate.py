"""From a case to what happened: the runner's own interpreter, nemesis and loop over a simulated world."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from splitbrain import registry
from splitbrain.errors import UsageError
from splitbrain.exploration.script import script
from splitbrain.exploration.waits import waits
from splitbrain.faults.nemesis import Nemesis
from splitbrain.generators import stagger
from splitbrain.runner.calm import Reach
from splitbrain.runner.interpreter import Interpreter
from splitbrain.runner.loop import drive
from splitbrain.simulation.story import Story
from splitbrain.simulation.world import World
from splitbrain.systems.description import mutated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from splitbrain.backend import NodeExited
    from splitbrain.checkers.verdict import NodeNote
    from splitbrain.exploration.case import Case
    from splitbrain.faults.base import Fault
    from splitbrain.faults.record import FaultRecord
    from splitbrain.generators import Liftable
    from splitbrain.runner.loop import Watcher
    from splitbrain.simulation.deviations import Deviation
    from splitbrain.systems.contract import Client, Node
    from splitbrain.systems.description import System
    from splitbrain.workloads.base import Workload

SECOND = 1_000_000_000
QUICK = SECOND // 50
"""Nanoseconds that a message or a sync may take before its slowness is an excuse."""


@dataclass(frozen=True)
class Resolved:
    """What the names in cases stand for. Resolving costs more than a run, so cases share it."""

    system: type[System]
    node: type[Node]
    workload: type[Workload]
    model: Any
    faults: Mapping[str, Fault]
    checkers: Sequence[Any]


@dataclass(frozen=True)
class Outcome:
    """What happened in a simulated run; lines and notes as the files of a run directory have them."""

    lines: Sequence[Mapping[str, Any]]
    faults: Sequence[Mapping[str, Any]]
    notes: Mapping[str, Sequence[NodeNote]]
    records: Sequence[FaultRecord]
    exits: Sequence[NodeExited]
    remarks: Sequence[str]
    reach: Sequence[Reach]
    ended: int
    healed: int
    steps: int
    cut_short: bool = False
    story: Story | None = None
    recorded: Sequence[Deviation] | None = None
    census: Mapping[tuple[str, str], int] | None = None
    waits: Sequence[str] = ()
    quick: bool = True
    """Whether network and disks, faults apart, were too quick and sound to excuse a silence."""


class Lines:
    """A journal in memory."""

    def __init__(self) -> None:
        self.lines: list[Mapping[str, Any]] = []

    def append(self, line: Mapping[str, Any]) -> int:
        """Keep a line; return its position."""
        self.lines.append(line)
        return len(self.lines) - 1


def resolve(case: Case) -> Resolved:
    """Find what a case names.

    Raises:
        UsageError: something of it does not exist, or the fault plan does not fit.
    """
    system: type[System] = registry.find("systems", case.system).value
    workload: type[Workload] = registry.find("workloads", case.workload, beside=system).value
    try:
        node = mutated(system, case.bugs)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return Resolved(
        system=system,
        node=node,
        workload=workload,
        model=registry.find("models", workload.model, beside=workload).make(),
        faults={
            name: registry.find("faults", name).make() for name in {each.fault for each in case.plan.faults}
        },
        checkers=[registry.find("checkers", name, beside=system).make() for name in system.invariants],
    )


def simulate(
    case: Case,
    resolved: Resolved,
    *,
    story: bool = False,
    record: bool = False,
    census: bool = False,
    interrupted: Callable[[], bool] | None = None,
    watch: Watcher | None = None,
    said: Callable[[Mapping[str, Any]], object] | None = None,
    enough: Callable[[Lines, Mapping[str, Sequence[NodeNote]]], bool] | None = None,
) -> Outcome:
    """Run a case.

    With `story` the trace is kept, with `record` the schedule as deviations, with `census` the number of
    effects by label. `said` is told each line of the nemesis's journal when it is written. With `enough`
    the run ends at a node's first crash, or when that says so of the history and the notes so far; it is
    asked a few times a virtual second.

    Raises:
        HarnessError: a node raised before it was first ready, or the harness failed.
    """
    settings = {**resolved.system.settings, **case.settings}
    world = World(
        resolved.node,
        case.names,
        settings,
        seed=case.seed,
        environment=case.environment,
        deviations=case.deviations,
        crash_points=case.crash_points,
        watch=tuple({role.pattern.kind: None for role in resolved.system.roles.values()}),
        story=Story() if story else None,
        record=record,
        census=census,
    )
    history, faults = Lines(), Lines()
    world.open()

    def client(name: str, preferred: str) -> Client:
        return resolved.system.client(name, case.names, preferred, settings)

    interpreter = Interpreter(
        _operations(case, resolved),
        concurrency=case.concurrency,
        nodes=case.names,
        client=client,
        journal=history,
        timeout=round(case.operation_timeout * SECOND),
        seed=case.seed,
    )
    nemesis = Nemesis(
        case.plan,
        resolved.faults,
        world,
        roles=resolved.system.roles,
        journal=faults.append if said is None else _both(faults.append, said),
        record=interpreter.record_nemesis,
        clock_bound=resolved.system.clock_bound,
    )
    served = Served(history.lines)
    given, seen = interrupted or _never, watch or _unwatched
    if enough is not None:
        given, seen = _until(enough, history, world, given, seen)
    course = drive(
        world,
        interpreter,
        nemesis,
        duration=round(case.plan.duration * SECOND),
        recovery=round(case.plan.recovery * SECOND),
        final=_final(case, resolved),
        interrupted=given,
        watch=seen,
        patience=round(case.patience * SECOND),
        served=served,
        fail_fast=enough is not None,
    )
    return Outcome(
        lines=history.lines,
        faults=faults.lines,
        notes=world.notes,
        records=nemesis.records,
        exits=course.exits,
        remarks=[*course.remarks, *interpreter.remarks],
        reach=[Reach(*each) for each in world.reach],
        ended=course.ended,
        cut_short=course.interrupted,
        healed=served.since,
        steps=world.steps,
        story=world.story,
        recorded=world.schedule.recorded,
        census=world.census,
        quick=is_quick(case),
        waits=()
        if world.story is None
        else waits(
            world.story.happenings,
            world.notes,
            [role.pattern.kind for role in resolved.system.roles.values()],
        ),
    )


def is_quick(case: Case) -> bool:
    """Tell whether nothing but planned faults and crash points can have kept a system from serving."""
    network, disk = case.environment.network, case.environment.disk
    slowest = max(network.latency + network.spread + network.tail_latency, disk.sync + disk.spread)
    return (
        slowest <= QUICK
        and not network.loss
        and all(each.delay is not None and each.delay <= QUICK for each in case.deviations)
    )


class Served:
    """Tells whether an operation that began after the heal was ok."""

    def __init__(self, lines: Sequence[Mapping[str, Any]]) -> None:
        self._lines = lines
        self._position = -1
        self._open: set[int] = set()
        self.since = 0

    def __call__(self, now: int) -> bool:
        """Look at the lines since the last look; the first look is the heal."""
        if self._position < 0:
            self._position, self.since = len(self._lines), now
        for line in self._lines[self._position :]:
            if line["type"] == "invoke":
                self._open.add(line["process"])
            elif line["type"] == "ok" and line["process"] in self._open:
                return True
        self._position = len(self._lines)
        return False


def _operations(case: Case, resolved: Resolved) -> Liftable:
    if case.operations is not None:
        return script(case.operations, case.concurrency)
    dice = random.Random(f"{case.seed}/workload")
    workload = resolved.workload()
    stream = workload.generator(workload.settle(case.workload_options), dice)
    return stagger(1 / case.rate, stream, dice) if case.rate else stream


def _final(case: Case, resolved: Resolved) -> Liftable:
    if case.operations is not None:
        return None
    workload = resolved.workload()
    return workload.final_generator(
        workload.settle(case.workload_options), random.Random(f"{case.seed}/final")
    )


def _both(
    keep: Callable[[Mapping[str, Any]], object], say: Callable[[Mapping[str, Any]], object]
) -> Callable[[Mapping[str, Any]], object]:
    def journal(line: Mapping[str, Any]) -> None:
        keep(line)
        say(line)

    return journal


def _until(
    enough: Callable[[Lines, Mapping[str, Sequence[NodeNote]]], bool],
    history: Lines,
    world: World,
    interrupted: Callable[[], bool],
    watch: Watcher,
) -> tuple[Callable[[], bool], Watcher]:
    """Return what to ask and whom to tell, so that the run ends when there was enough."""
    stopped = False

    def seen(phase: str, now: int, interpreter: Interpreter, nemesis: Nemesis) -> None:
        nonlocal stopped
        watch(phase, now, interpreter, nemesis)
        stopped = stopped or enough(history, world.notes)

    return lambda: stopped or interrupted(), seen


def _never() -> bool:
    return False


def _unwatched(phase: str, now: int, interpreter: Interpreter, nemesis: Nemesis) -> None:
    """Nobody watches a run that takes milliseconds."""
    del phase, now, interpreter, nemesis
