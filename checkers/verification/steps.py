"""What the verifier's sequential models are made of: requests, and the steps that they become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from splitbrain.checkers.verification.values import identity, show
from splitbrain.checkers.verification.verification import RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class Step(NamedTuple):
    """One step; `found` and `left` are identities of values. A model of one register has no name for it."""

    kind: str
    found: Hashable = None
    left: Hashable = None
    register: Hashable = None


class Request(NamedTuple):
    """An operation as a model sees it.

    `known` says whether `result` and `applied` mean anything; `nil_reads_any` that a read of null is
    legal in every state. `process` is who asked. `key` names the operation's key, where keys are not
    objects of their own.
    """

    position: int
    f: str
    value: Any
    result: Any
    known: bool
    applied: bool
    nil_reads_any: bool
    process: int
    key: Hashable = None


Translation: TypeAlias = "Callable[[Request], tuple[Step, ...]]"
After: TypeAlias = "Callable[[Step, Any], Hashable]"
"""What a register holds after a step (or `ILLEGAL`), from what it held."""
Start: TypeAlias = "Callable[[Any, Hashable], Hashable]"
"""What a register holds at first, from the claimed initial state and its name."""

ILLEGAL: Final = object()
"""What a register cannot come to hold."""


def read_steps(request: Request, *, register: Hashable = None) -> tuple[Step, ...]:
    """Return what a read of a whole register says."""
    if says_nothing(request):
        return ()
    return (Step("read", found=identity(request.result), register=register),)


def says_nothing(request: Request) -> bool:
    """Whether a read is legal in every state."""
    return not request.known or (request.nil_reads_any and request.result is None)


def no_such(request: Request, model: str) -> RejectedError:
    """Return the complaint that the model lacks the operation."""
    return RejectedError(
        f"Operation {request.position} is a {request.f!r}, which the model {model} does not have."
    )


def malformed(request: Request, wanted: str) -> RejectedError:
    """Return the complaint that the operation has another form than `wanted`."""
    result = f" -> {show(request.result)}" if request.known else ""
    return RejectedError(
        f"Operation {request.position} is a {request.f} {show(request.value)}{result}, not {wanted}."
    )


def cannot_begin(model: str, initial: Any) -> RejectedError:
    """Return the complaint that the claimed initial state is none of the model's."""
    return RejectedError(f"A {model} can't begin with {show(initial)}.")
