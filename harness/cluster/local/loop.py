"""The supervisor's event loop: ready files, timers and dead or stopped children, in one thread."""

from __future__ import annotations

import heapq
import itertools
import os
import selectors
import signal
import socket
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MISSED = 50_000_000
"""Nanoseconds after which children are looked at anyway: not every kernel sends a SIGCHLD for a SIGCONT."""


class Loop:
    """Runs callbacks. `selector` keys hold a callable that takes the event mask; times are nanoseconds."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.selector = selectors.DefaultSelector()
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._signalled: list[Callable[[], None]] = []
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self.selector.register(self._woken, selectors.EVENT_READ, self._drain)

    def catch(self, signals: dict[signal.Signals, Callable[[], None]]) -> None:
        """Have signals wake the loop and run their callback in it."""
        for number, callback in signals.items():
            signal.signal(number, partial(self._caught, callback))
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)

    def _caught(self, callback: Callable[[], None], _number: int, _frame: object) -> None:
        self._signalled.append(callback)

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Run the callback once, `seconds` from now."""
        when = self.clock() + round(seconds * 1_000_000_000)
        heapq.heappush(self._timers, (when, next(self._order), callback))

    def turn(self, until: int) -> None:
        """Wait until something is ready or a timer or `until` is due, and run the callbacks.

        A timer runs only if it was due before the last look at the files: whatever stood still for a
        while, this process or a callback in it, what arrived in time comes before what is overdue.
        """
        looked = self.clock()
        if self._timers:
            until = min(until, self._timers[0][0])
        timeout = max(0.0, (until - looked) / 1_000_000_000)
        for key, mask in self.selector.select(timeout):
            key.data(mask)
        while self._signalled:
            self._signalled.pop(0)()
        while self._timers and self._timers[0][0] <= looked:
            heapq.heappop(self._timers)[2]()

    def close(self) -> None:
        """Close what the loop itself opened."""
        self.selector.close()
        self._waker.close()
        self._woken.close()

    def _drain(self, _mask: int) -> None:
        with suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass


def changed_children() -> Iterator[tuple[int, Any]]:
    """Yield (pid, wait status) of every child that ended, stopped or went on since the last look."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
        except ChildProcessError:
            return
        if not pid:
            return
        yield pid, status
