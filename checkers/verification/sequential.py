"""The verifier's own sequential models: what each data type promises when nothing is concurrent.

All data types are banks of registers, and each of their operations is a short list of steps on registers. A
table translates an operation into steps, and one function takes them. These are the steps of registers
proper; `containers`, `growing`, `locks`, `accounts` and `transactions` have more, where more is held:

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

from typing import TYPE_CHECKING, Any, TypeAlias

from splitbrain.checkers.verification import accounts, containers, growing, locks, transactions
from splitbrain.checkers.verification.steps import ILLEGAL, Request, Step, no_such, read_steps
from splitbrain.checkers.verification.values import identity, show
from splitbrain.checkers.verification.verification import RejectedError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from splitbrain.checkers.verification.steps import After, Start, Translation

State: TypeAlias = "tuple[Hashable, ...]"


def _appended(step: Step, held: Hashable) -> Hashable:
    return (held or "") + str(step.left) if held is None or isinstance(held, str) else ILLEGAL


AFTER: Mapping[str, After] = {
    "read": lambda step, held: held if held == step.found else ILLEGAL,
    "write": lambda step, _: step.left,
    "equal": lambda step, held: step.left if held == step.found else ILLEGAL,
    "unequal": lambda step, held: held if held != step.found else ILLEGAL,
    "attempt": lambda step, held: step.left if held == step.found else held,
    "append": _appended,
    **containers.AFTER,
    **growing.AFTER,
    **locks.AFTER,
    **accounts.AFTER,
    **transactions.AFTER,
}
"""What the register holds after a step: the tables of this module and those."""
OVERWRITES = ("write", "equal", "attempt")
"""The steps after which a register may hold something that does not depend on what it held."""
_OBSERVERS = frozenset({"read", "unequal"}).union(
    containers.OBSERVERS, growing.OBSERVERS, locks.OBSERVERS, accounts.OBSERVERS, transactions.OBSERVERS
)


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


def observes_only(step: Step) -> bool:
    """Whether the step changes no state in which it is legal."""
    if step.kind in ("equal", "attempt"):
        return step.found == step.left
    if step.kind == "plus":
        return step.left == 0
    if step.kind in accounts.MOVEMENTS:
        return accounts.moves_nothing(step)
    return step.kind in _OBSERVERS


def _register(request: Request) -> tuple[Step, ...]:
    if request.f == "read":
        return read_steps(request)
    if request.f == "write":
        return (Step("write", left=identity(request.value)),)
    raise no_such(request, "register")


def _cas_register(request: Request) -> tuple[Step, ...]:
    if request.f == "cas":
        return (_cas(request),)
    if request.f in ("read", "write"):
        return _register(request)
    raise no_such(request, "cas-register")


def _kv(request: Request) -> tuple[Step, ...]:
    """Translate an operation on the register of its key: the only one, or one of a whole store's."""
    return tuple(step._replace(register=request.key) for step in _of_one_key(request))


def _of_one_key(request: Request) -> tuple[Step, ...]:
    if request.f in ("get", "read"):
        return read_steps(request)
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
    raise no_such(request, "kv")


def _anything(initial: Any, _: Hashable) -> Hashable:
    return identity(initial)


MODELS: Mapping[str, Translation] = {
    "register": _register,
    "cas-register": _cas_register,
    "kv": _kv,
    **containers.MODELS,
    **growing.MODELS,
    **locks.MODELS,
    **accounts.MODELS,
    **transactions.MODELS,
}
STARTS: Mapping[str, Start] = {
    "register": _anything,
    "cas-register": _anything,
    "kv": _anything,
    **containers.STARTS,
    **growing.STARTS,
    **locks.STARTS,
    **accounts.STARTS,
    **transactions.STARTS,
}
"""What a register of the model holds at first."""


def _cas(request: Request) -> Step:
    if not isinstance(request.value, (list, tuple)) or len(request.value) != 2:
        raise RejectedError(f"Operation {request.position} is a cas, but its value is not a pair [old, new].")
    old, new = map(identity, request.value)
    if not request.known:
        return Step("attempt", found=old, left=new)
    if request.applied:
        return Step("equal", found=old, left=new)
    return Step("unequal", found=old)
