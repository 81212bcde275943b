"""Looks through a window at a long key that was changed in a few places, so that deciding it stays cheap.

The window begins some calls in front of the changes, behind a completed call that fixes the state, and ends
some calls behind them: the relaxations *forget the past* and *forget the future* of `evidence/window.py`. If
what is seen has no linearization, neither has the whole key.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from splitbrain.checkers.evidence.window import Window, left_behind
from splitbrain.checkers.normalise import FOREVER, NONE, Calls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from splitbrain.checkers.corruption import Replay
    from splitbrain.checkers.normalise import Kinds

NARROW = 600
"""A key of so many calls is checked whole."""
MARGIN = 100
"""Calls in front of and behind a change that a window shows."""


class View:
    """Finds a window on one key, and looks through it."""

    def __init__(self, replay: Replay) -> None:
        self._calls = replay.calls
        returns = replay.calls.returns
        completed = (-1 if returned == FOREVER else returned for returned in returns)
        self._reach = list(accumulate(completed, max))
        """For each call, the latest return among it and those invoked before."""
        self._crashed = [number for number, returned in enumerate(returns) if returned == FOREVER]
        backwards = (returns[call] for call in reversed(replay.everything))
        self._first_return = [*accumulate(backwards, min, initial=FOREVER)][::-1]
        """For each place of the order, the earliest return from there on."""

    def window(self, changed: Mapping[int, int], kinds: Kinds, until: int | None) -> Window:
        """Return a window around the changed calls; the whole, if the key is short and worked out."""
        invokes, returns = self._calls.invokes, self._calls.returns
        end = FOREVER if until is None else self._first_return[until] - 1
        whole = Window(kinds.initial, frozenset(), end=end)
        if len(invokes) <= NARROW:
            return whole
        behind = max(changed) + MARGIN
        if behind < len(invokes):
            end = min(end, max(invokes[behind], *(returns[call] for call in changed)))
        first = min(changed)
        starts = [
            call
            for call in range(max(0, first - 2 * MARGIN), max(0, first - MARGIN))
            if returns[call] != FOREVER and left_behind(kinds, self._calls.kinds[call]) != NONE
        ]
        if not starts:
            return whole._replace(end=end)
        start = min(starts, key=lambda call: returns[call] - invokes[call])
        initial = left_behind(kinds, self._calls.kinds[start])
        return Window(initial, frozenset(), start, invokes[start], returns[start], end)

    def through(
        self, window: Window, changed: Mapping[int, int], kinds: Kinds, crashed: Callable[[int], int]
    ) -> Calls:
        """Return what the window shows, with the changed kinds; `crashed` gives a kind without an answer."""
        calls = self._calls
        first = bisect_right(self._reach, window.invoked)
        last = bisect_right(calls.invokes, window.end)
        older = self._crashed[: bisect_left(self._crashed, first)]
        seen = Calls(calls.key, [], [], [], [])
        for number in chain(older, range(first, last)):
            invoked, returned = calls.invokes[number], calls.returns[number]
            if not window.shows(invoked, returned):
                continue
            kind = changed.get(number, calls.kinds[number])
            if returned != FOREVER and window.crashes(invoked, returned):
                if kinds.observer[kind]:
                    continue
                kind, returned = crashed(kind), FOREVER
            seen.kinds.append(kind)
            seen.invokes.append(invoked)
            seen.returns.append(returned)
            seen.indices.append(calls.indices[number])
        return seen
