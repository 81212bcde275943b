"""Draws a case from a seed: swarm testing (Groce, Zhang, Eide, Chen & Regehr, ISSTA 2012).

A run that does a little of everything rarely does much of anything. So each seed first draws what
takes part at all: which faults, which defects of the network, which settings; and then how much of it.
Half of the runs lose no message, half of them double none; some see one fault over and over, some all of
them, some none but crashes between two effects. Rare combinations occur because much is left out.

Most runs are short: a bug that needs ten unlucky seconds is found sooner in a thousand short runs with
the bad luck packed densely than in a hundred long ones. Faults overlap, follow each other within
milliseconds, wait for notes, and know nothing of what a system can spare: promises of safety hold anyway.
(`splitbrain.faults.schedule` draws the other kind of plan: one that leaves time to see a system serve.)

The same seed gives the same case for ever, as long as the system's own code, and thus its vocabulary,
is the same; a replay file spells the case out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from splitbrain.exploration.case import Case
from splitbrain.exploration.dice import Dice, dice
from splitbrain.exploration.draw_faults import draw_plan, has_blackouts
from splitbrain.exploration.draw_points import draw_crash_points, draw_deviations
from splitbrain.exploration.simulate import simulate
from splitbrain.exploration.space import Limits, Space, open_space
from splitbrain.exploration.vocabulary import learn
from splitbrain.simulation.environment import Disk, Environment, Network

if TYPE_CHECKING:
    from collections.abc import Mapping

MILLISECOND = 1_000_000
PILOTS = 12
"""Runs from which the vocabulary is learnt: about half a second of work."""

LASTING = 0.12
"""How often faults stay on for as long as a system may need to make progress. Such runs are long."""

SOME = 3
"""Lasting faults leave a part of so many nodes, or of all that there may be, that could go on."""

SIZES = {1: 1.0, 2: 0.5, 3: 5.0, 4: 0.5, 5: 4.0}
"""How often these sizes are drawn; others as often as 2. Odd ones waste no vote, and small ones are cheap."""

SOUND = 0.5
"""How often the network just takes its time: what a sound one brings about, faults do to it."""

VARIED = (0.3, 0.7, 1.0)
"""The shares of the settings that vary; a case has one of these."""

MOST_OPERATIONS = 240
"""About as many operations as a run asks for: a longer history costs more to check than it tells."""


def draw_case(system: str, bugs: tuple[str, ...], seed: int, *, limits: Limits | None = None) -> Case:
    """Return the case of a seed for a system, by name or reference, with these seeded bugs.

    Raises:
        UsageError: something that it names does not exist.
    """
    return draw(surveyed(system, bugs, limits or Limits()), seed)


@lru_cache(maxsize=32)
def surveyed(system: str, bugs: tuple[str, ...], limits: Limits) -> Space:
    """Return the space of a system's cases as `survey` does, surveyed once for each name in a process.

    Raises:
        UsageError: something that it names does not exist.
    """
    return survey(system, bugs, limits)


def survey(system: str, bugs: tuple[str, ...], limits: Limits) -> Space:
    """Return the space of a system's cases, its vocabulary learnt from pilot runs without bugs.

    Raises:
        UsageError: something that it names does not exist.
    """
    space = open_space(system, bugs, limits)
    pilots = open_space(system, (), Limits())
    cases = [draw(pilots, seed) for seed in range(PILOTS)]
    return space.with_vocabulary(learn(simulate(case, pilots.resolve(case), census=True) for case in cases))


def draw(space: Space, seed: int) -> Case:
    """Return the case of a seed in a space."""
    shape = dice(seed, "shape")
    sizes = space.sizes()
    nodes = shape.weighted([(size, SIZES.get(size, 0.5)) for size in sizes])
    workload = shape.choice(sorted(space.workloads))
    lasting = shape.sometimes(LASTING) and nodes >= min(SOME, max(sizes))
    patience = 3 * space.described.recovery
    duration = round(shape.uniform(1.4, 2.0) * patience if lasting else shape.spread(1.2, 6.0), 3)
    names = tuple(f"n{number}" for number in range(1, nodes + 1))
    load = dice(seed, "load")
    return Case(
        system=space.system,
        bugs=space.bugs,
        nodes=nodes,
        workload=workload,
        seed=seed,
        plan=draw_plan(space, seed, names, duration, patience=patience if lasting else None),
        settings=_settings(space.described.variations, dice(seed, "settings")),
        concurrency=load.randint(2, 6) if load.sometimes(0.8) else load.randint(7, 12),
        rate=round(min(load.spread(10.0, 250.0), MOST_OPERATIONS / duration), 2),
        operation_timeout=round(load.spread(0.25, 2.5), 3),
        patience=patience,
        workload_options=_workload_options(space.workloads[workload].options, load),
        environment=_environment(space, seed, names, calm=lasting),
        deviations=() if lasting else draw_deviations(space, seed, names),
        crash_points=() if lasting else draw_crash_points(space, seed, names),
    )


def _settings(variations: Mapping[str, tuple[Any, ...]], these: Dice) -> dict[str, Any]:
    """Draw the settings that vary in this run, and their values; the others keep their defaults."""
    share = these.choice(VARIED)
    return {name: these.choice(variations[name]) for name in sorted(variations) if these.sometimes(share)}


def _workload_options(options: Mapping[str, Any], load: Dice) -> dict[str, Any]:
    """Draw the number of keys, where the workload has keys: the fewer, the more operations meet."""
    if type(options.get("keys")) is not int:
        return {}
    return {"keys": load.weighted([(1, 2.0), (2, 2.0), (3, 1.0), (5, 1.0)])}


def _environment(space: Space, seed: int, names: tuple[str, ...], *, calm: bool) -> Environment:
    """Draw network, disks and clocks; a calm one gives a system that makes no progress no excuse."""
    if calm:
        return Environment(Network(spread=MILLISECOND), Disk(spread=MILLISECOND))
    disks = dice(seed, "disk")
    # Where the power fails for all, what is not yet written counts: slow disks have more of it.
    slow = disks.sometimes(0.7 if has_blackouts(seed) else 0.3)
    sync = _nanoseconds(disks.spread(10.0, 200.0) if slow else disks.spread(0.05, 10.0))
    clocks = dice(seed, "clock")
    bound = space.described.clock_bound
    drifting = bound > 0 and clocks.sometimes(0.5)
    return Environment(
        network=_network(space.faults, dice(seed, "network")),
        disk=Disk(sync=sync, spread=int(sync * disks.choice([0.0, 1.0, 4.0]))),
        rates=_rates(clocks, names, bound) if drifting else {},
        boot=_nanoseconds(disks.spread(1.0, 300.0)),
    )


def _rates(clocks: Dice, names: tuple[str, ...], bound: float) -> dict[str, float]:
    """Draw how fast each clock runs: anyhow, or one against all others, at the worst that is borne."""
    if clocks.sometimes(0.5):
        return {name: round(1 + clocks.uniform(-bound, bound), 6) for name in names}
    odd, drift = clocks.choice(names), clocks.choice([-bound, bound])
    return {name: round(1 + (drift if name == odd else -drift), 6) for name in names}


def _network(bears: Mapping[str, Any], these: Dice) -> Network:
    """Draw the network: how slow, how uneven, and which of its defects it has."""
    if these.sometimes(SOUND):
        latency = these.spread(0.1, 10.0)
        return Network(_nanoseconds(latency), _nanoseconds(latency * these.choice([0.5, 1.0, 3.0])))
    latency = these.spread(0.1, 30.0)
    tail = these.sometimes(0.5)
    return Network(
        latency=_nanoseconds(latency),
        spread=_nanoseconds(latency * these.choice([0.0, 0.5, 2.0, 5.0])),
        tail=round(these.spread(0.005, 0.2), 4) if tail else 0.0,
        tail_latency=_nanoseconds(these.spread(20.0, 800.0)) if tail else 0,
        loss=_share(these, 0.002, 0.15) if "lossy" in bears else 0.0,
        duplicate=_share(these, 0.01, 0.3) if "duplicate" in bears else 0.0,
        reorder=_share(these, 0.01, 0.6) if "reorder" in bears else 0.0,
    )


def _share(these: Dice, low: float, high: float) -> float:
    present, share = these.sometimes(0.5), these.spread(low, high)
    return round(share, 4) if present else 0.0


def _nanoseconds(milliseconds: float) -> int:
    return round(milliseconds * MILLISECOND)
