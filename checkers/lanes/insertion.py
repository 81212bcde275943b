"""Puts observers that hold in many states into a linearization of the other calls.

Between two neighbours of a linearization lies a gap. An observer fits into gap i (before the i-th call)
if every call before the gap was invoked before the observer returned, every call after it returned after
the observer was invoked, and the state in the gap is not the one that the observer excludes. The first
two bound the gap from both sides, as prefix maxima of invocations and suffix minima of returns are
monotone. Observers are placed in the order of invocation, each in the earliest gap that it fits and that
isn't before the gap of an observer that returned before it was invoked. By induction no placement of them
all has an earlier gap for any one of them, so if one finds none, this linearization takes them in no way.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from splitbrain.checkers.normalise import FOREVER, NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.watch import Watch


def insert_observers(
    calls: Calls, kinds: Kinds, order: Sequence[int], observers: Sequence[int], watch: Watch
) -> list[int] | None:
    """Return `order` with the observers (indices by rising invocation) put in, or None if they don't fit."""
    if not observers:
        return list(order)
    invokes, returns = calls.invokes, calls.returns
    begun = list(
        accumulate((invokes[call] for call in watch.over(order, "looked for gaps")), max, initial=-1)
    )
    pending = list(accumulate((returns[call] for call in reversed(order)), min, initial=FOREVER))[::-1]
    watch.begin("looked at the value in each gap")
    states = _states(calls, kinds, order)
    changed = _next_change(states)
    placed: list[tuple[int, int]] = []
    by_return = sorted(observers, key=returns.__getitem__)
    gap_of: dict[int, int] = {}
    passed, floor = 0, 0
    for observer in watch.over(observers, "put calls that compared unequal in"):
        while returns[by_return[passed]] < invokes[observer]:
            floor = max(floor, gap_of[by_return[passed]])
            passed += 1
        gap = max(floor, bisect_right(pending, invokes[observer]))
        excluded = kinds.differs[calls.kinds[observer]]
        if excluded != NONE and gap < len(states) and states[gap] == excluded:
            gap = changed[gap]
        if gap >= len(begun) or begun[gap] > returns[observer]:
            return None
        gap_of[observer] = gap
        placed.append((gap, observer))
    return _merge(order, sorted(placed))


def _states(calls: Calls, kinds: Kinds, order: Sequence[int]) -> list[int]:
    """Return the value id in each gap."""
    states = [kinds.initial]
    for call in order:
        value = kinds.writes[calls.kinds[call]]
        states.append(states[-1] if value == NONE else value)
    return states


def _next_change(states: Sequence[int]) -> list[int]:
    """Return for each gap the next one with another state (one past the last if there is none)."""
    changed = [len(states)] * len(states)
    for gap in range(len(states) - 2, -1, -1):
        changed[gap] = changed[gap + 1] if states[gap] == states[gap + 1] else gap + 1
    return changed


def _merge(order: Sequence[int], placed: Sequence[tuple[int, int]]) -> list[int]:
    """Write out the order with each observer in its gap; observers of one gap keep their invocation order."""
    merged: list[int] = []
    start = 0
    for gap, observer in placed:
        merged.extend(order[start:gap])
        merged.append(observer)
        start = gap
    merged.extend(order[start:])
    return merged
