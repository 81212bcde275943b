"""Check one 5-value cas register under load: many clients, many operations, many crashed operations.

Run `python benchmarks/configurations.py [--cold]`. Each history is written to a file and then checked by a
process of its own, so that the peak memory is that of one check, and again in that process: the first time
imports Numba and loads the kernel. `--cold` also checks one with an empty cache of compiled functions.
Exit code 1 if a verdict is wrong.

Under load: the next event is that of a random client: it calls, its call takes effect, or it returns. So
two thirds of the clients have a call open at any time. Calls are reads, writes and cas, a third each.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from machine import machine, peak_memory_mb
from splitbrain.checkers.models import CasRegister
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories import read_history

VALUES = 5
SEEDS = 20
TIMEOUT = 10.0


class Load(NamedTuple):
    """One history: its size, how many operations crash, and how many reads are corrupted in the domain."""

    operations: int
    clients: int
    crashed: int = 0
    corrupted: int = 0
    seed: int = 0


LOADS = (
    Load(10_000, 10),
    Load(100_000, 10),
    Load(1_000_000, 10),
    Load(100_000, 20),
    Load(10_000, 30),
    Load(100_000, 30),
    Load(10_000, 40),
    Load(100_000, 10, corrupted=20),
    Load(1_000_000, 10, corrupted=20),
    Load(100_000, 20, corrupted=20),
)


def main() -> int:
    """Print one line a figure and return the exit code."""
    if len(sys.argv) > 2:
        print(json.dumps(_check(Path(sys.argv[1]), json.loads(sys.argv[2]), twice=True)))
        return 0
    print(f"machine  {machine()}; command: python benchmarks/configurations.py {' '.join(sys.argv[1:])}")
    wrong = 0
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "history.jsonl"
        for load in LOADS:
            _write(load, file)
            result = _apart(file)
            wrong += result["valid"] is not (load.corrupted == 0)
            print(_line(load, result), flush=True)
        if "--cold" in sys.argv:
            load = Load(100_000, 10)
            _write(load, file)
            result = _apart(file, {"NUMBA_CACHE_DIR": str(Path(directory) / "cache")})
            print(f"{_line(load, result)}, with nothing compiled yet")
        for corrupted in (0, 8, 20, 26, 32):
            print(_many(corrupted, file), flush=True)
    return 1 if wrong else 0


def _line(load: Load, result: dict[str, Any]) -> str:
    what = f"{load.operations:>9} operations, {load.clients} clients, {load.corrupted:>2} reads corrupted"
    first = f"{result['seconds']:.2f} s ({result['processor']:.2f} s of processor)"
    again = f"again {result['again']:.2f} s ({result['processor_again']:.2f} s)"
    rest = (
        f"evidence {result['evidence']:.2f} s, loading {result['loading']:.2f} s, {result['memory']:.0f} MB"
    )
    return f"{what}: {result['valid']!s} by {result['method']}, {first}, {again}; {rest} {result['reason']}"


def _many(corrupted: int, file: Path) -> str:
    """Check a thousand operations with fifty crashed, for many seeds."""
    seconds, undecided = [], []
    for seed in range(SEEDS):
        _write(Load(1_000, 10, crashed=50, corrupted=corrupted, seed=seed), file)
        result = _check(file, TIMEOUT)
        seconds.append(result["seconds"] + result["evidence"])
        if result["valid"] == "unknown":
            undecided.append(seed)
    seconds.sort()
    return (
        f"1000 operations, 10 clients, 50 crashed, {corrupted:>2} reads corrupted:"
        f" {SEEDS - len(undecided)} of {SEEDS} seeds decided,"
        f" median {seconds[SEEDS // 2]:.2f} s, worst {seconds[-1]:.2f} s;"
        f" undecided: {undecided or 'none'}"
    )


def _apart(file: Path, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """Check in a process of its own."""
    command = [sys.executable, __file__, str(file), "120"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **(environment or {})}
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _check(file: Path, timeout: float, *, twice: bool = False) -> dict[str, Any]:
    """Load and check a history, and again in the same process, which has Numba and the kernel by then."""
    began = time.perf_counter()
    history = read_history(file)
    loaded, used = time.perf_counter(), time.process_time()
    result = check_linearizable(history, CasRegister, initial=0, timeout=timeout)
    whole, processor = time.perf_counter() - loaded, time.process_time() - used
    used = time.process_time()
    again = check_linearizable(history, CasRegister, initial=0, timeout=timeout) if twice else result
    return {
        "valid": result.valid,
        "method": result.method,
        "reason": result.reason if result.valid == "unknown" else "",
        "seconds": result.seconds,
        "processor": processor,
        "again": again.seconds,
        "processor_again": time.process_time() - used,
        "evidence": whole - result.seconds,
        "loading": loaded - began,
        "memory": peak_memory_mb(),
    }


def _write(load: Load, file: Path) -> None:
    """Write a history; the last operations are never the corrupted ones, so that something follows."""
    rng = random.Random(load.seed)
    crashing = set(rng.sample(range(load.operations * 9 // 10), load.crashed))
    late = range(load.operations // 2, load.operations * 9 // 10)
    corrupting = sorted(rng.sample(late, load.corrupted))
    running: dict[int, list[Any]] = {}
    state, begun = 0, 0
    with file.open("w", encoding="utf-8") as lines:

        def tell(**line: Any) -> None:
            lines.write(json.dumps(line) + "\n")

        while begun < load.operations or running:
            process = rng.randrange(load.clients)
            call = running.get(process)
            if call is None:
                if begun < load.operations:
                    old, new = rng.randrange(VALUES), rng.randrange(VALUES)
                    f, value = rng.choice((("read", None), ("write", new), ("cas", [old, new])))
                    running[process] = [begun, f, value, None]
                    tell(process=process, type="invoke", f=f, value=value)
                    begun += 1
            elif call[3] is None:
                _, f, value, _ = call
                applied = f != "cas" or value[0] == state
                state = state if f == "read" or not applied else value if f == "write" else value[1]
                call[3] = (state if f == "read" else value, applied)
            else:
                number, f, _, (value, applied) = running.pop(process)
                if number in crashing:
                    tell(process=process, type="info", f=f, value=value)
                    continue
                if f == "read" and corrupting and number >= corrupting[0]:
                    del corrupting[0]
                    value = (value + rng.randrange(1, VALUES)) % VALUES
                extra = {} if applied else {"applied": False}
                tell(process=process, type="ok", f=f, value=value, **extra)


if __name__ == "__main__":
    raise SystemExit(main())
