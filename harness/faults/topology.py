"""Ways to cut a network: pure functions from nodes to the set of directed links that are cut.

A node that sends to itself uses no link, so "sees a majority" counts the node itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from splitbrain.faults.evidence import Link


def all_links(nodes: Sequence[str]) -> frozenset[Link]:
    """Return every directed link between two of the nodes."""
    return frozenset(
        (source, destination) for source in nodes for destination in nodes if source != destination
    )


def links_of(chosen: Iterable[str], nodes: Sequence[str]) -> frozenset[Link]:
    """Return the links that begin or end at one of the `chosen` nodes."""
    chosen = set(chosen)
    return frozenset(link for link in all_links(nodes) if chosen.intersection(link))


def split(groups: Sequence[Sequence[str]], nodes: Sequence[str]) -> frozenset[Link]:
    """Cut every link between nodes of different groups; nodes in no group form one together."""
    group_of = {node: number for number, group in enumerate(groups) for node in group}
    return frozenset(
        (source, destination)
        for source, destination in all_links(nodes)
        if group_of.get(source) != group_of.get(destination)
    )


def majorities_ring(order: Sequence[str]) -> frozenset[Link]:
    """Cut so that each node sees a majority both ways and no two nodes see the same one.

    The nodes stand in a ring in the given order, and each sees its nearest neighbours on both sides,
    the fewest that make a majority with itself. Needs at least four nodes: of three, each majority
    that is symmetric is everyone. The idea is Jepsen's (`nemesis/majorities-ring`).
    """
    size = len(order)
    reach = (size // 2 + 1) // 2
    return frozenset(
        (order[i], order[j])
        for i in range(size)
        for j in range(size)
        if i != j and min((i - j) % size, (j - i) % size) > reach
    )


def bridge(order: Sequence[str]) -> frozenset[Link]:
    """Cut two halves apart but for the node in the middle of the order, which sees both.

    Needs at least three nodes. The idea is Jepsen's (`nemesis/bridge`).
    """
    middle = len(order) // 2
    return frozenset(
        link for link in split([order[:middle], order[middle + 1 :]], order) if order[middle] not in link
    )


def one_way(chosen: Iterable[str], direction: str, nodes: Sequence[str]) -> frozenset[Link]:
    """Cut what the others send to the `chosen` nodes ("in"), or what those send to others ("out")."""
    chosen = set(chosen)
    end = 1 if direction == "in" else 0
    return frozenset(link for link in all_links(nodes) if link[end] in chosen and link[1 - end] not in chosen)


def unserved(cut: Iterable[Link], nodes: Sequence[str]) -> tuple[str, ...]:
    """Return the nodes that a system has to do without under these cuts.

    These are all but the largest group of nodes whose members are linked to each other both ways, and to
    no outsider even one way. Outsiders with a link into the group can disturb it (in Raft, by elections
    that they can't win), so that no group like this means that nobody may be counted on.
    """
    cut = set(cut)
    groups = []
    unseen = list(nodes)
    while unseen:
        group = [unseen.pop(0)]
        for member in group:
            linked = [node for node in unseen if (member, node) not in cut or (node, member) not in cut]
            unseen = [node for node in unseen if node not in linked]
            group.extend(linked)
        if not cut.intersection(all_links(group)):
            groups.append(group)
    served = max(groups, key=len, default=[])
    return tuple(node for node in nodes if node not in served)
