"""Registers: one cell, one cell with compare-and-set, and several cells changed together.

An initial value is null unless the caller says otherwise. A cas that compared unequal is a completed
operation that is not applied: it observed that the cell held something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from splitbrain.checkers.models.base import ILLEGAL, NOTHING, Access, Call, Model, ModelMismatch
from splitbrain.checkers.models.shapes import changed_complaint, unapplied_complaint
from splitbrain.checkers.values import ANYTHING, same, show

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_PAIR = 2


class Register(Model):
    """One cell: `read` returns what was written last."""

    name: ClassVar[str] = "register"
    summary: ClassVar[str] = "one cell (per key): read, write v"
    functions: ClassVar[tuple[str, ...]] = ("read", "write")
    observers: frozenset[str] = frozenset({"read"})

    def complaint(self, call: Call) -> str | None:
        """Refuse a write that wasn't applied, or completed with another value than it was invoked with."""
        return super().complaint(call) or unapplied_complaint(call) or changed_complaint(call, ("write",))

    def access(self, call: Call) -> Access | None:
        """Describe a read or a write."""
        if call.f == "read":
            if not call.known or call.result is ANYTHING:
                return Access()
            return Access(reads=call.result)
        return Access(writes=call.value)

    def step(self, state: Any, call: Call) -> Any:
        """Apply the call's access to the cell."""
        access = self.access(call)
        assert access is not None
        return apply(access, state)


class CasRegister(Register):
    """One cell with `cas [old, new]`."""

    name: ClassVar[str] = "cas-register"
    summary: ClassVar[str] = "one cell (per key): read, write v, cas [old, new]"
    functions: ClassVar[tuple[str, ...]] = ("read", "write", "cas")

    def complaint(self, call: Call) -> str | None:
        """Ask for a pair where the call is a cas."""
        return super().complaint(call) or cas_complaint(call)

    def is_observer(self, call: Call) -> bool:
        """Name reads, an unequal cas and a cas from a value to itself."""
        return call.f == "read" or (call.f == "cas" and cas_changes_nothing(call))

    def access(self, call: Call) -> Access | None:
        """Describe a read, a write or a cas."""
        return cas_access(call) if call.f == "cas" else super().access(call)


def cas_complaint(call: Call) -> str | None:
    """Say that a cas has no pair, or completed with another one, or None."""
    if call.f == "cas" and not (isinstance(call.value, (list, tuple)) and len(call.value) == _PAIR):
        return f"needs [old, new], not {show(call.value)}"
    return changed_complaint(call, ("cas",))


def cas_changes_nothing(call: Call) -> bool:
    """Tell whether a cas observes only: it compared unequal, or goes from a value to itself."""
    return not call.applied or same(call.value[0], call.value[1])


def cas_access(call: Call) -> Access:
    """Describe a cas; one that compared unequal found anything but its first value."""
    old, new = call.value
    return Access(reads=old, writes=new) if call.applied else Access(differs=old)


def apply(access: Access, state: Any) -> Any:
    """Return the cell after an access, or ILLEGAL."""
    if access.reads is not NOTHING and not same(access.reads, state):
        return ILLEGAL
    if access.differs is not NOTHING and same(access.differs, state):
        return ILLEGAL
    return state if access.writes is NOTHING else access.writes


class MultiRegister(Model):
    """Several cells; a transaction reads and writes some of them at one instant.

    `txn [["read", k, null], ["write", k, v]]` returns the same list with its reads filled in. The
    initial state maps cells to values; a cell that it leaves out holds null. A transaction sees its own
    earlier writes. Since it touches several cells, the history can't be split by cell.
    """

    name: ClassVar[str] = "multi-register"
    summary: ClassVar[str] = 'several cells at once: txn [["read", k, null], ["write", k, v]]'
    functions: ClassVar[tuple[str, ...]] = ("txn",)
    _READS = ("read", "r")
    _WRITES = ("write", "w")

    def complaint(self, call: Call) -> str | None:
        """Ask for a list of reads and writes."""
        problem = super().complaint(call) or unapplied_complaint(call)
        return problem or actions_complaint(call, self._READS, self._WRITES)

    def starting(self, initial: Any) -> tuple[Model, Any]:
        """Ask for the values of cells by their names."""
        if initial is not None and not isinstance(initial, dict):
            raise ModelMismatch(
                f"The model {self.name} can't begin with {show(initial)}: name a value for each cell, such as"
                ' {"x": 0}.'
            )
        return self, initial or {}

    def is_observer(self, call: Call) -> bool:
        """Name the transactions that write nothing."""
        return not any(action[0] in self._WRITES for action in call.value)

    def places(self, call: Call) -> Collection[Any]:
        """Name the keys."""
        return [action[1] for action in call.value]

    def seen_by(self, call: Call, key: Any) -> Call:
        """Return the actions on one key."""
        return actions_on(call, key)

    def loosen(self, call: Call) -> Call:
        """Make each null read legal in any state."""
        if not call.known or self.complaint(call):
            return call
        actions = [
            [f, cell, ANYTHING if value is None and f in self._READS else value]
            for f, cell, value in call.result
        ]
        return call._replace(result=actions)

    def step(self, state: Mapping[Any, Any], call: Call) -> Any:
        """Run the actions one after the other."""
        cells = dict(state)
        for f, cell, value in call.result if call.known else call.value:
            if f in self._WRITES:
                cells[cell] = value
            elif call.known and value is not ANYTHING and not same(cells.get(cell), value):
                return ILLEGAL
        return cells


def actions_on(call: Call, key: Any) -> Call:
    """Return a transaction without its actions on other keys."""

    def chosen(actions: Any) -> Any:
        return [action for action in actions if same(action[1], key)]

    return call._replace(value=chosen(call.value), result=chosen(call.result) if call.known else None)


def actions_complaint(call: Call, reads: tuple[str, ...], writes: tuple[str, ...]) -> str | None:
    """Say that a transaction is no list of reads and writes, or completed as another one, or None."""
    for actions in (call.value, call.result) if call.known else (call.value,):
        if not isinstance(actions, (list, tuple)) or not all(
            isinstance(action, (list, tuple))
            and len(action) == 3
            and action[0] in reads + writes
            and type(action[1]) in (str, int)
            for action in actions
        ):
            form = f'["{reads[0]}", cell, value] and ["{writes[0]}", cell, value]'
            return f"needs a list of {form}, not {show(actions)}"
    if call.known and not (
        len(call.value) == len(call.result)
        and all(
            asked[:2] == told[:2] and (asked[0] in reads or same(asked[2], told[2]))
            for asked, told in zip(call.value, call.result, strict=True)
        )
    ):
        return f"was invoked with {show(call.value)} and completed with {show(call.result)}"
    return None
