"""Draws what hits a single point of a run: crashes between two effects, and messages gone astray."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.exploration.dice import dice
from splitbrain.simulation.deviations import Address, CrashPoint, Deviation

if TYPE_CHECKING:
    from splitbrain.exploration.space import Space

SECOND = 1_000_000_000
CRASHES = ((0, 3.0), (1, 2.0), (3, 3.0), (8, 2.0))
"""How many crash points a case has, and how often."""

ASTRAY = ((0, 4.0), (1, 1.0), (3, 1.0), (8, 1.0))
"""How many single messages take a long time, and how often."""


def draw_crash_points(space: Space, seed: int, nodes: tuple[str, ...]) -> tuple[CrashPoint, ...]:
    """Return where nodes crash right after an effect: any label, early ordinals most often."""
    ways = [name == "power-cut" for name in ("kill", "power-cut") if name in space.faults]
    if not ways or not space.vocabulary.labels:
        return ()
    these = dice(seed, "crashes")
    count = these.weighted(CRASHES)
    points = {}
    for number in range(count):
        own = dice(seed, "crash", number)
        # The rare effects are the decisions: votes, truncations, snapshots.
        label, most = own.weighted([(each, each[1] ** -0.5) for each in space.vocabulary.labels])
        point = CrashPoint(
            own.choice(nodes),
            label,
            own.ordinal(most),
            own.choice(ways) or own.choice(ways),
            round(own.spread(0.001, 0.6) * SECOND),
            own.getrandbits(32),
        )
        points[point.node, point.label, point.ordinal] = point
    return tuple(points.values())


def draw_deviations(space: Space, seed: int, nodes: tuple[str, ...]) -> tuple[Deviation, ...]:
    """Return single messages that take their time, alone or as a second copy, past all that follow."""
    types = space.vocabulary.messages
    if "reorder" not in space.faults or not types or len(nodes) < 2:
        return ()
    these = dice(seed, "astray")
    deviations = {}
    for number in range(these.weighted(ASTRAY)):
        own = dice(seed, "astray", number)
        source, destination = own.sample(nodes, 2)
        kind, most = own.choice(types)
        late = round(own.spread(0.05, 3.0) * SECOND)
        address = Address(source, destination, kind, own.ordinal(most))
        if own.sometimes(0.5):
            deviations[address] = Deviation(address, late)
        else:
            deviations[address] = Deviation(address, round(own.spread(0.0005, 0.05) * SECOND), late)
    return tuple(deviations.values())
