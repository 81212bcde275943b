"""A simulated cluster behind the protocol of `splitbrain.backend`: `now` is virtual, nothing waits."""

from __future__ import annotations

from heapq import heappop
from typing import TYPE_CHECKING

from splitbrain.backend import NodeExited
from splitbrain.errors import HarnessError
from splitbrain.simulation.actions import Actions

if TYPE_CHECKING:
    from splitbrain.backend import BackendEvent


class World(Actions):
    """The whole cluster. Everything that it will do follows from the arguments of `Kernel`."""

    longest_sleep: int | None = None
    """No wait in it is real, so none has to be cut short to notice an interrupt."""

    def open(self) -> None:
        """Start every node; time stands at 0.

        Raises:
            HarnessError: a node raised before it was first ready.
        """
        for host in self.hosts.values():
            # One that a crash point hit in its first step comes back by itself.
            if not self._start(host) and not host.returning:
                exits = [event for event in self._events if isinstance(event, NodeExited)]
                status = exits[-1] if exits else None
                raise HarnessError(f"The simulated node {host.name} did not come up: {status}.")

    def now(self) -> int:
        """Return the virtual time in nanoseconds."""
        return self.time

    def poll(self, until: int) -> list[BackendEvent]:
        """Let the world go on until something happened that the runner has to know, or until then."""
        heap = self._heap
        while not self._events:
            if not heap or heap[0][0] > until:
                self.time = max(self.time, until)
                break
            self.time, _, function, arguments = heappop(heap)
            function(*arguments)
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Nothing outlives a simulated world."""
