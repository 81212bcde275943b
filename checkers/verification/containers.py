"""The verifier's sets, queues and stacks.

A *set* is a bank of registers, one for each element, which hold true or null. To add v and learn that it
was new is to find null and leave true; that it was there already, to read true; and so on. So all that is
known of registers holds for sets, and their elements go their own ways.

The others are one register that holds a list of what is in, the oldest first:

    step              legal                                         afterwards
    put v             always                                        v is in
    take-W v          v is the W one: oldest, youngest, largest;    v is out
                      or is in at all (W is any)
    lose-W            always: a take of unknown outcome             the W one is out, if there is one
    look-W v          as take-W                                     the same
    empty             nothing is in                                 the same

`lose-any` takes out the oldest, though it may have been another. That refuses nothing that a free choice
explains, and accepts nothing that it does not: other steps of such a queue want elements to be in, except
`empty`. Take an order with free choices. A `lose-any` behind which there is no `empty` may be left out;
any other may be moved directly in front of the next `empty`. It was of unknown outcome, so real time lets it.
Then all of them stand where everything goes, whatever the choice.

1.0 counts as larger than 1, and 0.0 as larger than -0.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.verification.steps import (
    ILLEGAL,
    Step,
    cannot_begin,
    malformed,
    no_such,
)
from splitbrain.checkers.verification.values import identity

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from splitbrain.checkers.verification.steps import After, Request, Start, Translation

PRESENT = identity(True)
WORDS: Mapping[str, tuple[str, str, str]] = {
    "fifo-queue": ("enqueue", "dequeue", "oldest"),
    "queue": ("enqueue", "dequeue", "any"),
    "stack": ("push", "pop", "youngest"),
    "priority-queue": ("insert", "poll", "largest"),
}
"""How each model calls putting in and taking out, and which one is taken."""


def _set(request: Request) -> tuple[Step, ...]:
    if request.f not in ("add", "remove", "contains"):
        raise no_such(request, "set")
    element = identity(request.value)
    left = PRESENT if request.f == "add" else None
    if not request.known:
        return () if request.f == "contains" else (Step("write", left=left, register=element),)
    told = request.result
    if not isinstance(told, (list, tuple)) or len(told) != 2 or not isinstance(told[1], bool):
        raise malformed(request, "v -> [v, true or false]")
    if identity(told[0]) != element or not request.applied:
        raise malformed(request, "one with its own element as the result")
    if request.f == "contains":
        return (Step("read", found=PRESENT if told[1] else None, register=element),)
    if not told[1]:
        return (Step("read", found=left, register=element),)
    return (Step("equal", found=None if left == PRESENT else PRESENT, left=left, register=element),)


def _buffer(model: str) -> Translation:
    put, take, which = WORDS[model]

    def translate(request: Request) -> tuple[Step, ...]:
        if request.f == put:
            if request.value is None or (which == "largest" and not _is_number(request.value)):
                raise malformed(request, "one of a value that can be put there")
            return (Step("put", left=identity(request.value)),)
        if request.f not in (take, "peek"):
            raise no_such(request, model)
        if not request.known:
            return (Step(f"lose-{which}"),) if request.f == take else ()
        if request.result is None:
            return (Step("empty"),)
        return (Step(f"{'take' if request.f == take else 'look'}-{which}", found=identity(request.result)),)

    return translate


def _items(held: Any) -> tuple[Hashable, ...]:
    return tuple(held[1:])


def _list(items: Iterable[Hashable]) -> Hashable:
    return ("list", *items)


def _oldest(items: tuple[Hashable, ...], value: Hashable | None) -> int | None:
    return 0 if value in (None, items[0]) else None


def _youngest(items: tuple[Hashable, ...], value: Hashable | None) -> int | None:
    return len(items) - 1 if value in (None, items[-1]) else None


def _largest(items: tuple[Hashable, ...], value: Hashable | None) -> int | None:
    largest = max(range(len(items)), key=lambda place: _rank(items[place]))
    return largest if value in (None, items[largest]) else None


def _any(items: tuple[Hashable, ...], value: Hashable | None) -> int | None:
    if value is None:
        return 0
    return items.index(value) if value in items else None


def _rank(number: Any) -> tuple[float, int]:
    """Order the identities of numbers; that of a fraction is its tag and its digits."""
    if not isinstance(number, tuple):
        return number, 0
    return float(number[1]), 1 if number[1] == "-0.0" else 2


def _is_number(value: Any) -> bool:
    return type(value) is int or (isinstance(value, float) and value - value == 0)


def _taken(pick: Callable[[tuple[Hashable, ...], Hashable | None], int | None]) -> After:
    def after(step: Step, held: Any) -> Hashable:
        items = _items(held)
        place = pick(items, step.found) if items else None
        return ILLEGAL if place is None else _list(items[:place] + items[place + 1 :])

    return after


def _lost(pick: Callable[[tuple[Hashable, ...], Hashable | None], int | None]) -> After:
    return lambda step, held: _taken(pick)(step, held) if _items(held) else held


def _looked(pick: Callable[[tuple[Hashable, ...], Hashable | None], int | None]) -> After:
    return lambda step, held: ILLEGAL if _taken(pick)(step, held) is ILLEGAL else held


_PICKS = {"oldest": _oldest, "youngest": _youngest, "largest": _largest, "any": _any}

AFTER: Mapping[str, After] = {
    "put": lambda step, held: _list((*_items(held), step.left)),
    "empty": lambda _, held: ILLEGAL if _items(held) else held,
    **{f"take-{which}": _taken(pick) for which, pick in _PICKS.items()},
    **{f"lose-{which}": _lost(pick) for which, pick in _PICKS.items()},
    **{f"look-{which}": _looked(pick) for which, pick in _PICKS.items()},
}
OBSERVERS = frozenset({"empty", *(f"look-{which}" for which in _PICKS)})

MODELS: Mapping[str, Translation] = {
    "set": _set,
    **{model: _buffer(model) for model in WORDS},
}


def _contents(model: str, initial: Any) -> list[Any]:
    fits = initial is None or isinstance(initial, (list, tuple))
    if not fits or (model == "priority-queue" and not all(map(_is_number, initial or ()))):
        raise cannot_begin(model, initial)
    return list(initial or ())


def _listed(model: str) -> Start:
    return lambda initial, _: _list(map(identity, _contents(model, initial)))


def _set_start(initial: Any, element: Hashable) -> Hashable:
    return PRESENT if element in map(identity, _contents("set", initial)) else None


STARTS: Mapping[str, Start] = {
    "set": _set_start,
    **{model: _listed(model) for model in WORDS},
}
