"""`splitbrain systems | workloads | models | faults | bugs`: what there is, a line each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from splitbrain import registry
from splitbrain.cli.output import emit
from splitbrain.errors import UsageError
from splitbrain.render.listing import render_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.faults.base import Fault
    from splitbrain.systems.description import System

as_json = click.option("--json", "json_output", is_flag=True, help="Print one JSON object on one line.")


@click.command()
@as_json
def systems(*, json_output: bool) -> None:
    """List the systems under test."""
    rows = []
    for name in registry.names("systems"):
        system: type[System] = registry.find("systems", name).value
        rows.append(
            {
                "name": name,
                "nodes": str(system.nodes),
                "workloads": ", ".join(system.workloads),
                "promises": f"{system.consistency}; serves while {_SERVES[system.availability]}",
                "summary": system.summary,
            }
        )
    _show("systems", rows, json_output=json_output)


_SERVES = {"majority": "a majority is up", "all": "every node is up", "any": "any node is up"}


@click.command()
@as_json
def workloads(*, json_output: bool) -> None:
    """List the workloads."""
    rows = []
    for name in registry.names("workloads"):
        workload = registry.find("workloads", name).value
        rows.append(
            {
                "name": name,
                "model": workload.model,
                "operations": ", ".join(workload.functions),
                "summary": workload.summary,
            }
        )
    _show("workloads", rows, json_output=json_output)


@click.command()
@as_json
def models(*, json_output: bool) -> None:
    """List the data types that histories are checked against."""
    _show("models", _summaries("models"), json_output=json_output)


@click.command()
@as_json
def faults(*, json_output: bool) -> None:
    """List the faults, and where each can be had."""
    rows = []
    for name in registry.names("faults"):
        fault: type[Fault] = registry.find("faults", name).value
        where = "anywhere" if fault.backends is None else ", ".join(fault.backends)
        rows.append({"name": name, "on": where, "summary": fault.summary})
    _show("faults", rows, json_output=json_output)


@click.command()
@click.argument("system", required=False)
@as_json
def bugs(system: str | None, *, json_output: bool) -> None:
    """List the seeded bugs, of one SYSTEM or of all, and the command that convicts each."""
    chosen = [system] if system else registry.names("systems")
    rows = []
    for name in chosen:
        described: type[System] = registry.find("systems", name).value
        for bug in described.bugs:
            flags = " ".join(f"--bug {each}" for each in (bug.name, *bug.needs))
            rows.append(
                {
                    "system": name,
                    "number": bug.number,
                    "name": bug.name,
                    "convicts as": ", ".join(bug.verdicts),
                    "summary": bug.summary,
                    "source": bug.source,
                    "command": f"splitbrain run {name} {flags}" + ("" if bug.plan else " --faults NAME,..."),
                }
            )
    if system and not rows and not json_output:
        raise UsageError(f"The system {system} has no seeded bugs.")
    shown = rows if json_output else [{name: row[name] for name in BRIEF} for row in rows]
    _show("bugs", shown, json_output=json_output)
    if not json_output:
        emit(
            "\nsplitbrain run SYSTEM --bug NAME convicts one, under a plan made for it; --json tells more.\n"
            "LIN not linearizable, ES election safety, LM log matching, LC leader completeness (a committed\n"
            "write lost), SMS state-machine safety, DUP an effect taken twice, CRASH a process that ended."
        )


BRIEF = ("system", "number", "name", "convicts as", "summary")
"""What a terminal has room for."""


def _summaries(kind: str) -> list[dict[str, str]]:
    return [
        {"name": name, "summary": registry.find(kind, name).value.summary} for name in registry.names(kind)
    ]


def _show(kind: str, rows: Sequence[dict[str, str]], *, json_output: bool) -> None:
    if json_output:
        emit(json.dumps({kind: rows}))
        return
    columns = list(rows[0]) if rows else []
    emit(render_table(rows, columns))
