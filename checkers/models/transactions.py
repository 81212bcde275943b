"""Transactions on many keys at once, each of them one step: linearizable here is strictly serializable.

Actions are ["append", k, v], ["r", k, null] and ["w", k, v]; a completed transaction repeats them with its
reads filled in, and sees what it did itself. Keys are strings or whole numbers. The graph of dependencies,
which names weaker levels and scales better, is no part of these models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from splitbrain.checkers.models.base import ILLEGAL, Call, Model, ModelMismatch
from splitbrain.checkers.models.register import MultiRegister, actions_complaint, actions_on
from splitbrain.checkers.models.shapes import unapplied_complaint
from splitbrain.checkers.values import ANYTHING, freeze, show

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Hashable, Mapping

_READ = "r"
_APPEND = "append"


class RwRegister(MultiRegister):
    """Several cells by the names that Elle gives their actions: `r` and `w`."""

    name: ClassVar[str] = "rw-register"
    summary: ClassVar[str] = 'cells, strictly serializable: txn [["r", k, null], ["w", k, v]]'


class ListAppend(Model):
    """Several lists. A list to which nothing was appended reads as null or []."""

    name: ClassVar[str] = "list-append"
    summary: ClassVar[str] = 'lists, strictly serializable: txn [["r", k, null], ["append", k, v]]'
    functions: ClassVar[tuple[str, ...]] = ("txn",)

    def complaint(self, call: Call) -> str | None:
        """Ask for a list of reads and appends, with lists for the reads."""
        problem = super().complaint(call) or unapplied_complaint(call)
        problem = problem or actions_complaint(call, reads=(_READ,), writes=(_APPEND,))
        if problem or not call.known:
            return problem
        for f, _, value in call.result:
            if f == _READ and not (value is None or value is ANYTHING or isinstance(value, (list, tuple))):
                return f"needs a list for each of its reads, not {show(value)}"
        return None

    def is_observer(self, call: Call) -> bool:
        """Name the transactions that append nothing."""
        return all(action[0] == _READ for action in call.value)

    def starting(self, initial: Any) -> tuple[Model, Any]:
        """Ask for the lists by their keys."""
        if initial is not None and not (
            isinstance(initial, dict) and all(isinstance(each, list) for each in initial.values())
        ):
            raise ModelMismatch(
                f"The model {self.name} can't begin with {show(initial)}: name a list for each key, such as"
                ' {"x": []}.'
            )
        return self, initial or {}

    def places(self, call: Call) -> Collection[Any]:
        """Name the keys."""
        return [action[1] for action in call.value]

    def seen_by(self, call: Call, key: Any) -> Call:
        """Return the actions on one key."""
        return actions_on(call, key)

    def elements(self, call: Call) -> Collection[Any]:
        """Name what is appended, and what lists held."""
        told = [action[2] for action in (call.result if call.known else call.value)]
        return [each for value in told for each in (value if isinstance(value, (list, tuple)) else (value,))]

    def keeping(self, call: Call, chosen: Container[Hashable]) -> Call:
        """Return the appends of these elements, and reads without all others."""

        def kept(actions: Any) -> Any:
            return [
                [f, key, _few(value, chosen) if f == _READ else value]
                for f, key, value in actions
                if f == _READ or freeze(value) in chosen
            ]

        return call._replace(value=kept(call.value), result=kept(call.result) if call.known else None)

    def loosen(self, call: Call) -> Call:
        """Return the call: null reads an empty list."""
        return call

    def step(self, state: Mapping[Any, Any], call: Call) -> Any:
        """Run the actions one after the other."""
        lists = dict(state)
        for f, key, value in call.result if call.known else call.value:
            held = lists.get(key, ())
            if f == _APPEND:
                lists[key] = (*held, value)
            elif call.known and freeze(list(value or ())) != freeze(list(held)):
                return ILLEGAL
        return lists


def _few(held: Any, chosen: Container[Hashable]) -> Any:
    """Return what a read found without all elements but some."""
    return [each for each in held if freeze(each) in chosen] if isinstance(held, (list, tuple)) else held
