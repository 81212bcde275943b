"""Where things stand in a space-time diagram: time downwards with quiet stretches compressed, a column each.

Between two instants at which something is drawn the axis grows with the logarithm of what passes: a
millisecond is as long as it needs to be read, and a second of silence is a few of those.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from math import log2
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

UNIT = 300_000
"""Nanoseconds below which the axis grows evenly."""
LEAST, STEP = 4.0, 6.0
"""Pixels between two instants at least, and for each doubling of the time between them."""
BREAK = 100_000_000
"""A stretch without anything drawn that is at least this long is marked as broken."""
TALLEST = 9_000.0
"""Pixels; a taller diagram is scaled down, and hardly readable any more."""


class Break(NamedTuple):
    """A quiet stretch: from `top` to `bottom` in pixels pass `nanoseconds`."""

    top: float
    bottom: float
    nanoseconds: int


class Scale:
    """Maps times to heights. `bottom` is that of the last instant."""

    def __init__(self, times: Iterable[int], top: float) -> None:
        self._times = sorted(set(times)) or [0]
        steps = [
            LEAST + STEP * log2(1 + (later - earlier) / UNIT) for earlier, later in pairwise(self._times)
        ]
        shrink = min(1.0, TALLEST / sum(steps)) if steps else 1.0
        self._heights = [top]
        for step in steps:
            self._heights.append(self._heights[-1] + step * shrink)
        self.bottom = self._heights[-1]

    def y(self, time: int) -> float:
        """Return the height of a time; one between two instants lies between theirs."""
        at = bisect_right(self._times, time) - 1
        if at < 0:
            return self._heights[0]
        if at == len(self._times) - 1:
            return self._heights[-1]
        share = (time - self._times[at]) / (self._times[at + 1] - self._times[at])
        return self._heights[at] + share * (self._heights[at + 1] - self._heights[at])

    def breaks(self) -> list[Break]:
        """Return the quiet stretches."""
        return [
            Break(self._heights[at], self._heights[at + 1], later - earlier)
            for at, (earlier, later) in enumerate(pairwise(self._times))
            if later - earlier >= BREAK
        ]

    def ticks(self, apart: float) -> list[tuple[int, float]]:
        """Return instants with their heights that are at least so many pixels apart."""
        ticks: list[tuple[int, float]] = []
        for time, height in zip(self._times, self._heights, strict=True):
            if not ticks or height - ticks[-1][1] >= apart:
                ticks.append((time, height))
        return ticks


class Places:
    """The rectangles that labels already cover; a label that would cover one is moved down or left out."""

    ROW = 11.0

    def __init__(self) -> None:
        self._rows: dict[int, list[tuple[float, float]]] = {}

    def place(self, left: float, y: float, width: float, *, tries: Sequence[float] = (0.0,)) -> float | None:
        """Take a place for a label at one of these distances from `y`, and return its height."""
        for shift in tries:
            row = round((y + shift) / self.ROW)
            rows = [
                self._rows.setdefault(each, [])
                for each in (row, row - 1 if (y + shift) / self.ROW < row else row + 1)
            ]
            if all(right <= left or left + width <= start for taken in rows for start, right in taken):
                self._rows[row].append((left, left + width))
                return y + shift
        return None
