"""A Raft node: one step takes an event to the rule that it concerns.

Notes that a node emits (kind, fields). Those with a claim about durable content wait for its persist;
so the checker of invariants may take them as they are:

    recovered      {"first", "entries": [[term, digest], ...], "term", "vote"}  what an earlier life left;
                   behind a snapshot also "previous": digest before, "snapshot": {"index", "term"}
    role           {"role": "follower" | "candidate" | "leader", "term", "leader": name or null}
    pre-voted      {"term": the one asked about, "for"}  right after a pre-vote was granted
    voted          {"term", "for", "own": bool}  right after the vote was sent
    elected        {"term", "last", "digest"}  it became leader with a log that ends so
    appended       {"first", "entries": [[term, digest], ...], "previous": digest before}  the log holds these
    truncated      {"from"}  and no more what stood there
    acknowledged   {"first", "last", "term"}  right after a follower consented to entries
    snapshot-taken      {"index", "term", "digest"}  a snapshot stands for its log up to there
    snapshot-installed  {"index", "term", "digest", "last"}  so does another's; its log ends at "last"
    configured     {"index", "term": of its entry, "members": [...], "role"}  these servers count from now on
    committed      {"index", "term": of the entry, "digest", "in_term": current, "role"}
    applied        {"first", "digests": [...], "term": current}
    answered       {"client", "msg_id", "type"}  right after the answer to a mutator
    retried        {"client", "msg_id"}  a copy of an operation that was executed before was recognised
    read-answered  {"client", "msg_id", "index": applied, "lease": bool}  right after the answer to a read

A digest is that of the whole log up to its entry (`log.py`).
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from ..contract import Persisted, Received, Started, TimerFired
from . import messages
from .membership import ADD, REMOVE, Membership
from .prevote import PreVote
from .reads import Reads
from .sessions import Sessions
from .state import APPLY, ELECTION, FLUSH, TICK
from .storage import Durability, recover

if TYPE_CHECKING:
    from ..contract import Body, Effect, Event, Now


class RaftNode(PreVote, Reads, Sessions, Membership):
    """One server of the cluster."""

    def step(self, event: Event, now: Now) -> list[Effect]:
        """Take one event and return the effects, in order.

        Raises:
            ValueError: the records of a `Started` are damaged.
        """
        self.now = now.steady
        self.effects = []
        if type(event) is Received:
            if event.src in self.peers:
                self.on_peer(event.src, event.body)
            else:
                self.on_client(event.src, event.body)
        elif type(event) is Persisted:
            self.on_persisted(event.id)
        elif type(event) is TimerFired:
            self.on_timer(event.name)
        elif type(event) is Started:
            self.on_started(event)
        self.hard_state()
        if self.applied_index < self.commit_index:
            self.apply_committed()
        if self.leadership is not None:
            self.settle_change()
            self.serve_reads()
        return self.effects

    def on_started(self, event: Started) -> None:
        """Come up as a follower with what was persisted; a torn record is none (5.1, 5.2, figure 2)."""
        self.random = Random(f"{event.seed} {self.name}")
        self.term, self.vote, self.log, self.snapshot = recover(event.records, self.initial)
        self.saved = (self.term, self.vote)
        last = self.log.last_index
        self.durability = Durability(last)
        self.restore_snapshot()
        self.note_recovered()
        self.adopt_configuration()
        self.note_role()
        self.contact = self.contact_after_restart()
        self.await_leader()

    def restore_snapshot(self) -> None:
        """Begin with the state of the snapshot: what it stands for was committed (7)."""
        if self.snapshot is not None:
            self.machine.restore(self.snapshot.machine)
            self.sessions = dict(self.snapshot.sessions)
            self.commit_index = self.applied_index = self.snapshot.index

    def note_recovered(self) -> None:
        """Say what the persistent state is."""
        base = self.log.base_index
        entries = self.log.fingerprints(base + 1, self.log.last_index)
        fields = {"first": base + 1, "entries": entries, "term": self.term, "vote": self.vote}
        if base:
            fields["previous"] = self.log.digest_at(base)
            fields["snapshot"] = {"index": base, "term": self.log.base_term}
        self.note("recovered", fields)

    def on_persisted(self, identity: int) -> None:
        """Count one's own vote, or one's own copy of entries, now that it is durable (5.2; thesis 10.2.1)."""
        self.durability.done(identity)
        self.count_votes()
        if self.leadership is not None:
            self.commit(self.leader_commit(self.leadership))

    def on_timer(self, name: str) -> None:
        """Take a timer; `APPLY` only asks for the end of this step."""
        if name == FLUSH:
            self.on_flush()
        elif name == TICK:
            self.on_tick()
        elif name == ELECTION:
            self.on_election_timeout()
        else:
            assert name == APPLY, name

    def on_peer(self, src: str, body: Body) -> None:
        """Adopt a newer term first, then take the message (5.1)."""
        kind = body["type"]
        if body["term"] > self.term and self.adopts_term_with(kind):
            self.adopt_term(body["term"], src if kind in messages.FROM_LEADERS else None)
        if kind == messages.APPEND_ENTRIES:
            self.on_append_entries(src, body)
        elif kind == messages.APPENDED:
            self.on_appended(src, body)
        elif kind == messages.INSTALL_SNAPSHOT:
            self.on_install_snapshot(src, body)
        elif kind == messages.SNAPSHOT_RECEIVED:
            self.on_snapshot_received(src, body)
        elif kind == messages.REQUEST_VOTE:
            self.on_request_vote(src, body)
        elif kind == messages.VOTE:
            self.on_vote(src, body)
        elif kind == messages.REQUEST_PREVOTE:
            self.on_request_prevote(src, body)
        elif kind == messages.PREVOTE:
            self.on_prevote(src, body)

    def adopts_term_with(self, kind: str) -> bool:
        """Take over a newer term, unless its owner only asks (thesis 9.6) or disturbs (thesis 4.2.3)."""
        if kind == messages.REQUEST_VOTE:
            return not self.heard_from_leader_lately()
        return kind != messages.REQUEST_PREVOTE

    def on_client(self, client: str, body: Body) -> None:
        """Take a client's request; what can't be answered, or is none, is left alone."""
        msg_id, kind = body.get("msg_id"), body.get("type")
        if not isinstance(msg_id, int) or isinstance(msg_id, bool) or not isinstance(kind, str):
            return
        if kind == "read":
            self.on_read(client, msg_id, body)
        elif kind in (ADD, REMOVE):
            self.on_change_request(client, msg_id, body)
        else:
            self.on_mutator(client, msg_id, body)
