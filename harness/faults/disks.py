"""Disks that lie, dawdle, rot or are replaced by empty ones. Only the simulator has them.

What a power cut takes that was never synced is no fault of a disk: that is `power-cut`, which real
processes can have too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from splitbrain.backend import Kill, PowerCut, Restart, SetDisk, SpoilDisk
from splitbrain.errors import UsageError
from splitbrain.faults.base import Draw, Fault, Injection, number_parameter, only_parameters
from splitbrain.faults.evidence import (
    Evidence,
    every,
    processes_died,
    processes_run,
    records_spoiled,
    settings_took,
    syncs_lost,
)
from splitbrain.faults.process import ProcessFault
from splitbrain.faults.targets import draw_target, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from splitbrain.faults.base import ClusterView, Room
    from splitbrain.plan import PlannedFault

DELAY = 0.05
"""Seconds that a sync on a slow disk takes on top, when the plan names none: about a heartbeat."""


class SlowDisk(Fault):
    """Let each sync take `delay` seconds more."""

    name = "slow-disk"
    summary = "let each sync take longer: delay, in seconds"
    backends = ("sim",)

    def draw(self, random: Random, room: Room) -> Draw:
        """Draw a delay from a disk that is busy to one that is about to fail."""
        target, lost = draw_target(random, room)
        return Draw(target, {"delay": round(random.uniform(0.005, 0.2), 3)}, lost)

    def check(self, entry: PlannedFault, nodes: Sequence[str], roles: Sequence[str]) -> None:
        """Check the delay."""
        del nodes, roles
        only_parameters(entry, ("delay",))
        if number_parameter(entry, "delay", DELAY) == 0:
            raise UsageError(f"{entry.id}: `delay` must be more than 0, or no disk is slow.")

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Slow the disks of the target down, that of a random node by default."""
        nodes = resolve(entry, view, random, default=1)
        delay = number_parameter(entry, "delay", DELAY)
        return Injection(
            nodes=nodes,
            lost=nodes,
            begin=tuple(SetDisk(node, delay=delay) for node in nodes),
            end=tuple(SetDisk(node) for node in nodes),
            bites=Evidence(settings_took("begin")),
            heals=Evidence(settings_took("end")),
        )


class LostSync(ProcessFault):
    """Let disks report as durable what they have not written, and cut the power at the end.

    The cut is what makes it bite: of all that was "synced" meanwhile only a seeded prefix survives.
    """

    name = "lost-sync"
    summary = "let disks report syncs that they don't do, and cut the power at the end"
    backends = ("sim",)
    stops_nodes = False
    overlaps = False

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Let the disks of the target lie, that of a random node by default."""
        nodes = resolve(entry, view, random, default=1)
        ends = [
            (PowerCut(node, random.getrandbits(32)), SetDisk(node, lose_syncs=False), Restart(node))
            for node in nodes
        ]
        return Injection(
            nodes=nodes,
            lost=nodes,
            begin=tuple(SetDisk(node, lose_syncs=True) for node in nodes),
            end=tuple(action for actions in ends for action in actions),
            bites=Evidence(every(settings_took("begin"), syncs_lost)),
            heals=Evidence(every(settings_took("end"), processes_run)),
        )


class _SpoiledDisk(ProcessFault):
    """Kill nodes, spoil their disks while they are down, and start them again at the end."""

    backends = ("sim",)
    how: ClassVar[str]
    """How, in the words of `SpoilDisk`."""

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Kill the target, a random node by default, and spoil each disk by a seed of its own."""
        nodes = resolve(entry, view, random, default=1)
        begins = [(Kill(node), SpoilDisk(node, self.how, random.getrandbits(32))) for node in nodes]
        return Injection(
            nodes=nodes,
            lost=nodes,
            begin=tuple(action for actions in begins for action in actions),
            end=tuple(Restart(node) for node in nodes),
            bites=Evidence(every(processes_died, records_spoiled)),
            heals=Evidence(processes_run),
        )


class BitRot(_SpoiledDisk):
    """Make one synced record of each node unreadable while the node is down.

    The last record looks like one that was torn. With any other one a node has to refuse to start, and
    then it has not healed.
    """

    name = "bit-rot"
    summary = "kill nodes, make a record on their disks unreadable, and start them again"
    how = "bit-rot"


class WipedDisk(_SpoiledDisk):
    """Empty the disks of nodes that are down: they come back under their names, with nothing."""

    name = "wiped-disk"
    summary = "kill nodes, empty their disks, and start them again"
    how = "wipe"
