"""The verdict of an exploration, as the plain data that `explore --json` prints.

Finding nothing is a result only if there was something to find it in. So a campaign is valid when it
ran to its end, decided at least half of its runs and reached each milestone of the system; else it is
unknown. One that the user restricted (to a size, a workload, some faults) may not be able to reach them
all: then what it missed is said and decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splitbrain.exploration.boundaries import Boundaries
    from splitbrain.exploration.campaign import Campaign

HOUR = 3600 * 1_000_000_000
SEEDS_SHOWN = 50
"""Failing seeds that stand in a verdict for each kind; the others are counted."""


def verdict_of(campaign: Campaign, files: Mapping[str, str]) -> dict[str, Any]:
    """Return the verdict of a campaign; `files` are the replay files, by kind."""
    valid, reason = judge(campaign)
    return {
        "valid": valid,
        "reason": reason,
        "system": campaign.task.system,
        "bugs": list(campaign.task.bugs),
        "first_seed": campaign.first,
        "runs": campaign.runs,
        "virtual_hours": round(campaign.virtual / HOUR, 4),
        "node_steps": campaign.steps,
        "seconds": round(campaign.seconds, 3),
        "violations": [
            {
                "kind": kind,
                "runs": len(findings),
                "seeds": [each.seed for each in findings[:SEEDS_SHOWN]],
                "summary": findings[0].summary,
                "file": files.get(kind),
                "replay": f"splitbrain replay {files[kind]}" if kind in files else None,
            }
            for kind, findings in campaign.by_kind().items()
        ],
        "unrepeated": list(campaign.unrepeated),
        "undecided": {str(seed): why for seed, why in list(campaign.undecided.items())[:SEEDS_SHOWN]},
        "milestones": dict(campaign.milestones),
        "coverage": campaign.coverage.to_json(),
        "interrupted": campaign.interrupted,
    }


def judge(campaign: Campaign) -> tuple[bool | str, str]:
    """Return the verdict of a campaign and one sentence why."""
    runs = campaign.runs
    if campaign.findings:
        kinds = ", ".join(campaign.by_kind())
        return False, f"{len(campaign.findings)} of {runs} runs broke a promise: {kinds}."
    doubt = ""
    if campaign.unrepeated:
        seeds = ", ".join(map(str, campaign.unrepeated[:5]))
        doubt = f"Runs are not deterministic: the violation of seed {seeds} did not come back."
    elif campaign.interrupted or not runs:
        doubt = f"It ended after {runs} runs, before its time."
    elif 2 * len(campaign.undecided) > runs:
        doubt = f"{len(campaign.undecided)} of {runs} runs decided nothing."
    elif campaign.missed and not campaign.restricted:
        doubt = " ".join(f"No run saw {article(name)}." for name in campaign.missed)
    return ("unknown", doubt) if doubt else (True, f"No violation in {runs} runs.")


def article(name: str) -> str:
    """Return the name of a milestone with its article: "an election", "a snapshot"."""
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def verdict_of_boundaries(boundaries: Boundaries, files: Mapping[str, str]) -> dict[str, Any]:
    """Return the verdict of crashes at each point of a case; `files` are the replay files, by kind."""
    if boundaries.harmful:
        valid: bool | str = False
        reason = f"A crash at {len(boundaries.harmful)} of {boundaries.tried} points broke a promise."
    elif boundaries.tried < boundaries.points or not boundaries.points:
        valid = "unknown"
        reason = f"No crash did harm at the {boundaries.tried} of {boundaries.points} points that were tried."
    else:
        valid, reason = True, f"No crash at any of the {boundaries.points} points broke a promise."
    return {
        "valid": valid,
        "reason": reason,
        "system": boundaries.case.system,
        "bugs": list(boundaries.case.bugs),
        "points": boundaries.points,
        "tried": boundaries.tried,
        "seconds": round(boundaries.seconds, 3),
        "violations": [
            {"kind": each.kinds[0], "crash": each.point.to_json(), "summary": each.summary}
            for each in boundaries.harmful
        ],
        "files": dict(files),
        "interrupted": boundaries.interrupted,
    }
