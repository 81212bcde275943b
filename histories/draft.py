"""The columns of a history while it is being read, and the tables beside them.

What a history repeats (names of functions, keys) is stored once and numbered in the order of its first
appearance; the text of a million lines holds a million copies of the word "write".
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from splitbrain.histories.history import INFO, NEVER, NO_TIME
from splitbrain.histories.keys import identity

if TYPE_CHECKING:
    from collections.abc import Iterable

INTEGER_RANGE = range(-(2**63), 2**63)
"""What a column can hold."""


class Lines:
    """Which line of the file each entry stands on, kept as runs of consecutive lines."""

    def __init__(self) -> None:
        self.count = 0
        """Entries so far: the position of the next one."""
        self._latest = -1
        self._positions, self._lines = array("q"), array("q")

    def add(self, line: int, count: int = 1) -> None:
        """Note that the next `count` entries stand on `line` and the lines behind it."""
        if line != self._latest + 1:
            self._positions.append(self.count)
            self._lines.append(line)
        self._latest = line + count - 1
        self.count += count

    def __getitem__(self, position: int) -> int:
        run = bisect_right(self._positions, position) - 1
        return self._lines[run] + position - self._positions[run]


class Keys:
    """Numbers keys; two have one number exactly if they are the same JSON value."""

    def __init__(self) -> None:
        self.table: list[Any] = []
        """The keys by their numbers."""
        self.plain: dict[Any, int] = {}
        """Numbers of strings, integers and None. (True and 1.0 would find those of 1: look at the type.)"""
        self._numbers: dict[Any, int] = {}

    def number(self, key: Any) -> int:
        """Return the number of a key, a new one if it is new."""
        number = self._numbers.setdefault(identity(key), len(self.table))
        if number == len(self.table):
            self.table.append(key)
            if key is None or type(key) in (str, int):
                self.plain[key] = number
        return number


class Draft:
    """What `History` will hold, under the same names; `latest` is each process's latest operation."""

    def __init__(self) -> None:
        self.lines = Lines()
        self.process, self.f, self.key = array("q"), array("q"), array("q")
        self.status, self.invoke, self.complete = array("q"), array("q"), array("q")
        self.time, self.end_time = array("q"), array("q")
        self.values: list[Any] = []
        self.results: list[Any] = []
        self.unapplied: set[int] = set()
        self.errors: dict[int, Any] = {}
        self.functions: list[str] = []
        self.function_numbers: dict[str, int] = {}
        self.keys = Keys()
        self.nemesis: list[dict[str, Any]] = []
        self.latest: dict[int, int] = {}

    def begin(self, process: int, function: str, key: Any, value: Any, time: int) -> None:
        """Add an operation that is invoked by the entry counted last."""
        self.latest[process] = len(self.process)
        self.process.append(process)
        number = self.function_numbers.setdefault(function, len(self.functions))
        if number == len(self.functions):
            self.functions.append(function)
        self.f.append(number)
        self.key.append(self.keys.number(key))
        self.values.append(value)
        self.results.append(None)
        self.status.append(INFO)
        self.invoke.append(self.lines.count - 1)
        self.complete.append(NEVER)
        self.time.append(time)
        self.end_time.append(NO_TIME)

    def rekey(self, keys: Iterable[Any]) -> None:
        """Give every operation another key."""
        self.keys = Keys()
        self.key = array("q", map(self.keys.number, keys))
