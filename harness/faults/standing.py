"""Which nodes are there, and what each of them is: what faults choose their targets by.

A node that is down or paused plays no role, whatever it last said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.faults.roles import RoleTracker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splitbrain.backend import NodeNoted, Triggered
    from splitbrain.faults.holds import Holds
    from splitbrain.faults.triggers import Triggers
    from splitbrain.systems.description import Role


class Standing:
    """Follows what the nodes note, and knows by the holds and triggers which of them run."""

    def __init__(
        self, nodes: Sequence[str], roles: Mapping[str, Role], holds: Holds, triggers: Triggers
    ) -> None:
        self._nodes = tuple(nodes)
        self._roles = RoleTracker(roles)
        self._holds = holds
        self._triggers = triggers

    def note(self, event: NodeNoted | Triggered) -> None:
        """Take in what a node noted."""
        self._roles.note(event.node, event.kind, event.fields)

    def forget(self, node: str) -> None:
        """A node's process ended, and with it what it said and what it stood at."""
        self._roles.forget(node)
        self._triggers.forget(node)

    def players(self) -> dict[str, str | None]:
        """Return the node that plays each role."""
        return self._roles.players(self._holds.down | self._holds.paused)

    def askable(self, role: str) -> list[str]:
        """Return the nodes that run, the one that plays the role first."""
        absent = self._holds.down | self._holds.paused | self._triggers.stopped
        player = self.players().get(role)
        return sorted((node for node in self._nodes if node not in absent), key=lambda node: node != player)
