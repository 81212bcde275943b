"""Draws what goes wrong in a case: the fault plan, crashes between two effects, messages gone astray.

A plan follows a few *recipes*: this fault, on those, at any time or whenever such a note appears. Each recipe
is drawn once and used again and again, with new times: a bug that needs the third leader to die
right after it was elected is met by "kill whoever was elected", repeated, and hardly ever by ten faults
that have nothing to do with each other. They begin within milliseconds of each other, or anywhere, and last
from milliseconds to seconds.

A few runs are *lasting* instead: few faults, which stay on for as long as a system may need to show that
it still makes progress under them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from splitbrain.errors import UsageError
from splitbrain.exploration.dice import Dice, dice
from splitbrain.exploration.motifs import draw_motif, play
from splitbrain.faults.base import Room
from splitbrain.faults.partition import SHAPES
from splitbrain.faults.targets import LEADER, check_target, minority
from splitbrain.plan import Plan, PlannedFault, Trigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splitbrain.exploration.space import Space
    from splitbrain.faults.base import Fault
    from splitbrain.plan import Target

SECOND = 1_000_000_000
DENSITIES = ((0.0, 0.3), (0.5, 1.0), (1.0, 3.0), (2.0, 3.0), (4.0, 1.0))
"""Faults a second, and how often a case has so many."""

STYLES = (("motif", 5.0), ("scattered", 3.0), ("both", 2.0))
"""How the times of faults are drawn: in relation to each other, each by itself, or some of both."""

RECIPES = ((1, 3.0), (2, 4.0), (3, 2.0), (5, 1.0))
"""How many recipes a case has, and how often."""

SHARES = {"partition": 12.0, "power-cut": 6.0, "kill": 3.0, "pause": 4.0, "membership": 3.0}
"""How often a recipe is for these faults; all others 1. What only makes a network or a disk worse is
also drawn for the whole run, with its environment."""

FAVOURED_SHAPES = {"leader-alone": 6.0, "one-way": 3.0}
"""How often partitions have these shapes; all others 1."""

MOST_FAULTS = 16
SHORTEST, USUAL, LONGEST = 0.005, 0.3, 3.0
"""Seconds that a fault lasts: one in four lasts less than the usual."""

TELLING = 4.0
"""How much more often a trigger waits for a note that the system calls a milestone than for another."""

MOST_SKIPPED = 12
"""A trigger lets fewer notes than this pass before it fires."""

BLACKOUT = 0.2
"""How often the power fails for all nodes at once."""

CHURN = 0.6
"""How often whoever plays a role (the leader) is taken out again and again."""

SLACK = 1.1
"""How many times a system's patience is left after the last interruption of a lasting run."""

ONCE = ("clock-skew",)
"""Faults that take part once: drifts add up, and two of them would exceed what the system bears."""


@dataclass(frozen=True)
class Recipe:
    """A fault with everything but its times. `skips` is below how many notes pass before it fires."""

    fault: str
    target: Target
    parameters: Mapping[str, Any]
    when: Trigger | None
    skips: int


def draw_plan(
    space: Space, seed: int, nodes: tuple[str, ...], duration: float, *, patience: float | None
) -> Plan:
    """Return the fault plan of a case; with `patience`, of one whose faults last so long that it runs out."""
    these, lasting = dice(seed, "plan"), patience is not None
    names = [name for name, fault in space.faults.items() if fault.minimum_nodes <= len(nodes)]
    waiting = these.choice([0.0, 0.2, 0.4, 0.8]) if space.vocabulary.notes else 0.0
    wanted = these.weighted(RECIPES) if names else 0
    recipes = [
        _recipe(space, dice(seed, "recipe", number), nodes, names, waiting) for number in range(wanted)
    ]
    count = min(MOST_FAULTS, round(these.weighted(DENSITIES) * duration * these.uniform(0.5, 1.5)))
    if lasting:
        count = these.weighted([(0, 2.0), (1, 1.0), (2, 1.0)])
    # What keeps a system from making progress is often there from its first moments on.
    early = lasting and these.sometimes(0.5)
    # Most faults stand anywhere; the others follow the one before, sooner or later.
    following, gap = these.choice([0.0, 0.2, 0.6]), these.spread(0.002, 0.5)
    recovery = round(these.uniform(0.1, 0.3) * space.described.recovery, 3)
    faults: list[PlannedFault] = []
    style = "scattered" if lasting else these.weighted(STYLES)
    if recipes and style != "scattered":
        motif = draw_motif(dice(seed, "motif"), recipes)
        faults = play(motif, dice(seed, "play"), duration, nodes, partial(_aimed, space, nodes))
        count = 0 if style == "motif" else count // 2
    at = these.uniform(0.0, 0.5 * duration)
    for number in range(count):
        own = dice(seed, "fault", number)
        at = at + own.expovariate(1 / gap) if own.sometimes(following) else own.uniform(0.0, duration)
        if lasting:
            at = own.uniform(0.0, 0.1 if early else 0.2 * duration)
        elif at > 0.95 * duration:
            at = own.uniform(0.0, 0.9 * duration)
        if recipes:
            recipe = own.choice(recipes)
            faults.append(_entry(recipe, own, 100 + number, round(at, 4), duration if lasting else None))
    if patience is not None:
        faults += _partial(space, seed, nodes, duration, duration - SLACK * patience)
    else:
        faults += _churn(space, seed, nodes, duration) + _blackouts(space, seed, duration)
    faults = _once(space, sorted(faults, key=lambda fault: fault.instant))
    return Plan(these.getrandbits(32), duration, recovery, tuple(faults))


def _aimed(space: Space, nodes: tuple[str, ...], recipe: Recipe, node: str) -> Recipe:
    """Return a recipe that hits this node; one that waits for a note waits for it there."""
    if recipe.when is not None:
        return replace(recipe, when=replace(recipe.when, node=node))
    if space.faults[recipe.fault].name != "partition":
        aimed = replace(recipe, target=(node,))
    else:
        apart = {"groups": [[node], [other for other in nodes if other != node]]}
        kept = {name: recipe.parameters[name] for name in ("hold",) if name in recipe.parameters}
        aimed = replace(recipe, target=None, parameters={**apart, **kept})
    entry = PlannedFault(recipe.fault, recipe.fault, SHORTEST, 0.0, None, aimed.target, aimed.parameters)
    return aimed if possible(space.faults[recipe.fault], entry, nodes, ()) else recipe


def _once(space: Space, faults: list[PlannedFault]) -> list[PlannedFault]:
    """Leave out what may take part once only and has already."""
    kept: list[PlannedFault] = []
    for fault in faults:
        repeated = any(each.fault == fault.fault for each in kept)
        if not (repeated and space.faults[fault.fault].name in ONCE):
            kept.append(fault)
    return kept


def _entry(recipe: Recipe, own: Dice, number: int, at: float, longest: float | None) -> PlannedFault:
    """Follow a recipe once, from `at` on; `longest` is set where faults are to last."""
    if longest is not None:
        lasts = own.uniform(0.5, 1.0) * longest
    else:
        lasts = own.spread(SHORTEST, USUAL) if own.sometimes(0.25) else own.spread(USUAL, LONGEST)
    when = recipe.when
    if when is not None:
        # Armed early: a note that comes once in a run would else be over.
        when = replace(
            when,
            after=round(own.random() * at, 4),
            skip=own.ordinal(recipe.skips) if own.sometimes(0.3) else 0,
        )
    return PlannedFault(
        id=f"{recipe.fault}-{number}",
        fault=recipe.fault,
        lasts=round(lasts, 4),
        at=at if when is None else None,
        when=when,
        target=recipe.target,
        parameters=recipe.parameters,
    )


def _churn(space: Space, seed: int, nodes: tuple[str, ...], duration: float) -> list[PlannedFault]:
    """Take whoever plays a role out, again and again, each time for as long as it takes to be replaced.

    This is what most bugs of replication want, whatever else goes wrong: an old leader that does
    not know, a new one that does not have everything, and the first one's return.
    """
    these = dice(seed, "churn")
    ways = [name for name in ("partition", "pause", "kill", "power-cut") if name in space.faults]
    if not space.described.roles or not ways or len(nodes) < 2 or not these.sometimes(CHURN):
        return []
    role = these.choice(sorted(space.described.roles))
    usual, mixed, period = these.choice([*ways, *ways[:1] * 2]), these.sometimes(0.3), these.uniform(0.1, 1.0)
    at = these.uniform(0.4, 1.2)
    faults: list[PlannedFault] = []
    while at < 0.95 * duration:
        own = dice(seed, "churn", len(faults))
        way = own.choice(ways) if mixed else usual
        lasts = own.spread(0.3, 2.0)
        faults.append(
            PlannedFault(
                id=f"churn-{way}-{len(faults) + 1}",
                fault=way,
                lasts=round(lasts, 4),
                at=round(at, 4),
                target=role,
                parameters=_cut_off(own) if way == "partition" else {},
            )
        )
        at += lasts * own.uniform(0.3, 1.0) + own.uniform(0.0, 2.0) * period
    return faults


def has_blackouts(seed: int) -> bool:
    """Tell whether the power fails for all nodes at once in the case of a seed."""
    return dice(seed, "blackout").sometimes(BLACKOUT)


def _blackouts(space: Space, seed: int, duration: float) -> list[PlannedFault]:
    """Let the power fail for all nodes at once, or for most, some times in the run.

    What each of them promised the others on the strength of what it had not yet written is gone then.
    """
    these = dice(seed, "blackouts")
    ways = [name for name in ("power-cut", "kill") if name in space.faults]
    if not ways or not has_blackouts(seed):
        return []
    return [
        PlannedFault(
            id=f"blackout-{number}",
            fault=ways[0] if these.sometimes(0.8) else ways[-1],
            lasts=round(these.spread(0.005, 0.5), 4),
            at=round(these.uniform(0.3, 0.9 * duration), 4),
            target=these.choice(["all", "all", "majority"]),
        )
        for number in range(1, these.randint(1, 4) + 1)
    ]


def _partial(
    space: Space, seed: int, nodes: tuple[str, ...], duration: float, until: float
) -> list[PlannedFault]:
    """Leave nodes connected in part for nearly the whole run, and take whoever leads out for a moment.

    Who hears but isn't heard, or the other way round, must not keep the others from agreeing on a leader.
    From `until` on nobody is taken out any more, so that there is time to see whether they go on.
    """
    these = dice(seed, "partial")
    if "partition" not in space.faults or len(nodes) < 2 or these.sometimes(0.1):
        return []
    shapes = [shape for shape in ("one-way", "bridge", "majorities-ring") if SHAPES[shape] <= len(nodes)]
    shape = these.weighted([(each, 4.0 if each == "one-way" else 1.0) for each in shapes])
    parameters = {
        "shape": shape,
        **({"direction": these.choice(["in", "out"])} if shape == "one-way" else {}),
    }
    at = round(these.uniform(0.0, 0.1) if these.sometimes(0.5) else these.uniform(0.0, 0.2 * duration), 4)
    odd = these.choice(nodes)
    target = (odd,) if shape == "one-way" else None
    faults = [
        PlannedFault("partial-1", "partition", round(0.99 * duration - at, 4), at, None, target, parameters)
    ]
    # Whoever leads, or everyone but the odd one: then nobody else is about to stand when they are back.
    rest = tuple(node for node in nodes if node != odd)
    victims: list[tuple[Target, float]] = [(rest, 4.0), *((role, 5.0) for role in space.described.roles)]
    ways = [name for name in ("kill", "pause") if name in space.faults]
    begins = at
    while ways:
        begins += these.uniform(0.2, 2.5)
        lasts = round(these.spread(0.2, 1.5), 4)
        if begins + lasts > until:
            break
        name, way, whom = f"partial-{len(faults) + 1}", these.choice(ways), these.weighted(victims)
        faults.append(PlannedFault(name, way, lasts, round(begins, 4), target=whom))
    return faults


def _cut_off(own: Dice) -> dict[str, Any]:
    """Draw how a node is cut off from the others, its clients mostly staying with it."""
    parameters: dict[str, Any] = {"shape": "one-node"}
    if own.sometimes(0.2):
        parameters = {"shape": "one-way", "direction": own.choice(["in", "out"])}
    elif own.sometimes(0.1):
        parameters["clients"] = True
    if own.sometimes(0.3):
        parameters["hold"] = True
    return parameters


def _recipe(space: Space, own: Dice, nodes: tuple[str, ...], names: list[str], waiting: float) -> Recipe:
    """Draw a recipe; with probability `waiting` it waits for notes."""
    name = own.weighted([(each, SHARES.get(space.faults[each].name, 1.0)) for each in names])
    fault = space.faults[name]
    roles = tuple(sorted(space.described.roles))
    triggered = own.sometimes(waiting)
    spare = len(nodes) if own.sometimes(0.4) else minority(len(nodes))
    room = Room(nodes, roles, spare, own.randrange(2), space.described.clock_bound)
    drawn = fault.draw(own, room)
    when, skips = _trigger(own, space, nodes, roles) if triggered else (None, 0)
    particular = PARTICULAR.get(fault.name)
    target = _target(own, nodes, roles, triggered=triggered) if own.sometimes(0.75) else drawn.target
    parameters = drawn.parameters if particular is None else particular(own, nodes, roles)
    # Not every fault takes every target, and some parameters say it all; what a fault drew itself it takes.
    for aim, how in ((target, parameters), (None, parameters)):
        entry = PlannedFault(name, name, SHORTEST, None if when else 0.0, when, aim, how)
        if possible(fault, entry, nodes, roles):
            return Recipe(name, aim, how, when, skips)
    return Recipe(name, drawn.target, drawn.parameters, when, skips)


def possible(fault: Fault, entry: PlannedFault, nodes: tuple[str, ...], roles: tuple[str, ...]) -> bool:
    """Tell whether a fault can be carried out as an entry says."""
    try:
        check_target(entry, nodes, roles)
        fault.check(entry, nodes, roles)
    except UsageError:
        return False
    return True


def _target(own: Dice, nodes: tuple[str, ...], roles: tuple[str, ...], *, triggered: bool) -> Target:
    options: list[tuple[Target, float]] = [("one", 3.0), ("minority", 1.0), ("majority", 2.0), ("all", 3.0)]
    options += [(role, 5.0) for role in roles]
    options += [(None, 1.0), (tuple(own.sample(nodes, own.randint(1, len(nodes)))), 1.0)]
    if triggered:
        options += [("noter", 6.0), ("others", 1.5)]
    elif LEADER in roles:
        options.append(("others", 0.5))
    return own.weighted(options)


def _trigger(own: Dice, space: Space, nodes: tuple[str, ...], roles: tuple[str, ...]) -> tuple[Trigger, int]:
    """Draw a note to wait for, and how many of the kind there may be in a run."""
    telling = {pattern.kind for pattern in space.described.milestones.values()}
    kind = own.weighted(
        [(each, each.runs * (TELLING if each.kind in telling else 1.0)) for each in space.vocabulary.notes]
    )
    where = {name: own.choice(values) for name, values in kind.fields if own.sometimes(0.4)}
    node = own.weighted(
        [("any", 6.0), (own.choice(roles) if roles else "any", 2.0), (own.choice(nodes), 1.0)]
    )
    return Trigger(kind.kind, where, node), min(kind.most, MOST_SKIPPED)


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
    parameters: dict[str, Any] = {
        "shape": own.weighted(
            [(shape, 3.0 if shape in ("leader-alone", "one-way") else 1.0) for shape in shapes]
        )
    }
    if parameters["shape"] == "one-way":
        parameters["direction"] = own.choice(["in", "out"])
    elif parameters["shape"] != "majorities-ring" and own.sometimes(0.2):
        parameters["clients"] = True
    if own.sometimes(0.4):
        parameters["hold"] = True
    return parameters


def _power_cut(own: Dice, _nodes: tuple[str, ...], _roles: tuple[str, ...]) -> dict[str, Any]:
    """Draw whether a record is torn."""
    tear = own.choice([None, True, False])
    return {} if tear is None else {"tear": tear}


PARTICULAR = {"partition": _partition, "power-cut": _power_cut}
"""Faults that have more to draw from than a run on real processes has time for."""
