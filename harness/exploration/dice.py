"""The distributions that exploration draws from."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, TypeVar

from splitbrain.simulation.streams import stream

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Dice(Random):
    """A stream of draws that belongs to one part of a case, addressed by name.

    Each part of a case has dice of its own: one more draw in one part leaves all the others as they were
    (`splitbrain.simulation.streams`).
    """

    def sometimes(self, share: float) -> bool:
        """Return true with that probability."""
        return self.random() < share

    def spread(self, low: float, high: float) -> float:
        """Return a number from `low` to `high`, its order of magnitude drawn uniformly."""
        return low * math.exp(self.random() * math.log(high / low))

    def ordinal(self, most: int) -> int:
        """Return a number of at least 0 and below `most`; the small ones, by far, most often."""
        return min(most - 1, int(self.spread(1.0, most + 1.0)) - 1) if most > 0 else 0

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        """Return one of the options, each as often as its weight says."""
        mark = self.random() * sum(weight for _, weight in options)
        for option, weight in options:
            mark -= weight
            if mark < 0:
                return option
        return options[-1][0]


def dice(seed: int, *part: object) -> Dice:
    """Return the dice of one part of the case of that seed."""
    return Dice(stream(seed, "draw", *part))
