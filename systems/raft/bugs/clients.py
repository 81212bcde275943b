"""Mistakes towards clients: what a read may return, and what a retry does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...description import Bug
from ..node import RaftNode

if TYPE_CHECKING:
    from ..leadership import Leadership, PendingRead


class UnconfirmedRead(RaftNode):
    """A read is answered at its commit index without asking whether one still leads."""

    def is_confirmed(self, led: Leadership, read: PendingRead) -> bool:  # noqa: ARG002 -- a rule ignored
        """Confirm at once (removes: the heartbeat round before a read, thesis 6.4)."""
        return True


class LeaseWithoutMargin(RaftNode):
    """A lease lasts as long, by the leader's clock, as voters have promised to wait by theirs."""

    def lease_duration(self) -> int:
        """Trust all clocks to run alike (removes: the bound on their drift is taken off, thesis 6.4.1)."""
        return self.limits.election_minimum


class NoDedupe(RaftNode):
    """A retried operation is applied again."""

    def was_executed(self, client: str, msg_id: int) -> bool:  # noqa: ARG002 -- a rule ignored
        """Recognise nothing (removes: sessions with deduplication, thesis 6.3)."""
        return False


BUGS = (
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
        name="lease-without-margin",
        number="R17",
        summary="a lease leaves no margin for clocks that run apart, so a deposed leader serves old reads",
        source="tikv issue 964; Ongaro's thesis, section 6.4.1",
        verdicts=("LIN",),
        node=LeaseWithoutMargin,
        plan="lease-without-margin.json",
        # Clocks are the simulator's to skew. The wider the bound, the longer the window.
        options={
            "time_limit": 10,
            "concurrency": 25,
            "on": "sim",
            "settings": {"reads": "lease", "clock_bound": 0.6},
        },
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
