"""A follower takes a leader's snapshot (Ongaro & Ousterhout 2014, section 7, figure 13).

Chunks are gathered until the last has come. Duplicates and late ones change nothing: each says where
it belongs, and what doesn't continue the part that is there is dropped. Of two leaders, terms or
snapshots the newer message wins, and the other's part is discarded.

The snapshot then replaces the whole log, unless the log holds the snapshot's last entry: then it holds
all that the snapshot stands for, and what follows it must stay, since it may have been acknowledged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import messages
from .log import Log
from .replication import Replication
from .snapshots import Incoming, from_text

if TYPE_CHECKING:
    from ..contract import Body
    from .snapshots import Snapshot


class Installation(Replication):
    """The follower's rules of InstallSnapshot."""

    def on_install_snapshot(self, leader: str, body: Body) -> None:
        """Take a chunk of the leader's snapshot; it replaces the log when it is whole (7, figure 13)."""
        if not self.takes_from(leader, body["term"]):
            return
        index = body["index"]
        if self.holds_snapshot(index, body["index_term"]):
            self.incoming = None
            self.commit(index)
            self.consent_to_snapshot(leader, body)
            return
        incoming = self.part_of(leader, index).with_part(body["offset"], body["data"])
        if body["done"] and len(incoming.text) == body["offset"] + len(body["data"]):
            self.incoming = None
            self.install_snapshot(from_text(incoming.text))
            self.consent_to_snapshot(leader, body)
        else:
            self.incoming = incoming
            answer = messages.snapshot_received(self.term, body["round"], index, len(incoming.text))
            self.send(leader, answer, self.hard_state())

    def holds_snapshot(self, index: int, term: int) -> bool:
        """Keep a log that holds the snapshot's last entry, with all that follows it (7, figure 13).

        A committed prefix holds any snapshot that ends in it, so an old snapshot is ignored.
        """
        return index <= self.commit_index or self.log.holds(index, term)

    def part_of(self, leader: str, index: int) -> Incoming:
        """Return what has come of this snapshot; parts of any other are discarded (7, figure 13)."""
        incoming = self.incoming
        if incoming is None or (incoming.leader, incoming.term, incoming.index) != (leader, self.term, index):
            return Incoming(leader, self.term, index)
        return incoming

    def install_snapshot(self, snapshot: Snapshot) -> None:
        """Discard the log, and take state, sessions and configuration from the snapshot (7, figure 13)."""
        self.log = Log(snapshot.index, snapshot.term, snapshot.digest, snapshot.configuration)
        self.snapshot, self.encoded = snapshot, None
        self.machine.restore(snapshot.machine)
        self.sessions = dict(snapshot.sessions)
        self.commit_index = self.applied_index = snapshot.index
        self.durability.cut(1)
        self.adopt_configuration()
        after = self.save_snapshot(snapshot)
        self.note(
            "snapshot-installed",
            {
                "index": snapshot.index,
                "term": snapshot.term,
                "digest": snapshot.digest,
                "last": self.log.last_index,
            },
            after,
        )

    def consent_to_snapshot(self, leader: str, body: Body) -> None:
        """Tell the leader that the log up to the snapshot's index is here, and durable (7; 5.3)."""
        after = self.acknowledgement_waits_for(body["index"])
        self.send(leader, messages.appended(self.term, body["round"], body["index"]), after)
