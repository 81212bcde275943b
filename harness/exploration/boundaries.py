"""Crashes between two effects, systematically: at each point of a small scenario, by kill and by power cut.

A node is free to crash after any effect: a write, a sync, a message, an answer, a note. The windows in
which that hurts may be one effect wide, and random times hardly ever fall into them. So the
scenario runs once to count its effects (the census), and then once more for each point, with a crash there
and everything before it the same. Points of small ordinals come first: those are the rare effects, votes
and snapshots, of every node, and a search that is cut short has seen all kinds of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from splitbrain.exploration.assess import assess
from splitbrain.exploration.case import Case
from splitbrain.exploration.pool import results
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.plan import Plan
from splitbrain.simulation.deviations import CrashPoint
from splitbrain.simulation.environment import Disk, Environment, Network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from splitbrain.exploration.simulate import Resolved
    from splitbrain.exploration.space import Space

MILLISECOND = 1_000_000
DOWN = 60 * MILLISECOND
"""How long a node stays down: it is back before the others have held an election."""

SCENARIO_SECONDS = 2.0
SCENARIO_RATE = 15.0
"""The scenario of a system, unless a case is given: how long operations go on, and how many a second."""

WARY = 3
"""Nodes of the scenario, where the system may have as many: each is in every majority but one."""


class Crash(NamedTuple):
    """What a crash at one point showed; no kinds are no violation."""

    point: CrashPoint
    kinds: tuple[str, ...]
    summary: str


@dataclass(frozen=True)
class Boundaries:
    """What crashes at the points of a case showed. `points` is how many there are, `tried` how many were."""

    case: Case
    points: int
    tried: int
    harmful: tuple[Crash, ...]
    seconds: float
    interrupted: bool = False


@dataclass(frozen=True)
class BoundaryTask:
    """One run for each point."""

    case: Case
    points: tuple[CrashPoint, ...]

    def prepare(self) -> Callable[[int], Crash]:
        """Return the function from the number of a point to what a crash there shows."""
        resolved = resolve(self.case)
        return lambda number: crash_at(self.case, resolved, self.points[number])


def scenario(space: Space, seed: int = 0) -> Case:
    """Return a small case of a system without faults: an election or so, and some operations."""
    sizes = space.sizes()
    return Case(
        system=space.system,
        bugs=space.bugs,
        nodes=WARY if WARY in sizes else sizes[0],
        workload=next(iter(space.workloads)),
        seed=seed,
        plan=Plan(seed, SCENARIO_SECONDS, space.described.recovery / 3),
        concurrency=3,
        rate=SCENARIO_RATE,
        patience=3 * space.described.recovery,
        environment=Environment(
            network=Network(latency=2 * MILLISECOND, spread=4 * MILLISECOND),
            disk=Disk(sync=2 * MILLISECOND, spread=2 * MILLISECOND),
        ),
    )


def crash_points(case: Case, resolved: Resolved, *, ways: Sequence[bool] = (False, True)) -> list[CrashPoint]:
    """Return every point of a case at which a node may crash; `ways` says by power cut or by kill.

    Raises:
        HarnessError: a node raised before it was first ready.
    """
    census = simulate(case, resolved, census=True).census or {}
    return [
        CrashPoint(node, label, ordinal, power, DOWN, seed=ordinal)
        for ordinal in range(max(census.values(), default=0))
        for (node, label), count in sorted(census.items())
        if ordinal < count
        for power in ways
    ]


def crash_at(case: Case, resolved: Resolved, point: CrashPoint) -> Crash:
    """Run a case with one more crash."""
    outcome = simulate(replace(case, crash_points=(*case.crash_points, point)), resolved)
    assessment = assess(resolved, outcome)
    summary = assessment.violations[0].summary if assessment.kinds else ""
    return Crash(point, assessment.kinds, summary)


def crash_everywhere(
    case: Case,
    *,
    jobs: int = 1,
    seconds: float | None = None,
    stop_at_first: bool = False,
    ways: Sequence[bool] = (False, True),
    progress: Callable[[int, int, int], object] = lambda _tried, _points, _harmful: None,
) -> Boundaries:
    """Crash once at each point of a case, for at most so many real seconds.

    Raises:
        HarnessError: a run could not be carried out.
        UsageError: the case names something that does not exist.
    """
    begun = monotonic()
    points = crash_points(case, resolve(case), ways=ways)
    runs = results(BoundaryTask(case, tuple(points)), range(len(points)), jobs)
    tried, harmful, interrupted = 0, [], False
    try:
        for _, crash in runs:
            tried += 1
            if crash.kinds:
                harmful.append(crash)
            progress(tried, len(points), len(harmful))
            late = seconds is not None and monotonic() - begun >= seconds
            if late or (harmful and stop_at_first):
                break
    except KeyboardInterrupt:
        interrupted = True
    finally:
        runs.close()
    order = {point: number for number, point in enumerate(points)}
    return Boundaries(
        case=case,
        points=len(points),
        tried=tried,
        harmful=tuple(sorted(harmful, key=lambda each: order[each.point])),
        seconds=monotonic() - begun,
        interrupted=interrupted,
    )
