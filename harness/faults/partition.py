"""Partitions: the network falls apart, both ways or one way, cleanly or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.backend import CLIENTS, ClearLinks, LinkPolicy, SetLinks
from splitbrain.errors import UsageError
from splitbrain.faults.base import Draw, Fault, Injection, flag_parameter, only_parameters
from splitbrain.faults.evidence import Evidence, actions_succeeded, links_alive, links_silent
from splitbrain.faults.targets import LEADER, choose, minority, player, resolve
from splitbrain.faults.topology import bridge, majorities_ring, one_way, split, unserved

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from splitbrain.faults.base import ClusterView, Room
    from splitbrain.faults.evidence import Link
    from splitbrain.plan import PlannedFault

SHAPES = {
    "one-node": 2,
    "halves": 2,
    "leader-alone": 2,
    "one-way": 2,
    "bridge": 3,
    "majorities-ring": 4,
}
"""The shapes, each with the fewest nodes that have it."""

UNTARGETED = ("leader-alone", "bridge", "majorities-ring")
PARAMETERS = ("shape", "direction", "groups", "links", "clients", "hold")


class Partition(Fault):
    """Cut links between nodes.

    Parameters: `shape`, one of
        one-node         a node (the target, or a random one) apart from the rest
        halves           the target, or a random minority, apart from the rest (the default)
        leader-alone     the node with the role "leader" apart from the rest
        majorities-ring  each node sees a majority, no two the same one
        bridge           two halves that meet in one node alone
        one-way          what goes into ("direction": "in") or out of ("out") the target is lost
    or explicit `groups`, [["n1"], ["n2", "n3"]], or directed `links`, [["n1", "n2"]].
    With `"clients": true` the smaller side's clients are cut off as well; with `"hold": true`
    lines are kept and delivered after the heal instead of dropped.
    """

    name = "partition"
    summary = "cut links: one-node, halves, leader-alone, majorities-ring, bridge, one-way, or as listed"
    minimum_nodes = 2

    def draw(self, random: Random, room: Room) -> Draw:
        """Draw a shape; the leader alone comes first where there is one."""
        size = len(room.nodes)
        if room.wild:
            shapes = [shape for shape in ("one-way", "bridge", "majorities-ring") if SHAPES[shape] <= size]
            shape = random.choice(shapes)
            parameters: dict[str, Any] = {"shape": shape}
            if shape == "one-way":
                parameters["direction"] = random.choice(["in", "out"])
            return Draw(None, parameters, size)
        if room.turn % 2 == 0 and LEADER in room.roles:
            return Draw(None, {"shape": "leader-alone"}, 1)
        if minority(size) > 1 and minority(size) <= room.spare:
            return Draw(None, {"shape": "halves"}, minority(size))
        return Draw(None, {"shape": "one-node"}, 1)

    def check(self, entry: PlannedFault, nodes: Sequence[str], roles: Sequence[str]) -> None:
        """Check the shape and the explicit lists."""
        only_parameters(entry, PARAMETERS)
        flag_parameter(entry, "hold")
        given = [name for name in ("shape", "groups", "links") if name in entry.parameters]
        if len(given) > 1:
            raise UsageError(
                f"{entry.id}: give one of `shape`, `groups` and `links`, not {' and '.join(given)}."
            )
        if given and given[0] != "shape":
            _check_lists(entry, given[0], nodes)
        else:
            _check_shape(entry, nodes, roles)
        clients = flag_parameter(entry, "clients")
        if clients and (
            given == ["links"] or entry.parameters.get("shape") in ("majorities-ring", "one-way")
        ):
            raise UsageError(f"{entry.id}: `clients` needs two sides; list the links to {CLIENTS!r} instead.")

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Lay the cut over its links, to be lifted under the entry's id."""
        cut = self.cut(entry, view, random)
        lost = unserved(cut, view.nodes)
        if entry.parameters.get("clients"):
            cut |= {link for node in lost for link in ((CLIENTS, node), (node, CLIENTS))}
        policy = LinkPolicy(hold=True) if entry.parameters.get("hold") else LinkPolicy(cut=True)
        # The links between nodes carry probes. Shuffled, so that a sample says something of each side.
        probed = sorted(link for link in cut if CLIENTS not in link)
        candidates = tuple(random.sample(probed, len(probed)))
        seen = (Evidence(links_silent, candidates), Evidence(links_alive, candidates))
        if not probed:
            # Clients carry no probes: that the policy was laid and lifted is all there is to see.
            seen = (Evidence(actions_succeeded("begin")), Evidence(actions_succeeded("end")))
        return Injection(
            nodes=lost or tuple(node for node in view.nodes if any(node in link for link in cut)),
            lost=lost,
            begin=(SetLinks(entry.id, dict.fromkeys(sorted(cut), policy)),),
            end=(ClearLinks(entry.id),),
            bites=seen[0],
            heals=seen[1],
        )

    def cut(self, entry: PlannedFault, view: ClusterView, random: Random) -> frozenset[Link]:
        """Return the directed links that a checked entry cuts now.

        Raises:
            UnresolvedTargetError: no running node plays the role that it needs.
        """
        nodes, parameters = view.nodes, entry.parameters
        if "links" in parameters:
            return frozenset((source, destination) for source, destination in parameters["links"])
        if "groups" in parameters:
            return split(parameters["groups"], nodes)
        shape = parameters.get("shape", "halves")
        if shape in ("bridge", "majorities-ring"):
            order = random.sample(nodes, len(nodes))
            return bridge(order) if shape == "bridge" else majorities_ring(order)
        chosen = _side(entry, shape, view, random)
        if shape == "one-way":
            return one_way(chosen, parameters.get("direction", "in"), nodes)
        return split([chosen], nodes)


def _side(entry: PlannedFault, shape: str, view: ClusterView, random: Random) -> tuple[str, ...]:
    """Return the nodes on one side of a split."""
    if shape == "leader-alone":
        return (player(view, LEADER),)
    size = len(view.nodes)
    chosen = resolve(entry, view, random, default=max(1, minority(size)) if shape == "halves" else 1)
    # Of two nodes the smallest majority is everyone; a partition needs another side.
    return chosen if len(chosen) < size else choose(view, random, 1)


def _check_shape(entry: PlannedFault, nodes: Sequence[str], roles: Sequence[str]) -> None:
    shape = entry.parameters.get("shape", "halves")
    if shape not in SHAPES:
        raise UsageError(f"{entry.id}: there is no shape {shape!r}; there are {', '.join(SHAPES)}.")
    if len(nodes) < SHAPES[shape]:
        raise UsageError(
            f"{entry.id}: the shape {shape} needs at least {SHAPES[shape]} nodes, not {len(nodes)}."
        )
    if shape == "leader-alone" and LEADER not in roles:
        raise UsageError(f"{entry.id}: the shape leader-alone needs a system with the role {LEADER!r}.")
    if shape in UNTARGETED and entry.target is not None:
        raise UsageError(f"{entry.id}: the shape {shape} takes no target.")
    everyone = isinstance(entry.target, tuple) and set(entry.target) == set(nodes)
    if entry.target == "all" or everyone:
        raise UsageError(f"{entry.id}: a partition needs two sides; its target can't be every node.")
    direction = entry.parameters.get("direction")
    if direction is not None and (shape != "one-way" or direction not in ("in", "out")):
        raise UsageError(f'{entry.id}: `direction` is "in" or "out", and for the shape one-way alone.')


def _check_lists(entry: PlannedFault, name: str, nodes: Sequence[str]) -> None:
    lists = entry.parameters[name]
    if (
        not isinstance(lists, list | tuple)
        or not lists
        or not all(isinstance(each, list | tuple) for each in lists)
    ):
        raise UsageError(f"{entry.id}: `{name}` must be a list of lists of nodes.")
    if entry.target is not None or "direction" in entry.parameters:
        raise UsageError(f"{entry.id}: `{name}` says it all; leave out target and direction.")
    known = (*nodes, CLIENTS) if name == "links" else tuple(nodes)
    for each in lists:
        for node in each:
            if node not in known:
                raise UsageError(f"{entry.id}: there is no node {node!r}; there are {', '.join(nodes)}.")
        if name == "links" and (len(each) != 2 or each[0] == each[1]):
            raise UsageError(f"{entry.id}: a link is a pair [source, destination], not {list(each)}.")
    members = [node for each in lists for node in each]
    if name == "groups":
        if len(set(members)) < len(members):
            raise UsageError(f"{entry.id}: a node stands in two groups.")
        if not split(lists, nodes):
            raise UsageError(f"{entry.id}: these groups cut nothing; name at least two sides.")
