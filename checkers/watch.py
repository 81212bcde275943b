"""How a near-linear lane keeps to its budget: it looks at the clock every few thousand elements.

Such a lane makes a dozen passes over a million calls, each of them a tight loop. A look in each turn would
cost more than the turn, and one between the passes comes seconds late. So a pass goes over *slices*: a
generator is asked for the next slice and looks at the budget meanwhile, and `itertools.chain` hands out the
elements without any Python between them. A loop that isn't over a row counts its turns instead. A sort
sorts slices first: what is left is to merge them, which is a fraction of the work.

No configurations are counted here: where the lanes come to doesn't depend on how often somebody looked.
"""

from __future__ import annotations

from itertools import chain
from operator import le
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from splitbrain.checkers.budget import Budget

SLICE = 4096
"""Elements between two looks: some milliseconds."""
SORTED = 1 << 15
"""So many elements are sorted between two looks."""
SAMPLES = 64
"""A row of which so many elements, far from each other, are in order takes one pass to sort."""
T = TypeVar("T")


class Watch:
    """Looks at the budget for one lane, and remembers how far the lane came."""

    __slots__ = ("_all", "_budget", "_doing", "_done", "_turns")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._doing = "began"
        self._done = self._all = self._turns = 0

    def begin(self, doing: str, count: int = 0) -> None:
        """Begin a pass of so many steps (none: it isn't counted). `doing` says it in the past tense."""
        self._doing, self._done, self._all = doing, 0, count
        self._turns += 1

    def over(self, row: Sequence[T], doing: str) -> Iterable[T]:
        """Begin a pass over a row, and yield its elements.

        Raises:
            BudgetExceeded: a limit is reached; so does every method that looks.
        """
        count = len(row)
        if count > SLICE:
            self.begin(doing, count)
            return chain.from_iterable(self._slices(row))
        # Of small keys there may be a million: no call is made that isn't needed.
        self._doing, self._done, self._all = doing, count, count
        self._turns += count + 1
        if self._turns >= SLICE:
            self.look()
        return row

    def part(self, row: Sequence[T]) -> Iterable[T]:
        """Yield the elements of a row, which are steps of what was begun."""
        if len(row) > SLICE:
            return chain.from_iterable(self._slices(row))
        self._done += len(row)
        self.turn(len(row))
        return row

    def _slices(self, row: Sequence[T]) -> Iterator[Sequence[T]]:
        for start in range(0, len(row), SLICE):
            self.look()
            part = row[start : start + SLICE]
            yield part
            self._done += len(part)

    def step(self) -> None:
        """Count one step of what was begun, where it isn't over a row."""
        self._done += 1
        self.turn()

    def turn(self, count: int = 1) -> None:
        """Count turns of a loop that aren't steps."""
        self._turns += count
        if self._turns >= SLICE:
            self.look()

    def look(self) -> None:
        """Look at the budget now."""
        self._turns = 0
        self._budget.check()

    def sort(self, row: list[T], key: Callable[[T], Any] | None = None) -> None:
        """Sort a list in place."""
        if len(row) > SORTED and not _is_nearly_sorted(row, key):
            for start in range(0, len(row), SORTED):
                self.look()
                row[start : start + SORTED] = sorted(row[start : start + SORTED], key=key)  # type: ignore[type-var, arg-type]
            self.look()
        row.sort(key=key)
        self._turns += len(row)

    def told(self) -> str:
        """Say what the lane did last, and how far it came with it."""
        return f"{self._doing} ({self._done} of {self._all})" if self._all else self._doing


def _is_nearly_sorted(row: Sequence[T], key: Callable[[T], Any] | None) -> bool:
    """Tell whether elements far from each other are in order: such a row is sorted fast as it is."""
    sample = row[:: len(row) // SAMPLES]
    keys: Sequence[Any] = sample if key is None else list(map(key, sample))
    return all(map(le, keys, keys[1:]))
