"""Whom a fault hits: the words of `splitbrain.plan` resolved against the cluster as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.errors import UsageError
from splitbrain.faults.base import UnresolvedTargetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from splitbrain.faults.base import ClusterView, Room
    from splitbrain.plan import PlannedFault, Target

LEADER = "leader"
"""The role that "others" and the shape leader-alone refer to."""


def minority(size: int) -> int:
    """Return how many of `size` nodes are the largest minority."""
    return (size - 1) // 2


def majority(size: int) -> int:
    """Return how many of `size` nodes are the smallest majority."""
    return size // 2 + 1


def check_target(entry: PlannedFault, nodes: Sequence[str], roles: Sequence[str]) -> None:
    """Check that a target can be resolved at all on this cluster.

    Raises:
        UsageError: it names an unknown node or role, or makes no sense here.
    """
    target = entry.target
    if isinstance(target, tuple):
        _check_listed(entry, target, nodes)
        return
    words = (*roles, "others", "noter", "one", "all", "minority", "majority")
    if target is not None and target not in words:
        raise UsageError(
            f"{entry.id}: the target {target!r} is neither a list of nodes nor one of: {', '.join(words)}."
        )
    if target == "noter" and entry.when is None:
        raise UsageError(f'{entry.id}: the target "noter" needs a trigger (`when`).')
    if target == "others" and len(nodes) == 1:
        raise UsageError(f'{entry.id}: a single node has no "others".')
    if target == "others" and entry.when is None and LEADER not in roles:
        raise UsageError(f'{entry.id}: the target "others" needs a trigger (`when`) or a role "leader".')
    if target == "minority" and minority(len(nodes)) == 0:
        raise UsageError(f"{entry.id}: {len(nodes)} nodes have no minority; use at least 3 nodes.")


def _check_listed(entry: PlannedFault, target: tuple[str, ...], nodes: Sequence[str]) -> None:
    if not target:
        raise UsageError(f"{entry.id}: the list of target nodes is empty; name one, or use null.")
    for node in target:
        if node not in nodes:
            raise UsageError(f"{entry.id}: there is no node {node!r}; there are {', '.join(nodes)}.")
    if len(set(target)) < len(target):
        raise UsageError(f"{entry.id}: a node stands twice in the target {list(target)}.")


def resolve(entry: PlannedFault, view: ClusterView, random: Random, *, default: int) -> tuple[str, ...]:
    """Return the nodes that a checked target means now; null means a choice of `default` nodes.

    Raises:
        UnresolvedTargetError: no running node plays that role.
    """
    target = entry.target
    if isinstance(target, tuple):
        return target
    size = len(view.nodes)
    counts = {None: default, "one": 1, "all": size, "minority": minority(size), "majority": majority(size)}
    if target in counts:
        return choose(view, random, counts[target])
    if target == "others":
        alone = view.noter or player(view, LEADER)
        return tuple(node for node in view.nodes if node != alone)
    return (view.noter if target == "noter" and view.noter else player(view, target or ""),)


def player(view: ClusterView, role: str) -> str:
    """Return the node that plays a role.

    Raises:
        UnresolvedTargetError: no running node does.
    """
    node = view.roles.get(role)
    if node is None:
        raise UnresolvedTargetError(f"no running node plays the role {role!r}")
    return node


def draw_target(random: Random, room: Room) -> tuple[Target, int]:
    """Draw a target and how many nodes it is: everyone where no availability is expected, else a minority."""
    size = len(room.nodes)
    if room.wild or minority(size) == 0:
        return "all", size
    if minority(size) <= room.spare and random.random() < 0.5:
        return "minority", minority(size)
    return "one", 1


def choose(view: ClusterView, random: Random, count: int) -> tuple[str, ...]:
    """Choose nodes at random, those first that no fault under way touches, then those that run."""
    order = random.sample(view.nodes, len(view.nodes))
    order.sort(key=lambda node: (node in view.down, node in view.paused, node in view.hit))
    return tuple(sorted(order[:count], key=view.nodes.index))
