"""Check the etcd logs of the corpus: verdicts, parsing and checking time, memory.

Run `python benchmarks/etcd_corpus.py [CORPUS]`; without an argument the folder comes from SPLITBRAIN_CORPUS,
or is ../shared/corpus beside the checkout. Exit code 1 if a verdict is wrong.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import time
from pathlib import Path

from splitbrain.checkers.models import CasRegister
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories import read_history

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "corpus"


def main() -> int:
    """Print one line a figure and return the exit code."""
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SPLITBRAIN_CORPUS", str(BESIDE))
    manifest = Path(given) / "manifest.json"
    if not manifest.is_file():
        print(f"There is no corpus at {given}: name its folder, or set SPLITBRAIN_CORPUS.")
        return 64
    entries = [entry for entry in json.loads(manifest.read_text()) if entry["file"].startswith("etcd/")]
    began = time.perf_counter()
    histories = [read_history(Path(given) / entry["file"]) for entry in entries]
    parsing = time.perf_counter() - began
    began = time.perf_counter()
    results = [
        check_linearizable(history, CasRegister, initial=entry["initial"])
        for entry, history in zip(entries, histories, strict=True)
    ]
    whole = time.perf_counter() - began
    right = sum(result.valid is entry["valid"] for entry, result in zip(entries, results, strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1 << 20 if sys.platform == "darwin" else 1 << 10
    )
    print(f"verdicts    {right} of {len(entries)} right")
    print(f"operations  {sum(map(len, histories))}")
    print(f"parsing     {parsing:.3f} s")
    print(f"checking    {sum(result.seconds for result in results):.3f} s")
    print(f"witnesses   {whole - sum(result.seconds for result in results):.3f} s")
    print(f"memory      {peak:.0f} MB at most")
    print(f"machine     {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    return 0 if right == len(entries) else 1


if __name__ == "__main__":
    raise SystemExit(main())
