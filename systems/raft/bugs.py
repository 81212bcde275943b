"""Seeded bugs: each is the node with exactly one rule removed.

They show that the harness convicts real mistakes, each of which was made in a real system or is
named in the literature. Each survives a run without faults. They override different methods, so
any of them combine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..description import Bug
from .node import RaftNode

if TYPE_CHECKING:
    from .leadership import Leadership, PendingRead


class ForgetVote(RaftNode):
    """Term and vote are not persisted: a server that restarts may vote a second time in a term."""

    def save_term_and_vote(self) -> None:
        """Write nothing (removes: persistent term and vote, 5.2 and figure 2)."""


class AckBeforeSync(RaftNode):
    """A follower consents to entries before they are durable: a power cut takes them back."""

    def acknowledgement_waits_for(self, match: int) -> int | None:
        """Wait for nothing (removes: figure 2's "updated on stable storage before responding")."""
        super().acknowledgement_waits_for(match)
        return None


class CommitOldTerm(RaftNode):
    """An entry of an earlier term is committed by counting replicas (figure 8)."""

    def may_commit(self, index: int) -> bool:  # noqa: ARG002 -- a rule ignored
        """Count any entry (removes: the current-term rule, 5.4.2)."""
        return True


class NoLeaderNoop(RaftNode):
    """A leader begins its term without an entry of its own."""

    def begin_term(self) -> None:
        """Append nothing (removes: the no-op at the start of a term, 8)."""


class SkipLogCheck(RaftNode):
    """A vote is granted whatever the candidate's log lacks."""

    def is_up_to_date(self, last_index: int, last_term: int) -> bool:  # noqa: ARG002 -- a rule ignored
        """Accept any log (removes: the election restriction, 5.4.1)."""
        return True


class UnconfirmedRead(RaftNode):
    """A read is answered at its commit index without asking whether one still leads."""

    def is_confirmed(self, led: Leadership, read: PendingRead) -> bool:  # noqa: ARG002 -- a rule ignored
        """Confirm at once (removes: the heartbeat round before a read, thesis 6.4)."""
        return True


class NoDedupe(RaftNode):
    """A retried operation is applied again."""

    def was_executed(self, client: str, msg_id: int) -> bool:  # noqa: ARG002 -- a rule ignored
        """Recognise nothing (removes: sessions with deduplication, thesis 6.3)."""
        return False


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
        name="ack-before-sync",
        number="R3",
        summary="a follower acknowledges entries before they are synced",
        source="Ongaro & Ousterhout 2014, section 5 and figure 2",
        verdicts=("LC", "LIN", "SMS"),
        node=AckBeforeSync,
        plan="ack-before-sync.json",
        options={"time_limit": 9, "nodes": 3},
    ),
    Bug(
        name="commit-old-term",
        number="R4",
        summary="an entry of an earlier term is committed by counting replicas",
        source="Ongaro & Ousterhout 2014, section 5.4.2 and figure 8; logcabin issue 44",
        verdicts=("SMS", "LC", "LIN"),
        node=CommitOldTerm,
        plan="commit-old-term.json",
        options={"time_limit": 12},
        needs=("no-leader-noop",),
    ),
    Bug(
        name="no-leader-noop",
        number="R5",
        summary="a leader appends no no-op at the start of its term",
        source="redisraft issue 18; Ongaro & Ousterhout 2014, section 8",
        verdicts=("SMS", "LC", "LIN"),
        node=NoLeaderNoop,
        plan="commit-old-term.json",
        options={"time_limit": 12},
        needs=("commit-old-term",),
    ),
    Bug(
        name="skip-log-check",
        number="R6",
        summary="a vote is granted without comparing the logs",
        source="Ongaro & Ousterhout 2014, section 5.4.1",
        verdicts=("LC", "LIN", "SMS", "LM"),
        node=SkipLogCheck,
        plan="skip-log-check.json",
        options={"time_limit": 11},
    ),
    Bug(
        name="unconfirmed-read",
        number="R16",
        summary="a read is answered without confirming that one still leads",
        source="Ongaro & Ousterhout 2014, section 8; etcd issue 741",
        verdicts=("LIN",),
        node=UnconfirmedRead,
        plan="unconfirmed-read.json",
        options={"time_limit": 11, "concurrency": 25},
    ),
    Bug(
        name="no-dedupe",
        number="R24",
        summary="a client's retry is applied a second time",
        source="Ongaro & Ousterhout 2014, section 8; Ongaro's thesis, section 6.3",
        verdicts=("LIN", "DUP"),
        node=NoDedupe,
        plan="no-dedupe.json",
        options={"time_limit": 11, "workload": "kv"},
    ),
)
