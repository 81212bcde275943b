"""A bank: accounts, transfers between them, and reads of all balances at once.

An account is named by a string or a number, and its name in a balance is text, as in JSON: 6 and "6" are one
account. Accounts that nobody names hold 0.

*The opening balances.* Where they aren't stated (null), any will do that keep all accounts as they must be.
Then the state before the first read in a linearization says how far each account has moved since the
opening, and how low it was (the least of those sums): a read fits if what it found, less the movement, is an
opening that was enough. A read fixes the balances then, so it is no observer. With stated balances it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from splitbrain.checkers.models.base import ILLEGAL, Call, Model, ModelMismatch
from splitbrain.checkers.models.shapes import is_integer, unapplied_complaint
from splitbrain.checkers.values import ANYTHING, same, show

_FIELDS: Final = {"from", "to", "amount"}


class Bank(Model):
    """`transfer {from, to, amount}` and `read` -> {account: balance}; no balance may become negative.

    A transfer that was refused is a fail.
    """

    name: ClassVar[str] = "bank"
    summary: ClassVar[str] = "accounts, never negative: transfer {from, to, amount}, read -> balances"
    functions: ClassVar[tuple[str, ...]] = ("transfer", "read")
    observers: frozenset[str] = frozenset({"read"})
    overdraft: ClassVar[bool] = False

    def complaint(self, call: Call) -> str | None:
        """Ask for accounts and whole amounts."""
        problem = super().complaint(call) or unapplied_complaint(call)
        if problem:
            return problem
        if call.f == "transfer":
            return _transfer_complaint(call)
        if call.known and call.result is not ANYTHING and not _are_balances(call.result):
            return f"needs {{account: whole number}} as its result, not {show(call.result)}"
        return None

    def is_observer(self, call: Call) -> bool:
        """Name reads, and transfers that move nothing."""
        return call.f == "read" or not _moves(call)

    def starting(self, initial: Any) -> tuple[Model, Any]:
        """Ask for balances, or for null where they aren't known."""
        if initial is None:
            return _Unopened(overdraft=self.overdraft), None
        if not _are_balances(initial) or (not self.overdraft and any(each < 0 for each in initial.values())):
            raise ModelMismatch(
                f"The model {self.name} can't begin with {show(initial)}: name a balance for each account,"
                ' such as {"a": 10, "b": 0}, or null for any.'
            )
        return self, initial

    def step(self, state: Any, call: Call) -> Any:
        """Return the balances afterwards, without those that are 0."""
        balances = _balances(state)
        if call.f == "read":
            fits = not call.known or call.result is ANYTHING or _balances(call.result) == balances
            return state if fits else ILLEGAL
        source, target, amount = str(call.value["from"]), str(call.value["to"]), call.value["amount"]
        if not self.overdraft and balances.get(source, 0) < amount:
            return ILLEGAL if call.known else state
        return _moved(balances, source, target, amount) if _moves(call) else state


class OverdraftBank(Bank):
    """A bank whose balances may be negative."""

    name: ClassVar[str] = "overdraft-bank"
    summary: ClassVar[str] = "accounts that may be negative: transfer {from, to, amount}, read -> balances"
    overdraft: ClassVar[bool] = True


class _Unopened(Bank):
    """A bank of unknown opening balances; see the module."""

    def __init__(self, *, overdraft: bool) -> None:
        self._overdraft = overdraft
        self._bank: Bank = OverdraftBank() if overdraft else Bank()

    def is_observer(self, call: Call) -> bool:
        """Name a read without a result; any other says something of the opening."""
        return call.f == "read" and not call.known

    def loosen(self, call: Call) -> Call:
        """Loosen as the bank does."""
        return self._bank.loosen(call)

    def step(self, state: Any, call: Call) -> Any:
        """Return {"balances": ...}, or before the first read {"moved": ..., "least": ...}."""
        if state is not None and "balances" in state:
            after = self._bank.step(state["balances"], call)
            return after if after is ILLEGAL else {"balances": after}
        moved: dict[str, int] = {} if state is None else state["moved"]
        least: dict[str, int] = {} if state is None else state["least"]
        if call.f == "read":
            return (
                state
                if not call.known or call.result is ANYTHING
                else self._opened(moved, least, call.result)
            )
        source, target, amount = str(call.value["from"]), str(call.value["to"]), call.value["amount"]
        after = _moved(moved, source, target, amount)
        low = min(least.get(source, 0), moved.get(source, 0) - amount)
        return {"moved": after, "least": {**least, source: low}}

    def _opened(self, moved: dict[str, int], least: dict[str, int], found: Mapping[Any, int]) -> Any:
        balances = _balances(found)
        if not self._overdraft:
            for account in {*balances, *moved, *least}:
                opening = balances.get(account, 0) - moved.get(account, 0)
                if opening < 0 or opening + least.get(account, 0) < 0:
                    return ILLEGAL
        return {"balances": balances}


def _transfer_complaint(call: Call) -> str | None:
    value = call.value
    if (
        not isinstance(value, Mapping)
        or set(value) != _FIELDS
        or not all(type(value[end]) in (int, str) for end in ("from", "to"))
        or not is_integer(value["amount"])
        or value["amount"] < 0
    ):
        return f'needs {{"from": account, "to": account, "amount": whole number}}, not {show(value)}'
    if call.known and call.result is not None and not same(call.result, value):
        return f"was invoked with {show(value)} and completed with {show(call.result)}"
    return None


def _are_balances(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(is_integer, value.values()))


def _balances(named: Mapping[Any, int]) -> dict[str, int]:
    return {str(account): balance for account, balance in named.items() if balance}


def _moves(call: Call) -> bool:
    value = call.value
    return value["amount"] > 0 and str(value["from"]) != str(value["to"])


def _moved(balances: dict[str, int], source: str, target: str, amount: int) -> dict[str, int]:
    after = dict(balances)
    after[source] = after.get(source, 0) - amount
    after[target] = after.get(target, 0) + amount
    return _balances(after)
