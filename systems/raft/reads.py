"""Linearizable reads without writing to the log: ReadIndex (thesis, section 6.4; 2014 paper, section 8).

A leader may have been deposed without knowing it, so its state may be stale, and a new leader does
not know at first which of its entries are committed. Hence a read

1. waits for an entry of the leader's own term to be committed: then the leader knows all that is;
2. remembers the commit index at its arrival;
3. waits until a majority has answered a broadcast begun after its arrival, in the same term: at
   that broadcast no newer leader had yet committed anything;
4. waits until its index is applied, and is answered from the state machine.

The no-op's index stands for step 1: a read's index is never less. A lease takes the place of step 3,
where the settings allow it (`leases.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .leadership import PendingRead
from .leases import Leases

if TYPE_CHECKING:
    from ..contract import Body
    from .leadership import Leadership


class Reads(Leases):
    """The rules of reads."""

    def on_read(self, client: str, msg_id: int, body: Body) -> None:
        """Queue a read for the next round, if it takes one, or send the client to the leader (thesis 6.4)."""
        led = self.leadership
        if led is None:
            self.refuse(client, msg_id)
            return
        led.reads.append(PendingRead(client, msg_id, body, self.read_index(led), led.round + 1))
        if not self.holds_lease(led):
            self.schedule_flush()

    def read_index(self, led: Leadership) -> int:
        """Return the index that a read must see: all committed, and the first of this term (thesis 6.4)."""
        return max(self.commit_index, led.start)

    def serve_reads(self) -> None:
        """Answer the reads whose round is confirmed and whose index is applied (thesis 6.4)."""
        led = self.leadership
        if led is None or not led.reads:
            return
        while led.reads:
            read = led.reads[0]
            if read.read_index > self.applied_index or not self.is_confirmed(led, read):
                break
            led.reads.popleft()
            self.reply(read.client, read.msg_id, self.machine.apply(read.body))
            self.note(
                "read-answered",
                {
                    "client": read.client,
                    "msg_id": read.msg_id,
                    "index": self.applied_index,
                    "lease": self.holds_lease(led),
                },
            )
        if led.reads and led.reads[-1].round > led.round == self.confirmed_round(led):
            self.schedule_flush()

    def is_confirmed(self, led: Leadership, read: PendingRead) -> bool:
        """Tell whether a majority recognised this leader after the read arrived, or has to (thesis 6.4)."""
        return self.holds_lease(led) or self.confirmed_round(led) >= read.round
