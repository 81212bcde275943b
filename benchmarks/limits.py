"""How long a check goes on after its time is up, on a million operations of each data type.

    python benchmarks/limits.py [--operations 1000000] [--seconds 1,8] [--only queue]

The histories are those of `lanes.py`. What is measured is wall time from the call, after loading, to the
verdict; a short limit ends while the operations are brought into columns, a longer one inside the lane.
"""

from __future__ import annotations

import argparse
import sys
import time

import lanes
from machine import machine, peak_memory_mb
from splitbrain.checkers.models import Register
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories import build_history
from splitbrain.histories.collection import collection_paused

CLIENTS, INSIDE = 10, 20
LATE = 1.5
"""So many seconds after the limit count as missed: giving back a million operations takes some of them."""


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--seconds", default="1,8")
    parser.add_argument("--only")
    asked = parser.parse_args()
    print(f"{machine()}\n\n| type | limit | stopped after | verdict |\n|---|---|---|---|", flush=True)
    worst = 0.0
    for lane in lanes.LANES:
        if asked.only not in (None, lane.name) or lane.name == "register, over lists":
            continue
        crashed = 0.0 if lane.name == "mutex" else lanes.CRASHED
        with collection_paused():
            drawn = lanes.lines(
                lane.name, asked.operations, CLIENTS, crashed=crashed, size=INSIDE, seed=asked.operations
            )
            is_register = lane.model is Register
            history = lanes.registers(asked.operations) if is_register else build_history(drawn)
        for limit in map(float, asked.seconds.split(",")):
            began = time.perf_counter()
            result = check_linearizable(history, lane.model, timeout=limit)
            took = time.perf_counter() - began
            worst = max(worst, took - limit)
            print(
                f"| {lane.name} | {limit:g} s | {took:.2f} s | {result.valid}: {result.reason} |", flush=True
            )
    print(f"\nmemory {peak_memory_mb():.0f} MB at most")
    return 0 if worst <= LATE else 1


if __name__ == "__main__":
    sys.exit(main())
