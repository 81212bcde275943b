"""A fault of one's own: everything that the leader sends is held back, and arrives after the heal.

    splitbrain run raft --nodes 3 --faults kill,docs/examples/freeze_leader.py:FreezeLeader --time-limit 16

The others elect a new leader meanwhile. Then the old one's messages arrive all at once, from a term that is
over: a system that believes a message without a look at its term is in trouble.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.backend import ClearLinks, LinkPolicy, SetLinks
from splitbrain.errors import UsageError
from splitbrain.faults.base import Draw, Fault, Injection, only_parameters
from splitbrain.faults.evidence import Evidence, links_alive, links_silent
from splitbrain.faults.targets import LEADER, player

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from splitbrain.faults.base import ClusterView, Room
    from splitbrain.plan import PlannedFault


class FreezeLeader(Fault):
    """Hold every line on the links out of the leader."""

    name = "freeze-leader"
    summary = "hold what the leader sends, and deliver it after the heal"
    minimum_nodes = 3

    def draw(self, random: Random, room: Room) -> Draw:
        """There is nothing to choose: one node is lost."""
        del random, room
        return Draw(LEADER, {}, 1)

    def check(self, entry: PlannedFault, nodes: Sequence[str], roles: Sequence[str]) -> None:
        """Refuse a system that has no leader, before anything is deployed."""
        del nodes
        only_parameters(entry, ())
        if LEADER not in roles:
            raise UsageError(f"{entry.id}: {self.name} needs a system with the role {LEADER!r}.")

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Lay the policy on the leader's links; probes over them show that it bites and heals."""
        del random
        leader = player(view, LEADER)
        links = tuple((leader, other) for other in view.nodes if other != leader)
        return Injection(
            nodes=(leader,),
            lost=(leader,),
            begin=(SetLinks(entry.id, dict.fromkeys(links, LinkPolicy(hold=True))),),
            end=(ClearLinks(entry.id),),
            bites=Evidence(links_silent, links),
            heals=Evidence(links_alive, links),
        )
