"""Membership: a server is taken out of the cluster by its own means, and brought back at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.errors import UsageError
from splitbrain.faults.base import Draw, Fault, Injection
from splitbrain.faults.evidence import Evidence, answered
from splitbrain.faults.inquiry import Ask
from splitbrain.faults.targets import LEADER, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from splitbrain.faults.base import ClusterView, Room
    from splitbrain.plan import PlannedFault

MANY = ("all", "majority", "minority", "others")
"""Targets that are more than one server."""


class Membership(Fault):
    """Remove one server from the cluster, and add it again at the end.

    Its process runs on meanwhile, which is part of the test: it may go on calling elections. Whoever
    leads is asked, again and elsewhere until it is done; a request that was taken but not answered
    is taken twice. So both requests must be harmless when what they ask for is so already.
    """

    name = "membership"
    summary = "remove a server from the cluster and add it again"
    minimum_nodes = 2
    backends = ("local", "sim")
    needs = "membership"

    def draw(self, random: Random, room: Room) -> Draw:
        """Draw the leader and a random server in turn."""
        del random
        return Draw(LEADER if room.turn % 2 == 0 and LEADER in room.roles else "one", {}, 1)

    def check(self, entry: PlannedFault, nodes: Sequence[str], roles: Sequence[str]) -> None:
        """Check that there is one target, and whom to ask."""
        super().check(entry, nodes, roles)
        several = isinstance(entry.target, tuple) and len(entry.target) > 1
        if several or entry.target in MANY:
            raise UsageError(f"{entry.id}: membership changes one server at a time; name one as the target.")
        if LEADER not in roles:
            raise UsageError(f"{entry.id}: membership asks the leader; the system has no role {LEADER!r}.")

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Remove the target, a random server by default."""
        nodes = resolve(entry, view, random, default=1)
        return Injection(
            nodes=nodes,
            lost=nodes,
            begin=tuple(_change("remove_server", node) for node in nodes),
            end=tuple(_change("add_server", node) for node in nodes),
            bites=Evidence(answered("begin")),
            heals=Evidence(answered("end")),
        )


def _change(kind: str, server: str) -> Ask:
    return Ask(LEADER, {"type": kind, "server": server}, answered=f"{kind}_ok")
