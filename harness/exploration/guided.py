"""Hypothesis writes the script of a case, and steers towards what no run has reached yet.

Plain seeds are the better search for bulk: they cost nothing to draw and every core can have its own.
Hypothesis is the better one where something rare has to happen twice: `target()` makes it vary the
scripts that reached most. A script is sparse, since Hypothesis has room for a few thousand choices and a
run makes many more: the shape of the cluster, a few operations, faults, crash points, and messages
that depart from the default order. Latencies and time-outs come from the case's own seeded streams.

`cases` is a strategy for anyone's own property tests; `explore` is what `splitbrain explore --guided` does.
Hypothesis is imported with this module alone, and only its search is used: violations are shrunk by
`exploration.shrink`, which knows what a case is.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from time import monotonic
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings, target
from hypothesis import seed as seeded
from hypothesis import strategies as st

from splitbrain.exploration.campaign import Campaign, Tally, Task, milestones_of, sight
from splitbrain.exploration.case import Case
from splitbrain.exploration.dice import dice
from splitbrain.exploration.draw_faults import LONGEST, SHORTEST, possible
from splitbrain.faults.base import Room
from splitbrain.plan import Plan, PlannedFault, Trigger
from splitbrain.simulation.deviations import Address, CrashPoint, Deviation
from splitbrain.simulation.environment import Disk, Environment, Network

if TYPE_CHECKING:
    from collections.abc import Callable

    from splitbrain.exploration.simulate import Outcome
    from splitbrain.exploration.space import Space
    from splitbrain.faults.base import Fault

MILLISECOND = 1_000_000
DURATION = 4.0
"""Seconds that a script goes on."""

MOST_OPERATIONS, MOST_FAULTS, MOST_CRASHES, MOST_DEVIATIONS = 40, 6, 3, 6
ROUND = 1_000
"""Scripts that Hypothesis makes before it begins anew from another seed."""

Draw = Any
"""The function by which a composite strategy draws; Hypothesis names no type for it."""


class FoundError(Exception):
    """Ends Hypothesis's search: a violation was found, or the time is up."""


@st.composite
def cases(draw: Draw, space: Space) -> Case:
    """Return cases of a space, written out: operations, faults, crash points, deviations."""
    nodes = draw(st.sampled_from(space.sizes()))
    names = tuple(f"n{number}" for number in range(1, nodes + 1))
    workload = draw(st.sampled_from(sorted(space.workloads)))
    seed = draw(st.integers(0, 2**31 - 1))
    concurrency = draw(st.integers(2, 6))
    variations = space.described.variations
    return Case(
        system=space.system,
        bugs=space.bugs,
        nodes=nodes,
        workload=workload,
        seed=seed,
        plan=Plan(seed, DURATION, space.described.recovery / 3, draw(_faults(space, names))),
        settings={
            name: draw(st.sampled_from(variations[name]))
            for name in sorted(variations)
            if draw(st.booleans())
        },
        concurrency=concurrency,
        rate=draw(st.sampled_from([MOST_OPERATIONS / DURATION, 2 * MOST_OPERATIONS / DURATION])),
        operation_timeout=draw(st.sampled_from([0.3, 1.0, 2.0])),
        patience=3 * space.described.recovery,
        workload_options=draw(_keys(space.workloads[workload].options)),
        environment=draw(_environments()),
        crash_points=draw(_crash_points(space, names)),
        deviations=draw(_deviations(space, names)),
    )


@st.composite
def _environments(draw: Draw) -> Environment:
    latency = draw(st.sampled_from([0.2, 1.0, 5.0, 20.0]))
    sync = draw(st.sampled_from([0.1, 1.0, 10.0, 60.0]))
    return Environment(
        network=Network(latency=round(latency * MILLISECOND), spread=round(latency * MILLISECOND)),
        disk=Disk(sync=round(sync * MILLISECOND), spread=round(sync * MILLISECOND)),
        boot=draw(st.sampled_from([2, 20, 200])) * MILLISECOND,
    )


def _keys(options: Any) -> st.SearchStrategy[dict[str, int]]:
    if type(options.get("keys")) is not int:
        return st.just({})
    return st.sampled_from([1, 2, 3]).map(lambda keys: {"keys": keys})


def _times(longest: float) -> st.SearchStrategy[float]:
    """Seconds, in milliseconds: what is finer only wastes choices."""
    return st.integers(0, round(longest * 1000)).map(lambda milliseconds: milliseconds / 1000)


@st.composite
def _faults(draw: Draw, space: Space, nodes: tuple[str, ...]) -> tuple[PlannedFault, ...]:
    names = [name for name, fault in space.faults.items() if fault.minimum_nodes <= len(nodes)]
    count = draw(st.integers(0, MOST_FAULTS)) if names else 0
    faults = [draw(_fault(space, nodes, names, number)) for number in range(count)]
    return tuple(sorted(faults, key=lambda fault: fault.instant))


@st.composite
def _fault(draw: Draw, space: Space, nodes: tuple[str, ...], names: list[str], number: int) -> PlannedFault:
    name = draw(st.sampled_from(names))
    fault: Fault = space.faults[name]
    roles = tuple(sorted(space.described.roles))
    # A fault draws its parameters itself, from dice of ours: one choice of Hypothesis, whatever they are.
    drawn = fault.draw(
        dice(draw(st.integers(0, 255)), "guided", name),
        Room(nodes, roles, draw(st.sampled_from([1, len(nodes)])), 0, space.described.clock_bound),
    )
    at, lasts = draw(_times(DURATION - 0.1)), max(SHORTEST, draw(_times(LONGEST)))
    when = draw(_trigger(space, at)) if space.vocabulary.notes and draw(st.booleans()) else None
    words = [None, "one", "majority", "all", *roles, *(["noter", "others"] if when else [])]
    begins = {"at": None if when else at, "when": when}
    plain = PlannedFault(
        f"{name}-{number + 1}", name, lasts, target=drawn.target, parameters=drawn.parameters, **begins
    )
    aimed = PlannedFault(
        plain.id, name, lasts, target=draw(st.sampled_from(words)), parameters=drawn.parameters, **begins
    )
    return aimed if possible(fault, aimed, nodes, roles) else plain


@st.composite
def _trigger(draw: Draw, space: Space, after: float) -> Trigger:
    kind = draw(st.sampled_from(space.vocabulary.notes))
    where = {name: draw(st.sampled_from(values)) for name, values in kind.fields if draw(st.booleans())}
    return Trigger(kind.kind, where, "any", draw(st.integers(0, min(kind.most, 10))), after)


@st.composite
def _crash_points(draw: Draw, space: Space, nodes: tuple[str, ...]) -> tuple[CrashPoint, ...]:
    ways = [name == "power-cut" for name in ("kill", "power-cut") if name in space.faults]
    if not ways or not space.vocabulary.labels:
        return ()
    points = {}
    for _ in range(draw(st.integers(0, MOST_CRASHES))):
        label, most = draw(st.sampled_from(space.vocabulary.labels))
        point = CrashPoint(
            draw(st.sampled_from(nodes)),
            label,
            draw(st.integers(0, max(0, most - 1))),
            draw(st.sampled_from(ways)),
            draw(st.integers(1, 500)) * MILLISECOND,
            draw(st.integers(0, 255)),
        )
        points[point.node, point.label, point.ordinal] = point
    return tuple(points.values())


@st.composite
def _deviations(draw: Draw, space: Space, nodes: tuple[str, ...]) -> tuple[Deviation, ...]:
    types = space.vocabulary.messages
    if "reorder" not in space.faults or not types or len(nodes) < 2:
        return ()
    deviations = {}
    for _ in range(draw(st.integers(0, MOST_DEVIATIONS))):
        source = draw(st.sampled_from(nodes))
        destination = draw(st.sampled_from([node for node in nodes if node != source]))
        kind, most = draw(st.sampled_from(types))
        address = Address(source, destination, kind, draw(st.integers(0, max(0, most - 1))))
        delay = draw(st.none() | st.integers(1, 3000).map(lambda late: late * MILLISECOND))
        deviations[address] = Deviation(address, delay)
    return tuple(deviations.values())


def features(outcome: Outcome) -> frozenset[tuple[Any, ...]]:
    """Return what a run reached: kinds of notes with their flags, and which followed which on a node."""
    found: set[tuple[Any, ...]] = set()
    for notes in outcome.notes.values():
        told = [
            (
                note.kind,
                *((name, value) for name, value in sorted(note.fields.items()) if isinstance(value, bool)),
            )
            for note in notes
        ]
        found.update(told)
        found.update((first, second) for first, second in pairwise(told) if first != second)
    return frozenset(found)


def explore(
    task: Task,
    *,
    first: int = 0,
    seeds: int | None = None,
    seconds: float | None = None,
    keep_going: bool = False,
    progress: Callable[[Tally], object] = lambda _tally: None,
) -> tuple[Campaign, dict[int, Case]]:
    """Search with Hypothesis in this process; return the campaign and its failing cases.

    Instead of seeds its findings name the numbers of the scripts, counted from `first`.

    Raises:
        HarnessError: a run could not be carried out.
    """
    search = _Search(task, first, seeds, seconds, progress, keep_going=keep_going)
    begun = 0
    try:
        while not search.over:
            search.round(first + begun)
            begun += 1
    except KeyboardInterrupt:
        return search.tally.campaign(interrupted=True), search.failing
    return search.tally.campaign(interrupted=False), search.failing


class _Search:
    """Rounds of Hypothesis over one space; what is new is new to all rounds."""

    def __init__(
        self,
        task: Task,
        first: int,
        runs: int | None,
        seconds: float | None,
        progress: Callable[[Tally], object],
        *,
        keep_going: bool,
    ) -> None:
        self.tally = Tally(task, first)
        self.failing: dict[int, Case] = {}
        self._task = task
        self._first, self._runs, self._keep_going = first, runs, keep_going
        self._until = None if seconds is None else monotonic() + seconds
        self._progress = progress
        self._space = task.space()
        self._patterns = milestones_of(self._space.described)
        self._seen: set[tuple[Any, ...]] = set()

    @property
    def over(self) -> bool:
        """Whether the search ends."""
        spent = self._runs is not None and self.tally.runs >= self._runs
        late = self._until is not None and monotonic() >= self._until
        return spent or late or bool(self.tally.findings and not self._keep_going)

    def round(self, number: int) -> None:
        """Let Hypothesis make up to `ROUND` scripts."""
        left = ROUND if self._runs is None else min(ROUND, self._runs - self.tally.runs)

        @seeded(number)
        @settings(
            max_examples=left,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.target),
            suppress_health_check=list(HealthCheck),
        )
        @given(cases(self._space))
        def attempt(case: Case) -> None:
            if self.over:
                raise FoundError
            self._try(case)

        try:
            attempt()
        except FoundError:
            return

    def _try(self, case: Case) -> None:
        number = self._first + self.tally.runs
        covered = self._task.sample > 0 and number % self._task.sample == 0
        sighting, outcome = sight(self._space, case, self._patterns, covered=covered)
        self.tally.add(replace(sighting, seed=number))
        if sighting.kinds:
            self.failing[number] = case
        reached = features(outcome)
        new = len(reached - self._seen)
        self._seen |= reached
        target(float(len(reached)), label="notes and their order")
        target(float(new), label="new to the search")
        self._progress(self.tally)
