"""Many crashed operations on a register of five values: how many histories are decided in time, with proof.

    python benchmarks/priced.py [--seeds 100] [--cpu]            all rows

Every verdict's certificate is re-checked by the verifier; an unproved one counts as undecided. A row holds if
95 of 100 are decided within ten seconds (of this process's own time with --cpu, for busy machines).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crashing import Mix, draw
from machine import machine, peak_memory_mb
from splitbrain.checkers.models import CasRegister
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification import verify
from splitbrain.histories import build_history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from splitbrain.histories import History

SECONDS = 10.0
SHARE = 0.95
CORRUPTED = (0, 8, 20, 26, 32)
MIXES = {
    "even": Mix(),
    "all clients busy": Mix(busy=0.95),
    "few overlaps": Mix(busy=0.3),
    "many reads, crashes early": Mix(("read", "read", "read", "write", "cas"), crashes_until=0.2),
    "few overlaps, crashes early": Mix(busy=0.3, crashes_until=0.2),
}
"""The first is the row that was asked for; the others are harder ways to read it."""


@dataclass
class Tally:
    """One history each: the verdict if it was proved, the seconds, the method."""

    valid: int = 0
    invalid: int = 0
    unknown: int = 0
    seconds: tuple[float, ...] = ()
    verifying: float = 0.0

    def add(self, history: History, clock: Callable[[], float]) -> bool:
        """Check one history and its certificate; return whether it was decided."""
        began = clock()
        result = check_linearizable(history, CasRegister, timeout=SECONDS, clock=clock)
        seconds = clock() - began
        began = clock()
        proved = (
            result.certificate is not None
            and verify(json.loads(json.dumps(result.certificate)), history).holds is True
        )
        self.verifying = max(self.verifying, clock() - began)
        self.seconds = (*self.seconds, seconds)
        decided = proved and seconds <= SECONDS
        if not decided:
            self.unknown += 1
        elif result.valid is True:
            self.valid += 1
        else:
            self.invalid += 1
        return decided

    def line(self, name: str) -> str:
        """Return the row of the table."""
        median = statistics.median(self.seconds)
        return (
            f"{name:<44} valid {self.valid:>3}  invalid {self.invalid:>3}  unknown {self.unknown:>3}"
            f"  median {median:.2f} s  worst {max(self.seconds):.2f} s  verifying {self.verifying:.2f} s"
        )


def main() -> int:
    """Print one line a row; return 1 if a row misses its figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--mix", choices=MIXES, action="append", help="only this mix (repeatable)")
    parser.add_argument("--cpu", action="store_true", help="count this process's own time")
    asked = parser.parse_args()
    clock = time.process_time if asked.cpu else time.monotonic
    missed = 0
    for name in asked.mix or MIXES:
        for corrupted in CORRUPTED:
            tally, mix = Tally(), replace(MIXES[name], corrupted=corrupted)
            open_seeds = [seed for seed in range(asked.seeds) if not tally.add(draw(mix, seed), clock)]
            print(tally.line(f"{name}, {corrupted} reads corrupted"), flush=True)
            if open_seeds:
                print(f"    undecided seeds: {open_seeds}")
            missed += len(open_seeds) > (1 - SHARE) * asked.seeds
    if not asked.mix:
        missed += _peers(clock)
    print(f"machine     {machine()}; peak memory {peak_memory_mb():.0f} MB")
    return 1 if missed else 0


def _peers(clock: Callable[[], float]) -> int:
    """Check the rows on which other checkers were measured; return how many histories stay undecided."""
    unknown = 0
    rows: tuple[tuple[str, Iterable[History]], ...] = (
        ("1,000 operations, 10 crashed, one read wrong", _refuted(Mix(crashed=10, corrupted=1), 10)),
        ("1,000 operations, 20 crashed, one read wrong", _refuted(Mix(crashed=20, corrupted=1), 10)),
        (
            "10,000 operations, 20 crashed, three wrong",
            _refuted(Mix(operations=10_000, crashed=20, corrupted=3), 3),
        ),
        ("14 crashed writes, an impossible read", [impossible(14)]),
        ("40 crashed writes, an impossible read", [impossible(40)]),
    )
    for name, histories in rows:
        tally = Tally()
        for history in histories:
            tally.add(history, clock)
        print(tally.line(name), flush=True)
        unknown += tally.unknown
    return unknown


def _refuted(mix: Mix, wanted: int) -> Iterable[History]:
    """Yield the first histories of a mix in which the wrong reads show."""
    seed = 0
    while wanted:
        history = draw(mix, seed)
        seed += 1
        if check_linearizable(history, CasRegister, timeout=60).valid is False:
            wanted -= 1
            yield history


def impossible(crashed: int) -> History:
    """Return crashed writes of five values, and reads of one value once more often than it was written."""
    lines = [
        {"process": 1 + each, "type": "invoke", "f": "write", "value": each % 5} for each in range(crashed)
    ]
    for _ in range((crashed + 4) // 5 + 1):
        lines += [{"process": 0, "type": kind, "f": "write", "value": 7} for kind in ("invoke", "ok")]
        lines.append({"process": 0, "type": "invoke", "f": "read", "value": None})
        lines.append({"process": 0, "type": "ok", "f": "read", "value": 0})
    return build_history(lines)


if __name__ == "__main__":
    sys.exit(main())
