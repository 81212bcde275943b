"""Leader leases: reads without a round of messages, by the clock (Ongaro's thesis, section 6.4.1).

A server that heard from a leader denies votes for the minimum election timeout E (4.2.3). So when a
majority has answered a broadcast, no other leader can be elected before E has passed since the broadcast
was *sent*: each of them heard it later than that. Until then the leader may answer reads at once.

Leader and voters measure E by their own clocks, whose rates may differ from true time by the share b
(setting `clock_bound`). A voter waits at least E / (1 + b) of true time; what the leader measures as L
lasts at most L / (1 - b). So a lease may last L = E (1 - b) / (1 + b).

What else this needs:

- A voter that restarts has forgotten when it heard from a leader, so it acts as if that were just now.
- A leader votes for nobody while it leads, and its lease ends with its leadership.
- The lease is computed from the members of the newest configuration. Its neighbours, the only others by
  which a leader could be elected meanwhile, share a server with every majority of it (4.1).
- The clock is read when a step begins, after the request has come. Should the process pause in mid-step,
  the answer leaves late, and is still right: the read took effect when the clock was read.

Clocks that jump, or drift by more than b, break the promise; `reads: "index"` depends on no clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .leadership import NEVER
from .replication import Replication

if TYPE_CHECKING:
    from .leadership import Leadership


class Leases(Replication):
    """The rules of leases."""

    def holds_lease(self, led: Leadership) -> bool:
        """Tell whether nobody else can lead yet, by one's own clock (thesis 6.4.1)."""
        return self.limits.leases and self.now - self.lease_start(led) < self.lease_duration()

    def lease_start(self, led: Leadership) -> int:
        """Return when the newest round that a majority answered was sent (thesis 6.4.1)."""
        return self.majority_of(self.now, [progress.confirmed for progress in led.voters])

    def lease_duration(self) -> int:
        """Shrink the minimum election timeout by the clock bound, once for each side (thesis 6.4.1)."""
        bound = self.limits.clock_bound
        return int(self.limits.election_minimum * (1 - bound) / (1 + bound))

    def contact_after_restart(self) -> int:
        """Assume that a leader was heard of just before the restart: it may hold a lease (thesis 6.4.1)."""
        return self.now if self.limits.leases else NEVER
