"""Mistakes in membership changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...description import Bug
from ..node import RaftNode

if TYPE_CHECKING:
    from ..leadership import Leadership


class EarlyConfigChange(RaftNode):
    """A new leader changes the configuration before an entry of its own term is committed.

    Its predecessor may have begun another change from the same configuration; then each has a
    majority of its own that shares no server with the other's.
    """

    def may_change_configuration(self, led: Leadership) -> bool:  # noqa: ARG002 -- a rule ignored
        """Change it at once (removes: a current-term entry is committed first, Ongaro 2015)."""
        return True


BUGS = (
    Bug(
        name="early-config-change",
        number="R19",
        summary="a leader changes the configuration before it has committed anything",
        source="Ongaro, raft-dev, 2015, on single-server membership changes",
        verdicts=("LC", "SMS", "LIN", "LM"),
        node=EarlyConfigChange,
        plan="early-config-change.json",
        options={"time_limit": 10, "nodes": 4},
    ),
)
