"""The state of a Raft node, what it writes down, and how its term and role change.

The modules beside this one add the rules of elections, replication, reads and client sessions to
it; `node.py` joins them. A rule is one small method that cites the section that states it: in
"Ongaro & Ousterhout 2014" (sections 5.x and 8) or in Ongaro's thesis of the same year ("thesis").
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from ..contract import CancelTimer, Effect, Node, Note, Persist, Reply, Send, SetTimer
from ..machine import TEMPORARILY_UNAVAILABLE, KeyValueMachine, error_body
from . import storage
from .configuration import initial_configuration
from .leadership import NEVER
from .log import Log
from .settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..contract import Body, Json
    from .leadership import Leadership
    from .snapshots import Incoming, Snapshot

FOLLOWER, CANDIDATE, LEADER = "follower", "candidate", "leader"

ELECTION, TICK, FLUSH, APPLY = "election", "tick", "flush", "apply"
"""The timers: no leader heard of; heartbeats and retries; broadcast; go on applying."""


class RaftState(Node):
    """State, persistence and the change of terms. Holds no rule of any one part of the protocol."""

    def __init__(self, name: str, peers: Sequence[str], settings: Mapping[str, Json]) -> None:
        super().__init__(name, peers, settings)
        self.limits = read_settings(settings)
        self.now = 0
        self.effects: list[Effect] = []
        self.random = Random(0)
        # Persistent state (figure 2), and how much of it is durable.
        self.term = 0
        self.vote: str | None = None
        self.initial = self.configuration = initial_configuration((name, *peers))
        self.others = tuple(member for member in self.configuration.members if member != name)
        self.is_member = True
        self.majority = len(self.configuration.members) // 2 + 1
        self.log = Log(configuration=self.initial)
        self.snapshot: Snapshot | None = None
        self.durability = storage.Durability()
        self.saved: tuple[int, str | None] = (0, None)
        # Volatile state.
        self.role = FOLLOWER
        self.leader: str | None = None
        self.commit_index = 0
        self.applied_index = 0
        self.votes: dict[str, bool] = {}
        self.prevotes: dict[str, bool] | None = None  # while it asks for pre-votes
        self.noted_role: tuple[str, int, str | None] | None = None
        self.contact = NEVER  # when it last heard from a leader of its term
        self.patience = self.limits.election_minimum
        self.election_deadline = 0
        self.leadership: Leadership | None = None
        self.incoming: Incoming | None = None  # the part of a leader's snapshot that has come
        self.encoded: tuple[int, str] | None = None  # index and text of one's own snapshot
        # The replicated state machine (section 2), with its client sessions (thesis 6.3).
        self.machine = KeyValueMachine()
        self.sessions: dict[str, tuple[int, Body]] = {}

    # Effects.

    def send(self, dest: str, body: Body, after: int | None = None) -> None:
        """Send to a peer, once `after` is durable."""
        self.effects.append(Send(dest, body, after))

    def reply(self, client: str, msg_id: int, body: Body) -> None:
        """Answer a client's request."""
        self.effects.append(Reply(client, msg_id, body))

    def note(self, kind: str, fields: Mapping[str, Json], after: int | None = None) -> None:
        """Tell the outside, once `after` is durable."""
        self.effects.append(Note(kind, fields, after))

    def set_timer(self, name: str, delay: int) -> None:
        """Set a timer, or move it, to fire after `delay` nanoseconds."""
        self.effects.append(SetTimer(name, delay))

    def cancel_timer(self, name: str) -> None:
        """Forget a timer."""
        self.effects.append(CancelTimer(name))

    # Persistence.

    def hard_state(self) -> int | None:
        """Return the persist that term and vote wait for, issuing it if they changed; None if durable."""
        if self.saved != (self.term, self.vote):
            self.save_term_and_vote()
        return self.durability.hard()

    def save_term_and_vote(self) -> None:
        """Persist term and vote, both in one record: neither may be forgotten (5.2, figure 2)."""
        self.saved = (self.term, self.vote)
        self.effects.append(Persist(self.durability.issue_hard(), storage.hard_record(self.term, self.vote)))

    def save_entries(self, first: int) -> int:
        """Persist the log from `first` to its end and return the id of that persist."""
        last = self.log.last_index
        identity = self.durability.issue_entries(last)
        record = storage.entries_record(first, self.log.entries(first, last - first + 1))
        self.effects.append(Persist(identity, record))
        return identity

    def save_truncation(self, first: int) -> int:
        """Cut the log before `first`, persist that, and return the id of that persist."""
        self.log.truncate(first)
        self.durability.cut(first)
        # Only a seeded bug can make a committed entry conflict. It is left to show its harm.
        self.commit_index = max(min(self.commit_index, first - 1), self.log.base_index)
        identity = self.durability.issue()
        self.effects.append(Persist(identity, storage.truncate_record(first)))
        return identity

    def save_new_entries(self, led: Leadership) -> None:
        """Persist the leader's new entries while they are being replicated (thesis 10.2.1)."""
        first, last = led.unsaved, self.log.last_index
        if first > last:
            return
        led.unsaved = last + 1
        after = self.save_entries(first)
        self.note_appended(first, last, after)

    # Terms and roles.

    def become_follower(self, leader: str | None) -> None:
        """Follow `leader`, or nobody yet, in the current term.

        The election timer goes on as it is: only a leader and a granted vote move it (5.2).
        """
        led = self.leadership
        if led is not None:
            self.save_new_entries(led)
        if self.role != FOLLOWER or self.prevotes is not None:
            self.cancel_timer(TICK)
        self.role, self.leader, self.leadership = FOLLOWER, leader, None
        self.votes, self.prevotes = {}, None
        self.note_role()
        if led is not None:
            self.await_leader()
            # Reads have no effect, so refusing them is definite. Who waits for an entry is not
            # answered: the entry may still be committed by another leader.
            for read in led.reads:
                self.refuse(read.client, read.msg_id)
            if led.newcomer is not None:
                self.refuse(led.newcomer.request.client, led.newcomer.request.msg_id)

    def was_removed(self) -> bool:
        """Tell whether the cluster goes on without this server, for certain (thesis 4.2.2).

        Until the configuration without it is committed, it may be needed to commit it.
        """
        return not self.is_member and self.configuration.index <= self.commit_index

    def adopt_term(self, term: int, leader: str | None) -> None:
        """Enter a newer term as a follower, whatever one was before (5.1)."""
        self.term, self.vote = term, None
        self.become_follower(leader)

    def hear_from(self, leader: str) -> None:
        """Recognise the leader of the current term, and wait anew before an election (5.2)."""
        if self.leader != leader or self.role != FOLLOWER:
            self.become_follower(leader)
        self.contact = self.now
        self.election_deadline = self.now + self.patience

    def await_leader(self) -> None:
        """Draw a new election timeout and begin to wait (5.2)."""
        self.patience = self.random.randint(self.limits.election_minimum, self.limits.election_maximum)
        self.election_deadline = self.now + self.patience
        self.set_timer(ELECTION, self.patience)

    def note_role(self) -> None:
        """Tell the outside which role this node plays, if that changed."""
        role = (self.role, self.term, self.leader)
        if role != self.noted_role:
            self.noted_role = role
            self.note("role", {"role": self.role, "term": self.term, "leader": self.leader})

    def refuse(self, client: str, msg_id: int) -> None:
        """Send a client to the leader, if one is known (thesis 6.2)."""
        hint = {"leader": self.leader} if self.leader not in (None, self.name) else {}
        self.reply(client, msg_id, error_body(TEMPORARILY_UNAVAILABLE, f"{self.name} does not lead", **hint))

    def schedule_flush(self) -> None:
        """Broadcast at the end of this turn, once for all that arrived in it."""
        if self.leadership is not None and not self.leadership.flushing:
            self.leadership.flushing = True
            self.set_timer(FLUSH, 0)

    def note_appended(self, first: int, last: int, after: int | None) -> None:
        """Say that the durable log now holds the entries from `first` to `last`."""
        self.note(
            "appended",
            {
                "first": first,
                "entries": self.log.fingerprints(first, last),
                "previous": self.log.digest_at(first - 1),
            },
            after,
        )
