"""From a real run that failed to a simulated one: the same bug, but now it can be repeated and shrunk.

The run's system, size, workload and fault plan are the centre of a search. Simulation can't know how
messages interleaved on real processes, so every try keeps the gist of the plan and draws the rest anew:
when exactly faults begin and how long they last, now and then one of them left out, how fast the whole goes,
how dense the load is, what network and disks are like. What counts is the kind of violation.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any

from splitbrain import registry
from splitbrain.errors import UsageError
from splitbrain.exploration.assess import assess
from splitbrain.exploration.case import Case
from splitbrain.exploration.dice import dice
from splitbrain.exploration.pool import cores, results
from splitbrain.exploration.repeat import check_case
from splitbrain.exploration.session import USUAL
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.plan import plan_from_json
from splitbrain.simulation.environment import Disk, Environment, Network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from splitbrain.exploration.dice import Dice
    from splitbrain.plan import Plan, PlannedFault
    from splitbrain.store import RunDirectory

MICROSECOND = 1_000
THINNEST, DENSEST = 8.0, 80.0
"""Operations a second: a simulated run needs far fewer than a real one to meet a window."""
MOST_THREADS = 12
KEPT = 0.9
"""How often each fault of the plan takes part in a try."""
SHORTEST = 0.005
"""Seconds that a fault lasts at least."""


@dataclass(frozen=True)
class Found:
    """What a search came to: a failing case, or None; the runs it took, and the other kinds it saw."""

    case: Case | None
    runs: int
    others: Mapping[str, int]


@dataclass(frozen=True)
class Tries:
    """The tries of one search, by number; each is a pure function of its number."""

    base: Case

    def prepare(self) -> Callable[[int], tuple[str, ...]]:
        """Return the function from the number of a try to the kinds of violation that it showed."""
        resolved = resolve(self.base)

        def run(number: int) -> tuple[str, ...]:
            case = variation(self.base, number)
            try:
                check_case(case, resolved)
            except UsageError:  # a variation that the cluster can't have
                return ()
            return assess(resolved, simulate(case, resolved)).kinds

        return run


def real_case(directory: RunDirectory) -> Case:
    """Return the case that a run on real processes comes closest to.

    Raises:
        UsageError: the directory is of a simulated run, or its files lack something.
    """
    test = directory.read("test.json")
    if test.get("on") == "sim":
        raise UsageError(
            f"{directory.path} was simulated already; `splitbrain shrink {directory.path}` makes it small."
        )
    try:
        system = registry.find("systems", test["system"]).value
        settings = {
            name: value for name, value in test["settings"].items() if system.settings.get(name) != value
        }
        return Case(
            system=test["system"],
            nodes=len(test["nodes"]),
            workload=test["workload"],
            seed=test["seed"],
            plan=plan_from_json(directory.read("plan.json")),
            bugs=tuple(test["bugs"]),
            settings=settings,
            concurrency=test["concurrency"],
            rate=test["rate"],
            operation_timeout=test["operation_timeout"],
            environment=USUAL,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"test.json of {directory.path} lacks or garbles {error}.") from error


def violated(directory: RunDirectory, kind: str | None = None) -> str:
    """Return the kind of violation to search for: the given one, or the first of the run's verdict.

    Raises:
        UsageError: the run broke nothing, or nothing of that kind.
    """
    violations: list[Any] = directory.read("verdict.json").get("violations", [])
    kinds = list(dict.fromkeys(str(each.get("kind")) for each in violations if isinstance(each, dict)))
    if not kinds:
        raise UsageError(f"{directory.path} broke no promise, so there is nothing to search for.")
    if kind is not None and kind not in kinds:
        raise UsageError(f"{directory.path} shows no violation {kind!r}; it shows {', '.join(kinds)}.")
    return kind or kinds[0]


def search(
    base: Case,
    kind: str,
    *,
    seconds: float,
    runs: int | None = None,
    jobs: int | None = None,
    progress: Callable[[int, Mapping[str, int]], object] = lambda _runs, _kinds: None,
) -> Found:
    """Search variations of a case for a violation of a kind, for so many seconds or runs.

    `progress` is told the number of runs and the kinds seen so far. With several `jobs` (processes; all
    cores by default) it is chance which of several findings comes first.

    Raises:
        UsageError: the case names what there is not.
        HarnessError: a run could not be carried out.
    """
    resolve(base)
    began = monotonic()
    seen: Counter[str] = Counter()
    numbers = count() if runs is None else iter(range(runs))
    done = 0
    tries = results(Tries(base), numbers, jobs or cores())
    try:
        for number, kinds in tries:
            done += 1
            if kind in kinds:
                return Found(variation(base, number), done, dict(seen))
            seen.update(kinds)
            progress(done, seen)
            if monotonic() - began >= seconds:
                break
    finally:
        tries.close()
    return Found(None, done, dict(seen))


def variation(base: Case, number: int) -> Case:
    """Return the try of a number; number 0 is the case itself under a thinner load."""
    load, plan = dice(base.seed, "try", number, "load"), dice(base.seed, "try", number, "plan")
    densest = min(DENSEST, base.rate) if base.rate else DENSEST
    return replace(
        base,
        seed=base.seed + number,
        plan=base.plan if number == 0 else _plan(base.plan, plan),
        rate=round(load.spread(min(THINNEST, densest), densest), 2),
        concurrency=load.randint(min(2, base.concurrency), min(MOST_THREADS, max(2, base.concurrency))),
        environment=USUAL if number == 0 else _environment(dice(base.seed, "try", number, "weather")),
    )


def _plan(plan: Plan, these: Dice) -> Plan:
    """Return the plan at another pace, each fault moved a little and some left out."""
    pace = these.uniform(0.35, 1.0)
    duration = round(plan.duration * pace, 3)
    moved = [_moved(fault, these, pace) for fault in plan.faults if these.sometimes(KEPT)]
    faults = sorted((each for each in moved if each.instant < duration), key=lambda each: each.instant)
    return replace(plan, seed=these.getrandbits(31), duration=duration, faults=tuple(faults))


def _moved(fault: PlannedFault, these: Dice, pace: float) -> PlannedFault:
    instant = round(max(0.0, fault.instant * pace + these.gauss(0.0, 0.1)), 4)
    lasts = round(max(SHORTEST, fault.lasts * pace * these.uniform(0.6, 1.5)), 4)
    if fault.when is None:
        return replace(fault, at=instant, lasts=lasts)
    skip = max(0, fault.when.skip + these.choice([-2, -1, 0, 0, 0, 1, 2]))
    return replace(fault, when=replace(fault.when, after=instant, skip=skip), lasts=lasts)


def _environment(these: Dice) -> Environment:
    """Draw a network and disks, from those of a rack to those of a bad day."""
    latency = round(these.spread(100, 5_000)) * MICROSECOND
    sync = round(these.spread(50, 20_000)) * MICROSECOND
    rough = these.sometimes(0.3)
    return Environment(
        Network(
            latency=latency,
            spread=round(latency * these.uniform(0.0, 4.0)),
            tail=round(these.uniform(0.0, 0.05), 4),
            tail_latency=50_000 * MICROSECOND,
            reorder=round(these.uniform(0.0, 0.2), 4) if rough else 0.0,
        ),
        Disk(sync, round(sync * these.uniform(0.0, 3.0))),
    )
