"""Log compaction: a snapshot takes the place of the log's applied prefix (paper 7; thesis 5.1).

Each server does so by itself, of what it has applied: that is committed, so it never changes. Snapshot,
term and vote, and the rest of the log replace the old log in one atomic write, so that a crash leaves
either all of the old or all of the new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contract import Replace
from . import storage
from .quorums import Quorums
from .snapshots import Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contract import Body


class Compaction(Quorums):
    """The rules of taking snapshots."""

    def compact_log(self) -> None:
        """Take a snapshot when enough entries were applied since the last one (7; thesis 5.1.2)."""
        if self.applied_index - self.log.base_index >= self.limits.snapshot_after and self.may_compact():
            self.take_snapshot()

    def may_compact(self) -> bool:
        """Keep what a follower that answers will need when it has its snapshot (thesis 5.1).

        Otherwise a leader that compacts faster than it sends would send snapshots for ever.
        """
        led = self.leadership
        if led is None:
            return True
        since = self.now - self.limits.election_maximum
        return not any(each.catching_up and each.heard >= since for each in led.followers.values())

    def take_snapshot(self) -> None:
        """Let a snapshot of what is applied replace the log up to there (7)."""
        if self.leadership is not None:
            self.save_new_entries(self.leadership)
        index = self.applied_index
        term, digest = self.log.term_at(index), self.log.digest_at(index)
        self.log.compact(index)
        self.snapshot = Snapshot(
            index=index,
            term=term,
            digest=digest,
            configuration=self.log.base_configuration,
            machine=self.machine.snapshot(),
            sessions=self.snapshot_sessions(),
        )
        after = self.save_snapshot(self.snapshot)
        self.note("snapshot-taken", {"index": index, "term": term, "digest": digest}, after)

    def snapshot_sessions(self) -> Mapping[str, tuple[int, Body]]:
        """Keep the sessions in the snapshot: they are part of the replicated state (thesis 6.3)."""
        return dict(self.sessions)

    def save_snapshot(self, snapshot: Snapshot) -> int:
        """Write the snapshot and what is left of the log as one atomic write, and return its id (7)."""
        last = self.log.last_index
        records = [storage.snapshot_record(snapshot), storage.hard_record(self.term, self.vote)]
        if last > snapshot.index:
            entries = self.log.entries(snapshot.index + 1, last - snapshot.index)
            records.append(storage.entries_record(snapshot.index + 1, entries))
        identity = self.durability.issue_entries(last)
        self.effects.append(Replace(identity, records))
        return identity
