"""A whole history: integer columns for the checkers, operations built on demand for people.

A column holds one 64-bit integer an operation, in the order of invocations, so that a checker sorts and
scans without touching Python objects; an `Operation` costs a microsecond and is made when asked for.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from splitbrain.histories.operation import STATUSES, Operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OK, FAIL, INFO = range(3)
"""Codes of the `status` column."""
NEVER = -1
"""In the `complete` column: no line completes this operation."""
NO_TIME = -(2**63)
"""In the `time` and `end_time` columns: not recorded."""


def _column() -> array[int]:
    return array("q")


@dataclass(frozen=True, eq=False)
class History(Sequence[Operation]):
    """Operations in the order of their invocations; `len`, index, slice and iterate over them.

    Columns (`array('q')`, one entry an operation): `process`; `f` and `key`, ids into the tables
    `functions` and `keys`; `status` (0 ok, 1 fail, 2 info); `invoke` and `complete`, line positions
    (-1: never completed); `time` and `end_time` in nanoseconds (`NO_TIME`: not recorded). `values`
    and `results` hold what was invoked and what came back; `unapplied` the indices of operations that
    compared unequal; `errors` the reasons given, by index.

    `keys` may hold any JSON value; an operation without a key has the id of None. `nemesis` holds the
    nemesis lines as they were, each with its "position". `notes` are the reader's remarks. The
    parts are for reading: nothing here may be changed.
    """

    source: str
    process: array[int] = field(default_factory=_column, repr=False)
    f: array[int] = field(default_factory=_column, repr=False)
    key: array[int] = field(default_factory=_column, repr=False)
    status: array[int] = field(default_factory=_column, repr=False)
    invoke: array[int] = field(default_factory=_column, repr=False)
    complete: array[int] = field(default_factory=_column, repr=False)
    time: array[int] = field(default_factory=_column, repr=False)
    end_time: array[int] = field(default_factory=_column, repr=False)
    values: Sequence[Any] = field(default=(), repr=False)
    results: Sequence[Any] = field(default=(), repr=False)
    unapplied: frozenset[int] = field(default=frozenset(), repr=False)
    errors: Mapping[int, Any] = field(default_factory=dict, repr=False)
    functions: Sequence[str] = ()
    keys: Sequence[Any] = field(default=(), repr=False)
    nemesis: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    @property
    def operations(self) -> Sequence[Operation]:
        """The operations as a sequence that builds each one when it is asked for."""
        return self

    @property
    def keyed(self) -> bool:
        """Whether some operation has a key."""
        return any(key is not None for key in self.keys)

    def by_key(self) -> dict[int, list[int]]:
        """Return the indices of each key's operations, in order, by key id."""
        indices: dict[int, list[int]] = {identifier: [] for identifier in range(len(self.keys))}
        for index, identifier in enumerate(self.key):
            indices[identifier].append(index)
        return indices

    def __len__(self) -> int:
        return len(self.process)

    def __iter__(self) -> Iterator[Operation]:
        return map(self._build, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Operation: ...
    @overload
    def __getitem__(self, index: slice) -> list[Operation]: ...
    def __getitem__(self, index: int | slice) -> Operation | list[Operation]:
        if isinstance(index, slice):
            return [self._build(position) for position in range(*index.indices(len(self)))]
        return self._build(range(len(self))[index])

    def _build(self, index: int) -> Operation:
        complete, time, end_time = self.complete[index], self.time[index], self.end_time[index]
        return Operation(
            index=index,
            process=self.process[index],
            f=self.functions[self.f[index]],
            key=self.keys[self.key[index]],
            value=self.values[index],
            result=self.results[index],
            status=STATUSES[self.status[index]],
            applied=index not in self.unapplied,
            invoke=self.invoke[index],
            complete=None if complete == NEVER else complete,
            time=None if time == NO_TIME else time,
            end_time=None if end_time == NO_TIME else end_time,
            error=self.errors.get(index),
        )
