"""A key-value store, seen one key at a time.

A missing key reads as null and a written null is a deleted key, so a key is one register whose initial
value is null: `cas [null, v]` creates it and `delete` writes null. Deleting a missing key succeeds.
`append` concatenates a string; onto a missing key it stores that string.
"""

from __future__ import annotations

from typing import Any, ClassVar

from splitbrain.checkers.models.base import ILLEGAL, Access, Call, Model
from splitbrain.checkers.models.register import apply, cas_access, cas_changes_nothing, cas_complaint
from splitbrain.checkers.values import ANYTHING


class Kv(Model):
    """One key of a store: get, put, append, cas, delete; `read` and `write` are get and put."""

    name: ClassVar[str] = "kv"
    summary: ClassVar[str] = "a store of keys: get, put v, append s, cas [old, new], delete"
    functions: ClassVar[tuple[str, ...]] = ("get", "put", "append", "cas", "delete", "read", "write")
    observers: frozenset[str] = frozenset({"get", "read"})

    def complaint(self, call: Call) -> str | None:
        """Ask for a pair in a cas and for a string in an append."""
        problem = super().complaint(call) or cas_complaint(call)
        if problem is None and call.f == "append" and not isinstance(call.value, str):
            return f"needs a string, not {call.value!r}"
        return problem

    def is_observer(self, call: Call) -> bool:
        """Name reads, an unequal cas, a cas from a value to itself."""
        return call.f in self.observers or (call.f == "cas" and cas_changes_nothing(call))

    def access(self, call: Call) -> Access | None:
        """Describe everything but an append, whose result depends on what it finds."""
        f = call.f
        if f in ("get", "read"):
            if not call.known or call.result is ANYTHING:
                return Access()
            return Access(reads=call.result)
        if f in ("put", "write"):
            return Access(writes=call.value)
        if f == "cas":
            return cas_access(call)
        return Access(writes=None) if f == "delete" else None

    def step(self, state: Any, call: Call) -> Any:
        """Apply the call to the value of the key."""
        access = self.access(call)
        if access is not None:
            return apply(access, state)
        if state is None:
            return call.value
        return state + call.value if isinstance(state, str) else ILLEGAL
