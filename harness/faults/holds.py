"""Which faults hold which node: a node comes back when the last fault that holds it ends.

A fault holds a node down (kill, power cut) or paused. Down is stronger: who pauses a node that is
down only prolongs its absence, and a paused node that is killed is down until both have ended.

Between the order to restart a node and its being ready it is "returning": it may be killed again,
and must be, if another fault takes hold of it then, because the restart is on its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from splitbrain.backend import Kill, Pause, PowerCut, Restart, Resume

if TYPE_CHECKING:
    from collections.abc import Sequence

State: TypeAlias = Literal["up", "paused", "down", "returning", "resuming"]


class Holds:
    """The state of every node, as far as faults determine it."""

    def __init__(self, nodes: Sequence[str]) -> None:
        self._state: dict[str, State] = dict.fromkeys(nodes, "up")
        self._holders: dict[str, set[str]] = {node: set() for node in nodes}
        self._changes: dict[str, int] = dict.fromkeys(nodes, 0)

    @property
    def down(self) -> frozenset[str]:
        """The nodes whose process is dead, or not ready yet."""
        return frozenset(node for node, state in self._state.items() if state in ("down", "returning"))

    @property
    def paused(self) -> frozenset[str]:
        """The nodes whose process is stopped."""
        return frozenset(node for node, state in self._state.items() if state in ("paused", "resuming"))

    def changes(self, node: str) -> int:
        """Count the changes of a node's state: an observation over which it moved proves nothing."""
        return self._changes[node]

    def hold(self, node: str, fault: str, action: Kill | PowerCut | Pause) -> bool:
        """Let a fault take hold of a node; tell whether the action has to be performed."""
        self._holders[node].add(fault)
        if self._state[node] == "down":
            return False
        # The actions on a node are performed in order: a kill overtakes no restart.
        if isinstance(action, Pause):
            self._move(node, "paused")
        else:
            self._move(node, "down")
        return True

    def release(self, node: str, fault: str) -> Restart | Resume | None:
        """Let a fault let go of a node; return what brings it back, None if another one holds it."""
        self._holders[node].discard(fault)
        if self._holders[node]:
            return None
        if self._state[node] in ("down", "returning"):
            self._move(node, "returning")
            return Restart(node)
        if self._state[node] in ("paused", "resuming"):
            self._move(node, "resuming")
            return Resume(node)
        return Resume(node)

    def returned(self, node: str) -> None:
        """The restart or resumption that was under way is complete."""
        if self._state[node] in ("returning", "resuming"):
            self._move(node, "up")

    def came_up(self, node: str) -> None:
        """It was started by something else than a fault's end, such as the end of a crash between effects."""
        if self._state[node] == "down" and not self._holders[node]:
            self._move(node, "up")

    def failed(self, node: str) -> None:
        """Its process ended by itself, or would not start."""
        self._move(node, "down")

    def _move(self, node: str, state: State) -> None:
        self._state[node] = state
        self._changes[node] += 1
