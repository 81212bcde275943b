"""Proposes prices: two rules that learn from paths which used more crashed calls than there are.

Each path gives a *cut*: by how much it exceeds what each price allows. Prices that refute the key make
every cut, weighted with them, positive; by scaling them, at least 1. So sought is a point with no negative
coordinate on the right side of all cuts, of which one learns by falling on the wrong side.

- *Projection* goes to the nearest point on the right side of one cut after the other, through all cuts met
  so far (Agmon 1954; Motzkin & Schoenberg 1954). Where refuting prices exist, it finds some in few walks.
- *Polyak's rule* (1969) does so with the newest cut only. Where none exist it roams about good prices, and
  its running mean is a good guide for a search (`guided.py`).

Both begin with a small price on everything, so that the first path uses few crashed calls, and early ones
fewest. Coordinates are scaled by the number of calls allowed, since a price that allows j is exceeded by
numbers of about the order of j.
"""

from __future__ import annotations

from operator import mul
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.lanes.tariff import Prices

MARGIN = 1.0
"""How far on its right side a cut wants the prices to be."""
CLOSE = 1e-3
SWEEPS = 4
"""So many times a projection goes through all cuts before the next walk."""
KEPT = 60
"""So many cuts are remembered."""
MEMORY = 0.9
"""How much of the running mean stays as one more point is added."""
SMALL = 1e-3
RESOLUTION = 10_000
"""The largest price, as a whole number."""


class _Cut(NamedTuple):
    excess: list[float]


class Ascent:
    """The points of both rules. A point is a flat list; `whole` turns it into prices."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = sizes
        self._scale = [1.0 / place for size in sizes for place in range(1, size + 1)]
        self._cuts: list[_Cut] = []
        self.projected = [SMALL] * len(self._scale)
        self.roaming = list(self.projected)
        self.mean = list(self.projected)

    def learn(self, exceeded: Sequence[Sequence[int]]) -> None:
        """Take in a path by how much it exceeds, and move both points."""
        flat = [float(excess) for row in exceeded for excess in row]
        cut = _Cut(list(map(mul, flat, self._scale)))
        self._cuts = [cut, *self._cuts[: KEPT - 1]]
        self.roaming = _project(self.roaming, cut)
        self.mean = [
            MEMORY * old + (1 - MEMORY) * new for old, new in zip(self.mean, self.roaming, strict=True)
        ]
        for _ in range(SWEEPS):
            before = self.projected
            for each in self._cuts:
                self.projected = _project(self.projected, each)
            if self.projected is before:
                break

    def whole(self, point: Sequence[float], resolution: int = RESOLUTION) -> Prices:
        """Return a point as prices, the largest of which is `resolution`."""
        scaled = list(map(mul, point, self._scale))
        unit = resolution / (max(scaled, default=0.0) or 1.0)
        numbers = iter([round(coordinate * unit) for coordinate in scaled])
        return [[next(numbers) for _ in range(size)] for size in self._sizes]


def _project(point: list[float], cut: _Cut) -> list[float]:
    """Return the point moved to the right side of a cut, or the point itself if it is there."""
    missing = MARGIN - sum(map(mul, cut.excess, point))
    if missing <= CLOSE:
        return point
    movable = sum(
        excess * excess for excess, at in zip(cut.excess, point, strict=True) if excess > 0 or at > 0
    )
    if not movable:
        return point
    share = missing / movable
    return [max(0.0, at + share * excess) for excess, at in zip(cut.excess, point, strict=True)]
