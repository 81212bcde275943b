"""Every benchmark that takes less than a minute, one after the other.

    python benchmarks/all.py

The long ones are priced.py (all seeds), runs.py (twenty healthy runs, ten of each seeded bug), search.py and
shrinking.py.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SHORT = (
    ["startup.py"],
    ["etcd_corpus.py"],
    ["recording.py"],
    ["simulation.py"],
    ["runs.py", "throughput"],
)


def main() -> int:
    """Run each; return the number that missed their figure."""
    here = Path(__file__).parent
    missed = 0
    for script, *arguments in SHORT:
        print(f"\n== {script} {' '.join(arguments)}", flush=True)
        done = subprocess.run([sys.executable, str(here / script), *arguments], check=False)
        missed += done.returncode != 0
    return missed


if __name__ == "__main__":
    sys.exit(main())
