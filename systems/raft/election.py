"""Leader election (Ongaro & Ousterhout 2014, section 5.2; what voters check, 5.4.1).

At most one leader a term (election safety): each server votes at most once in a term, it
remembers so across crashes, and a leader needs a majority. A vote leaves a server only when
the record of it is durable; a candidate's requests wait for its own vote in the same way, since
with it goes the promise to vote for nobody else.

A leader's log holds every committed entry (leader completeness): a committed entry is on a
majority, some voter is in both majorities, and a voter refuses candidates with a lesser log.

A server that still hears from a leader takes no part in an election (thesis, section 4.2.3), so one
that was removed from the cluster, or can't hear the leader, deposes nobody who is heard. Before it
stands at all, a server asks whether it could win: `prevote.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import messages
from .installation import Installation
from .leadership import Leadership
from .state import CANDIDATE, ELECTION, FLUSH, LEADER, TICK

if TYPE_CHECKING:
    from ..contract import Body


class Election(Installation):
    """The rules of elections."""

    # Becoming a candidate.

    def begin_election(self) -> None:
        """Enter the next term, vote for oneself and ask all others in parallel (5.2)."""
        self.term += 1
        self.vote = self.name
        self.role, self.leader, self.votes, self.prevotes = CANDIDATE, None, {}, None
        self.note_role()
        self.request_votes()
        self.note("voted", {"term": self.term, "for": self.name, "own": True}, self.hard_state())
        self.await_leader()
        self.set_timer(TICK, self.limits.heartbeat)
        self.count_votes()

    def request_votes(self) -> None:
        """Ask every server that has not answered yet; a candidate's own vote is durable first (5.1, 5.2)."""
        body = messages.request_vote(self.term, self.log.last_index, self.log.last_term)
        own = self.hard_state()
        for server in self.others:
            if server not in self.votes:
                self.send(server, body, own)

    # Voting.

    def on_request_vote(self, candidate: str, body: Body) -> None:
        """Answer a candidate: of the current or an older term, unless one still hears from a leader."""
        if self.heard_from_leader_lately() or self.is_stale(body["term"]):
            self.send(candidate, messages.vote(self.term, granted=False), self.hard_state())
            return
        granted = self.may_vote_for(candidate) and self.is_up_to_date(body["last_index"], body["last_term"])
        first_time = granted and self.vote is None
        if first_time:
            self.vote = candidate
        if granted:
            self.election_deadline = self.now + self.patience
        after = self.hard_state()
        self.send(candidate, messages.vote(self.term, granted=granted), after)
        if first_time:
            self.note("voted", {"term": self.term, "for": candidate, "own": False}, after)

    def heard_from_leader_lately(self) -> bool:
        """Tell whether a leader was heard of within the minimum election timeout (thesis 4.2.3).

        Then a candidate is denied, and its term with it: it would only depose a leader that works.
        """
        return self.role == LEADER or self.now - self.contact < self.limits.election_minimum

    def may_vote_for(self, candidate: str) -> bool:
        """Vote for at most one candidate in a term, first come first served (5.2)."""
        return self.vote in (None, candidate)

    def is_up_to_date(self, last_index: int, last_term: int) -> bool:
        """Deny the vote if one's own log is more up-to-date: later last term, or equal and longer (5.4.1)."""
        return (last_term, last_index) >= (self.log.last_term, self.log.last_index)

    # Counting.

    def on_vote(self, voter: str, body: Body) -> None:
        """Count the vote of a server in the current term, once (5.2)."""
        if self.role == CANDIDATE and body["term"] == self.term:
            self.votes[voter] = body["granted"]
            self.count_votes()

    def count_votes(self) -> None:
        """Become leader with the votes of a majority, one's own counting once it is durable (5.2)."""
        if self.role != CANDIDATE:
            return
        own = self.is_member and self.hard_state() is None
        if sum(self.votes.get(server, False) for server in self.others) + own >= self.majority:
            self.begin_leadership()

    def begin_leadership(self) -> None:
        """Take office: tell everyone at once, so that no new election begins (5.2)."""
        start = self.log.last_index + 1
        self.leadership = Leadership(start=start, unsaved=start, followers={})
        self.follow_members(self.leadership)
        self.role, self.leader, self.votes = LEADER, self.name, {}
        self.note_role()
        self.note(
            "elected",
            {
                "term": self.term,
                "last": self.log.last_index,
                "digest": self.log.digest_at(self.log.last_index),
            },
        )
        self.cancel_timer(ELECTION)
        self.begin_term()
        self.leadership.flushing = True
        self.set_timer(FLUSH, 0)
        self.set_timer(TICK, self.limits.heartbeat)

    def begin_term(self) -> None:
        """Append a no-op, with which all inherited entries get committed (8)."""
        self.log.append(self.term, None)

    # Staying leader.

    def on_tick(self) -> None:
        """Send heartbeats as a leader, and repeat what got no answer as a candidate (5.1, 5.2)."""
        if self.leadership is not None:
            if not self.hears_a_majority():
                self.become_follower(None)
                return
            self.broadcast(heartbeat=True)
            self.set_timer(TICK, self.limits.heartbeat)
        elif self.role == CANDIDATE:
            self.request_votes()
            self.set_timer(TICK, self.limits.heartbeat)

    def hears_a_majority(self) -> bool:
        """Step down as a leader unless a majority answered within an election timeout (thesis 6.2)."""
        assert self.leadership is not None
        since = self.now - self.limits.election_maximum
        return self.majority_of(self.now, [progress.heard for progress in self.leadership.voters]) >= since
