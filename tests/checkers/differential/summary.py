"""The logs of campaigns as the table of docs/benchmarks.md.

python tests/checkers/differential/summary.py FILE...
"""

import json
import sys
from pathlib import Path

from campaign import Tally
from every_lane import MODELS, lanes_of
from sequential_types import TYPES

LANES = ("zones", "columns", "kernel", "priced")
TITLES = ("data type", "different", "valid", "crashed", "own lane", *LANES, "whole checker")


def tallies_of(files):
    """Return the tally of each data type."""
    tallies = {}
    for line in (line for file in files for line in Path(file).read_text().splitlines()):
        told = json.loads(line)
        model = TYPES[told.pop("name")].model
        tallies[model] = tallies.get(model, Tally()) + Tally(**told)
    return tallies


def row_of(model, tally):
    """Return the row of a data type; a lane that decides fewer than one history in a thousand is left out."""
    own = set(lanes_of(MODELS[model]())) - set(lanes_of(MODELS["register"]()))
    decided = {lane: sum(tally.lanes.get(lane, (0, 0))[:2]) for lane in (*own, *LANES)}
    shares = (f"{100 * part / tally.different:.0f} %" for part in (tally.valid, tally.crashed))
    lanes = (decided[lane] if decided[lane] > tally.different // 1000 else None for lane in (*own, *LANES))
    counts = [*([] if own else [""]), *("" if count is None else f"{count:,}" for count in lanes)]
    return (model, f"{tally.different:,}", *shares, *counts, f"{tally.proved:,}")


def main():
    tallies = tallies_of(sys.argv[1:])
    rows = [TITLES, ["---"] * len(TITLES)]
    rows += [row_of(model, tallies[model]) for model in MODELS if model in tallies]
    for row in rows:
        sys.stdout.write(f"| {' | '.join(row)} |\n")
    complaints = [text for tally in tallies.values() for text in tally.complaints]
    total = sum(tally.different for tally in tallies.values())
    sys.stdout.write(
        "\n".join(["", f"{total:,} histories, {len(complaints)} disagreements", *complaints]) + "\n"
    )


if __name__ == "__main__":
    main()
