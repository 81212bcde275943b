"""`splitbrain explore SYSTEM`: thousands of simulated runs, each drawn from a seed."""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from splitbrain.cli.check import exit_code
from splitbrain.cli.output import emit
from splitbrain.cli.run import fault_names, json_option, store_option
from splitbrain.cli.values import SECONDS
from splitbrain.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from splitbrain.exploration.campaign import Campaign, Tally
    from splitbrain.exploration.case import Case
    from splitbrain.exploration.space import Limits

DEFAULT_SECONDS = 60.0
HOUR = 3600 * 1_000_000_000


@click.command()
@click.argument("system")
@click.option("--bug", "bugs", multiple=True, metavar="NAME", help="Seed a bug into the system (see `bugs`).")
@click.option("--seeds", type=click.IntRange(min=1), metavar="N", help="How many runs at most.")
@click.option(
    "--time", "seconds", type=SECONDS, metavar="S", help="Seconds at most [default: 60 without --seeds]."
)
@click.option(
    "--seed", "first", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed."
)
@click.option("--jobs", type=click.IntRange(min=1), metavar="J", help="Processes [default: one a core].")
@click.option("--nodes", type=click.IntRange(min=1), help="How many nodes [default: drawn].")
@click.option("--workload", help="Which operations [default: drawn among the system's].")
@click.option(
    "--faults",
    callback=fault_names,
    metavar="NAME,...|none",
    help="Faults to draw from [default: those that the system claims to bear].",
)
@click.option("--every-crash", is_flag=True, help="Crash once at each point of one case, systematically.")
@click.option("--case", metavar="FILE|SEED", help="The case for --every-crash [default: a small one].")
@click.option("--guided", is_flag=True, help="Let Hypothesis steer towards what was not reached yet.")
@click.option("--keep-going", is_flag=True, help="Go on after the first violation.")
@click.option("--coverage", is_flag=True, help="Show how often each rule ran while each fault was on.")
@store_option
@json_option
def explore(store: Path, *, json_output: bool, **options: Any) -> int:
    """Run SYSTEM (a name, or ./file.py:Class) in simulation under thousands of seeds, and decide.

    Each seed draws a cluster, a workload, faults and crashes, and repeats exactly. The first violation of
    each kind is written as a replay file, for `splitbrain replay` and `splitbrain shrink`. Without a
    violation the campaign is valid only if it saw what the system is about (elections, say).
    """
    from splitbrain.exploration.pool import cores  # noqa: PLC0415  keeps --help fast
    from splitbrain.exploration.space import Limits  # noqa: PLC0415  as above

    limits = Limits(options["nodes"], options["workload"], options["faults"])
    options["jobs"] = options["jobs"] or cores()
    if options["case"] is not None and not options["every_crash"]:
        raise UsageError("--case is for --every-crash.")
    if options["every_crash"] and options["guided"]:
        raise UsageError("--every-crash enumerates and --guided searches; choose one.")
    if options["every_crash"]:
        return _every_crash(limits, store, options, json_output=json_output)
    return _campaign(limits, store, options, json_output=json_output)


def _campaign(limits: Limits, store: Path, options: dict[str, Any], *, json_output: bool) -> int:
    from splitbrain.exploration.campaign import explore as run_seeds  # noqa: PLC0415  keeps --help fast
    from splitbrain.exploration.campaign import plan_campaign  # noqa: PLC0415  as above
    from splitbrain.exploration.summary import verdict_of  # noqa: PLC0415  as above
    from splitbrain.render.exploration import ExplorationLine, render_campaign  # noqa: PLC0415  as above

    seconds = options["seconds"]
    if seconds is None and options["seeds"] is None:
        seconds = DEFAULT_SECONDS
    task = plan_campaign(options["system"], options["bugs"], limits)
    with ExplorationLine() as line:

        def progress(tally: Tally) -> None:
            line.campaign(
                runs=tally.runs,
                virtual=tally.virtual / HOUR,
                violations=len(tally.findings),
                seconds=tally.seconds,
            )

        asked = {
            "first": options["first"],
            "seeds": options["seeds"],
            "seconds": seconds,
            "progress": progress,
            "keep_going": options["keep_going"],
        }
        if options["guided"]:
            from splitbrain.exploration.guided import explore as search  # noqa: PLC0415  needs Hypothesis

            campaign, cases = search(task, **asked)
        else:
            from splitbrain.exploration.draw import draw  # noqa: PLC0415  keeps --help fast

            campaign = run_seeds(task, jobs=options["jobs"], **asked)
            space = task.space()
            cases = {found[0].seed: draw(space, found[0].seed) for found in campaign.by_kind().values()}
    verdict = verdict_of(campaign, _keep(campaign, cases, store))
    emit(json.dumps(verdict) if json_output else render_campaign(verdict, table=options["coverage"]))
    return exit_code(verdict)


def _keep(campaign: Campaign, cases: dict[int, Case], store: Path) -> dict[str, str]:
    """Write the first failing case of each kind as a replay file; return the files by kind."""
    return {
        kind: _write(cases[found[0].seed], kind, found[0].seed, store)
        for kind, found in campaign.by_kind().items()
    }


def _write(case: Case, kind: str, seed: int, store: Path) -> str:
    from splitbrain.exploration.repeat import record  # noqa: PLC0415  keeps --help fast
    from splitbrain.exploration.replay_file import write_replay  # noqa: PLC0415  as above
    from splitbrain.registry import find  # noqa: PLC0415  as above

    replay = record(case)
    if kind not in replay.expect.kinds:
        raise HarnessError(
            f"seed {seed}: its {kind} violation did not come back in another process; a node that asks the "
            "clock, global randomness or the order of a set is not deterministic."
        )
    name = "-".join((*case.bugs, kind, str(seed)))
    path = store / find("systems", case.system).name / "found" / f"{name}.json"
    write_replay(path, replay)
    return str(path)


def _every_crash(limits: Limits, store: Path, options: dict[str, Any], *, json_output: bool) -> int:
    from splitbrain.exploration.boundaries import crash_everywhere  # noqa: PLC0415  keeps --help fast
    from splitbrain.exploration.summary import verdict_of_boundaries  # noqa: PLC0415  as above
    from splitbrain.render.exploration import ExplorationLine, render_boundaries  # noqa: PLC0415  as above

    case = _case(limits, options)
    begun = monotonic()
    with ExplorationLine() as line:

        def progress(tried: int, points: int, harmful: int) -> None:
            line.points(tried=tried, points=points, harmful=harmful, seconds=monotonic() - begun)

        boundaries = crash_everywhere(
            case,
            jobs=options["jobs"],
            seconds=options["seconds"],
            stop_at_first=not options["keep_going"],
            progress=progress,
        )
    files = {}
    for crash in boundaries.harmful:
        kind = crash.kinds[0]
        if kind not in files:
            crashed = _crashed(case, crash.point)
            files[kind] = _write(crashed, kind, case.seed, store)
    verdict = verdict_of_boundaries(boundaries, files)
    emit(json.dumps(verdict) if json_output else render_boundaries(verdict))
    return exit_code(verdict)


def _crashed(case: Case, point: Any) -> Case:
    from dataclasses import replace  # noqa: PLC0415  as the others

    return replace(case, crash_points=(*case.crash_points, point))


def _case(limits: Limits, options: dict[str, Any]) -> Case:
    """Return the case to crash in: that of a file, of a seed, or a small one of the system.

    Raises:
        UsageError: there is no such file, or it is for another system.
    """
    from splitbrain.exploration.boundaries import scenario  # noqa: PLC0415  keeps --help fast
    from splitbrain.exploration.draw import draw_case  # noqa: PLC0415  as above
    from splitbrain.exploration.replay_file import read_replay  # noqa: PLC0415  as above
    from splitbrain.exploration.space import open_space  # noqa: PLC0415  as above

    system, bugs, given = options["system"], options["bugs"], options["case"]
    if given is None:
        return scenario(open_space(system, bugs, limits), options["first"])
    if given.isdecimal():
        return draw_case(system, bugs, int(given), limits=limits)
    case = read_replay(Path(given)).case
    if case.system != system:
        raise UsageError(f"{given} is a case of {case.system}, not of {system}.")
    return case
