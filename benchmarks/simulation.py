"""How fast simulation is, on one core, checking included.

    python benchmarks/simulation.py [--runs 100]

Five-node Raft with a heartbeat of 50 ms, 100 client operations in 10 virtual seconds, and faults: a leader
that is cut off, a kill, a pause, a power cut, lossy links. The figure to reach is 20 runs a second.
"""

from __future__ import annotations

import argparse
import sys
import time

from machine import machine, peak_memory_mb
from splitbrain.exploration.assess import assess
from splitbrain.exploration.case import Case
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.plan import Plan, PlannedFault
from splitbrain.simulation.environment import Disk, Environment, Network

WANTED = 20.0
"""Runs a second."""

MILLISECOND = 1_000_000

FAULTS = (
    PlannedFault("partition-1", "partition", 1.5, at=1.0, parameters={"shape": "leader-alone"}),
    PlannedFault("kill-1", "kill", 0.8, at=3.5, target="leader"),
    PlannedFault("lossy-1", "lossy", 1.5, at=4.5, target="all", parameters={"loss": 0.2}),
    PlannedFault("pause-1", "pause", 1.0, at=6.0, target="one"),
    PlannedFault("power-cut-1", "power-cut", 0.8, at=7.5, target="minority"),
)


def benchmark_case(seed: int) -> Case:
    """Return the case of a seed: all of them alike but for what the seed draws."""
    return Case(
        system="raft",
        nodes=5,
        workload="register",
        seed=seed,
        plan=Plan(seed, 10.0, 1.0, FAULTS),
        settings={"heartbeat": 0.05},
        rate=10.0,
        environment=Environment(
            network=Network(latency=MILLISECOND, spread=2 * MILLISECOND),
            disk=Disk(sync=MILLISECOND, spread=MILLISECOND),
        ),
    )


def main() -> int:
    """Run the seeds, print a table, and tell whether the figure was reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=100)
    asked = parser.parse_args()
    resolved = resolve(benchmark_case(0))
    simulated = checked = virtual = 0.0
    steps = operations = 0
    for seed in range(asked.runs):
        case = benchmark_case(seed)
        begin = time.perf_counter()
        outcome = simulate(case, resolved)
        between = time.perf_counter()
        assessment = assess(resolved, outcome)
        checked += time.perf_counter() - between
        simulated += between - begin
        virtual += outcome.ended / 1e9
        steps += outcome.steps
        operations += sum(line["type"] == "invoke" for line in outcome.lines)
        if assessment.kinds:
            print(f"seed {seed} broke a promise: {assessment.violations[0].summary}", file=sys.stderr)
            return 1
    seconds = simulated + checked
    rate = asked.runs / seconds
    print(f"{machine()}\n")
    print("| runs | operations | runs/s | virtual s/s | node steps/s | share of checking | peak memory |")
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {asked.runs} | {operations / asked.runs:.0f} a run | {rate:.1f} | {virtual / seconds:.0f} | "
        f"{steps / seconds:,.0f} | {checked / seconds:.0%} | {peak_memory_mb():.0f} MB |"
    )
    return 0 if rate >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
