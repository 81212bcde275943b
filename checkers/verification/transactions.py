"""The verifier's transactions: several steps at once, on registers or on lists.

A list is a register to which a step adds: `push v` leaves what it held and v behind it. One to which nothing
was pushed holds null.

*Look at some keys only* (`keys`: a list). Each transaction keeps its steps on these. Let L be a legal order
of whole transactions. A step is legal or not by what its own register holds, which the steps on that register
alone have made: so L without the steps on other registers is legal, and real time is as it was.

*Look at some elements only* of lists (`elements`: a list). Pushes of all others go, and every read, and what
was there at first, keeps only these, in their order. L without the rest is legal: where a read found the list
as it was, it finds what is looked at as it is, since a push only adds behind. A register is not like that:
who overwrites hides what was there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.verification.steps import Step, cannot_begin, malformed, no_such
from splitbrain.checkers.verification.values import identity
from splitbrain.checkers.verification.verification import RejectedError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from splitbrain.checkers.verification.steps import After, Request, Start, Translation

READS = ("read", "r")


def looked_at(step: Step, elements: frozenset[Hashable]) -> Step | None:
    """Return what a step on a list says of some elements, or None if that is nothing."""
    if step.kind == "push":
        return step if step.left in elements else None
    return step._replace(found=held_of(step.found, elements))


def held_of(held: Hashable, elements: frozenset[Hashable]) -> Hashable:
    """Return what a list holds of some elements, as null if that is nothing."""
    if not isinstance(held, tuple):
        return held
    few = tuple(each for each in held[1:] if each in elements)
    return ("list", *few) if few else None


def _registers(model: str) -> Translation:
    def translate(request: Request) -> tuple[Step, ...]:
        steps: list[Step] = []
        for kind, register, value in _answered(request, model, ("write", "w")):
            if kind not in READS:
                steps.append(Step("write", left=identity(value), register=register))
            elif request.known and not (request.nil_reads_any and value is None):
                steps.append(Step("read", found=identity(value), register=register))
        return tuple(steps)

    return translate


def _list_append(request: Request) -> tuple[Step, ...]:
    steps: list[Step] = []
    for kind, register, value in _answered(request, "list-append", ("append",)):
        if kind not in READS:
            steps.append(Step("push", left=identity(value), register=register))
        elif request.known:
            if not (value is None or isinstance(value, (list, tuple))):
                raise malformed(request, "one that reads lists")
            steps.append(Step("read", found=identity(value) if value else None, register=register))
    return tuple(steps)


def _answered(request: Request, model: str, writes: tuple[str, ...]) -> list[tuple[str, Hashable, Any]]:
    """Return the parts of a transaction, with their results where they are known."""
    if request.f != "txn":
        raise no_such(request, model)
    asked = _parts(request, request.value, "value", writes)
    if not request.known:
        return asked
    answered = _parts(request, request.result, "result", writes)
    if len(asked) != len(answered) or any(
        one[:2] != other[:2] or (one[0] in writes and identity(one[2]) != identity(other[2]))
        for one, other in zip(asked, answered, strict=True)
    ):
        raise RejectedError(
            f"Operation {request.position} is a txn whose result does not match what it asked for."
        )
    return answered


def _parts(
    request: Request, value: Any, which: str, writes: tuple[str, ...]
) -> list[tuple[str, Hashable, Any]]:
    parts: list[tuple[str, Hashable, Any]] = []
    for part in value if isinstance(value, (list, tuple)) else (None,):
        if not isinstance(part, (list, tuple)) or len(part) != 3 or part[0] not in READS + writes:
            raise RejectedError(
                f"Operation {request.position} is a txn whose {which} is not a list of"
                f' ["read" or "{writes[0]}", register, value].'
            )
        parts.append((part[0], identity(part[1]), part[2]))
    return parts


def _pushed(step: Step, held: Any) -> Hashable:
    return (*(held or ("list",)), step.left)


AFTER: Mapping[str, After] = {"push": _pushed}
OBSERVERS: frozenset[str] = frozenset()

MODELS: Mapping[str, Translation] = {
    "multi-register": _registers("multi-register"),
    "rw-register": _registers("rw-register"),
    "list-append": _list_append,
}


def _named(initial: Any, register: Hashable) -> Hashable:
    if not isinstance(initial, dict):
        return identity(initial)
    named = {identity(name): identity(value) for name, value in initial.items()}
    return named.get(register, named.get(str(register)))


def _named_list(initial: Any, register: Hashable) -> Hashable:
    if initial is not None and not (
        isinstance(initial, dict) and all(isinstance(each, list) for each in initial.values())
    ):
        raise cannot_begin("list-append", initial)
    held = _named(initial, register)
    return None if held == ("list",) else held


STARTS: Mapping[str, Start] = {
    "multi-register": _named,
    "rw-register": _named,
    "list-append": _named_list,
}
