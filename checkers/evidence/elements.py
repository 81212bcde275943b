"""What may be dropped from a witness about a queue or stack: values, with all their operations.

Of what is in, some values may go without changing which of the others is first, youngest or largest. So
whatever is known to be about a value goes at once or not at all, except that a peek, and a call that found
nothing, changes nothing and may go alone. A crashed removal may go only if it can't have taken a value that
stays: if others are known to have taken each of them. The proofs are in `verification/elements.py`, which
checks it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.lanes.containers import WORDS
from splitbrain.checkers.values import freeze

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from splitbrain.checkers.models.base import Call
    from splitbrain.checkers.normalise import Calls, Kinds

_NO_VALUE = object()


class Elements:
    """The calls of a queue or stack by the value that they are known to be about."""

    def __init__(self, calls: Calls, kinds: Kinds, discipline: str) -> None:
        self._words = WORDS[discipline]
        described = [kinds.calls[kind] for kind in calls.kinds]
        self._values = [self._value(call) for call in described]
        self._moves = [
            call.f == self._words.insert
            or (call.f == self._words.remove and not (call.known and call.result is None))
            for call in described
        ]
        self._inserts = [call.f == self._words.insert for call in described]
        self._lost = {number for number, value in enumerate(self._values) if value is _NO_VALUE}
        self._lost = {number for number in self._lost if self._moves[number]}
        initial = kinds.values[kinds.initial] or ()
        self._left: Counter[Hashable] = Counter(map(freeze, initial))
        self._initial = {freeze(value): value for value in initial}
        self._movers: dict[Hashable, list[int]] = {}
        for call, value in enumerate(self._values):
            if self._moves[call] and value is not _NO_VALUE:
                self._left[value] += 1 if self._inserts[call] else -1
                self._movers.setdefault(value, []).append(call)

    def _value(self, call: Call) -> Hashable:
        if call.f == self._words.insert:
            return freeze(call.value)
        return freeze(call.result) if call.known and call.result is not None else _NO_VALUE

    def whole(self, calls: Iterable[int], among: Iterable[int]) -> set[int]:
        """Return the calls, and if one of them moves a value, all others among some that are about it."""
        chosen = set(calls)
        moved = {self._values[call] for call in chosen if self._moves[call]} - {_NO_VALUE}
        return chosen | {call for call in among if self._values[call] in moved}

    def closed(self, core: Iterable[int]) -> set[int]:
        """Return the least set that holds the core and everything that can't be dropped beside it."""
        everything = range(len(self._values))
        chosen = self.whole(core, everything)
        dropped = self.droppable(set(everything), set(everything) - chosen)
        return set(everything) - dropped

    def droppable(self, chosen: set[int], candidates: Iterable[int]) -> set[int]:
        """Return those of the candidates that may soundly be dropped together from the chosen calls."""
        dropped = set(candidates) & chosen
        staying = {self._values[call] for call in chosen - dropped} - {_NO_VALUE}
        dropped = {call for call in dropped if not self._moves[call] or self._values[call] not in staying}
        kept = {self._values[call] for call in chosen - dropped if self._inserts[call]}
        if self._initial or any(self._left[value] > 0 for value in kept):
            dropped -= self._lost
        return dropped

    def initial(self, shown: set[int], forgotten: Callable[[int], bool]) -> tuple[Any, ...]:
        """Return what is in at first where these calls are shown: without the values that were dropped."""
        return tuple(
            value
            for name, value in self._initial.items()
            if all(call in shown or forgotten(call) for call in self._movers.get(name, ()))
        )
