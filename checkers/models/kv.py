"""A key-value store, seen one key at a time: keys are independent, so this holds for the whole store too.

A missing key reads as null and a written null is a deleted key, so a key is one register whose initial
value is null: `cas [null, v]` creates it and `delete` writes null. Deleting a missing key succeeds.
`append` concatenates a string; onto a missing key it stores that string.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, ClassVar

from splitbrain.checkers.models.base import ILLEGAL, NOTHING, Access, Call, Model
from splitbrain.checkers.models.register import (
    apply,
    cas_access,
    cas_changes_nothing,
    cas_complaint,
)
from splitbrain.checkers.models.shapes import changed_complaint, unapplied_complaint
from splitbrain.checkers.values import ANYTHING, freeze, show

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence


class Kv(Model):
    """One key of a store: get, put, append, cas, delete; `read` and `write` are get and put."""

    name: ClassVar[str] = "kv"
    summary: ClassVar[str] = "a store of keys: get, put v, append s, cas [old, new], delete"
    functions: ClassVar[tuple[str, ...]] = ("get", "put", "append", "cas", "delete", "read", "write")
    observers: frozenset[str] = frozenset({"get", "read"})
    keys_within: ClassVar[bool] = True

    def complaint(self, call: Call) -> str | None:
        """Ask for a pair in a cas and for a string in an append."""
        mutators = ("put", "write", "append")
        problem = super().complaint(call) or unapplied_complaint(call) or cas_complaint(call)
        problem = problem or changed_complaint(call, mutators)
        if problem is None and call.f == "append" and not isinstance(call.value, str):
            return f"needs a string, not {show(call.value)}"
        return problem

    def partition(self, call: Call) -> Hashable | None:
        """Name the key, if the calls of several are in one history of one store."""
        return call.key

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

    def lens(self, calls: Iterable[Call]) -> PrefixLens | None:
        """Look at strings through what the calls read, compare with or exclude."""
        accesses = [access for access in map(self.access, calls) if access is not None]
        return PrefixLens(
            value for access in accesses for value in (access.reads, access.differs) if isinstance(value, str)
        )


class PrefixLens:
    """Strings that aren't the beginning of anything observed are all one.

    Take a string that is no prefix of any string that a call reads, compares with or excludes. No call
    names it, an append makes it another such string, and a put or delete does what it does
    anywhere. So no call tells two such strings apart. An append of a piece that occurs in no named
    string leads to one of them from every string and from a missing key, so all such appends are one.
    """

    def __init__(self, named: Iterable[str]) -> None:
        self._named = sorted(set(named))
        self._text = "\0".join(self._named)
        self._hidden: str | None = None

    def state(self, state: Any) -> Any:
        """Return the state itself, or the first hidden string that was met."""
        if not isinstance(state, str) or self._visible(state):
            return state
        if self._hidden is None:
            self._hidden = state
        return self._hidden

    def call(self, call: Call) -> Hashable:
        """Identify a call by what it does to strings that can be told apart."""
        if call.f == "append":
            return ("append", call.value if call.value in self._text else NOTHING)
        access = Kv().access(call)
        assert access is not None
        hidden = isinstance(access.writes, str) and not self._visible(access.writes)
        return (
            _mark(access.reads),
            NOTHING if hidden else _mark(access.writes),
            hidden,
            _mark(access.differs),
        )

    def hides(self, calls: Sequence[Call], origins: Iterable[Any]) -> Sequence[bool]:
        """Tell of each call whether all that it leads to, more appended or not, is a string nobody names.

        What is there was some origin first and then grew. So a piece can be part of a named string only
        behind an origin with which that begins. Beside other values than strings nothing is hidden.
        """
        known = list(origins)
        if not all(value is None or isinstance(value, str) for value in known):
            return [False] * len(calls)
        starts = sorted({value or "" for value in known}, key=len)
        grown = [
            next((name[len(start) :] for start in starts if name.startswith(start)), None)
            for name in self._named
        ]
        text = "\0".join(tail for tail in grown if tail is not None)
        return [self._leads_nowhere(call, text) for call in calls]

    def _leads_nowhere(self, call: Call, text: str) -> bool:
        if call.f == "append":
            return call.value not in text
        access = Kv().access(call)
        assert access is not None
        return isinstance(access.writes, str) and not self._visible(access.writes)

    def _visible(self, text: str) -> bool:
        place = bisect_left(self._named, text)
        return place < len(self._named) and self._named[place].startswith(text)


def _mark(value: Any) -> Hashable:
    return NOTHING if value is NOTHING else freeze(value)
