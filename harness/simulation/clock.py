"""A node's two clocks as functions of true time."""

from __future__ import annotations

from splitbrain.systems.contract import Now

EPOCH = 1_700_000_000_000_000_000
"""What the wall clocks say when a run begins, in nanoseconds: some day in 2023, the same in each run."""

_new = tuple.__new__
"""Half the cost of calling `Now`, once a step."""


class SimulatedClock:
    """Steady and wall time of one node; both drift with `rate`, and an offset moves the wall clock alone.

    The steady readings of two nodes have nothing to do with each other: `origin` is where this one's
    stands when the run begins. All in nanoseconds. `own_rate` is the one it has while no fault sets another.
    """

    __slots__ = ("_base", "_since", "_wall", "origin", "own_rate", "rate", "shift")

    def __init__(self, origin: int, rate: float = 1.0) -> None:
        self.origin = origin
        self.rate = self.own_rate = rate
        self._wall = EPOCH - origin
        self._since = 0
        self._base = origin
        self.shift = origin
        """Steady time minus true time, as long as the rate is 1."""

    def steady(self, time: int) -> int:
        """Return the steady reading at a true time."""
        if self.rate == 1.0:
            return time + self.shift
        return self._base + int((time - self._since) * self.rate)

    def read(self, time: int) -> Now:
        """Return both readings at a true time."""
        steady = time + self.shift if self.rate == 1.0 else self._base + int((time - self._since) * self.rate)
        return _new(Now, (steady, steady + self._wall))

    def span(self, delay: int) -> int:
        """Return how much true time passes while the steady clock runs through `delay`."""
        return delay if self.rate == 1.0 else -int(-delay // self.rate)

    def set(self, time: int, rate: float, offset: int) -> None:
        """Go on from here at another rate; the steady reading does not jump."""
        self._base, self._since = self.steady(time), time
        self.shift = self._base - time
        self.rate, self._wall = rate, EPOCH - self.origin + offset
