"""Mistakes in elections: who votes, for whom, and what of it is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract import Persist
from ...description import Bug
from .. import storage
from ..node import RaftNode

if TYPE_CHECKING:
    from ...contract import Body


class ForgetVote(RaftNode):
    """Term and vote are not persisted: a server that restarts may vote a second time in a term."""

    def save_term_and_vote(self) -> None:
        """Write nothing (removes: persistent term and vote, 5.2 and figure 2)."""


class SplitVoteWrite(RaftNode):
    """Term and vote are two writes, and only the first is waited for.

    The vote is written when the term is durable, and that is also when the answer to the candidate
    leaves. A crash between the two remembers that there was a term, but not who got the vote in it.
    """

    def save_term_and_vote(self) -> None:
        """Write the term, then the vote (removes: both at once before the answer, 5.2 and figure 2)."""
        if self.saved[0] != self.term:
            self.saved = (self.term, None)
            record = storage.hard_record(self.term, None)
            self.effects.append(Persist(self.durability.issue_hard(), record))
        elif self.durability.hard() is None:
            self.saved = (self.term, self.vote)
            record = storage.hard_record(self.term, self.vote)
            self.effects.append(Persist(self.durability.issue(), record))


class PrevoteRefreshesLeader(RaftNode):
    """A granted pre-vote puts one's own election off, as word from a leader would.

    A server that can send but not receive asks for ever, and nobody who could win stands.
    """

    def grant_prevote(self, candidate: str, body: Body) -> None:
        """Grant it and wait anew (removes: a pre-vote changes nothing, thesis 9.6)."""
        super().grant_prevote(candidate, body)
        self.election_deadline = self.now + self.patience


class SkipLogCheck(RaftNode):
    """A vote is granted whatever the candidate's log lacks."""

    def is_up_to_date(self, last_index: int, last_term: int) -> bool:  # noqa: ARG002 -- a rule ignored
        """Accept any log (removes: the election restriction, 5.4.1)."""
        return True


BUGS = (
    Bug(
        name="forget-vote",
        number="R1",
        summary="term and vote are not persisted, so a restarted server votes twice in a term",
        source="akka-raft issue 56; Ongaro & Ousterhout 2014, section 5.2 and figure 2",
        verdicts=("ES", "LIN", "LC", "SMS", "LM"),
        node=ForgetVote,
        plan="forget-vote.json",
        options={"time_limit": 10},
    ),
    Bug(
        name="split-vote-write",
        number="R2",
        summary="term and vote are two writes, and a vote leaves after the first",
        source="hashicorp/raft issue 661; Ongaro & Ousterhout 2014, section 5.2 and figure 2",
        verdicts=("ES", "LIN", "LC", "SMS", "LM"),
        node=SplitVoteWrite,
        plan="split-vote-write.json",
        # Two servers have to stand in one term, so their timeouts are close together.
        options={"time_limit": 10, "nodes": 3, "settings": {"election": [1.0, 1.15]}},
    ),
    Bug(
        name="skip-log-check",
        number="R6",
        summary="a vote is granted without comparing the logs",
        source="Ongaro & Ousterhout 2014, section 5.4.1",
        verdicts=("LC", "LIN", "SMS", "LM"),
        node=SkipLogCheck,
        plan="skip-log-check.json",
        options={"time_limit": 10, "nodes": 3},
    ),
    Bug(
        name="prevote-refreshes-leader",
        number="R22",
        summary="a granted pre-vote puts off one's own election, so one deaf server silences the others",
        source="hashicorp/raft commit 42d3446; Ongaro's thesis, section 9.6",
        verdicts=("LIVE",),
        node=PrevoteRefreshesLeader,
        plan="prevote-refreshes-leader.json",
        # No answer for a while proves nothing on real processes.
        options={"time_limit": 16, "nodes": 5, "on": "sim"},
    ),
)
