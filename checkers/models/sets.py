"""Sets: one that tells what each operation changed, and one that only grows and is read as a whole.

An element is a JSON value of any type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from splitbrain.checkers.models.base import ILLEGAL, Call, Model
from splitbrain.checkers.models.shapes import (
    changed_complaint,
    items_of,
    list_complaint,
    unapplied_complaint,
)
from splitbrain.checkers.values import ANYTHING, freeze, show

if TYPE_CHECKING:
    from collections.abc import Hashable

_PAIR = 2


class Set(Model):
    """`add v`, `remove v` and `contains v` return [v, whether it changed anything, or was there].

    Elements have nothing to do with each other, so each is checked by itself.
    """

    name: ClassVar[str] = "set"
    summary: ClassVar[str] = "a set: add, remove, contains v -> [v, whether it changed or was there]"
    functions: ClassVar[tuple[str, ...]] = ("add", "remove", "contains")
    initial: Any = ()
    observers: frozenset[str] = frozenset({"contains"})
    discipline: ClassVar[str] = "set"

    def complaint(self, call: Call) -> str | None:
        """Ask for the element, and for whether it was there or changed, in every result."""
        problem = super().complaint(call) or unapplied_complaint(call)
        if problem or not call.known:
            return problem
        result = call.result
        pair = isinstance(result, (list, tuple)) and len(result) == _PAIR and isinstance(result[1], bool)
        if not pair or freeze(result[0]) != freeze(call.value):
            return f"needs [{show(call.value)}, true or false] as its result, not {show(result)}"
        return None

    def is_observer(self, call: Call) -> bool:
        """Name `contains`, an add of what was there, a remove of what was not."""
        return call.f == "contains" or (call.known and call.result[1] is False)

    def partition(self, call: Call) -> Hashable:
        """Name the element."""
        return freeze(call.value)

    def starting(self, initial: Any) -> tuple[Model, Any]:
        """Ask for a list."""
        return self, in_order(items_of(self.name, initial))

    def loosen(self, call: Call) -> Call:
        """Return the call: no result here is null."""
        return call

    def step(self, state: Any, call: Call) -> Any:
        """Return the set afterwards, or ILLEGAL where the result says otherwise."""
        element = freeze(call.value)
        present = element in map(freeze, state)
        told = call.result[1] if call.known else None
        if call.f == "contains":
            return state if told in (None, present) else ILLEGAL
        changes = present is (call.f == "remove")
        if told not in (None, changes):
            return ILLEGAL
        if not changes:
            return state
        if present:
            return tuple(item for item in state if freeze(item) != element)
        return in_order((*state, call.value))


class GrowSet(Model):
    """`add v` says nothing of what was there; `read` returns the whole set as a list in any order."""

    name: ClassVar[str] = "grow-set"
    summary: ClassVar[str] = "a set that grows: add v, read -> list"
    functions: ClassVar[tuple[str, ...]] = ("add", "read")
    initial: Any = ()
    observers: frozenset[str] = frozenset({"read"})
    discipline: ClassVar[str] = "grow-set"

    def complaint(self, call: Call) -> str | None:
        """Ask for a list as the result of a read."""
        return (
            super().complaint(call)
            or unapplied_complaint(call)
            or changed_complaint(call, ("add",))
            or (list_complaint(call) if call.f == "read" else None)
        )

    def starting(self, initial: Any) -> tuple[Model, Any]:
        """Ask for a list."""
        named = {freeze(item): item for item in items_of(self.name, initial)}
        return self, in_order(tuple(named.values()))

    def step(self, state: Any, call: Call) -> Any:
        """Return the set afterwards; a read that names an element twice is no set's."""
        if call.f == "add":
            return state if freeze(call.value) in map(freeze, state) else in_order((*state, call.value))
        if not call.known or call.result is ANYTHING:
            return state
        found = sorted(map(freeze, call.result), key=repr)
        return state if found == sorted(map(freeze, state), key=repr) else ILLEGAL


class SetFull(GrowSet):
    """A `grow-set` by the name of the workload that Jepsen reads its whole with."""

    name: ClassVar[str] = "set-full"
    summary: ClassVar[str] = "a grow-set by its other name: add v, read -> list"


def in_order(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the elements in an order that depends on nothing but what they are."""
    return tuple(sorted(items, key=lambda item: repr(freeze(item))))
