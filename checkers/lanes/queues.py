"""The polynomial lane for first-in-first-out queues whose values are put in once: n log n.

Let e(v) be the enqueue of v, and the *head* of v its peeks and, as the last of them, its dequeue: while they
happen, v is the first in line. A value that stays has a dequeue after everything. A head operation
can't precede its enqueue, so let it be invoked no earlier than that was.

*Order of values.* a must come before b if e(a) returned before e(b) was invoked, or if some head operation
of a returned before one of b was invoked. These demands must not form a circle.

*That is enough*, where nobody found the queue empty and no head operation contradicts its own enqueue or
dequeue. Put the values in an order that respects the demands; the enqueues follow it, and so do the heads.
It remains to interleave the two: e(v) before the head of v, and real time between them. Suppose this has a
circle. Real time is an interval order: if p precedes q and r precedes s, then p precedes s or r precedes q.
So a shortest circle goes only once from the heads to the enqueues, by h, a head operation of b, that
returned before e(a) was invoked. From e(a) it goes down the enqueues to some e(c), over to a head operation
g of d, and down the heads to h. Going down never means going back in real time: e(a) was invoked before
e(c) returned, g before h returned. If it goes over by real time, e(c) returned before g was invoked, so
e(a) was invoked before h returned: no. Else c = d, and so a is b or before it; but h returned before e(a)
was invoked, and with it the whole head of a: b before a is demanded.

*Circles.* Take the values that are still unordered; v0 is the one whose enqueue returned first, v1 and v2
are those with the earliest return of a head operation. Whoever can't go next has v0 before it, or v1, or
(being v1) v2. If nobody can go next, then there is a circle of two or three of these. (Two don't always
suffice: with peeks, "some of a before some of b" is not transitive.)

*Found empty.* Each value has f, the earliest return of all its operations, and s, their latest invocation.
If f < s, it is in the queue for certain in between: in the gaps from f up to the one before s. A call that
found the queue empty needs a gap inside it in which no value is in for certain. And that is enough: given
such a gap p, let the values with s before p go before and all others behind. This contradicts no demand,
for if a goes behind and b before, then s(b) < p < f(a), so nothing of a returned before something of b was
invoked.

*Crashed dequeues*: see `settling`. Values that stay come as late as the demands allow, those first that
are in the way of the earliest return.

Conditions: no value is put in twice.
"""

from __future__ import annotations

from bisect import bisect_left
from heapq import heappop, heappush
from itertools import accumulate
from typing import TYPE_CHECKING

from splitbrain.checkers.lanes.containers import NEVER, NOBODY, Contents, gather
from splitbrain.checkers.lanes.settling import Step, settled
from splitbrain.checkers.lanes.stays import certain, free_gaps
from splitbrain.checkers.outcome import Refutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome
    from splitbrain.checkers.watch import Watch

_FOR_ENQUEUES, _FOR_HEADS = 1, 2


def decide(calls: Calls, kinds: Kinds, watch: Watch) -> Outcome:
    """Decide one queue, or say why the lane doesn't apply to it.

    Raises:
        BudgetExceeded: the time or the memory is spent.
    """
    contents = gather(calls, kinds, "fifo-queue", watch)
    if not isinstance(contents, Contents):
        return contents
    return settled(contents, calls, _solve, watch)


def _solve(contents: Contents, calls: Calls, watch: Watch) -> list[Step] | Refutation:
    """Find a linearization of contents without crashed dequeues, or refute them."""
    cuts = _cuts(contents, calls, watch)
    if isinstance(cuts, Refutation):
        return cuts
    order = _in_order(contents, calls, cuts, watch)
    return order if isinstance(order, Refutation) else _steps(contents, calls, cuts, order, watch)


def _cuts(contents: Contents, calls: Calls, watch: Watch) -> list[tuple[int, int]] | Refutation:
    """Return (gap, call) for each call that found the queue empty, by gap."""
    gaps = free_gaps(contents, calls, certain(contents, watch), watch) if contents.empties else []
    return gaps if isinstance(gaps, Refutation) else sorted(zip(gaps, contents.empties, strict=True))


def _in_order(
    contents: Contents, calls: Calls, cuts: Sequence[tuple[int, int]], watch: Watch
) -> list[list[int]] | Refutation:
    """Put the values in an order that respects all demands: a list in front of each cut, and the last."""
    gaps = [gap for gap, _ in cuts]
    between: list[list[int]] = [[] for _ in range(len(gaps) + 1)]
    for value, last in enumerate(watch.over(contents.last, "divided the values where the queue was empty")):
        between[bisect_left(gaps, last)].append(value)
    heads = _first_head_returns(contents, calls, watch)
    ordered: list[list[int]] = []
    watch.begin("put the values in order", len(contents.last))
    for values in between:
        part = _Sorting(contents, heads, values, watch).sort()
        if isinstance(part, Refutation):
            return part
        ordered.append(part)
    return ordered


def _first_head_returns(contents: Contents, calls: Calls, watch: Watch) -> list[int]:
    """Return for each value the earliest return of its peeks and its dequeue."""
    returned = list(contents.taken)
    for value, peeks in watch.over(list(contents.peeks.items()), "looked when each value was first in line"):
        returned[value] = min(returned[value], *(calls.returns[peek] for peek in peeks))
    return returned


class _Sorting:
    """Sorts some values by the demands: a value can go next if no remaining one must precede it.

    A value waits for v0 if its enqueue was invoked after that of v0 had returned, and for v1 if one of its
    head operations was invoked after the first of v1 had returned. Returns are looked through in their
    order, so both waits end once.
    """

    def __init__(self, contents: Contents, heads: Sequence[int], values: Sequence[int], watch: Watch) -> None:
        self._watch = watch
        self._contents = contents
        self._heads = heads
        self._values = values
        self._remaining = dict.fromkeys(values, True)
        self._waits = dict.fromkeys(values, _FOR_ENQUEUES | _FOR_HEADS)
        self._ready: list[tuple[int, int]] = []
        self._postponed: list[tuple[int, int]] = []

    def sort(self) -> list[int] | Refutation:
        """Return the values in order, or those that demand each other in a circle."""
        contents, heads, remaining = self._contents, self._heads, self._remaining
        added, stored, last = contents.added, contents.stored, contents.last
        by_added, by_last, by_stored, by_head = map(self._sorted_by, (added, last, stored, heads))
        next_added = next_last = next_stored = next_head = next_second = 0
        count = len(self._values)
        order: list[int] = []
        for _ in self._watch.part(range(count)):
            while not remaining[by_stored[next_stored]]:
                next_stored += 1
            while not remaining[by_head[next_head]]:
                next_head += 1
            v0, v1 = by_stored[next_stored], by_head[next_head]
            while next_added < count and added[by_added[next_added]] < stored[v0]:
                self._release(by_added[next_added], _FOR_ENQUEUES)
                next_added += 1
            while next_last < count and last[by_last[next_last]] <= heads[v1]:
                self._release(by_last[next_last], _FOR_HEADS)
                next_last += 1
            next_second = max(next_second, next_head + 1)
            while next_second < count and not remaining[by_head[next_second]]:
                next_second += 1
            v2 = by_head[next_second] if next_second < count else NOBODY
            if v2 == NOBODY or last[v1] <= heads[v2]:
                self._release(v1, _FOR_HEADS)
            chosen = self._next()
            if chosen == NOBODY:
                return self._circle(v0, v1, v2)
            remaining[chosen] = False
            order.append(chosen)
        return order

    def _sorted_by(self, column: Sequence[int]) -> list[int]:
        row = list(self._values)
        self._watch.sort(row, column.__getitem__)
        return row

    def _release(self, value: int, wait: int) -> None:
        """End one of the waits of a value."""
        waits = self._waits[value]
        if not waits & wait:
            return
        self._waits[value] = waits ^ wait
        if waits == wait:
            if self._contents.is_made_up(value):
                heappush(self._postponed, (self._contents.stored[value], value))
            else:
                heappush(self._ready, (self._heads[value], value))

    def _next(self) -> int:
        """Return a value that can go next: one that is known to have been dequeued, if possible."""
        for waiting in (self._ready, self._postponed):
            if waiting:
                return heappop(waiting)[1]
        return NOBODY

    def _circle(self, v0: int, v1: int, v2: int) -> Refutation:
        """Follow the waits from v0 until they come back."""
        added, stored = self._contents.added, self._contents.stored
        path = [v0]
        while True:
            value = path[-1]
            by_head = v2 if value == v1 else v1
            before = v0 if added[value] > stored[v0] else by_head
            if before in path:
                return Refutation("queue-order", self._contents.core(path[path.index(before) :]))
            path.append(before)


def _steps(
    contents: Contents,
    calls: Calls,
    cuts: Sequence[tuple[int, int]],
    ordered: Sequence[Sequence[int]],
    watch: Watch,
) -> list[Step]:
    """Write out the values of each part, and the calls that found the queue empty between them."""
    steps: list[Step] = []
    watch.begin("wrote the calls out", len(contents.values) + len(calls.kinds))
    for values, cut in zip(ordered, [*(call for _, call in cuts), None], strict=True):
        steps.extend(_interleaved(contents, calls, values, watch))
        if cut is not None:
            steps.append(Step(cut, -1, NOBODY, sees=True))
    return steps


def _interleaved(contents: Contents, calls: Calls, values: Sequence[int], watch: Watch) -> list[Step]:
    """Interleave the enqueues of these values with their heads, both in this order."""
    invokes, returns = calls.invokes, calls.returns
    heads: list[tuple[int, int, int, int]] = []
    for place, value in enumerate(watch.part(values)):
        heads.extend((place, peek, invokes[peek], returns[peek]) for peek in contents.peeks.get(value, ()))
        if contents.asked[value] != NEVER:
            heads.append((place, contents.removals[value], contents.asked[value], contents.taken[value]))
    stored = [contents.stored[value] for value in values]
    first_stored = [*accumulate(reversed(stored), min)][::-1]
    first_head = [NEVER, *accumulate((returned for *_, returned in reversed(heads)), min)][::-1]
    steps: list[Step] = []
    place = head = 0
    for _ in watch.part(range(len(heads) + len(values))):
        if place < len(values) and contents.added[values[place]] < first_head[head]:
            if contents.insertions[values[place]] != NOBODY:
                steps.append(Step(contents.insertions[values[place]], 0, values[place], sees=False))
            place += 1
            continue
        of, call, invoked, _ = heads[head]
        assert of < place
        assert place == len(values) or first_stored[place] > invoked
        steps.append(Step(call, 1 if call == NOBODY else 0, values[of], sees=True))
        head += 1
    return steps
