"""The shapes of operations that several models ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.models.base import ModelMismatch
from splitbrain.checkers.values import ANYTHING, same, show

if TYPE_CHECKING:
    from splitbrain.checkers.models.base import Call


def changed_complaint(call: Call, mutators: tuple[str, ...]) -> str | None:
    """Say that a mutator completed with another value than it was invoked with, or None.

    A log that contradicts itself about what was written can be neither valid nor invalid. Many logs
    leave the value of such a completion out.
    """
    if call.f in mutators and call.known and call.result is not None and not same(call.result, call.value):
        return f"was invoked with {show(call.value)} and completed with {show(call.result)}"
    return None


def unapplied_complaint(call: Call) -> str | None:
    """Say that a call is marked as not applied, where its type has other negative results, or None."""
    return None if call.applied or call.f == "cas" else "is marked as not applied, which only a cas can be"


def list_complaint(call: Call) -> str | None:
    """Say that a completed call didn't return a list, or None."""
    if call.known and call.result is not ANYTHING and not isinstance(call.result, (list, tuple)):
        return f"needs a list as its result, not {show(call.result)}"
    return None


def is_integer(value: Any) -> bool:
    """Tell whether a value is a whole number of JSON; true and false are none."""
    return type(value) is int


def items_of(model: str, initial: Any) -> tuple[Any, ...]:
    """Return what a container holds at first; null is an empty one.

    Raises:
        ModelMismatch: it is no list.
    """
    if initial is not None and not isinstance(initial, (list, tuple)):
        raise ModelMismatch(
            f"The model {model} can't begin with {show(initial)}: name what it holds in a list."
        )
    return tuple(initial or ())
