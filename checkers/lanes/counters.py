"""The polynomial lane for counters to which always the same number is added: n log n.

Let a be that number, not zero. A read of v stands behind exactly k = (v - initial) / a additions, its
*level*; if that is no whole number from 0 on, no order explains it. Levels only rise, so reads stand in the
order of their levels, and what remains is to say between which levels each addition stands. Let the levels
that were read be k1 < k2 < ... Slot i is in front of the reads of level ki, and takes ki - k(i-1) additions,
no more and no fewer. The last slot, behind all reads, takes any number.

*Real time* between reads says that no read returned before another one of a lower level was invoked. Between
an addition and reads it gives the addition a first slot, behind all reads that had returned when it was
invoked, and a last slot, in front of all reads that were invoked after it returned; a crashed one has no
last slot, and may be left out. Between two additions it asks for nothing more: if x returned before y was
invoked, neither the first nor the last slot of x is behind that of y. So if y stands in a slot before x, they
may change slots.

*Filling slots.* Go through them in order, and give each the additions that may stand there and have the
earliest last slots, crashed ones last. If too few may, there is no order: each slot so far took what it had
to, so however it was filled, as many were left. If one waits or comes whose last slot was before, there is
none either, for some order fills the slots this way if any order does: look at the first slot where it takes
y and we take x, whose last slot is no later. It has x in a later slot, or nowhere if x crashed, and then so
did y. Let x and y change places: the later slot is none too late for x, so none for y, and y may stand there.

*The order* is slot by slot: the additions of each by invocation, the reads of its level by invocation. An
addition of zero changes nothing and is put in afterwards (`insertion`).

Conditions: all additions that change something add the same number. (With any numbers, which of the crashed
ones happened is the problem of subset sums.)
"""

from __future__ import annotations

from bisect import bisect_left
from heapq import heappop, heappush
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.lanes.insertion import insert_observers
from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Linearization, Refutation, Undecided
from splitbrain.checkers.values import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome


class _Sorted(NamedTuple):
    """The calls by what they do; `levels` goes with `reads`. `idle` ones hold at any level."""

    reads: list[int]
    levels: list[int]
    additions: list[int]
    idle: list[int]


def decide(calls: Calls, kinds: Kinds) -> Outcome:
    """Decide one counter, or say why the lane doesn't apply to it."""
    sorted_calls = _sorted(calls, kinds)
    if not isinstance(sorted_calls, _Sorted):
        return sorted_calls
    slots = _Slots(calls, kinds, sorted_calls)
    return slots.backwards() or slots.filled()


def _sorted(calls: Calls, kinds: Kinds) -> _Sorted | Refutation | Undecided:
    """Sort the calls, and give reads their levels."""
    found: list[int] = []
    additions: list[int] = []
    idle: list[int] = []
    amounts: set[int] = set()
    for call, kind in enumerate(calls.kinds):
        f, value, result, *_ = kinds.calls[kind]
        if f == "read":
            (idle if result is ANYTHING else found).append(call)
        elif value:
            amounts.add(value)
            additions.append(call)
        elif calls.returns[call] != FOREVER:
            idle.append(call)
    if len(amounts) > 1:
        return Undecided("different numbers are added")
    amount, initial = max(amounts, default=1), kinds.values[kinds.initial] or 0
    levels = []
    for call in found:
        level, rest = divmod(kinds.calls[calls.kinds[call]].result - initial, amount)
        if rest or level < 0:
            return Refutation("no-sum", [call, *additions])
        levels.append(level)
    return _Sorted(found, levels, additions, idle)


class _Slots:
    """The slots between the levels that were read, and who may stand in each."""

    def __init__(self, calls: Calls, kinds: Kinds, those: _Sorted) -> None:
        self._calls = calls
        self._kinds = kinds
        self._those = those
        self._levels = sorted(set(those.levels))
        slot_of = {level: slot for slot, level in enumerate(self._levels)}
        self._slots = [slot_of[level] for level in those.levels]
        by_return = sorted((calls.returns[read], slot) for read, slot in self._reads())
        self._returned = [returned for returned, _ in by_return]
        self._highest = [-1, *accumulate((slot for _, slot in by_return), max)]
        self._invoked = [calls.invokes[read] for read in those.reads]
        lowest = accumulate(reversed(self._slots), min, initial=len(self._levels))
        self._lowest = [*lowest][::-1]

    def _reads(self) -> list[tuple[int, int]]:
        return list(zip(self._those.reads, self._slots, strict=True))

    def backwards(self) -> Refutation | None:
        """Refute a read that finds less than another one had that returned before it was invoked."""
        calls = self._calls
        for read, slot in self._reads():
            if self._behind(read) > slot:
                other = max(
                    (each for each in self._reads() if calls.returns[each[0]] < calls.invokes[read]),
                    key=lambda each: each[1],
                )[0]
                return Refutation("backwards", [other, read, *self._those.additions])
        return None

    def _behind(self, call: int) -> int:
        """Return the slot of the highest level that was read when a call was invoked, or -1."""
        return self._highest[bisect_left(self._returned, self._calls.invokes[call])]

    def _before(self, call: int) -> int:
        """Return the slot of the lowest level that was read after a call returned, or the last one."""
        return self._lowest[bisect_left(self._invoked, self._calls.returns[call])]

    def filled(self) -> Outcome:
        """Give each slot its additions; write them out with the reads, or refute the counter."""
        calls, count = self._calls, len(self._levels)
        starting: list[list[int]] = [[] for _ in range(count + 1)]
        for addition in self._those.additions:
            starting[self._behind(addition) + 1].append(addition)
        waiting: list[tuple[int, int, int]] = []
        chosen: list[list[int]] = []
        for slot in range(count + 1):
            for addition in starting[slot]:
                heappush(waiting, (self._before(addition), calls.returns[addition], addition))
            room = self._room(slot, waiting)
            if room > len(waiting) or (waiting and waiting[0][0] < slot):
                return self._refuted()
            chosen.append([heappop(waiting)[2] for _ in range(room)])
        complete = insert_observers(calls, self._kinds, self._written_out(chosen), self._those.idle)
        assert complete is not None, "whoever holds in any state finds a place"
        return Linearization(complete)

    def _room(self, slot: int, waiting: Sequence[tuple[int, int, int]]) -> int:
        """Return how many additions stand in a slot; in the last one all that have returned."""
        if slot == len(self._levels):
            return sum(returned != FOREVER for _, returned, _ in waiting)
        return self._levels[slot] - (self._levels[slot - 1] if slot else 0)

    def _refuted(self) -> Refutation:
        return Refutation("count", [*self._those.reads, *self._those.additions])

    def _written_out(self, chosen: Sequence[Sequence[int]]) -> list[int]:
        reads: list[list[int]] = [[] for _ in chosen]
        for read, slot in self._reads():
            reads[slot].append(read)
        order: list[int] = []
        for additions, those in zip(chosen, reads, strict=True):
            order += [*sorted(additions), *those]
        return order
