"""When a value is in a container for certain, and when nothing is.

A value is in for certain from the earliest return of its operations, f, to their latest invocation, s, if f
< s: what returned first came before, what was invoked last came after, and only insertions and removals
change whether it is in. So it is in for certain in the gaps from f up to, and without, s.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.outcome import Refutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.lanes.containers import Contents
    from splitbrain.checkers.normalise import Calls
    from splitbrain.checkers.watch import Watch


class Stay(NamedTuple):
    """A value is in for certain in the gaps from `start` up to, and without, `end`."""

    start: int
    end: int
    value: int


def certain(contents: Contents, watch: Watch) -> list[Stay]:
    """Return when each value is in for certain, by start."""
    first, last = contents.first, contents.last
    values = watch.over(range(len(first)), "looked when each value is in for certain")
    stays = [Stay(first[v], last[v], v) for v in values if first[v] < last[v]]
    watch.begin("sorted these times")
    watch.sort(stays)
    return stays


def free_gaps(
    contents: Contents, calls: Calls, stays: Sequence[Stay], watch: Watch
) -> list[int] | Refutation:
    """Return for each call that found nothing the first gap inside it in which nothing is in for certain."""
    runs: list[Stay] = []
    for stay in watch.over(stays, "looked when nothing is in for certain"):
        if runs and stay.start < runs[-1].end:
            runs[-1] = runs[-1]._replace(end=max(runs[-1].end, stay.end))
        else:
            runs.append(stay)
    starts = [run.start for run in runs]
    gaps: list[int] = []
    for call in watch.over(contents.empties, "looked for gaps for calls that found nothing"):
        gap = calls.invokes[call]
        run = bisect_right(starts, gap) - 1
        if run >= 0 and gap < runs[run].end:
            gap = runs[run].end
        if gap >= calls.returns[call]:
            return Refutation("found-empty", contents.core(covering(stays, calls.invokes[call], gap), [call]))
        gaps.append(gap)
    return gaps


def covering(stays: Sequence[Stay], start: int, end: int) -> list[int]:
    """Return few values of which some is in for certain in each gap from `start` up to `end`."""
    chosen: list[int] = []
    reach, best = start, -1
    furthest = start
    for stay in stays:
        if stay.start > reach:
            if best != -1:
                chosen.append(best)
            reach, best = furthest, -1
            if reach >= end or stay.start > reach:
                break
        if stay.end > furthest:
            furthest, best = stay.end, stay.value
    if best != -1:
        chosen.append(best)
    return chosen
