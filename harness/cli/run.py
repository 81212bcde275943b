"""`splitbrain run SYSTEM`: deploy it, hurt it under load, decide."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from splitbrain.cli.check import exit_code
from splitbrain.cli.output import emit
from splitbrain.cli.values import RATE, SECONDS

if TYPE_CHECKING:
    from splitbrain.faults.nemesis import Nemesis
    from splitbrain.runner.interpreter import Interpreter
    from splitbrain.runner.preparation import Prepared
    from splitbrain.store import RunDirectory

store_option = click.option(
    "--store",
    type=click.Path(path_type=Path),
    default=Path("store"),
    show_default=True,
    help="Where run directories are kept.",
)
json_option = click.option(
    "--json", "json_output", is_flag=True, help="Print the verdict as one JSON object on one line."
)


def fault_names(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> tuple[str, ...] | None:
    """Read a list of faults, for click; None if the option was not given."""
    if text is None:
        return None
    if text == "none":
        return ()
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        # An unset variable in a CI script must not pass for a run under faults.
        raise click.BadParameter("it names no fault; say none for a run without faults")
    return names


@click.command()
@click.argument("system")
@click.option(
    "--on",
    type=click.Choice(["local", "sim"]),
    help="Where nodes live: processes here, or a simulation [default: local, or where a bug asks].",
)
@click.option("--nodes", type=click.IntRange(min=1), help="How many nodes; the system's own size by default.")
@click.option(
    "--workload",
    help="Which operations (see `workloads`, or ./file.py:Class); the system's first by default.",
)
@click.option(
    "--faults",
    callback=fault_names,
    metavar="NAME,...|none",
    help="Faults to draw a plan from [default: partition,kill,pause as far as the size allows].",
)
@click.option(
    "--time-limit",
    type=SECONDS,
    metavar="S",
    help="Seconds under faults, before the final heal and recovery [default: 30].",
)
@click.option(
    "--rate",
    type=RATE,
    metavar="R",
    help="Operations a second [default: 300; 0 is as many as the system serves].",
)
@click.option("--concurrency", type=click.IntRange(min=1), help="Client threads [default: two a node].")
@click.option(
    "--operation-timeout",
    type=SECONDS,
    default=1.0,
    show_default=True,
    metavar="S",
    help="Seconds after which an unanswered operation is indeterminate.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), help="Seed of operations and faults [default: drawn, and said]."
)
@click.option("--bug", "bugs", multiple=True, metavar="NAME", help="Seed a bug into the system (see `bugs`).")
@click.option(
    "--plan", metavar="FILE", help="A fault plan to carry out, or bug:NAME for that of a seeded bug."
)
@click.option("--require", metavar="LIST", help='Bounds such as "availability>=0.99,p99<=50ms".')
@click.option(
    "--fail-fast", is_flag=True, help="Check while the run goes, and stop it at the first violation."
)
@store_option
@json_option
def run(store: Path, *, fail_fast: bool, json_output: bool, **options: Any) -> int:
    """Deploy SYSTEM (a name, or ./file.py:Class), run a workload under faults, and decide.

    A seeded bug comes with the fault plan that convicts it, unless --plan or --faults says otherwise.
    """
    from splitbrain.runner.preparation import RunOptions, prepare  # noqa: PLC0415  keeps --help fast

    prepared = prepare(RunOptions(store=store, **options))
    return carry_out(prepared, store, json_output=json_output, fail_fast=fail_fast)


def carry_out(prepared: Prepared, store: Path, *, json_output: bool, fail_fast: bool = False) -> int:
    """Execute a prepared run, show how it goes and how it ended; return the exit code."""
    verdict, _ = show_run(prepared, store, json_output=json_output, fail_fast=fail_fast)
    return exit_code(verdict)


def show_run(
    prepared: Prepared, store: Path, *, json_output: bool, fail_fast: bool = False
) -> tuple[dict[str, Any], RunDirectory]:
    """Execute a prepared run, show how it goes and how it ended; return its verdict and directory."""
    from splitbrain.exploration.session import execute_simulated  # noqa: PLC0415  keeps --help fast
    from splitbrain.render.live import LiveLine  # noqa: PLC0415  keeps --help fast
    from splitbrain.render.verdict import render_verdict  # noqa: PLC0415  as above
    from splitbrain.runner.session import execute  # noqa: PLC0415  as above

    click.echo(_announcement(prepared), err=True)
    duration = prepared.plan.duration + prepared.plan.recovery

    with LiveLine() as live:

        def watch(phase: str, now: int, interpreter: Interpreter, nemesis: Nemesis) -> None:
            live.update(
                elapsed=now / 1e9,
                duration=duration,
                ok=interpreter.ok,
                fail=interpreter.fail,
                info=interpreter.info,
                faults=nemesis.active,
                phase="" if phase == "main" else phase,
            )

        carry = execute_simulated if prepared.test["on"] == "sim" else execute
        verdict, directory = carry(prepared, store, datetime.now(UTC), watch, fail_fast=fail_fast)
    emit(json.dumps(verdict, default=str) if json_output else render_verdict(verdict))
    return verdict, directory


def _announcement(prepared: Prepared) -> str:
    test = prepared.test
    bugs = f" with the seeded bug {' and '.join(test['bugs'])}" if test["bugs"] else ""
    faults = ", ".join(test["faults"]) or "no faults"
    return (
        f"{test['system']}{bugs}: {_nodes(len(test['nodes']))} on {test['on']}, workload {test['workload']}, "
        f"{test['concurrency']} clients, {faults}, {test['time_limit']:g} s, seed {test['seed']}"
    )


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"
