"""The verifier's counter and banks, each one register.

    step               legal                                       afterwards
    plus n             always                                      the number is n greater
    transfer a b n     a holds at least n                          a has n less, b has n more
    transfer? a b n    always: of unknown outcome                  the same where a holds n, else nothing
    overdraw a b n     always                                      a has n less, b has n more
    balances B         the balances are B; names without one       the same
                       hold 0

A bank's register holds its balances, without those that are 0. Its opening balances may be unknown: then
any of which no balance is negative will do, and none is shared by all histories. Until the first read the
register holds how far each account moved and the least that this ever was; the read says what the opening
was, and is legal if that plus the least is negative nowhere (with `overdraw`, always).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.verification.steps import (
    ILLEGAL,
    Step,
    cannot_begin,
    malformed,
    no_such,
    read_steps,
    says_nothing,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from splitbrain.checkers.verification.steps import After, Request, Start, Translation

UNOPENED = "unopened"


def _counter(request: Request) -> tuple[Step, ...]:
    if request.f == "read":
        return read_steps(request)
    if request.f != "add":
        raise no_such(request, "counter")
    if type(request.value) is not int:
        raise malformed(request, "one of a whole number")
    return (Step("plus", left=request.value),)


def _bank(model: str) -> Translation:
    overdraft = model == "overdraft-bank"

    def translate(request: Request) -> tuple[Step, ...]:
        if request.f == "transfer":
            kind = "overdraw" if overdraft else "transfer" if request.known else "transfer?"
            return (Step(kind, left=_movement(request)),)
        if request.f != "read":
            raise no_such(request, model)
        if says_nothing(request):
            return ()
        if not _are_balances(request.result):
            raise malformed(request, "a read of balances")
        return (Step("balances", found=_held(request.result), left=overdraft),)

    return translate


def _movement(request: Request) -> Hashable:
    value = request.value
    if not isinstance(value, dict) or set(value) != {"from", "to", "amount"}:
        raise malformed(request, "one from an account to another of an amount")
    source, target, amount = value["from"], value["to"], value["amount"]
    named = all(type(account) in (int, str) for account in (source, target))
    if not named or type(amount) is not int or amount < 0 or (request.known and not request.applied):
        raise malformed(request, "one from an account to another of a whole amount")
    return (str(source), str(target), amount)


def _are_balances(value: Any) -> bool:
    return isinstance(value, dict) and all(type(balance) is int for balance in value.values())


def _held(balances: Mapping[Any, int]) -> Hashable:
    return ("object", frozenset((str(name), balance) for name, balance in balances.items() if balance))


def _transfer(step: Step, held: Any) -> Hashable:
    source, target, amount = _parts(step)
    if held[0] == UNOPENED:
        return _unopened(held, source, target, amount)
    balances = dict(held[1])
    return ILLEGAL if balances.get(source, 0) < amount else _moved(balances, source, target, amount)


def _perhaps(step: Step, held: Any) -> Hashable:
    after = _transfer(step, held)
    return held if after is ILLEGAL else after


def _overdraw(step: Step, held: Any) -> Hashable:
    source, target, amount = _parts(step)
    if held[0] == UNOPENED:
        return _unopened(held, source, target, amount)
    return _moved(dict(held[1]), source, target, amount)


def _parts(step: Step) -> tuple[str, str, int]:
    movement: Any = step.left
    source, target, amount = movement
    return source, target, amount


def moves_nothing(step: Step) -> bool:
    """Whether a movement leaves all balances as they are."""
    source, target, amount = _parts(step)
    return amount == 0 or source == target


def _moved(balances: dict[str, int], source: str, target: str, amount: int) -> Hashable:
    balances[source] = balances.get(source, 0) - amount
    balances[target] = balances.get(target, 0) + amount
    return _held(balances)


def _unopened(held: Any, source: str, target: str, amount: int) -> Hashable:
    _, moved, least = held
    deep = dict(least)
    deep[source] = min(deep.get(source, 0), dict(moved).get(source, 0) - amount)
    after: Any = _moved(dict(moved), source, target, amount)
    return (UNOPENED, after[1], frozenset(deep.items()))


def _balances(step: Step, held: Any) -> Hashable:
    if held[0] != UNOPENED:
        return held if held == step.found else ILLEGAL
    if step.left is True:
        return step.found
    found: Any = step.found
    now, moved, least = dict(found[1]), dict(held[1]), dict(held[2])
    for account in {*now, *moved, *least}:
        opening = now.get(account, 0) - moved.get(account, 0)
        if min(opening, opening + least.get(account, 0)) < 0:
            return ILLEGAL
    return step.found


AFTER: Mapping[str, After] = {
    "plus": lambda step, held: held + step.left,
    "transfer": _transfer,
    "transfer?": _perhaps,
    "overdraw": _overdraw,
    "balances": _balances,
}
OBSERVERS = frozenset({"balances"})
MOVEMENTS = ("transfer", "transfer?", "overdraw")

MODELS: Mapping[str, Translation] = {
    "counter": _counter,
    "bank": _bank("bank"),
    "overdraft-bank": _bank("overdraft-bank"),
}


def _number(initial: Any, _: Hashable) -> Hashable:
    if initial is not None and type(initial) is not int:
        raise cannot_begin("counter", initial)
    return initial or 0


def _opening(model: str) -> Start:
    def start(initial: Any, _: Hashable) -> Hashable:
        if initial is None:
            return (UNOPENED, frozenset(), frozenset())
        if not _are_balances(initial) or (model == "bank" and any(each < 0 for each in initial.values())):
            raise cannot_begin(model, initial)
        return _held(initial)

    return start


STARTS: Mapping[str, Start] = {
    "counter": _number,
    "bank": _opening("bank"),
    "overdraft-bank": _opening("overdraft-bank"),
}
