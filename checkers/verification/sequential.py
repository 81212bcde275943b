"""The verifier's own sequential models: what each data type promises when nothing is concurrent.

The four data types (register, cas-register, multi-register, kv) are all banks of registers, and each of
their operations is a short list of steps on registers. One table translates an operation into steps,
one function takes them:

    step        legal in a state                       state afterwards
    read v      the register holds v                   the same
    write v     any                                    v
    equal v w   the register holds v                   w           a cas that was applied
    unequal v   the register holds anything but v      the same    a cas that was not
    attempt v w any                                    w if it holds v, else same: a cas of unknown outcome
    append s    the register holds a string or null    the old string and s; null counts as ""

An operation whose result is unknown (it is indeterminate) reads nothing: its reads translate to no step
at all, and its cas to an attempt. With `nil_reads: any` a read of null is legal in every state and so
translates to no step either. A delete writes null; in a kv, `read` and
`write` are other names of get and put. Results of writes, appends and deletes carry no
promise.

The state is a tuple of value identities, one for each register: a single one where keys are separate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from splitbrain.checkers.verification.values import identity, show
from splitbrain.checkers.verification.verification import RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

State: TypeAlias = "tuple[Hashable, ...]"


class Step(NamedTuple):
    """One step; `found` and `left` are identities of values. A model of one register has no name for it."""

    kind: str
    found: Hashable = None
    left: Hashable = None
    register: Hashable = None


class Request(NamedTuple):
    """An operation as a model sees it.

    `known` says whether `result` and `applied` mean anything; `nil_reads_any` that a read of null is
    legal in every state.
    """

    position: int
    f: str
    value: Any
    result: Any
    known: bool
    applied: bool
    nil_reads_any: bool


Translation: TypeAlias = "Callable[[Request], tuple[Step, ...]]"


ILLEGAL = object()
"""What a register cannot come to hold."""


def _appended(step: Step, held: Hashable) -> Hashable:
    return (held or "") + str(step.left) if held is None or isinstance(held, str) else ILLEGAL


AFTER: dict[str, Callable[[Step, Hashable], Hashable]] = {
    "read": lambda step, held: held if held == step.found else ILLEGAL,
    "write": lambda step, _: step.left,
    "equal": lambda step, held: step.left if held == step.found else ILLEGAL,
    "unequal": lambda step, held: held if held != step.found else ILLEGAL,
    "attempt": lambda step, held: step.left if held == step.found else held,
    "append": _appended,
}
"""What the register holds after a step: the table above."""


def take(steps: Sequence[Step], state: State, numbers: Mapping[Hashable, int]) -> State | None:
    """Return the state after the steps, or None where they are illegal.

    `numbers` says which place of the state each register has.
    """
    registers = list(state)
    for step in steps:
        number = numbers[step.register]
        after = AFTER[step.kind](step, registers[number])
        if after is ILLEGAL:
            return None
        registers[number] = after
    return tuple(registers)


def _register(request: Request) -> tuple[Step, ...]:
    if request.f == "read":
        return _read(request)
    if request.f == "write":
        return (Step("write", left=identity(request.value)),)
    raise _no_such(request, "register")


def _cas_register(request: Request) -> tuple[Step, ...]:
    if request.f == "cas":
        return (_cas(request),)
    if request.f in ("read", "write"):
        return _register(request)
    raise _no_such(request, "cas-register")


def _kv(request: Request) -> tuple[Step, ...]:
    if request.f in ("get", "read"):
        return _read(request)
    if request.f in ("put", "write"):
        return (Step("write", left=identity(request.value)),)
    if request.f == "delete":
        return (Step("write", left=None),)
    if request.f == "cas":
        return (_cas(request),)
    if request.f == "append":
        if not isinstance(request.value, str):
            raise RejectedError(
                f"Operation {request.position} appends {show(request.value)}, which is not a string."
            )
        return (Step("append", left=request.value),)
    raise _no_such(request, "kv")


def _multi_register(request: Request) -> tuple[Step, ...]:
    if request.f != "txn":
        raise _no_such(request, "multi-register")
    asked = _parts(request, request.value, "value")
    answered = _parts(request, request.result, "result") if request.known else asked
    if [part[:2] for part in asked] != [part[:2] for part in answered]:
        raise RejectedError(
            f"Operation {request.position} is a txn whose result does not match what it asked for."
        )
    steps: list[Step] = []
    for (kind, register, value), (_, _, result) in zip(asked, answered, strict=True):
        if kind in ("write", "w"):
            steps.append(Step("write", left=identity(value), register=register))
        elif request.known and not (request.nil_reads_any and result is None):
            steps.append(Step("read", found=identity(result), register=register))
    return tuple(steps)


MODELS: dict[str, Translation] = {
    "register": _register,
    "cas-register": _cas_register,
    "multi-register": _multi_register,
    "kv": _kv,
}


def _read(request: Request) -> tuple[Step, ...]:
    if not request.known or (request.nil_reads_any and request.result is None):
        return ()
    return (Step("read", found=identity(request.result)),)


def _cas(request: Request) -> Step:
    if not isinstance(request.value, (list, tuple)) or len(request.value) != 2:
        raise RejectedError(f"Operation {request.position} is a cas, but its value is not a pair [old, new].")
    old, new = map(identity, request.value)
    if not request.known:
        return Step("attempt", found=old, left=new)
    if request.applied:
        return Step("equal", found=old, left=new)
    return Step("unequal", found=old)


def _parts(request: Request, value: Any, which: str) -> list[tuple[str, Hashable, Any]]:
    parts: list[tuple[str, Hashable, Any]] = []
    for part in value if isinstance(value, (list, tuple)) else (None,):
        if (
            not isinstance(part, (list, tuple))
            or len(part) != 3
            or part[0] not in ("read", "r", "write", "w")
        ):
            raise RejectedError(
                f"Operation {request.position} is a txn whose {which} is not a list of"
                ' ["read" or "write", register, value].'
            )
        parts.append((part[0], identity(part[1]), part[2]))
    return parts


def _no_such(request: Request, model: str) -> RejectedError:
    return RejectedError(
        f"Operation {request.position} is a {request.f!r}, which the model {model} does not have."
    )
