"""Mistakes in snapshots: what may be forgotten for one, and what one has to hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract import Persist
from ...description import Bug
from .. import storage
from ..node import RaftNode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...contract import Body, Json
    from ..snapshots import Snapshot


class CompactedIsConflict(RaftNode):
    """What a snapshot stands for is taken for a conflict, and the log behind it is deleted.

    Entries that begin before the snapshot's end come in a late or repeated message; by then this
    follower may have acknowledged more than that message brings.
    """

    def merge(self, previous: int, entries: list[list[Json]]) -> tuple[int | None, int]:
        """Delete all that is left (removes: what is compacted can't conflict, 5.4 and 7)."""
        base = self.log.base_index
        if not entries or previous >= base:
            return super().merge(previous, entries)
        self.save_truncation(base + 1)
        _, first = super().merge(base, entries[base - previous :])
        return base + 1, first


class SnapshotDropsSuffix(RaftNode):
    """A snapshot replaces the whole log, even one that holds all that it stands for, and more."""

    def holds_snapshot(self, index: int, term: int) -> bool:  # noqa: ARG002 -- a rule ignored
        """Take every snapshot for news (removes: a log that goes on from it is retained, 7 and figure 13)."""
        return False


class SnapshotLogGap(RaftNode):
    """The old log is discarded first and the snapshot written then: a crash in between leaves neither."""

    def save_snapshot(self, snapshot: Snapshot) -> int:
        """Write one after the other (removes: the snapshot takes the log's place in one write, 7)."""
        last = self.log.last_index
        discarded, kept = storage.truncate_record(1), storage.snapshot_record(snapshot)
        rest = storage.entries_record(snapshot.index + 1, self.log.entries(snapshot.index + 1, last))
        self.effects.append(Persist(self.durability.issue(), discarded))
        self.effects.append(Persist(self.durability.issue(), kept))
        identity = self.durability.issue_entries(last)
        self.effects.append(Persist(identity, rest))
        return identity


class DedupeNotInSnapshot(RaftNode):
    """A snapshot holds what the operations did, but not which ones it were."""

    def snapshot_sessions(self) -> Mapping[str, tuple[int, Body]]:
        """Leave the sessions out (removes: they are part of the replicated state, thesis 6.3)."""
        return {}


BUGS = (
    Bug(
        name="compacted-is-conflict",
        number="R11",
        summary="entries that reach behind a follower's snapshot make it delete its log",
        source="openraft issue 511; Ongaro & Ousterhout 2014, section 7",
        verdicts=("LC", "LIN", "SMS"),
        node=CompactedIsConflict,
        plan="compacted-is-conflict.json",
        options={"time_limit": 10, "nodes": 3, "on": "sim", "settings": {"snapshot_after": 1}},
    ),
    Bug(
        name="snapshot-drops-suffix",
        number="R13",
        summary="a repeated snapshot replaces a log that had gone on from it",
        source="camunda issue 6092; Ongaro & Ousterhout 2014, section 7 and figure 13",
        verdicts=("LC", "LIN", "SMS"),
        node=SnapshotDropsSuffix,
        plan="snapshot-drops-suffix.json",
        options={"time_limit": 10, "nodes": 3, "on": "sim", "settings": {"snapshot_after": 3}},
    ),
    Bug(
        name="snapshot-log-gap",
        number="R15",
        summary="the log is discarded before the snapshot that replaces it is written",
        source="redisraft issue 43; Ongaro & Ousterhout 2014, section 7",
        verdicts=("LC", "LIN", "SMS", "LIVE"),
        node=SnapshotLogGap,
        plan="snapshot-log-gap.json",
        options={"time_limit": 10, "nodes": 3, "on": "sim", "settings": {"snapshot_after": 1}},
    ),
    Bug(
        name="dedupe-not-in-snapshot",
        number="R25",
        summary="the table that recognises retries is missing from the snapshot",
        source="openraft pull request 2096; Ongaro's thesis, section 6.3",
        verdicts=("DUP", "LIN"),
        node=DedupeNotInSnapshot,
        plan="dedupe-not-in-snapshot.json",
        options={
            "time_limit": 10,
            "nodes": 3,
            "workload": "kv",
            "rate": 50,
            # A client gives up before real processes are back.
            "on": "sim",
            "settings": {"snapshot_after": 1, "election": [0.2, 0.4]},
        },
    ),
)
