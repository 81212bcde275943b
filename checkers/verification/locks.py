"""The verifier's locks, each one register.

A *mutex* is a register that holds "free" or "held": to acquire it is to find the one and leave the other. An
*owned mutex* holds the number of its holder instead. An operation of unknown outcome is an attempt.

A *reentrant lock* holds "free", or how often it was acquired and by whom; a *fenced lock* who holds it, or
null, and the last token:

    step              legal                                          afterwards
    enter p           free, or held by p                             held by p once more
    leave p           held by p                                      held once less, or free
    grant p t         nobody holds it, t is greater than the last    p holds it, the last token is t
    grant p           nobody holds it                                p holds it, the last token is one greater
    return p          p holds it                                     nobody holds it

and the same with a question mark, of unknown outcome: where it is not legal, it does nothing. A token that
nobody learned was at least one greater than the last, as tokens are whole numbers. That it was exactly
so is the weakest assumption: whatever is legal after a greater one is legal after this one too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.verification.steps import ILLEGAL, Step, cannot_begin, malformed, no_such

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from splitbrain.checkers.verification.steps import After, Request, Start, Translation

FREE, HELD = "free", "held"


def _known(request: Request, model: str) -> Request:
    if request.f not in ("acquire", "release"):
        raise no_such(request, model)
    if request.known and not request.applied:
        raise malformed(request, "one that was applied")
    return request


def _mutex(request: Request) -> tuple[Step, ...]:
    return _exchange(_known(request, "mutex"), HELD)


def _owned_mutex(request: Request) -> tuple[Step, ...]:
    return _exchange(_known(request, "owned-mutex"), request.process)


def _exchange(request: Request, held: Hashable) -> tuple[Step, ...]:
    found, left = (FREE, held) if request.f == "acquire" else (held, FREE)
    return (Step("equal" if request.known else "attempt", found=found, left=left),)


def _reentrant_lock(request: Request) -> tuple[Step, ...]:
    verb = "enter" if _known(request, "reentrant-lock").f == "acquire" else "leave"
    return (Step(verb + _doubt(request), left=request.process),)


def _fenced_lock(request: Request) -> tuple[Step, ...]:
    if _known(request, "fenced-lock").f == "release":
        return (Step("return" + _doubt(request), left=request.process),)
    token = request.result if request.known else None
    if token is not None and type(token) is not int:
        raise malformed(request, "one with a whole number or null as its token")
    return (Step("grant" + _doubt(request), found=token, left=request.process),)


def _doubt(request: Request) -> str:
    return "" if request.known else "?"


def _enter(step: Step, held: Any) -> Hashable:
    count, holder = (0, step.left) if held == FREE else held
    return (count + 1, holder) if holder == step.left else ILLEGAL


def _leave(step: Step, held: Any) -> Hashable:
    if held == FREE or held[1] != step.left:
        return ILLEGAL
    return (held[0] - 1, step.left) if held[0] > 1 else FREE


def _grant(step: Step, held: Any) -> Hashable:
    holder, last = held
    if holder is not None:
        return ILLEGAL
    if step.found is None:
        return (step.left, None if last is None else last + 1)
    token: Any = step.found
    return (step.left, token) if last is None or token > last else ILLEGAL


def _return(step: Step, held: Any) -> Hashable:
    return (None, held[1]) if held[0] == step.left else ILLEGAL


def _or_nothing(sure: Callable[[Step, Any], Hashable]) -> After:
    def after(step: Step, held: Any) -> Hashable:
        left = sure(step, held)
        return held if left is ILLEGAL else left

    return after


_SURE: Mapping[str, After] = {"enter": _enter, "leave": _leave, "grant": _grant, "return": _return}
AFTER: Mapping[str, After] = {
    **_SURE,
    **{f"{kind}?": _or_nothing(sure) for kind, sure in _SURE.items()},
}
OBSERVERS: frozenset[str] = frozenset()

MODELS: Mapping[str, Translation] = {
    "mutex": _mutex,
    "owned-mutex": _owned_mutex,
    "reentrant-lock": _reentrant_lock,
    "fenced-lock": _fenced_lock,
}


def _free(model: str) -> Start:
    def start(initial: Any, _: Hashable) -> Hashable:
        if initial == HELD and model == "mutex":
            return HELD
        if initial not in (None, FREE):
            raise cannot_begin(model, initial)
        return (None, None) if model == "fenced-lock" else FREE

    return start


STARTS: Mapping[str, Start] = {model: _free(model) for model in MODELS}
