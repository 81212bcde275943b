"""Mistakes in replication: what a follower takes, keeps and acknowledges, and what counts as committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...description import Bug
from ..node import RaftNode

if TYPE_CHECKING:
    from ...contract import Json


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


class AcceptStaleTerm(RaftNode):
    """The request of an older term is taken like one of the current term.

    A deposed leader's entries, late on their way, overwrite those that the new leader has committed.
    """

    def is_stale(self, term: int) -> bool:  # noqa: ARG002 -- a rule ignored
        """Take every request for a current one (removes: the refusal of older terms, 5.1)."""
        return False


class TruncateAlways(RaftNode):
    """Entries replace whatever follows the one before them, even what is the same.

    Where a message arrives again or late, with fewer entries than one that overtook it, the rest is
    gone: entries that this follower acknowledged.
    """

    def already_held(self, previous: int, entries: list[list[Json]]) -> int:  # noqa: ARG002 -- a rule ignored
        """Recognise no entry (removes: deletion on a conflict only, 5.3 and figure 2)."""
        return 0


class KeepStaleTail(RaftNode):
    """A conflicting entry is replaced, but those that followed it stay, now after other entries."""

    def append_new(self, first: int, new: list[list[Json]]) -> int | None:
        """Put the old tail back (removes: deletion of all that follow a conflict, 5.3 and figure 2)."""
        tail = self.log.entries(first + len(new), self.log.last_index)
        return super().append_new(first, [*new, *tail])


class CommitPastNew(RaftNode):
    """A follower commits to the end of its own log, also what the message did not compare.

    A heartbeat proves the log up to the entry that it names; behind that may stand a deposed leader's.
    """

    def follower_commit(self, leader_commit: int, last_new: int) -> int:  # noqa: ARG002 -- a rule ignored
        """Go as far as the log does (removes: the last new entry as the bound, 5.3 and figure 2)."""
        return min(leader_commit, self.log.last_index)


BUGS = (
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
        name="accept-stale-term",
        number="R7",
        summary="a deposed leader's late entries are taken",
        source="Ongaro & Ousterhout 2014, section 5.1",
        verdicts=("SMS", "LC", "LIN", "LM"),
        node=AcceptStaleTerm,
        plan="accept-stale-term.json",
        options={"time_limit": 10, "nodes": 3},
    ),
    Bug(
        name="truncate-always",
        number="R8",
        summary="entries cut off what follows them, even where nothing conflicts",
        source="akka-raft issue 66; Ongaro & Ousterhout 2014, section 5.3 and figure 2",
        verdicts=("LC", "LIN", "SMS"),
        node=TruncateAlways,
        plan="truncate-always.json",
        options={"time_limit": 10, "nodes": 3, "on": "sim"},
    ),
    Bug(
        name="keep-stale-tail",
        number="R9",
        summary="a conflicting entry is replaced, but what followed it is kept",
        source="mofa pull request 1151; Ongaro & Ousterhout 2014, section 5.3 and figure 2",
        verdicts=("LM", "LC", "SMS", "LIN"),
        node=KeepStaleTail,
        plan="keep-stale-tail.json",
        options={"time_limit": 10, "nodes": 3, "settings": {"batch": 1}},
    ),
    Bug(
        name="commit-past-new",
        number="R10",
        summary="a follower commits past the last entry that a message compared",
        source="copycat issue 265; scylladb issue 9965; Ongaro & Ousterhout 2014, figure 2",
        verdicts=("SMS", "LC", "LIN"),
        node=CommitPastNew,
        plan="commit-past-new.json",
        options={"time_limit": 10, "nodes": 3},
    ),
)
