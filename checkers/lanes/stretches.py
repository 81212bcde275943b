"""The stretches of a stack without a free gap, and what lies at their bottoms. The theory is in `stacks`."""

from __future__ import annotations

from bisect import bisect_right
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.lanes.containers import COMES, LEAVES, LOOKS, NEVER, NOBODY
from splitbrain.checkers.lanes.stays import Stay, covering
from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Refutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.lanes.containers import Contents
    from splitbrain.checkers.normalise import Calls
    from splitbrain.checkers.watch import Watch

ADDS, SEES, REMOVES = 0, 1, 2
"""What a call does to its value."""


class Placed(NamedTuple):
    """Where a call goes: in a phase of a gap, at a place there; and what it does to which value."""

    gap: int
    phase: int
    place: int
    does: int
    value: int
    call: int


class _Maxima:
    """A tree of maxima over a row of numbers, in which single ones can be lowered."""

    def __init__(self, row: Sequence[int], watch: Watch) -> None:
        self._size = size = 1 << len(row).bit_length()
        self._tree = tree = [NOBODY] * size + list(row) + [NOBODY] * (size - len(row))
        for node in watch.over(range(size - 1, 0, -1), "built the tree of maxima"):
            tree[node] = max(tree[2 * node], tree[2 * node + 1])

    def put(self, place: int, number: int) -> None:
        """Change one number."""
        tree = self._tree
        node = place + self._size
        tree[node] = number
        node >>= 1
        while node:
            one, other = tree[2 * node], tree[2 * node + 1]
            most = max(other, one)
            if tree[node] == most:
                break
            tree[node] = most
            node >>= 1

    def most(self, count: int) -> int:
        """Return the greatest of the first `count` numbers."""
        tree = self._tree
        most = NOBODY
        end = count + self._size
        while end > 1:
            if end & 1 and tree[end - 1] > most:
                most = tree[end - 1]
            end >>= 1
        return most


class _Stretch:
    """Values in the row from `start` to `end`, in for certain from `first` to `last` without a free gap.

    `waiting` are those whose push may not have been invoked by `first` (the last invoked at the front),
    `bottoms` those whose push was, the latest pop first. Both may still hold values that went elsewhere.
    """

    __slots__ = ("bottoms", "end", "first", "last", "number", "start", "waiting")

    def __init__(self, number: int, start: int, end: int, first: int, last: int) -> None:
        self.number = number
        self.start = start
        self.end = end
        self.first = first
        self.last = last
        self.waiting: list[tuple[int, int]] = []
        self.bottoms: list[tuple[int, int]] = []


class Stretches:
    """Takes values out from the bottom, and so finds where all calls go.

    The row holds the values that must be in for some time, by f; all numbers of values here are places in it.
    """

    def __init__(self, contents: Contents, calls: Calls, stays: Sequence[Stay], watch: Watch) -> None:
        self._watch = watch
        self._contents = contents
        self._calls = calls
        self._stays = stays
        watch.begin("laid the values out")
        self._values = values = [stay.value for stay in stays]
        self._first = [stay.start for stay in stays]
        self._last = [min(stay.end, FOREVER) for stay in stays]
        self._added = [contents.added[value] for value in values]
        self._taken = [contents.taken[value] for value in values]
        rows = watch.over(values, "laid the peeks out")
        self._peeks = [list(contents.peeks.get(value, ())) for value in rows]
        self._maxima = _Maxima(self._last, watch)
        count = len(values)
        self._stretch_of = [NOBODY] * count
        """The number of the stretch of each value; `NOBODY` when it was taken out."""
        self._next = list(range(1, count + 2))
        self._previous = list(range(-1, count + 1))
        self._following = list(range(count + 1))
        self._stretches = 0
        self._pending: list[_Stretch] = []
        self.placed: list[Placed] = []
        self._depth = 0

    def take_out_all(self) -> Refutation | None:
        """Take out all values, or refute a stretch."""
        self._divide_all()
        self._watch.begin("took values out from the bottom", len(self._values))
        while self._pending:
            stretch: _Stretch | None = self._pending.pop()
            while stretch is not None:
                found = self._bottom(stretch)
                if found is None:
                    return self._refutation(stretch)
                self._take_out(stretch, *found)
                self._watch.step()
                stretch = self._split(stretch, found[0])
        return None

    def _divide_all(self) -> None:
        """Divide the row into stretches."""
        start = 0
        last = NOBODY
        for place, first in enumerate(self._watch.over(self._first, "divided the values into stretches")):
            if first > last and place > start:
                self._add_stretch(range(start, place), start, place - 1, last)
                start = place
            last = max(last, self._last[place])
        if self._first:
            self._add_stretch(range(start, len(self._first)), start, len(self._first) - 1, last)

    def _add_stretch(self, members: Sequence[int], start: int, end: int, last: int) -> _Stretch:
        """Make a stretch of these values and put it among those to look at."""
        stretch = _Stretch(self._stretches, start, end, self._first[start], last)
        self._stretches += 1
        for place in members:
            self._stretch_of[place] = stretch.number
        stretch.waiting = sorted(((self._added[place], place) for place in members), reverse=True)
        self._pending.append(stretch)
        return stretch

    def _bottom(self, stretch: _Stretch) -> tuple[int, list[int]] | None:
        """Return a value that may lie at the bottom of a stretch, and the gaps for its peeks."""
        waiting, bottoms, belongs = stretch.waiting, stretch.bottoms, self._stretch_of
        while waiting and waiting[-1][0] < stretch.first:
            place = waiting.pop()[1]
            if belongs[place] == stretch.number:
                heappush(bottoms, (-self._taken[place], place))
        prevented: list[tuple[int, int]] = []
        found = None
        while bottoms and found is None and -bottoms[0][0] > stretch.last:
            self._watch.turn()
            bottom = heappop(bottoms)
            if belongs[bottom[1]] != stretch.number:
                continue
            gaps = self._gaps_of_peeks(stretch, bottom[1])
            if gaps is None:
                prevented.append(bottom)
            else:
                found = (bottom[1], gaps)
        for bottom in prevented:
            heappush(bottoms, bottom)
        return found

    def _gaps_of_peeks(self, stretch: _Stretch, place: int) -> list[int] | None:
        """Return a gap for each peek in which none of the others is in for certain, or None.

        A peek for which there is none is the first to be looked at next time.
        """
        peeks = self._peeks[place]
        if not peeks:
            return []
        self._maxima.put(place, NOBODY)
        gaps: list[int] = []
        for number, peek in enumerate(peeks):
            gap, last = self._range(stretch, peek)
            while gap <= last:
                self._watch.turn()
                reach = self._maxima.most(bisect_right(self._first, gap))
                if reach <= gap:
                    break
                gap = reach
            if gap > last:
                self._maxima.put(place, self._last[place])
                peeks[0], peeks[number] = peeks[number], peeks[0]
                return None
            gaps.append(gap)
        return gaps

    def _range(self, stretch: _Stretch, peek: int) -> tuple[int, int]:
        """Return the first and the last gap in which a peek at the bottom of a stretch may be."""
        return (
            max(self._calls.invokes[peek], stretch.first - 1),
            min(self._calls.returns[peek] - 1, stretch.last),
        )

    def _take_out(self, stretch: _Stretch, place: int, gaps: Sequence[int]) -> None:
        """Place the calls of a value around a stretch."""
        value, contents = self._values[place], self._contents
        come, go = stretch.first - 1, stretch.last
        self._depth += 1
        depth = self._depth
        self.placed.append(Placed(come, COMES, depth, 0, value, contents.insertions[value]))
        for gap, peek in zip(gaps, self._peeks[place], strict=True):
            if gap == come:
                self.placed.append(Placed(gap, COMES, depth, 1, value, peek))
            elif gap == go:
                self.placed.append(Placed(gap, LEAVES, -depth, 1, value, peek))
            else:
                self.placed.append(Placed(gap, LOOKS, NOBODY, 1, value, peek))
        if contents.asked[value] != NEVER:
            self.placed.append(Placed(go, LEAVES, -depth, 2, value, contents.removals[value]))
        self._stretch_of[place] = NOBODY
        self._maxima.put(place, NOBODY)
        following, previous = self._next[place], self._previous[place]
        if previous >= 0:
            self._next[previous] = following
        self._previous[following] = previous
        self._following[place] = place + 1

    def _split(self, stretch: _Stretch, taken: int) -> _Stretch | None:
        """Find the new stretches where a value was taken out; return one of them and let the others wait."""
        if taken == stretch.start:
            stretch.start = self._next[taken]
            if stretch.start > stretch.end:
                return None
            stretch.first = self._first[stretch.start]
            reach = self._last[stretch.start]
        else:
            reach = self._maxima.most(taken)
        while reach < self._last[taken]:
            self._watch.turn()
            begun = bisect_right(self._first, reach)
            further = self._maxima.most(begun)
            if further > reach:
                reach = further
                continue
            place = self._next_in_row(begun)
            if place > stretch.end:
                stretch.last = reach
                break
            stretch = self._divide(stretch, place, reach)
            reach = self._last[place]
        return stretch

    def _next_in_row(self, place: int) -> int:
        """Return the first value from this place on that wasn't taken out."""
        following = self._following
        while following[place] != place:
            following[place] = place = following[following[place]]
        return place

    def _divide(self, stretch: _Stretch, place: int, reach: int) -> _Stretch:
        """Divide a stretch in front of a value; the part before ends at `reach`, the other one is returned.

        Both sides are counted at the same time, so that only the smaller one is looked through.
        """
        before: list[int] = []
        behind: list[int] = []
        back, ahead = self._previous[place], place
        while back >= stretch.start and ahead <= stretch.end:
            self._watch.turn()
            before.append(back)
            behind.append(ahead)
            back, ahead = self._previous[back], self._next[ahead]
        if back < stretch.start:
            self._add_stretch(before, stretch.start, place - 1, reach)
            stretch.start, stretch.first = place, self._first[place]
            return stretch
        other = self._add_stretch(behind, place, stretch.end, stretch.last)
        stretch.end, stretch.last = place - 1, reach
        self._pending[-1] = stretch
        return other

    def _refutation(self, stretch: _Stretch) -> Refutation:
        """Name few values of a stretch of which none can be the bottom."""
        members = [stretch.start]
        while self._next[members[-1]] <= stretch.end:
            members.append(self._next[members[-1]])
        stays = [self._stays[place]._replace(value=place) for place in members]
        chosen: dict[int, None] = {}
        pending = covering(stays, stretch.first, stretch.last)
        while pending:
            self._watch.look()
            place = pending.pop()
            if place in chosen:
                continue
            chosen[place] = None
            if self._added[place] < stretch.first and self._taken[place] > stretch.last:
                assert self._gaps_of_peeks(stretch, place) is None
                start, last = self._range(stretch, self._peeks[place][0])
                others = [stay for stay in stays if stay.value != place]
                pending.extend(covering(others, start, last + 1))
        return Refutation("stack-order", self._contents.core(self._values[place] for place in chosen))
