"""The polynomial lane for sets, one element at a time: n log c for c calls at once, and no conditions.

Elements have nothing to do with each other (the model names them as its parts), so an element is a bit. An
add that changed something turns it on, a remove that did turns it off; all other completed calls observe
that it is on (a failed add, a contains that found it) or off. A crashed add or remove turned it, or changed
nothing, or never happened: it may be used for turning, and needn't be.

*Turn late.* Walk through the events. A call that observes what is so now is linearized at once. When a call
must return and isn't linearized, turn the bit as often as that takes (at most twice) and no more: an
observer needs one turn, one that turns needs the bit to be the other way before. Whenever there is a choice
of running calls that turn the bit this way, take the one that returns first, crashed ones last. After each
turn linearize everyone who runs and observes the new state. If the running calls don't suffice, there is no
linearization.

*Why this is exact.* Claim: if there is a linearization, there is one that begins with what is linearized so
far. Let P be what is so far and P S a linearization, and let x return next, not in P. (1) Nothing that
stands in S up to x was invoked after x returned. So S begins with some g that turns the bit, unless x
itself is all that is needed: the running observers of what is so now are in P. (2) Let f be the call that
we choose, of the same direction as g. If f is in S behind g, let them change places. Nothing between has
returned when f was invoked, for all of that is in P; and whoever was invoked after g returned was invoked
after f returned, so it stands behind f's old place. If f isn't in S, it crashed, and so did g (completed
ones would have come first): replace g by f. (3) Now S begins with f. Move the running observers of the new
state directly behind it: nothing before them in S had returned when they were invoked. So there is a
linearization that begins with P, f and these. Where x turns the bit and needs it to be the other way first,
(2) holds for both turns, and for the second one f is x.

Values may repeat and anything may crash. Abdulla et al. (arXiv 2509.17795) decide sets in linear time by
counting.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Linearization, Refutation, Undecided
from splitbrain.checkers.values import freeze

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome
    from splitbrain.checkers.watch import Watch


def decide(calls: Calls, kinds: Kinds, watch: Watch) -> Outcome:
    """Decide one element of a set, or say why the lane doesn't apply to it.

    Raises:
        BudgetExceeded: the time or the memory is spent.
    """
    described = list(map(kinds.calls.__getitem__, watch.over(calls.kinds, "looked the calls up")))
    elements = {freeze(call.value) for call in watch.over(described, "looked for the element")}
    if len(elements) > 1:
        return Undecided("the calls are about several elements")
    present = bool(elements) and elements <= set(map(freeze, kinds.values[kinds.initial] or ()))
    turns: list[bool] = []
    states: list[bool] = []
    for call in watch.over(described, "sorted the calls by what they do"):
        turns.append(not call.known or (call.f != "contains" and call.result[1]))
        states.append(call.result[1] if call.f == "contains" else call.f == "add")
    return _Walk(calls, turns, states, present=present).decide(watch)


class _Walk:
    """One walk over the events of one element.

    `turns` says of each call whether it turns the bit (or may, if it crashed), `states` what the bit is
    afterwards.
    """

    def __init__(self, calls: Calls, turns: Sequence[bool], states: Sequence[bool], *, present: bool) -> None:
        self._calls = calls
        self._turns = turns
        self._states = states
        self._present = present
        self._turners: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        """Running calls that turn the bit off, and on, by return."""
        self._observers: tuple[list[int], list[int]] = ([], [])
        """Running calls that observe that the bit is off, and on."""
        self._done = [False] * len(turns)
        self._order: list[int] = []

    def decide(self, watch: Watch) -> Outcome:
        """Walk to the end, or to the first call that can't return."""
        invokes, returns = self._calls.invokes, self._calls.returns
        ends = [call for call, returned in enumerate(returns) if returned != FOREVER]
        watch.begin("sorted the calls by return")
        watch.sort(ends, returns.__getitem__)
        begun = 0
        for call in watch.over(ends, "walked over the returns"):
            while begun < len(invokes) and invokes[begun] < returns[call]:
                self._begin(begun)
                begun += 1
            if not self._done[call] and not self._finish(call):
                return Refutation("element", [call, *(each for each in range(begun) if each != call)])
        return Linearization(self._order)

    def _begin(self, call: int) -> None:
        state = self._states[call]
        if self._turns[call]:
            heappush(self._turners[state], (self._calls.returns[call], call))
        elif state == self._present:
            self._linearize(call)
        else:
            self._observers[state].append(call)

    def _finish(self, call: int) -> bool:
        """Turn the bit until a call that must return now is linearized; tell whether that is possible."""
        if self._turns[call] and self._states[call] == self._present and not self._turn():
            return False
        return self._turn()

    def _turn(self) -> bool:
        """Turn the bit by the running call that returns first, if there is one, and let others observe it."""
        state = not self._present
        turners = self._turners[state]
        if not turners:
            return False
        self._linearize(heappop(turners)[1])
        self._present = state
        for call in self._observers[state]:
            self._linearize(call)
        self._observers[state].clear()
        return True

    def _linearize(self, call: int) -> None:
        self._done[call] = True
        self._order.append(call)
