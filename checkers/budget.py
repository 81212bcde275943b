"""What a search may spend: time and memory, asked for in its innermost loop.

Searches that look at the clock only between steps don't stop when one step explodes (porcupine #44,
knossos #6). So `spend` is cheap enough to be called for every configuration.
"""

from __future__ import annotations

import math
import os
import resource
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_CLOCK_EVERY = 256
_MEMORY_EVERY = 0.01
"""Seconds between two looks at the memory, each of which costs some microseconds."""
_STATM = "/proc/self/statm"
_MEGABYTE = 1 << 20


class BudgetExceeded(Exception):  # noqa: N818 - it ends a search, it isn't an error
    """The search has spent what it was given; the message names which budget."""


class Budget:
    """A deadline in seconds from now, a cap on this process's memory in megabytes, and one on work.

    Work is counted in configurations, so that where it ends doesn't depend on the machine. None is no limit.
    """

    def __init__(
        self,
        timeout: float | None = None,
        max_memory_mb: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        configurations: int | None = None,
    ) -> None:
        self.timeout = timeout
        self.max_memory_mb = max_memory_mb
        self.spent = 0
        """Configurations visited so far."""
        self._configurations = configurations
        self._most = sys.maxsize if configurations is None else configurations
        self._memory_due = -math.inf
        self._clock = clock
        self._deadline = None if timeout is None else clock() + timeout

    def spend(self) -> None:
        """Count one configuration.

        Raises:
            BudgetExceeded: a limit is reached (looked at every few hundred calls).
        """
        self.spent += 1
        if self.spent >= self._most:
            raise BudgetExceeded(f"the budget of {self._configurations} configurations")
        if self.spent % _CLOCK_EVERY == 0:
            self.check()

    def check(self) -> None:
        """Look at the clock, and at the memory a hundred times a second.

        Raises:
            BudgetExceeded: a limit is reached.
        """
        limit = self.max_memory_mb
        if self._deadline is None and limit is None:
            return
        now = self._clock()
        if self._deadline is not None and now >= self._deadline:
            raise BudgetExceeded(f"the time budget of {self.timeout:g} s")
        if limit is not None and now >= self._memory_due:
            self._memory_due = now + _MEMORY_EVERY
            if resident_megabytes() > limit:
                self._memory_due = now  # whoever asks again is told again
                raise BudgetExceeded(f"the memory budget of {limit:g} MB")

    def charge(self, configurations: int) -> None:
        """Count many configurations at once, and look at the clock and the memory.

        Raises:
            BudgetExceeded: a limit is reached.
        """
        self.spent += configurations
        if self.spent >= self._most:
            raise BudgetExceeded(f"the budget of {self._configurations} configurations")
        self.check()

    @property
    def ended(self) -> bool:
        """Whether a limit is reached."""
        try:
            self.charge(0)
        except BudgetExceeded:
            return True
        return False

    @property
    def remaining(self) -> int:
        """How many configurations may still be visited."""
        return self._most - self.spent

    def part(self, configurations: int) -> Budget:
        """Return a budget of that much work and no more than is left of this one, which ends with it."""
        left = None if self._configurations is None else self._configurations - self.spent
        share = Budget(None, self.max_memory_mb, self._clock)
        share.timeout, share._deadline = self.timeout, self._deadline
        share._configurations = share._most = configurations if left is None else min(configurations, left)
        return share

    def sooner(self, timeout: float | None) -> Budget:
        """Return a budget that ends with this one, and after so many seconds at the latest."""
        share = Budget(timeout, self.max_memory_mb, self._clock)
        if self._deadline is not None and (share._deadline is None or self._deadline < share._deadline):
            share.timeout, share._deadline = self.timeout, self._deadline
        return share

    def absorb(self, share: Budget) -> bool:
        """Count what a part of this budget has spent; tell whether nothing is left now."""
        self.spent += share.spent
        self._memory_due = min(self._memory_due, share._memory_due)
        return self.ended


def resident_megabytes() -> float:
    """Return the memory of this process that is in use now (where the system doesn't tell: its peak)."""
    try:
        with open(_STATM, encoding="ascii") as statm:  # noqa: PTH123 - Path costs ten times as much in a hot loop
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / _MEGABYTE if sys.platform == "darwin" else peak / 1024
