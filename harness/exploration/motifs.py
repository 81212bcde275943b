"""Motifs: a few faults in a fixed relation to each other, played again and again.

A protocol's rules are there for sequences: a leader is cut off *and then* another dies *as* the first
comes back; a server falls behind, is sent a snapshot, and *at that moment* the one that sent it goes.
Faults that are drawn one by one stand in such a relation by luck alone. So a motif draws the relation:
each step begins so long after the one before it began, or after it ended, from milliseconds to about an
election. The motif is played over and over until the run ends, each time with times that differ a little
and with other nodes. What needs luck in one play has several in each run.

Half of the motifs are *bound*: their steps hit different nodes, shuffled anew for each play. Whom one step
spares the next one hits, so that in turn each node has to know what the others knew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from splitbrain.plan import PlannedFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from splitbrain.exploration.dice import Dice
    from splitbrain.exploration.draw_faults import Recipe

STEPS = ((1, 2.0), (2, 5.0), (3, 3.0), (4, 1.0))
"""How many steps a motif has, and how often."""

SOON, LATE = 0.002, 0.6
"""Seconds between a step and what it follows."""

SHORTEST, USUAL, LONGEST = 0.004, 0.25, 1.5
"""Seconds that a step lasts: one in four lasts less than the usual."""

UNEVEN = 0.3
"""By what share the times of one play may differ from those of another."""

BOUND = 0.5
"""How often the steps of a motif hit different nodes."""

MOST = 16
"""Faults in all plays together."""

FIRST = 1.0
"""The first play begins within so many seconds."""


Aim: TypeAlias = "Callable[[Recipe, str], Recipe]"


@dataclass(frozen=True)
class Step:
    """One step: `gap` seconds after the one before it began, or ended, and for how long."""

    recipe: Recipe
    after_its_end: bool
    gap: float
    lasts: float


@dataclass(frozen=True)
class Motif:
    """The steps, and the seconds of quiet before it is played again."""

    steps: tuple[Step, ...]
    rest: float
    bound: bool


def draw_motif(these: Dice, recipes: list[Recipe]) -> Motif:
    """Draw a motif from these recipes."""
    steps = tuple(
        Step(
            recipe=these.choice(recipes),
            after_its_end=these.sometimes(0.5),
            gap=these.spread(SOON, LATE),
            lasts=these.spread(SHORTEST, USUAL) if these.sometimes(0.25) else these.spread(USUAL, LONGEST),
        )
        for _ in range(these.weighted(STEPS))
    )
    return Motif(steps, these.spread(0.02, 1.5), these.sometimes(BOUND))


def play(motif: Motif, own: Dice, duration: float, nodes: tuple[str, ...], aim: Aim) -> list[PlannedFault]:
    """Return the faults of a motif that is played from some time on until the run ends, or there are `MOST`.

    `aim` turns a recipe into one that hits a certain node.
    """
    faults: list[PlannedFault] = []
    start = own.uniform(0.0, min(FIRST, 0.5 * duration))
    while start < 0.95 * duration and len(faults) < MOST:
        began = ended = end = start
        victims = own.sample(nodes, len(nodes))
        for number, step in enumerate(motif.steps):
            stretch = own.uniform(1 - UNEVEN, 1 + UNEVEN)
            at = start if number == 0 else (ended if step.after_its_end else began) + step.gap * stretch
            lasts = step.lasts * own.uniform(1 - UNEVEN, 1 + UNEVEN)
            if at >= 0.95 * duration or len(faults) == MOST:
                break
            recipe = step.recipe
            if motif.bound:
                recipe = aim(recipe, victims[number % len(victims)])
            faults.append(_entry(recipe, own, len(faults) + 1, at, lasts))
            began, ended = at, at + lasts
            end = max(end, ended)
        start = end + motif.rest * own.uniform(1 - UNEVEN, 1 + UNEVEN)
    return faults


def _entry(recipe: Recipe, own: Dice, number: int, at: float, lasts: float) -> PlannedFault:
    when = recipe.when
    if when is not None:
        # Armed when its turn comes; it waits for the note, and often lets the first ones pass.
        skip = own.ordinal(recipe.skips) if own.sometimes(0.3) else 0
        when = replace(when, after=round(at, 4), skip=skip)
    return PlannedFault(
        id=f"{recipe.fault}-{number}",
        fault=recipe.fault,
        lasts=round(lasts, 4),
        at=round(at, 4) if when is None else None,
        when=when,
        target=recipe.target,
        parameters=recipe.parameters,
    )
