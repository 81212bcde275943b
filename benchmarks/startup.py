"""Whole-process time of `splitbrain --help` and of `splitbrain check` on a small file.

python benchmarks/startup.py
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from machine import machine, peak_memory_mb

ROUNDS = 15
RECORDED = Path(__file__).parent.parent / "histories" / "recorded"


def seconds(arguments: list[str]) -> float:
    """Run the command once and return its wall-clock time."""
    command = [str(Path(sys.executable).with_name("splitbrain")), *arguments]
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - begin


def main() -> None:
    """Print the median and the worst of the rounds for each command."""
    print(machine())
    small = sorted(RECORDED.glob("*.jsonl"))
    for arguments in [["--help"], *[["check", str(path)] for path in small[:3]]]:
        times = [seconds(arguments) for _ in range(ROUNDS)]
        shown = " ".join(Path(argument).name for argument in arguments)
        print(f"splitbrain {shown:40s} median {statistics.median(times):.3f} s, worst {max(times):.3f} s")
    print(f"peak memory {peak_memory_mb(resource.RUSAGE_CHILDREN):.0f} MB")


if __name__ == "__main__":
    main()
