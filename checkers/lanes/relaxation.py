"""The configuration graph of a key with unlimited supply: crashed calls may take effect again and again.

Without counts of crashed calls a configuration is small: the state, and which open completed calls are in.
So the whole graph fits into memory where the exact walk, which has a configuration for every way to have
used crashed calls, explodes. It is a relaxation: each linearization of the key is a path through it (the
argument is that of `configurations.py`, prunings 1, 5 and 6, which count nothing). If no path passes some
return, the key is refuted, however often each crashed call took effect. Otherwise the graph is built once
and walked many times, under ever other prices (`pricing.py`).

A *step* is what happens up to one return: the calls invoked before it are open. An edge linearizes open
calls: either the pure observers that its state allows, or one call, perhaps behind a run of crashed calls
that leads to another state. What the run costs depends on where it leads from and to and on which crashed
calls had been invoked: its *fare*, of which there are few. Edges stand in the order in which any walk needs
them: all edges into a node stand before all edges out of it, and those out of it stand together.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.lanes.transitions import IMPOSSIBLE
from splitbrain.checkers.normalise import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.lanes.transitions import Transitions
    from splitbrain.checkers.normalise import Calls, Kinds

MOST_STATES = 64
"""A key with more states is left to the exact walk: runs between all of them would cost too much."""
MOST_EDGES = 6_000_000
"""So many edges take about 150 MB."""
MOST_OPEN = 60
"""So many calls may be open at a time: which of them an edge linearizes has to fit into 64 bits."""
NO_RUN = 0
"""The fare of an edge without crashed calls."""


STAYS = (1 << 31) - 1


class TooLargeError(Exception):
    """The graph is not to be built; the message says what there is too much of."""


class Group(NamedTuple):
    """The crashed calls of one kind, by invocation."""

    kind: int
    calls: tuple[int, ...]


class Fare(NamedTuple):
    """A run from one state to another, of crashed calls that were invoked by the epoch."""

    epoch: int
    start: int
    goal: int


class Step(NamedTuple):
    """The walk up to one return: its first edge, and the open calls by the bit that they have in its edges.

    `wanted` is the bit of the call that returns, `invoked` how many calls had been invoked.
    """

    call: int
    wanted: int
    epoch: int
    first: int
    opened: Mapping[int, int]
    invoked: int


@dataclass(slots=True)
class Relaxation:
    """The graph. Node 0 is the beginning; `ends` are the nodes behind the last return (or before `stuck`).

    `epochs` tell how many calls of each group had been invoked, in the steps that have their number. A node
    has a state, and a step in which it is left (`STAYS`: none), whether or not any edge leads on.
    """

    groups: Sequence[Group]
    transitions: Transitions
    epochs: list[tuple[int, ...]] = field(default_factory=list)
    fares: list[Fare] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    sources: array[int] = field(default_factory=lambda: array("i"))
    targets: array[int] = field(default_factory=lambda: array("i"))
    fare_of: array[int] = field(default_factory=lambda: array("i"))
    bits: array[int] = field(default_factory=lambda: array("q"))
    state_of: array[int] = field(default_factory=lambda: array("i"))
    left: array[int] = field(default_factory=lambda: array("i"))
    ends: Sequence[int] = ()
    stuck: Step | None = None


def relax(calls: Calls, kinds: Kinds, transitions: Transitions, budget: Budget) -> Relaxation:
    """Build the graph of one key, up to the first return that no path passes.

    Raises:
        TooLargeError: there are too many states, edges or open calls.
        BudgetExceeded: the budget ran out.
        ModelError: the model contradicts itself.
    """
    return _Builder(calls, kinds, transitions, budget).build()


class _Builder:
    """One walk over the returns of a key. A configuration is one integer: state << width | mask."""

    def __init__(self, calls: Calls, kinds: Kinds, transitions: Transitions, budget: Budget) -> None:
        self._calls = calls
        self._step = transitions.step
        self._budget = budget
        self._observer = kinds.observer
        self._width = _widest(calls)
        if self._width > MOST_OPEN:
            raise TooLargeError(f"{self._width} operations ran at one time")
        members: dict[int, list[int]] = {}
        for call, (kind, returned) in enumerate(zip(calls.kinds, calls.returns, strict=True)):
            if returned == FOREVER:
                members.setdefault(kind, []).append(call)
        groups = [Group(kind, tuple(crashed)) for kind, crashed in members.items()]
        self._group_of = {group.kind: number for number, group in enumerate(groups)}
        self._available = [0] * len(groups)
        self._relaxed = Relaxation(groups, transitions)
        self._relaxed.epochs.append(tuple(self._available))
        self._fare_ids: dict[tuple[int, int], int] = {}
        self._relaxed.fares.append(Fare(0, 0, 0))
        self._reach: dict[int, Sequence[int]] = {}
        self._kind_of: dict[int, int] = {}
        self._opened: dict[int, int] = {}
        self._observers = 0
        self._mutators = 0
        self._invoked = 0

    def build(self) -> Relaxation:
        """Walk to the end or to the first return that no path passes."""
        calls, relaxed = self._calls, self._relaxed
        completed = [call for call, returned in enumerate(calls.returns) if returned != FOREVER]
        completed.sort(key=calls.returns.__getitem__)
        free = [1 << slot for slot in reversed(range(self._width))]
        alive = {0: self._node(0)}
        for call in completed:
            self._invoke_before(calls.returns[call], free)
            wanted = next(bit for bit, opened in self._opened.items() if opened == call)
            step = Step(
                call=call,
                wanted=wanted,
                epoch=len(relaxed.epochs) - 1,
                first=len(relaxed.sources),
                opened=dict(self._opened),
                invoked=self._invoked,
            )
            survivors = self._pass(alive, wanted)
            if not survivors:
                relaxed.stuck = step
                break
            relaxed.steps.append(step)
            alive = survivors
            del self._opened[wanted]
            self._observers &= ~wanted
            self._mutators &= ~wanted
            free.append(wanted)
        relaxed.ends = tuple(alive.values())
        return relaxed

    def _invoke_before(self, position: int, free: list[int]) -> None:
        """Open the calls that were invoked before a position, and count the crashed ones as available."""
        calls, epoch = self._calls, False
        while self._invoked < len(calls.kinds) and calls.invokes[self._invoked] < position:
            call = self._invoked
            kind = calls.kinds[call]
            self._invoked += 1
            if calls.returns[call] == FOREVER:
                self._available[self._group_of[kind]] += 1
                epoch = True
                continue
            bit = free.pop()
            self._opened[bit] = call
            self._kind_of[bit] = kind
            if self._observer[kind]:
                self._observers |= bit
            else:
                self._mutators |= bit
        if epoch:
            self._relaxed.epochs.append(tuple(self._available))
            self._fare_ids.clear()
            self._reach.clear()

    def _pass(self, alive: Mapping[int, int], wanted: int) -> dict[int, int]:
        """Extend the living configurations until the wanted call is in; return those that have it."""
        width, full = self._width, (1 << self._width) - 1
        number, left = len(self._relaxed.steps), self._relaxed.left
        survivors: dict[int, int] = {}
        levels: list[dict[int, int]] = [{} for _ in range(width + 1)]
        for configuration, node in alive.items():
            if configuration & wanted:
                survivors[configuration ^ wanted] = node
            else:
                levels[(configuration & full).bit_count()][configuration] = node
        for level in levels:
            for configuration, node in level.items():
                self._budget.spend()
                left[node] = number
                state, mask = configuration >> width, configuration & full
                for fare, bits, after in self._moves(state, mask):
                    extended = after << width | mask | bits
                    if bits & wanted:
                        extended ^= wanted
                        found = survivors
                    else:
                        found = levels[(mask | bits).bit_count()]
                    target = found.get(extended)
                    if target is None:
                        target = found[extended] = self._node(after)
                    self._edge(node, target, fare, bits)
            level.clear()
        if len(self._relaxed.sources) > MOST_EDGES:
            raise TooLargeError(f"{len(self._relaxed.sources)} ways to go on")
        return survivors

    def _moves(self, state: int, mask: int) -> Iterable[tuple[int, int, int]]:
        """Yield (fare, bits, state after) of each way to linearize open calls next."""
        step, kind_of = self._step, self._kind_of
        absorbed, todo = 0, self._observers & ~mask
        while todo:
            bit = todo & -todo
            todo ^= bit
            if step(kind_of[bit], state) == state:
                absorbed |= bit
        if absorbed:
            yield NO_RUN, absorbed, state
            return
        reach = self._reach.get(state)
        if reach is None:
            reach = self._reach[state] = self._reachable(state)
        todo = (self._observers | self._mutators) & ~mask
        while todo:
            bit = todo & -todo
            todo ^= bit
            kind = kind_of[bit]
            alone = step(kind, state)
            if alone != IMPOSSIBLE:
                yield NO_RUN, bit, alone
            for goal in reach:
                after = step(kind, goal)
                if after not in (IMPOSSIBLE, alone):
                    yield self._fare(state, goal), bit, after

    def _reachable(self, state: int) -> Sequence[int]:
        """Return the other states to which crashed calls lead."""
        kinds = [
            group.kind
            for group, invoked in zip(self._relaxed.groups, self._available, strict=True)
            if invoked
        ]
        reached, pending = {state}, [state]
        while pending:
            here = pending.pop()
            for kind in kinds:
                after = self._step(kind, here)
                if after != IMPOSSIBLE and after not in reached:
                    reached.add(after)
                    pending.append(after)
            if len(reached) > MOST_STATES:
                raise TooLargeError(f"more than {MOST_STATES} states")
        return sorted(reached - {state})

    def _fare(self, start: int, goal: int) -> int:
        fare = self._fare_ids.get((start, goal))
        if fare is None:
            fare = self._fare_ids[start, goal] = len(self._relaxed.fares)
            self._relaxed.fares.append(Fare(len(self._relaxed.epochs) - 1, start, goal))
        return fare

    def _node(self, state: int) -> int:
        self._relaxed.state_of.append(state)
        self._relaxed.left.append(STAYS)
        return len(self._relaxed.state_of) - 1

    def _edge(self, source: int, target: int, fare: int, bits: int) -> None:
        relaxed = self._relaxed
        relaxed.sources.append(source)
        relaxed.targets.append(target)
        relaxed.fare_of.append(fare)
        relaxed.bits.append(bits)


def _widest(calls: Calls) -> int:
    """Return the greatest number of completed calls that are open at one time."""
    events = [
        (position, 1) for position, end in zip(calls.invokes, calls.returns, strict=True) if end != FOREVER
    ]
    events += [(end, -1) for end in calls.returns if end != FOREVER]
    running = widest = 0
    for _, change in sorted(events):
        running += change
        widest = max(widest, running)
    return widest
