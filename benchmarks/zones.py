"""A million operations with unique values: from the file to a verdict, its certificate and the re-check.

    python benchmarks/zones.py [--operations 1000000]

Ten clients, half of the operations reads, one in twenty crashed; one register or a hundred; valid, and with
one read of a value that was overwritten long before. Each is decided by a process of its own that starts
without any compiled cache, so that times and peak memory are those of one verdict. Exit code 1
if a verdict is wrong or a figure is missed. What an operation costs in shorter histories: `lanes.py`.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from machine import machine

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = 10
CRASHED = 0.05
CHECKING, WHOLE, MEMORY = 1.0, 6.0, 1000.0
"""Wanted: seconds of checking, seconds from file to verdict, megabytes."""

DECIDE = """
import json, resource, sys, time
begun = time.perf_counter()
from splitbrain.checkers.models import CasRegister
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories import read_history
history = read_history(sys.argv[1])
loaded = time.perf_counter()
result = check_linearizable(history, CasRegister)
ended = time.perf_counter()
if len(sys.argv) > 2:
    with open(sys.argv[2], "w") as certificate:
        json.dump(result.certificate, certificate)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
print(json.dumps([result.valid, result.method, loaded - begun, result.seconds, ended - begun, peak]))
"""


class Case(NamedTuple):
    """One kind of history."""

    name: str
    keys: int
    stale: bool = False
    cas: float = 0.0


CASES = (
    Case("one register, valid", 1),
    Case("one register, one stale read", 1, stale=True),
    Case("a hundred registers, valid", 100),
    Case("a hundred registers, one stale read", 100, stale=True),
    Case("one register, every other mutator a cas", 1, cas=0.5),
)


class Running:
    """An operation under way; it takes effect at some instant between its two lines."""

    def __init__(self, f: str, key: int, value: Any) -> None:
        self.f, self.key, self.value = f, key, value
        self.ends = ""

    def take_effect(self, held: list[Any]) -> None:
        """Read, write or compare; `held` are all values that the key ever held."""
        self.ends = "ok"
        if self.f == "read":
            self.value = held[-1]
        elif self.f == "write":
            held.append(self.value)
        elif self.value[0] == held[-1]:
            held.append(self.value[1])
        else:
            self.ends = "fail"


def lines(case: Case, operations: int) -> Iterator[str]:
    """Yield the lines of a history; the stale read is one at nine tenths, of a value half as old."""
    rng = random.Random(operations)
    held: list[list[Any]] = [[None] for _ in range(case.keys)]
    processes = list(range(CLIENTS))
    running: list[Running | None] = [None] * CLIENTS
    begun = written = position = 0
    honest = operations * 9 // 10 if case.stale else operations
    while begun < operations or any(running):
        client = rng.randrange(CLIENTS)
        call = running[client]
        kind = "invoke"
        if call is None:
            if begun == operations:
                continue
            begun += 1
            key = rng.randrange(case.keys)
            call = running[client] = Running("read", key, None)
            if rng.random() < 0.5:
                written += 1
                compares = rng.random() < case.cas
                call.f = "cas" if compares else "write"
                call.value = [held[key][-1], written] if compares else written
        elif not call.ends:
            call.take_effect(held[call.key])
            continue
        else:
            running[client] = None
            kind = "info" if rng.random() < CRASHED else call.ends
            if kind == "ok" and call.f == "read" and begun > honest:
                honest, call.value = operations, held[call.key][len(held[call.key]) // 2]
        line = {"index": position, "time": position * 1000, "process": processes[client], "type": kind}
        yield json.dumps(
            {**line, "f": call.f, "key": f"k{call.key}", "value": call.value}, separators=(",", ":")
        )
        position += 1
        if kind == "info":
            processes[client] = max(processes) + 1


def write(path: Path, case: Case, operations: int) -> None:
    """Write a history as a file of JSON lines."""
    with path.open("w") as file:
        file.writelines(line + "\n" for line in lines(case, operations))


class Measured(NamedTuple):
    """What one verdict took, in seconds and megabytes."""

    valid: bool
    method: str
    loading: float
    checking: float
    whole: float
    peak: float


def decide(path: Path, certificate: Path | None = None) -> Measured:
    """Decide a file in a process of its own; `whole` is that process from its start to its end."""
    arguments = [str(path)] if certificate is None else [str(path), str(certificate)]
    command = [sys.executable, "-c", DECIDE, *arguments]
    begun = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    measured = Measured(*json.loads(done.stdout))
    return measured if certificate is not None else measured._replace(whole=seconds)


def verify(certificate: Path, path: Path) -> tuple[bool, float]:
    """Re-check a certificate by the command line; return whether it holds, and the seconds."""
    command = [str(Path(sys.executable).with_name("splitbrain")), "verify", str(certificate), str(path)]
    begun = time.perf_counter()
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    return done.returncode == 0, time.perf_counter() - begun


def verdicts(folder: Path, operations: int) -> bool:
    """Measure each case; return whether all verdicts are right and within the figures."""
    good = True
    for case in CASES:
        path = folder / "history.jsonl"
        write(path, case, operations)
        measured = decide(path)
        right = measured.valid is not case.stale
        within = measured.checking <= CHECKING and measured.whole <= WHOLE and measured.peak <= MEMORY
        good &= right and within
        decide(path, folder / "certificate.json")
        holds, seconds = verify(folder / "certificate.json", path)
        good &= holds
        print(
            f"{case.name:40s} {'' if right else 'WRONG '}{'valid' if measured.valid else 'invalid':7s} "
            f"({measured.method}): loading {measured.loading:.2f} s, checking {measured.checking:.2f} s, "
            f"from file to verdict {measured.whole:.2f} s, {measured.peak:.0f} MB at most; "
            f"certificate {'holds' if holds else 'REFUSED'}, verify {seconds:.2f} s",
            flush=True,
        )
    return good


def main() -> int:
    """Print the figures; return 1 if one is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--operations", type=int, default=1_000_000)
    asked = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        return 0 if verdicts(Path(folder), asked.operations) else 1


if __name__ == "__main__":
    sys.exit(main())
