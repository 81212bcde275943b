"""Faults of a node's process: killed, stopped, or cut off from power."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain import backend
from splitbrain.faults.base import Draw, Fault, Injection, flag_parameter, only_parameters
from splitbrain.faults.evidence import Evidence, processes_died, processes_run, processes_stopped
from splitbrain.faults.targets import LEADER, minority, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from splitbrain.backend import Action
    from splitbrain.faults.base import ClusterView, Room
    from splitbrain.faults.evidence import Judge
    from splitbrain.plan import PlannedFault


class ProcessFault(Fault):
    """What faults of processes have in common: nodes are hit, and come back at the end."""

    stops_nodes = True

    def draw(self, random: Random, room: Room) -> Draw:
        """Draw whom to hit: the leader and random nodes in turn; all or a majority if that may be."""
        size = len(room.nodes)
        if room.wild and size > 1:
            return Draw(random.choice(["all", "majority"]), {}, size)
        if room.turn % 2 == 0 and LEADER in room.roles:
            return Draw(LEADER, {}, 1)
        if 1 < minority(size) <= room.spare:
            return Draw("minority", {}, minority(size))
        return Draw(None, {}, 1)

    def _injection(
        self,
        nodes: tuple[str, ...],
        begin: tuple[Action, ...],
        end: type[backend.Restart | backend.Resume],
        bites: Judge,
    ) -> Injection:
        return Injection(
            nodes=nodes,
            lost=nodes,
            begin=begin,
            end=tuple(end(node) for node in nodes),
            bites=Evidence(bites),
            heals=Evidence(processes_run),
        )


class Kill(ProcessFault):
    """SIGKILL; the node is started again at the end. What it wrote survives, as in a page cache."""

    name = "kill"
    summary = "SIGKILL nodes and start them again; unsynced writes survive"

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Kill the target, a random node by default."""
        nodes = resolve(entry, view, random, default=1)
        kills = tuple(backend.Kill(node) for node in nodes)
        return self._injection(nodes, kills, backend.Restart, processes_died)


class Pause(ProcessFault):
    """SIGSTOP; the node goes on at the end, with the timers and beliefs that it had."""

    name = "pause"
    summary = "SIGSTOP nodes and let them go on"

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Stop the target, a random node by default."""
        nodes = resolve(entry, view, random, default=1)
        pauses = tuple(backend.Pause(node) for node in nodes)
        return self._injection(nodes, pauses, backend.Resume, processes_stopped)


class PowerCut(ProcessFault):
    """SIGKILL, and of what the node had written but not synced only a seeded prefix survives.

    With `"tear": true` that prefix ends inside a record where there is one to tear, with
    `"tear": false` it doesn't; left out, the seed decides.
    """

    name = "power-cut"
    summary = "kill nodes and lose a suffix of their unsynced writes; tear: end inside a record"

    def check(self, entry: PlannedFault, nodes: Sequence[str], roles: Sequence[str]) -> None:
        """Check `tear`."""
        del nodes, roles
        only_parameters(entry, ("tear",))
        flag_parameter(entry, "tear")

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Cut the power of the target, a random node by default; each node has a seed of its own."""
        nodes = resolve(entry, view, random, default=1)
        tear = entry.parameters.get("tear")
        cuts = tuple(backend.PowerCut(node, random.getrandbits(32), tear) for node in nodes)
        return self._injection(nodes, cuts, backend.Restart, processes_died)
