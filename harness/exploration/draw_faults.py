"""Draws what goes wrong in a case: the fault plan, crashes between two effects, messages gone astray.

A plan of exploration is dense. A few kinds of faults take part, drawn anew for each case. They begin one
after the other within milliseconds, or anywhere; they last from milliseconds to seconds; some wait
for a note. Whom they hit is drawn among roles, the one that gave the note, the others, or any nodes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from splitbrain.errors import UsageError
from splitbrain.exploration.dice import Dice, dice
from splitbrain.faults.base import Room
from splitbrain.faults.partition import SHAPES
from splitbrain.faults.targets import LEADER, check_target, minority
from splitbrain.plan import Plan, PlannedFault, Trigger
from splitbrain.simulation.deviations import Address, CrashPoint, Deviation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splitbrain.exploration.space import Space
    from splitbrain.exploration.vocabulary import NoteKind
    from splitbrain.faults.base import Fault
    from splitbrain.plan import Target

SECOND = 1_000_000_000
DENSITIES = (0.0, 0.4, 1.0, 2.0, 4.0)
"""Faults a second; a case draws one of these."""

MOST_FAULTS = 16
SHORTEST, LONGEST = 0.005, 2.5
"""Seconds that a fault lasts."""

CRASHES = ((0, 5.0), (1, 2.0), (2, 2.0), (3, 1.0), (4, 1.0))
"""How many crash points a case has, and how often."""

ASTRAY = ((0, 6.0), (1, 1.0), (2, 1.0), (4, 1.0))
"""How many single messages take a long time, and how often."""


def draw_plan(space: Space, seed: int, nodes: tuple[str, ...], duration: float) -> Plan:
    """Return the fault plan of a case."""
    these = dice(seed, "plan")
    possible = [name for name, fault in space.faults.items() if fault.minimum_nodes <= len(nodes)]
    taking_part = these.sample(possible, these.randint(1, len(possible))) if possible else []
    count = min(MOST_FAULTS, round(these.choice(DENSITIES) * duration * these.uniform(0.5, 1.5)))
    waiting = these.choice([0.0, 0.3, 0.6, 1.0]) if space.vocabulary.notes else 0.0
    # How soon one fault follows another, in seconds: from a burst to an even spread.
    gap = these.spread(0.002, 2 * duration / (count + 1))
    recovery = round(these.uniform(0.2, 0.5) * space.described.recovery, 3)
    faults = []
    at = these.uniform(0.0, 0.5 * duration)
    for number in range(count if taking_part else 0):
        own = dice(seed, "fault", number)
        at = at + own.expovariate(1 / gap) if own.sometimes(0.8) else own.uniform(0.0, duration)
        if at > duration - 0.05:
            at = own.uniform(0.0, 0.9 * duration)
        name = own.choice(taking_part)
        triggered = own.sometimes(waiting)
        faults.append(
            _entry(space, own, nodes, name=name, number=number + 1, at=round(at, 4), triggered=triggered)
        )
    faults.sort(key=lambda fault: fault.instant)
    return Plan(these.getrandbits(32), duration, recovery, tuple(faults))


def _entry(
    space: Space, own: Dice, nodes: tuple[str, ...], *, name: str, number: int, at: float, triggered: bool
) -> PlannedFault:
    """Draw one entry of a plan."""
    fault = space.faults[name]
    roles = tuple(sorted(space.described.roles))
    lasts = round(own.spread(SHORTEST, LONGEST), 4)
    room = Room(nodes, roles, len(nodes) if own.sometimes(0.4) else minority(len(nodes)), own.randrange(2))
    drawn = fault.draw(own, room)
    plain = PlannedFault(
        id=f"{name}-{number}",
        fault=name,
        lasts=lasts,
        at=None if triggered else at,
        when=_trigger(own, space, nodes, roles, at) if triggered else None,
        target=drawn.target,
        parameters=drawn.parameters,
    )
    particular = PARTICULAR.get(fault.name)
    entry = replace(
        plain,
        target=_target(own, nodes, roles, triggered=triggered) if own.sometimes(0.75) else drawn.target,
        parameters=drawn.parameters if particular is None else particular(own, nodes, roles),
    )
    # Not every fault takes every target; what it drew itself it takes.
    return entry if _possible(fault, entry, nodes, roles) else plain


def _possible(fault: Fault, entry: PlannedFault, nodes: tuple[str, ...], roles: tuple[str, ...]) -> bool:
    try:
        check_target(entry, nodes, roles)
        fault.check(entry, nodes, roles)
    except UsageError:
        return False
    return True


def _target(own: Dice, nodes: tuple[str, ...], roles: tuple[str, ...], *, triggered: bool) -> Target:
    options: list[tuple[Target, float]] = [("one", 2.0), ("minority", 1.0), ("majority", 0.7), ("all", 0.5)]
    options += [(role, 2.0) for role in roles]
    options += [(None, 1.0), (tuple(own.sample(nodes, own.randint(1, len(nodes)))), 1.0)]
    if triggered:
        options += [("noter", 6.0), ("others", 1.5)]
    elif LEADER in roles:
        options.append(("others", 0.5))
    return own.weighted(options)


def _trigger(
    own: Dice, space: Space, nodes: tuple[str, ...], roles: tuple[str, ...], after: float
) -> Trigger:
    """Draw a note to wait for, from the instant that the fault would else begin at."""
    kind: NoteKind = own.choice(space.vocabulary.notes)
    where: Mapping[str, Any] = {
        name: own.choice(values) for name, values in kind.fields if own.sometimes(0.4)
    }
    node = own.weighted(
        [("any", 6.0), (own.choice(roles) if roles else "any", 2.0), (own.choice(nodes), 1.0)]
    )
    skip = own.ordinal(kind.most) if own.sometimes(0.4) else 0
    return Trigger(kind.kind, where, node, skip, after)


def _partition(own: Dice, nodes: tuple[str, ...], roles: tuple[str, ...]) -> dict[str, Any]:
    """Draw a shape of any kind, with or without the clients of its smaller side; or single links."""
    if own.sometimes(0.15):
        pairs = [[source, other] for source in nodes for other in nodes if source != other]
        return {"links": sorted(own.sample(pairs, own.randint(1, min(len(pairs), 2 * len(nodes)))))}
    shapes = [
        shape
        for shape, least in SHAPES.items()
        if least <= len(nodes) and (shape != "leader-alone" or LEADER in roles)
    ]
    parameters: dict[str, Any] = {"shape": own.choice(shapes)}
    if parameters["shape"] == "one-way":
        parameters["direction"] = own.choice(["in", "out"])
    elif parameters["shape"] != "majorities-ring" and own.sometimes(0.2):
        parameters["clients"] = True
    if own.sometimes(0.25):
        parameters["hold"] = True
    return parameters


def _power_cut(own: Dice, _nodes: tuple[str, ...], _roles: tuple[str, ...]) -> dict[str, Any]:
    """Draw whether a record is torn."""
    tear = own.choice([None, True, False])
    return {} if tear is None else {"tear": tear}


PARTICULAR = {"partition": _partition, "power-cut": _power_cut}
"""Faults that have more to draw from than a run on real processes has time for."""


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
        label, most = own.choice(space.vocabulary.labels)
        point = CrashPoint(
            own.choice(nodes),
            label,
            own.ordinal(most),
            own.choice(ways),
            round(own.spread(0.001, 1.0) * SECOND),
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
