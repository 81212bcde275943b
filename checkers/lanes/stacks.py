"""The polynomial lane for stacks whose values are pushed once: n log n, times another log n at worst.

Each value v has f(v), the earliest return of its operations, and s(v), their latest invocation; its push
was invoked at a(v) and its pop returned at d(v) (after everything, if it stays). If f < s, then v is in for
certain in the gaps from f up to s (`stays`).

*Values that needn't be in for any time* (s < f): all their operations may happen at one instant, in gap s,
whatever else is in. They are set aside, which is exact, since leaving out values is (`containers`).

*Free gaps split.* If in gap p no value is in for certain, the history is linearizable if the values with s
before p are and the others, with f behind p, are: one linearization behind the other keeps real time, as
nothing of the others returned before p. In it the stack is empty in p. So the values fall into *stretches*
without a free gap.

*Bottoms.* Let F be the least f and S the greatest s in a stretch, so that some value is in for certain all
the time in between. Some value v lies at the bottom all this time: it is pushed first, and popped last, for
if another followed behind its pop, the stack would have been empty in between. So a(v) < F, d(v) > S, and
at each of its peeks nothing else is in: each peek has a gap inside it in which none of the others is in for
certain. Conversely, let v be any value that meets these three conditions, and suppose that the others have
a linearization. Then they have one in which the stack is empty in all those gaps; put v around it, and its
peeks into the gaps. So *any* such v may be taken out, and if there is none, the history isn't linearizable.
What remains falls into new stretches, and so on.

*Found empty*: needs a free gap at the very beginning, with all values there.

*Contradictions.* A chain of values that cover a stretch is a stretch by itself, and whoever couldn't be the
bottom of the whole for its push or its pop can't be its bottom. If a peek prevented a value in the chain,
others that cover the gaps of that peek are added, and for those among them which only a peek prevents,
others again.

*Cost.* After v was taken out, new free gaps can only be where v was in. They are found by hopping: from the
end of what is covered to the furthest end among the values that begin before it. The hops become the new
chain there, a hop that was made is made again only at the edges of such a search (a value reaches over at
most two hops), and so there are O(n) in all, each O(log n) in a tree of maxima. When a stretch splits, only
its smaller part is copied.

*Crashed pops*: see `settling`.

Conditions: no value is pushed twice. Sources: Lee & Mathur (arXiv 2410.04581) take values out one by one as
well; Abdulla et al. (arXiv 2509.17795), in n^2, show where older algorithms were wrong.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from splitbrain.checkers.lanes.containers import LOOKS, NOBODY, Contents, gather
from splitbrain.checkers.lanes.settling import Step, settled
from splitbrain.checkers.lanes.stays import certain, free_gaps
from splitbrain.checkers.lanes.stretches import ADDS, REMOVES, SEES, Placed, Stretches
from splitbrain.checkers.outcome import Refutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome
    from splitbrain.checkers.watch import Watch


def decide(calls: Calls, kinds: Kinds, watch: Watch) -> Outcome:
    """Decide one stack, or say why the lane doesn't apply to it.

    Raises:
        BudgetExceeded: the time or the memory is spent.
    """
    contents = gather(calls, kinds, "stack", watch)
    if not isinstance(contents, Contents):
        return contents
    return settled(contents, calls, _solve, watch)


def _solve(contents: Contents, calls: Calls, watch: Watch) -> list[Step] | Refutation:
    """Find a linearization of contents without crashed pops, or refute them."""
    stays = certain(contents, watch)
    gaps = free_gaps(contents, calls, stays, watch)
    if isinstance(gaps, Refutation):
        return gaps
    stretches = Stretches(contents, calls, stays, watch)
    refutation = stretches.take_out_all()
    if refutation is not None:
        return refutation
    placed = stretches.placed
    for gap, call in zip(gaps, contents.empties, strict=True):
        placed.append(Placed(gap, LOOKS, NOBODY, SEES, NOBODY, call))
    late = [value for value in range(len(contents.values)) if contents.first[value] > contents.last[value]]
    for value in watch.over(late, "placed values that needn't be in for any time"):
        if not contents.is_made_up(value):
            placed.extend(_at_once(contents, value, contents.last[value]))
    watch.begin("sorted the calls by their places")
    watch.sort(placed)
    made_up = [value for value in late if contents.is_made_up(value)]
    return _steps(_put_in(contents, calls, placed, made_up, watch) if made_up else placed, watch)


def _at_once(contents: Contents, value: int, gap: int) -> list[Placed]:
    """Place all calls of a value at one instant in a gap."""
    peeks = contents.peeks.get(value, ())
    return [
        Placed(gap, LOOKS, value, ADDS, value, contents.insertions[value]),
        *(Placed(gap, LOOKS, value, SEES, value, peek) for peek in peeks),
        Placed(gap, LOOKS, value, REMOVES, value, contents.removals[value]),
    ]


def _put_in(
    contents: Contents, calls: Calls, placed: Sequence[Placed], values: Sequence[int], watch: Watch
) -> list[Placed]:
    """Put in values whose pop is made up, each where it stays longest out of the way of those below."""
    disturbed = _disturbed(placed, watch)
    gaps = [each.gap for each in placed]
    put: list[tuple[int, int, int]] = []
    for value in watch.over(values, "placed values whose pop is made up"):
        seen = [calls.invokes[peek] for peek in contents.peeks.get(value, ())]
        start = bisect_left(gaps, max([contents.added[value], *seen]))
        end = bisect_right(gaps, contents.first[value] - 1)
        watch.turn(end - start)
        place = max(range(start, end + 1), key=lambda place: (disturbed[place], place))
        gap = contents.first[value] - 1
        put.append((place, min(gap, gaps[place]) if place < len(gaps) else gap, value))
    put.sort()
    result: list[Placed] = []
    done = 0
    for place, gap, value in watch.over(put, "put these values in"):
        result.extend(placed[done:place])
        result.extend(_at_once(contents, value, gap))
        done = place
    return [*result, *placed[done:]]


def _disturbed(placed: Sequence[Placed], watch: Watch) -> list[int]:
    """Return for each place before, between and behind the calls which one next sees a value below it."""
    pushed: dict[int, int] = {NOBODY: NOBODY}
    below: list[int] = []
    for each in watch.over(placed, "counted the values below"):
        below.append(len(pushed))
        if each.does == ADDS:
            pushed[each.value] = len(pushed)
    below.append(len(pushed))
    disturbed = [len(placed)] * len(below)
    places: list[int] = []
    ranks: list[int] = []
    for place in watch.over(range(len(placed), -1, -1), "looked who sees a value below"):
        if place < len(placed) and placed[place].does != ADDS:
            rank = pushed[placed[place].value]
            while ranks and ranks[-1] >= rank:
                ranks.pop()
                places.pop()
            ranks.append(rank)
            places.append(place)
        nearest = bisect_left(ranks, below[place]) - 1
        if nearest >= 0:
            disturbed[place] = places[nearest]
    return disturbed


def _steps(placed: Sequence[Placed], watch: Watch) -> list[Step]:
    """Return the steps: the rank of a value is when it was pushed."""
    pushed: dict[int, int] = {NOBODY: NOBODY}
    steps: list[Step] = []
    for each in watch.over(placed, "wrote the calls out"):
        if each.does == ADDS:
            pushed[each.value] = len(pushed)
        if each.does != ADDS or each.call != NOBODY:
            steps.append(Step(each.call, pushed[each.value], each.value, sees=each.does != ADDS))
    return steps
