"""How soon random search finds each seeded bug, and whether it ever accuses an unmutated system.

    python benchmarks/search.py bugs [--tries 20] [--time 60] [--jobs 2] [--only raft:forget-vote]
    python benchmarks/search.py alarms [--seeds 100000] [--only raft]
    python benchmarks/search.py table

Each try searches seeds of its own for at most a minute. Failures per 1,000 seeds are those of all tries
over all seeds that they ran, the best estimate from searches that stop at the first one. What is done is
kept in --results, a file for each bug, so that a search that was cut short goes on where it was; `table`
prints what there is, the hardest first. To be reached: at least 90 % of the bugs in at least 18 tries of 20.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from machine import machine
from splitbrain import registry
from splitbrain.exploration.campaign import explore, plan_campaign
from splitbrain.exploration.space import Limits

SYSTEMS = ("raft", "kv")
APART = 1_000_000
"""Seeds between the first ones of two tries: more than a try can run."""

ALARMS_FROM = 500_000_000
"""The first seed of the search for alarms: none of the tries has run it."""

OFTEN, SHARE = 18 / 20, 0.9
NEVER = float("inf")


def targets(only: str | None) -> list[tuple[str, tuple[str, ...]]]:
    """List the bugs as (system, names); those that are harmful only together are one."""
    found: dict[tuple[str, frozenset[str]], tuple[str, ...]] = {}
    for system in SYSTEMS:
        for bug in registry.find("systems", system).value.bugs:
            names = (bug.name, *bug.needs)
            found.setdefault((system, frozenset(names)), names)
    listed = [(system, names) for (system, _), names in found.items()]
    return [each for each in listed if only is None or label(*each) == only]


def label(system: str, bugs: tuple[str, ...]) -> str:
    """Return "raft:forget-vote"."""
    return f"{system}:{'+'.join(bugs)}"


def search(system: str, bugs: tuple[str, ...], number: int, asked: argparse.Namespace) -> dict[str, Any]:
    """Try once: search until a failure or the time is up."""
    task = plan_campaign(system, bugs, Limits(), sample=0)
    campaign = explore(task, first=number * APART, seconds=asked.time, jobs=asked.jobs)
    if campaign.interrupted:
        raise KeyboardInterrupt
    found = campaign.findings[0] if campaign.findings else None
    return {
        "try": number,
        "runs": campaign.runs,
        "seconds": round(campaign.seconds, 2),
        "seed": found.seed if found else None,
        "kinds": list(found.kinds) if found else [],
    }


def bugs_row(name: str, tries: list[dict[str, Any]]) -> tuple[float, str]:
    """Return the failures per 1,000 seeds of a bug, and its row of the table."""
    found = [each for each in tries if each["seed"] is not None]
    rate = 1000 * len(found) / max(1, sum(each["runs"] for each in tries))
    times = sorted(each["seconds"] if each["seed"] is not None else NEVER for each in tries)
    median = statistics.median_low(times)
    kinds = ", ".join(sorted({each["kinds"][0] for each in found})) or "-"
    shown = "-" if median == NEVER else f"{median:.1f} s"
    return rate, f"| {name} | {rate:.2f} | {shown} | {len(found)} of {len(tries)} | {kinds} |"


def table(folder: Path) -> bool:
    """Print what was measured, the hardest first; tell whether it is enough."""
    rows = []
    good = 0
    for path in sorted(folder.glob("*.json")):
        kept = json.loads(path.read_text(encoding="utf-8"))
        rows.append(bugs_row(kept["name"], kept["tries"]))
        found = sum(each["seed"] is not None for each in kept["tries"])
        good += found >= OFTEN * len(kept["tries"])
    print(f"{machine()}\n")
    print("| bug | failures per 1,000 seeds | median time to the first | found in time | convicted as |")
    print("|---|---|---|---|---|")
    for _, row in sorted(rows):
        print(row)
    print(f"\n{good} of {len(rows)} bugs were found in time in at least 18 tries of 20.")
    return bool(rows) and good >= SHARE * len(rows)


def try_bugs(asked: argparse.Namespace, folder: Path) -> None:
    """Do the tries that are still missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for system, bugs in targets(asked.only):
        name = label(system, bugs)
        path = folder / f"{name.replace(':', '-')}.json"
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"name": name, "tries": []}
        done = {each["try"] for each in kept["tries"]}
        for number in range(1, asked.tries + 1):
            if number not in done:
                kept["tries"].append(search(system, bugs, number, asked))
                path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        print(bugs_row(name, kept["tries"])[1], flush=True)


def alarms(asked: argparse.Namespace) -> bool:
    """Search the unmutated systems; tell whether nothing was found."""
    silent = True
    print("| system | seeds | virtual hours | alarms |\n|---|---|---|---|")
    for system in SYSTEMS:
        if asked.only in (None, system):
            task = plan_campaign(system, (), Limits(), sample=0)
            campaign = explore(task, first=asked.seed, seeds=asked.seeds, jobs=asked.jobs, keep_going=True)
            hours = campaign.virtual / 3.6e12
            print(f"| {system} | {campaign.runs} | {hours:.1f} | {len(campaign.findings)} |", flush=True)
            for found in campaign.findings:
                print(f"  seed {found.seed}: {', '.join(found.kinds)}: {found.summary}", flush=True)
            silent &= not campaign.findings and not campaign.unrepeated
    return silent


def main() -> int:
    """Measure what was asked for; exit 1 if a figure was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["bugs", "alarms", "table"])
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--time", type=float, default=60.0, help="seconds that a try may take")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=ALARMS_FROM, help="the first seed for alarms")
    parser.add_argument("--only", help="SYSTEM:BUG, or a system for alarms")
    parser.add_argument("--results", type=Path, default=Path("search-results"))
    asked = parser.parse_args()
    if asked.what == "alarms":
        return 0 if alarms(asked) else 1
    if asked.what == "bugs":
        print(f"{machine()}\n", flush=True)
        try_bugs(asked, asked.results)
    return 0 if table(asked.results) else 1


if __name__ == "__main__":
    sys.exit(main())
