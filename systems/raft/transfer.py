"""A leader sends its snapshot to a follower that lacks compacted entries (paper 7; thesis 5.1).

The snapshot's text goes in chunks, one under way at a time, each with its offset. The follower answers
how much it has; what was lost is sent again from there. While a chunk is under way heartbeats go on,
and a lost one is noticed by them, as with entries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import messages
from .compaction import Compaction
from .leadership import NEVER

if TYPE_CHECKING:
    from ..contract import Body
    from .leadership import Leadership, Progress


class Transfer(Compaction):
    """The leader's rules of InstallSnapshot."""

    def needs_snapshot(self, progress: Progress) -> bool:
        """Tell whether the next entry for a follower is compacted away (7)."""
        return progress.next <= self.log.base_index

    def send_chunk(self, led: Leadership, peer: str, progress: Progress) -> None:
        """Send the next chunk of the newest snapshot (7, figure 13)."""
        snapshot = self.snapshot
        assert snapshot is not None
        if progress.sending != snapshot.index:
            progress.sending, progress.offset, progress.catching_up = snapshot.index, 0, True
        text = self.snapshot_text(snapshot.index)
        offset = min(progress.offset, len(text))
        data = text[offset : offset + self.limits.snapshot_chunk]
        progress.flight = snapshot.index
        progress.flight_round, progress.flight_time = led.round, self.now
        done = offset + len(data) == len(text)
        last = (snapshot.index, snapshot.term)
        self.send(peer, messages.install_snapshot(self.term, led.round, last, offset, data, done=done))

    def snapshot_text(self, index: int) -> str:
        """Return the text of the newest snapshot, made once for all chunks and followers."""
        if self.encoded is None or self.encoded[0] != index:
            assert self.snapshot is not None
            self.encoded = (index, self.snapshot.text())
        return self.encoded[1]

    def on_snapshot_received(self, follower: str, body: Body) -> None:
        """Go on where the follower's part of the snapshot ends (7, figure 13)."""
        led = self.leadership
        if led is None or body["term"] != self.term or follower not in led.followers:
            return
        progress = led.followers[follower]
        self.count_answer(led, progress, body["round"])
        current = self.needs_snapshot(progress) and body["index"] == progress.sending
        if current and body["offset"] != progress.offset:
            progress.offset = body["offset"]
            self.send_chunk(led, follower, progress)

    def count_answer(self, led: Leadership, progress: Progress, round_number: int) -> None:
        """Take note that a follower answered a message of that round, in this term."""
        progress.heard = self.now
        if round_number > progress.round:
            progress.round, progress.confirmed = round_number, led.sent.get(round_number, NEVER)
