"""Pre-votes (Ongaro's thesis, section 9.6): a server stands only if it could win.

A server that was cut off would raise its term with every timeout, and depose the leader when it is
back. So it first asks the others whether they would vote for it, in its present term. They would if
they don't hear from a leader themselves and its log is as up-to-date as theirs. Only the consent of a
majority lets it raise its term and ask for votes.

A pre-vote is a forecast and no promise: a server may grant any number of them, and granting one
changes nothing in it. If it moved the granting server's election timer, a server that can send but
not receive would keep all others from ever standing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contract import MILLISECOND
from . import messages
from .election import Election
from .state import ELECTION, FOLLOWER, TICK

if TYPE_CHECKING:
    from ..contract import Body


class PreVote(Election):
    """The rules of pre-votes."""

    # Asking.

    def on_election_timeout(self) -> None:
        """Ask for pre-votes if no leader or worthy candidate was heard of for the whole timeout (5.2).

        The timer is not moved with every heartbeat; it finds out here how long there is to wait.
        """
        if self.leadership is not None:
            return
        remaining = self.election_deadline - self.now
        if remaining > 0:
            self.set_timer(ELECTION, max(remaining, MILLISECOND))  # a clock may round
        elif self.was_removed():
            self.await_leader()
        else:
            self.begin_prevote()

    def begin_prevote(self) -> None:
        """Ask all others in the present term, and wait as long as for an election (thesis 9.6)."""
        self.role, self.leader, self.votes, self.prevotes = FOLLOWER, None, {}, {}
        self.note_role()
        self.request_prevotes()
        self.await_leader()
        self.set_timer(TICK, self.limits.heartbeat)
        self.count_prevotes()

    def request_prevotes(self) -> None:
        """Ask every server that has not answered yet (5.1: servers retry; thesis 9.6)."""
        assert self.prevotes is not None
        body = messages.request_prevote(self.term, self.log.last_index, self.log.last_term)
        after = self.hard_state()
        for server in self.others:
            if server not in self.prevotes:
                self.send(server, body, after)

    def on_tick(self) -> None:
        """Repeat the question while it has no majority; else as ever."""
        if self.prevotes is None:
            super().on_tick()
        else:
            self.request_prevotes()
            self.set_timer(TICK, self.limits.heartbeat)

    # Answering.

    def on_request_prevote(self, candidate: str, body: Body) -> None:
        """Answer whether one would vote for the candidate in the term that it asks about (thesis 9.6)."""
        if self.would_vote(body):
            self.grant_prevote(candidate, body)
        else:
            self.send(candidate, messages.prevote(self.term, body["for"], granted=False), self.hard_state())

    def would_vote(self, body: Body) -> bool:
        """Forecast a vote: no leader is heard of, the term would be new, the log suffices (thesis 9.6)."""
        return (
            not self.heard_from_leader_lately()
            and body["for"] > self.term
            and self.is_up_to_date(body["last_index"], body["last_term"])
        )

    def grant_prevote(self, candidate: str, body: Body) -> None:
        """Say yes, and change nothing: neither term nor vote nor any timer (thesis 9.6)."""
        after = self.hard_state()
        self.send(candidate, messages.prevote(self.term, body["for"], granted=True), after)
        self.note("pre-voted", {"term": body["for"], "for": candidate}, after)

    # Counting.

    def on_prevote(self, voter: str, body: Body) -> None:
        """Count the answer about the next term, once (thesis 9.6)."""
        if self.prevotes is not None and body["for"] == self.term + 1:
            self.prevotes[voter] = body["granted"]
            self.count_prevotes()

    def count_prevotes(self) -> None:
        """Stand for election with the consent of a majority, oneself included (thesis 9.6)."""
        assert self.prevotes is not None
        granted = sum(self.prevotes.get(server, False) for server in self.others)
        if granted + self.is_member >= self.majority:
            self.begin_election()
