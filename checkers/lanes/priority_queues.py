"""The polynomial lane for priority queues whose values are put in once: n log n.

The largest number is taken first. 1.0 counts as larger than 1, so that there is one order.

*Free gaps.* A peek or poll of v needs an instant at which nothing larger is in. Call a gap free for v if no
larger value is in for certain there (`stays`). Let q be a peek or the poll of v, tightened: it can't come
before the insertion was invoked. Let e(q) and l(q) be the first and the last gap inside it that is free for
v. If there is none, there is no linearization. Otherwise q comes in a gap from e(q) to l(q). So v is
inserted no later than A = min(the last gap of the insertion, l(q) of each q) and polled no earlier than B =
max(e(q) of each q), after everything if it wasn't polled. If B > l(poll), some peek can't precede the poll:
no linearization.

*That is enough.* Insert v at the end of gap A and poll it at the beginning of gap B, or if A >= B do
everything at one instant in gap B. Gap B is free for v: it is e(q) of some q. Peek in l(q) if that isn't
behind B; else in e(q) if that isn't before A; else e(q) < A and l(q) > B, so gap B is inside q. So everyone
looks in a gap that is free for what it sees; it remains that larger values are not in there though they
needn't be. A value is in between A and B; where it isn't in for certain there, larger ones are, for those
gaps lie between A and the return of that q for which A is l(q), or between the invocation of that q for
which B is e(q) and B. (If A < B though no value is in for certain, these two meet.) So, from the largest
value down, the gaps in which some value from v up is in are those in which one is in for certain.

In a gap polls go from the largest down (each directly behind its peeks of that gap), then come values that
are there for an instant only and the other peeks and calls that found the queue empty, then insertions from
the smallest up, each directly followed by its peeks of that gap: so nobody looks while something larger is
in.

*Found empty*: needs a free gap, below the smallest value.

*The gaps* are kept as two forests: the next free gap and the previous one. Values come from the largest down,
and each gap is covered once.

*Crashed polls*: see `settling`. A value that would be there for an instant only is inserted as late as
possible.

Conditions: no value is put in twice, and all are numbers. Lee & Mathur (arXiv 2410.04581) decide this in n
log n too, by other rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.checkers.lanes.containers import COMES, LEAVES, LOOKS, NEVER, NOBODY, Contents, dense, gather
from splitbrain.checkers.lanes.settling import Step, settled
from splitbrain.checkers.lanes.stays import Stay, covering
from splitbrain.checkers.models.queues import priority
from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Refutation, Undecided

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome
    from splitbrain.checkers.watch import Watch


def decide(calls: Calls, kinds: Kinds, watch: Watch) -> Outcome:
    """Decide one priority queue, or say why the lane doesn't apply to it.

    Raises:
        BudgetExceeded: the time or the memory is spent.
    """
    calls = dense(calls, watch)
    contents = gather(calls, kinds, "priority-queue", watch)
    if not isinstance(contents, Contents):
        return contents
    if not all(type(value) in (int, float) for value in contents.values):
        return Undecided("a value is no number")
    return settled(contents, calls, _solve, watch)


def _solve(contents: Contents, calls: Calls, watch: Watch) -> list[Step] | Refutation:
    """Find a linearization of contents without crashed polls, or refute them."""
    watch.begin("laid the gaps out")
    plan = _Plan(contents, calls, watch)
    refutation = plan.place_all()
    return plan.steps() if refutation is None else refutation


class _Gaps:
    """Which gaps are free, as two forests. Gap -1 is in front of everything."""

    def __init__(self, count: int) -> None:
        self._next = list(range(count + 2))
        self._previous = list(range(count + 2))

    def next_free(self, gap: int) -> int:
        """Return the first free gap from this one on; behind the last one if there is none."""
        return _root(self._next, gap + 1) - 1

    def last_free(self, gap: int) -> int:
        """Return the last free gap up to this one; -2 if there is none."""
        return _root(self._previous, gap + 2) - 2

    def cover(self, start: int, end: int) -> None:
        """Take the gaps from `start` up to, and without, `end`."""
        gap = self.next_free(start)
        while gap < end:
            self._next[gap + 1] = gap + 2
            self._previous[gap + 2] = gap + 1
            gap = self.next_free(gap + 1)


def _root(forest: list[int], node: int) -> int:
    while forest[node] != node:
        forest[node] = node = forest[forest[node]]
    return node


class _Plan:
    """Finds a gap for each call, from the largest value down."""

    def __init__(self, contents: Contents, calls: Calls, watch: Watch) -> None:
        self._watch = watch
        self._contents = contents
        self._calls = calls
        ends = [returned for returned in calls.returns if returned != FOREVER]
        self._end = max([*calls.invokes, *ends], default=0)
        """The last gap."""
        self._gaps = _Gaps(self._end + 2)
        self._placed: list[tuple[int, Step]] = []
        self._stays: list[Stay] = []
        self._ranks: list[int] = [0] * len(contents.values)
        self._places = len(contents.values) + 1
        """The places in a phase: one a value, and one for calls that found nothing."""

    def place_all(self) -> Refutation | None:
        """Place every call, or refute one."""
        contents, calls = self._contents, self._calls
        priorities = [priority(value) for value in self._watch.over(contents.values, "looked at priorities")]
        by_priority = list(range(len(priorities)))
        self._watch.begin("sorted the values by priority")
        self._watch.sort(by_priority, priorities.__getitem__)
        for rank, value in enumerate(self._watch.over(by_priority, "ranked the values")):
            self._ranks[value] = rank
        for value in self._watch.over(by_priority[::-1], "placed the values"):
            refutation = self._place(value)
            if refutation is not None:
                return refutation
        for call in self._watch.over(contents.empties, "placed the calls that found nothing"):
            gap = self._gaps.next_free(calls.invokes[call])
            if gap >= calls.returns[call]:
                return self._refutation("found-empty", [], [(NOBODY, calls.invokes[call], gap)], call)
            self._add(gap, LOOKS, len(by_priority), 1, Step(call, -1, NOBODY, sees=True))
        return None

    def _place(self, value: int) -> Refutation | None:
        """Find the gaps for the calls of one value."""
        contents, gaps = self._contents, self._gaps
        come = max(-1, min(contents.stored[value] - 1, self._end))
        go = NEVER if contents.asked[value] == NEVER else -1
        last_go = go_reason = None
        looks: list[tuple[int, int, int]] = []
        for call, invoked, returned in self._looks(value):
            earliest, latest = gaps.next_free(invoked), gaps.last_free(returned - 1)
            if earliest > latest:
                return self._refutation("priority", [value], [(value, invoked, returned)], call)
            looks.append((call, earliest, latest))
            come = min(come, latest)
            if go != NEVER and earliest > go:
                go, go_reason = earliest, (value, invoked, earliest)
            if call == contents.removals[value]:
                last_go = (latest, (value, latest + 1, returned))
        if last_go is not None and go > last_go[0]:
            assert go_reason is not None
            return self._refutation("priority", [value], [go_reason, last_go[1]], NOBODY)
        first, last = contents.first[value], contents.last[value]
        if first < last:
            gaps.cover(max(-1, first), min(last, self._end + 1))
            self._stays.append(Stay(first, last, value))
        if come >= go:
            come = go = gaps.last_free(come) if contents.removals[value] == NOBODY else go
        self._add_calls(value, looks, come, go)
        return None

    def _looks(self, value: int) -> list[tuple[int, int, int]]:
        """Return the peeks and the poll of a value with their first gap, and the one behind their last."""
        contents, calls = self._contents, self._calls
        added, behind = contents.added[value], self._end + 1
        looks = [
            (peek, max(added, calls.invokes[peek]), calls.returns[peek])
            for peek in contents.peeks.get(value, ())
        ]
        if contents.asked[value] != NEVER:
            taken = min(contents.taken[value], behind)
            looks.append((contents.removals[value], contents.asked[value], taken))
        return looks

    def _add_calls(self, value: int, looks: Sequence[tuple[int, int, int]], come: int, go: int) -> None:
        """Note where the calls of a value go."""
        contents, rank = self._contents, self._ranks[value]
        falling = len(self._ranks) - rank
        insertion, removal = contents.insertions[value], contents.removals[value]
        at_once = come == go
        if insertion != NOBODY:
            self._add(come, LOOKS if at_once else COMES, rank, 0, Step(insertion, rank, value, sees=False))
        for call, earliest, latest in looks:
            step = Step(call, rank, value, sees=True)
            if call == removal:
                self._add(go, *((LOOKS, rank) if at_once else (LEAVES, falling)), 2, step)
                continue
            gap = latest if latest <= go else earliest if earliest >= come else go
            if at_once:
                self._add(go, LOOKS, rank, 1, step)
            elif gap == go:
                self._add(gap, LEAVES, falling, 1, step)
            else:
                self._add(gap, COMES if gap == come else LOOKS, rank, 1, step)

    def _add(self, gap: int, phase: int, place: int, part: int, step: Step) -> None:
        self._placed.append(((((gap + 1) * 3 + phase) * self._places + place) * 3 + part, step))

    def steps(self) -> list[Step]:
        """Return everything in order."""
        self._watch.begin("sorted the calls by their places")
        self._watch.sort(self._placed)
        return [step for _, step in self._placed]

    def _refutation(
        self, rule: str, values: Sequence[int], ranges: Sequence[tuple[int, int, int]], call: int
    ) -> Refutation:
        """Name the values without which some gap of the ranges would be free: those larger than `value`."""
        by_start = sorted(self._stays)
        for value, start, end in ranges:
            floor = -1 if value == NOBODY else self._ranks[value]
            larger = [stay for stay in by_start if self._ranks[stay.value] > floor]
            values = [*values, *covering(larger, start, end)]
        return Refutation(rule, self._contents.core(values, [] if call == NOBODY else [call]))
