"""The verifier's sets that only grow and are read as a whole: one register that holds what is in.

    step               legal                                      afterwards
    gather v           always                                     v is in: an add
    gathered S, T      what is in is S, and T is empty            the same: a read of S that names T twice

A certificate may look at some elements only: then steps and states speak of these alone (`gathering`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.verification.members import Members
from splitbrain.checkers.verification.steps import (
    ILLEGAL,
    Step,
    cannot_begin,
    malformed,
    no_such,
    says_nothing,
)
from splitbrain.checkers.verification.values import identity

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from splitbrain.checkers.verification.steps import After, Request, Start, Translation

NAMES = ("grow-set", "set-full")


def looked_at(step: Step, elements: frozenset[Hashable]) -> Step | None:
    """Return what a step says of some elements, or None if that is nothing."""
    if step.kind == "gather":
        return step if step.left in elements else None
    found: Any = step.found
    twice: Any = step.left
    return step._replace(found=found & elements, left=twice & elements)


def held_of(held: Hashable, elements: frozenset[Hashable]) -> Hashable:
    """Return what a register holds of some elements."""
    return Members(each for each in _members(held) if each in elements)


def _translation(model: str) -> Translation:
    def translate(request: Request) -> tuple[Step, ...]:
        if request.f == "add":
            return (Step("gather", left=identity(request.value)),)
        if request.f != "read":
            raise no_such(request, model)
        if says_nothing(request):
            return ()
        if not isinstance(request.result, (list, tuple)):
            raise malformed(request, "a read of a list")
        named = Counter(map(identity, request.result))
        twice = frozenset(element for element, times in named.items() if times > 1)
        return (Step("gathered", found=frozenset(named), left=twice),)

    return translate


def _start(model: str) -> Start:
    def start(initial: Any, _: Hashable) -> Hashable:
        if initial is not None and not isinstance(initial, (list, tuple)):
            raise cannot_begin(model, initial)
        return Members(map(identity, initial or ()))

    return start


def _gathered(step: Step, held: Any) -> Hashable:
    found: Any = step.found
    same = step.left == frozenset() and len(found) == len(held) and all(element in held for element in found)
    return held if same else ILLEGAL


def _members(held: Any) -> Members:
    assert isinstance(held, Members)
    return held


AFTER: Mapping[str, After] = {
    "gather": lambda step, held: _members(held).plus(step.left),
    "gathered": _gathered,
}
OBSERVERS = frozenset({"gathered"})
MODELS: Mapping[str, Translation] = {model: _translation(model) for model in NAMES}
STARTS: Mapping[str, Start] = {model: _start(model) for model in NAMES}
