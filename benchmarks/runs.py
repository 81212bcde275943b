"""Many runs in a row, and what each ended with.

    python benchmarks/runs.py healthy [--times 20]         raft under partition, kill, pause: all must exit 0
    python benchmarks/runs.py bugs [--times 10] [--only raft:forget-vote]      each bug must exit 1
    python benchmarks/runs.py alarms [--times 20]       the unmutated systems under the bugs' plans: never 1
    python benchmarks/runs.py throughput                five-node raft without faults

Each line of output is one row of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import collections
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import machine, peak_memory_mb

COMMAND = str(Path(sys.executable).with_name("splitbrain"))


def run(arguments: list[str], store: str) -> tuple[int, dict[str, Any], float]:
    """Run `splitbrain run` with these arguments; return exit code, verdict and wall-clock seconds."""
    begin = time.perf_counter()
    done = subprocess.run(
        [COMMAND, "run", *arguments, "--store", store, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - begin
    if not done.stdout:
        print(done.stderr, file=sys.stderr)
    return done.returncode, json.loads(done.stdout or "{}"), seconds


def repeat(label: str, arguments: list[str], times: int, store: str, wanted: set[int]) -> bool:
    """Run the same command `times` times with seeds 1, 2, ...; print a row; tell whether all fit."""
    codes: collections.Counter[int] = collections.Counter()
    kinds: collections.Counter[str] = collections.Counter()
    longest = 0.0
    for seed in range(1, times + 1):
        code, verdict, seconds = run([*arguments, "--seed", str(seed)], store)
        codes[code] += 1
        kinds.update({violation["kind"] for violation in verdict.get("violations", [])})
        kinds.update(gate["gate"] for gate in verdict.get("gates", []) if not gate["held"])
        longest = max(longest, seconds)
        if code not in wanted:
            print(f"  seed {seed}: exit {code}: {verdict.get('reason')} ({verdict.get('run')})", flush=True)
    ends = ", ".join(f"exit {code}: {count}" for code, count in sorted(codes.items()))
    why = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    print(f"| {label} | {times} | {ends} | {why or '-'} | {longest:.0f} s |", flush=True)
    return set(codes) <= wanted


def seeded_bugs(only: str | None) -> list[tuple[str, str]]:
    """List (system, bug) pairs, one for each target."""
    listed = subprocess.run([COMMAND, "bugs", "--json"], stdout=subprocess.PIPE, text=True, check=True)
    rows = json.loads(listed.stdout)["bugs"]
    targets: dict[frozenset[str], tuple[str, str]] = {}
    for row in rows:
        names = frozenset(
            word for word in row["command"].split() if word not in ("splitbrain", "run", "--bug")
        )
        targets.setdefault(names, (row["system"], row["name"]))
    return [pair for pair in targets.values() if only is None or ":".join(pair) == only]


def main() -> int:
    """Run what was asked for; exit 1 if a figure was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["healthy", "bugs", "alarms", "throughput"])
    parser.add_argument("--times", type=int)
    parser.add_argument("--only", help="SYSTEM:BUG")
    parser.add_argument("--store", help="keep the runs here")
    asked = parser.parse_args()
    print(
        f"{machine()}\n\n| run | times | ended | found or failed | longest |\n|---|---|---|---|---|",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as temporary:
        store = asked.store or temporary
        if asked.what == "healthy":
            arguments = ["raft", "--faults", "partition,kill,pause", "--time-limit", "20"]
            good = repeat("raft partition,kill,pause 20 s", arguments, asked.times or 20, store, {0})
        elif asked.what == "throughput":
            good = throughput(store)
        else:
            good = True
            for system, bug in seeded_bugs(asked.only):
                mutated = asked.what == "bugs"
                extra = ["--bug", bug] if mutated else ["--plan", f"bug:{bug}"]
                label = f"{system} {' '.join(extra)}"
                times = asked.times or (10 if mutated else 20)
                good &= repeat(label, [system, *extra], times, store, {1} if mutated else {0, 2})
    print(f"\npeak memory of one process {peak_memory_mb(resource.RUSAGE_CHILDREN):.0f} MB")
    return 0 if good else 1


def throughput(store: str) -> bool:
    """Measure a five-node raft without faults, as many operations as it serves."""
    arguments = ["raft", "--faults", "none", "--time-limit", "10", "--rate", "0", "--seed", "1"]
    code, verdict, _ = run(arguments, store)
    measured = verdict["measurements"]
    latency = f"p50 {measured['p50']:.2f} ms, p99 {measured['p99']:.2f} ms"
    row = f"{measured['throughput']:.0f} operations/s, {latency}"
    print(f"| raft, no faults, 10 s | 1 | exit {code} | {row} | - |")
    return code == 0


if __name__ == "__main__":
    sys.exit(main())
