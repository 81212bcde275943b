"""A counter: a number that additions change and reads return."""

from __future__ import annotations

from typing import Any, ClassVar

from splitbrain.checkers.models.base import ILLEGAL, Access, Call, Model, ModelMismatch
from splitbrain.checkers.models.shapes import changed_complaint, is_integer, unapplied_complaint
from splitbrain.checkers.values import ANYTHING, show


class Counter(Model):
    """`add n`, where n may be negative, and `read`. Numbers are whole: other sums depend on their order."""

    name: ClassVar[str] = "counter"
    summary: ClassVar[str] = "a whole number: add n, read"
    functions: ClassVar[tuple[str, ...]] = ("add", "read")
    initial: Any = 0
    observers: frozenset[str] = frozenset({"read"})
    discipline: ClassVar[str] = "counter"

    def complaint(self, call: Call) -> str | None:
        """Ask for whole numbers."""
        problem = super().complaint(call) or unapplied_complaint(call) or changed_complaint(call, ("add",))
        if problem:
            return problem
        if call.f == "add" and not is_integer(call.value):
            return f"needs a whole number, not {show(call.value)}"
        if call.f == "read" and call.known and call.result is not ANYTHING and not is_integer(call.result):
            return f"needs a whole number as its result, not {show(call.result)}"
        return None

    def is_observer(self, call: Call) -> bool:
        """Name reads and the addition of nothing."""
        return call.f == "read" or call.value == 0

    def access(self, call: Call) -> Access | None:
        """Describe a read."""
        if call.f == "add":
            return None
        return Access(reads=call.result) if call.known and call.result is not ANYTHING else Access()

    def starting(self, initial: Any) -> tuple[Model, Any]:
        """Ask for a whole number; null is 0."""
        if initial is not None and not is_integer(initial):
            raise ModelMismatch(
                f"The model {self.name} can't begin with {show(initial)}: it needs a whole number."
            )
        return self, initial or 0

    def step(self, state: Any, call: Call) -> Any:
        """Return the number afterwards."""
        if call.f == "add":
            return state + call.value
        return state if not call.known or call.result == state else ILLEGAL
