"""What the calls of a witness, and the states between them, are called in sentences."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.evidence.grow_story import elements_found
from splitbrain.checkers.evidence.values import listed, micro_operations, name_of_key, show
from splitbrain.checkers.normalise import NONE
from splitbrain.checkers.values import freeze

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.evidence.witness import Witness
    from splitbrain.checkers.models.base import Call
    from splitbrain.checkers.normalise import Kinds
    from splitbrain.histories.history import History
    from splitbrain.histories.operation import Operation

_LOCKING = ("acquire", "release")
_WITHOUT_VALUE = ("dequeue", "pop", "poll", "peek", *_LOCKING)
_PAIR = 2
_CHANGING = ("add", "remove", "contains")
_STATES_NAMED = 5
_FREE, _HELD = "free", "held"


class Names:
    """Names calls by their numbers in the witness's `calls`, and values by their ids in `kinds`.

    Those that are `shown` are told apart where they did the same.
    """

    def __init__(
        self, history: History, kinds: Kinds, witness: Witness, shown: Sequence[int], *, key_named: bool
    ) -> None:
        self.calls = witness.calls
        self.kinds = kinds
        self.operations: list[Operation] = [history[index] for index in witness.calls.indices]
        self.members = range(len(witness.members))
        self._key_named = key_named
        self._few = witness.elements is not None
        functions = {operation.f for operation in self.operations}
        self.flat = all(kinds.flat[kind] for kind in self.calls.kinds)
        self.of_lock = not functions.isdisjoint(_LOCKING)
        self.of_set = self.flat and functions <= {*_CHANGING}
        looking = {self.calls.kinds[number] for number in self.members}
        sought = {*(kinds.reads[kind] for kind in looking), *(kinds.differs[kind] for kind in looking)}
        self._sought = [kinds.values[value] for value in sorted(sought - {NONE} | {kinds.initial})]
        self._shown = {show(value) for value in self._sought}
        written = {kinds.writes[kind] for kind in looking} - {NONE}
        self._unsought = [kinds.values[value] for value in sorted(written - sought - {kinds.initial})]
        counted = Counter(map(self.short, shown))
        self._repeated = {short for short, count in counted.items() if count > 1}

    # Calls.

    def name(self, number: int) -> str:
        """Return a call in words, such as "read 7 (process 3, position 12)"."""
        operation = self.operations[number]
        return f"{self.short(number)} (process {operation.process}, position {operation.invoke})"

    def brief(self, number: int) -> str:
        """Return what a call did, and its position if another one did the same."""
        short = self.short(number)
        return f"{short} (position {self.operations[number].invoke})" if short in self._repeated else short

    def short(self, number: int) -> str:
        """Return what a call did, such as "write 7", or "put x: 7" where the key isn't named before."""
        operation = self.operations[number]
        words = self._words(operation, self.kinds.calls[self.calls.kinds[number]], number)
        if self._key_named or operation.key is None:
            return " ".join([operation.f, *words])
        of_key = f"{operation.f} {name_of_key(operation.key)}"
        return f"{of_key}: {' '.join(words)}" if words else of_key

    def _words(self, operation: Operation, call: Call, number: int) -> list[str]:  # noqa: PLR0911 - one return a shape
        """Return what follows the function's name: the value, and what came of it."""
        found = operation.result
        if operation.f == "delete":
            return []
        if self._few and operation.f == "read":
            return [elements_found(operation)]
        if operation.f in _WITHOUT_VALUE:
            silent = not call.known or (found is None and operation.f in _LOCKING)
            return [] if silent else [f"-> {show(found)}"]
        if operation.f in _CHANGING and call.known and isinstance(found, list) and len(found) == _PAIR:
            return [f"{show(operation.value)} -> {show(found[1])}"]
        seen = found if call.known else operation.value
        if operation.f == "txn":
            return [micro_operations(seen) or show(seen)]
        if operation.f in ("read", "get"):
            return [show(seen)]
        returned = call.known and freeze(found) != freeze(operation.value)
        if operation.value is None:
            empty = call.known and self.kinds.observer[self.calls.kinds[number]]
            return [show(found)] if returned else ["(found nothing)"] if empty else []
        unequal = "" if call.applied else ", unequal"
        answer = f" -> {show(found)}" if returned and found is not None else ""
        return [f"{show(operation.value)}{unequal}{answer}"]

    # Values and states.

    def value(self, identifier: int) -> str:
        """Return a value in words."""
        value = self.kinds.values[identifier]
        return self._of_set(value) if self.of_set else (self._of_lock(value) or show(value))

    def key_of(self, number: int) -> str:
        """Return " to key x" if the call has a key that isn't named before."""
        key = self.operations[number].key
        return "" if self._key_named or key is None else f" to key {name_of_key(key)}"

    def states(self, states: Sequence[Any]) -> str:
        """Return some states in words: "1, 2 or 3"."""
        names = list(dict.fromkeys(map(self.state, states)))
        more = len(names) - _STATES_NAMED
        return listed(names if more <= 1 else [*names[:_STATES_NAMED], f"{more} others"], "or")

    def state(self, state: Any) -> str:  # noqa: PLR0911 - one return a kind of state
        """Return a state in words. The walk doesn't tell states apart that no call looks for."""
        if self.of_set:
            return self._of_set(state)
        if self.flat and not self._is_sought(state) and len(self._unsought) == 1:
            (state,) = self._unsought
            return self._of_lock(state) or show(state)
        if self._is_sought(state):
            return self._of_lock(state) or show(state)
        if self.of_lock and self.flat:
            return "a held lock" if self._is_looked_for(_FREE) else "a lock in another state"
        if self.of_lock:
            return self._of_lock(state) or show(state)
        if self.is_hidden(state):
            return "a value that none of these operations observes"
        if isinstance(state, dict) and [*state] == ["balances"]:
            return show(state["balances"])
        return show(state)

    def is_hidden(self, state: Any) -> bool:
        """Tell whether a state stands for others too, which no call tells apart from it."""
        if self.of_set or self._is_sought(state):
            return False
        return len(self._unsought) != 1 if self.flat else isinstance(state, str)

    def _is_looked_for(self, state: Any) -> bool:
        return show(state) in self._shown

    def _is_sought(self, state: Any) -> bool:
        """Tell whether a call looks for the state, or for a string that begins so, or it was there first."""
        prefix = isinstance(state, str) and not self.flat
        return self._is_looked_for(state) or (
            prefix and any(isinstance(value, str) and value.startswith(state) for value in self._sought)
        )

    def _of_set(self, state: Any) -> str:
        """Return the state of one element: there are but two, so one that nobody looks for is the other."""
        element = show(self.operations[0].value)
        inside = freeze(state) == freeze((self.operations[0].value,))
        if not self._is_looked_for(state) and state not in ((), []):
            inside = not self._is_looked_for((self.operations[0].value,))
        return f"a set {'with' if inside else 'without'} {element}"

    def _of_lock(self, state: Any) -> str | None:
        """Return the state of a lock of ours, or None."""
        if not self.of_lock:
            return None
        if state in (_FREE, _HELD):
            return f"a {state} lock"
        if not isinstance(state, dict) or "holder" not in state:
            return None
        last = f", last token {state['token']}" if state.get("token") is not None else ""
        if state["holder"] is None:
            return f"a free lock{last}"
        often = f" {state['count']} times" if state.get("count", 1) > 1 else ""
        return f"a lock held{often} by process {state['holder']}{last}"
