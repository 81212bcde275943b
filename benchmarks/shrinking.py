"""How small a failing run becomes, and how soon: every seeded bug, from a jittered run under its plan.

    python benchmarks/shrinking.py [--time 60] [--only raft:forget-vote]

A case is the bug's own fault plan under a drawn environment and a thinned load, as `replay RUN --on sim
--search` makes it; the first seed that fails is shrunk. To be reached: a median of at most 10 operations
and 3 faults within 60 s.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from machine import machine, peak_memory_mb
from splitbrain import registry
from splitbrain.errors import HarnessError, UsageError
from splitbrain.exploration.assess import assess
from splitbrain.exploration.case import Case
from splitbrain.exploration.pool import cores
from splitbrain.exploration.repeat import check_case
from splitbrain.exploration.search import variation
from splitbrain.exploration.shrink import Shrunk, shrink
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.plan import read_plan

if TYPE_CHECKING:
    from splitbrain.systems.description import Bug, System

SYSTEMS = ("kv", "raft")
SEEDS = 3_000
WANTED_OPERATIONS, WANTED_FAULTS = 10, 3


def failing(name: str, system: type[System], bug: Bug) -> Case | None:
    """Return the first jittered case of a bug's plan that fails."""
    folder = Path(str(sys.modules[system.__module__].__file__)).parent / "plans"
    options = bug.options
    base = Case(
        system=name,
        nodes=options.get("nodes", system.nodes),
        workload=options.get("workload", system.workloads[0]),
        seed=7,
        plan=read_plan(folder / bug.plan),
        bugs=(bug.name, *bug.needs),
        settings=options.get("settings", {}),
        concurrency=options.get("concurrency", 10),
        rate=options.get("rate", 60.0),
    )
    for seed in range(1, SEEDS):
        case = variation(base, seed)
        resolved = resolve(case)
        try:
            check_case(case, resolved)
            if assess(resolved, simulate(case, resolved)).violations:
                return case
        except (UsageError, HarnessError):
            continue
    return None


def main() -> int:
    """Shrink a failing run of every bug, print a table, and tell whether the figure was reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--time", type=float, default=60.0)
    parser.add_argument("--only")
    asked = parser.parse_args()
    print(machine(), flush=True)
    print("\n| bug | before | after | kind | runs | seconds |\n|---|---|---|---|---|---|", flush=True)
    sizes: list[Shrunk] = []
    seen: set[frozenset[str]] = set()
    for name in SYSTEMS:
        system: type[System] = registry.find("systems", name).value
        for bug in system.bugs:
            target = frozenset((name, bug.name, *bug.needs))
            if target in seen or asked.only not in (None, f"{name}:{bug.name}"):
                continue
            seen.add(target)
            case = failing(name, system, bug)
            if case is None:
                print(f"| {name}:{bug.name} | no seed of {SEEDS} failed | | | | |", flush=True)
                continue
            began = time.monotonic()
            shrunk = shrink(case, seconds=asked.time, workers=cores())
            took = time.monotonic() - began
            sizes.append(shrunk)
            print(
                f"| {name}:{bug.name} | {shrunk.before} | {shrunk.after} | {shrunk.kind} | {shrunk.runs} "
                f"| {took:.1f} |",
                flush=True,
            )
    operations = statistics.median(each.after.operations for each in sizes)
    faults = statistics.median(each.after.faults for each in sizes)
    print(f"\nMedian of {len(sizes)}: {operations:g} operations, {faults:g} faults; {peak_memory_mb()} MB.")
    return 0 if operations <= WANTED_OPERATIONS and faults <= WANTED_FAULTS else 1


if __name__ == "__main__":
    sys.exit(main())
