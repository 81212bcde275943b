"""`splitbrain shrink RUN|FILE`: the smallest story that still shows the same kind of violation."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from splitbrain.cli.output import emit
from splitbrain.cli.run import json_option
from splitbrain.cli.values import SECONDS
from splitbrain.errors import UsageError
from splitbrain.exits import INVALID
from splitbrain.store import RunDirectory, is_run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splitbrain.exploration.case import Case
    from splitbrain.exploration.shrink import Shrunk, Size


@click.command()
@click.argument("run", metavar="RUN|FILE", type=click.Path(path_type=Path))
@click.option("--kind", metavar="K", help="The kind of violation to keep [default: the first of RUN].")
@click.option(
    "--time", "seconds", type=SECONDS, metavar="S", help="Seconds that it may take [default: 60, or --runs]."
)
@click.option("--runs", type=click.IntRange(min=1), metavar="N", help="Runs that it may take instead.")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Where the smaller replay file goes."
)
@json_option
def shrink(run: Path, *, json_output: bool, **options: Any) -> int:
    """Make RUN (a simulated run's directory) or a replay FILE as small as it gets.

    Fewest nodes, client operations, faults and departures from an even schedule that still show the same
    kind of violation, in the plainest form. The result is a replay file, its narrative and its diagram
    beside it. The same --runs give the same result; --time depends on the machine.
    """
    from splitbrain.exploration.shrink import DEFAULT_TIME, processors  # noqa: PLC0415  keeps --help fast
    from splitbrain.exploration.shrink import shrink as make_small  # noqa: PLC0415  as above
    from splitbrain.runner.session import interrupts  # noqa: PLC0415  as above

    case = case_to_shrink(run)
    seconds = options["seconds"]
    if seconds is None and options["runs"] is None:
        seconds = DEFAULT_TIME
    shown = Progress()
    # What was found before an interrupt is worth keeping.
    with interrupts() as interrupted:
        shrunk = make_small(
            case,
            options["kind"],
            seconds=seconds,
            runs=options["runs"],
            workers=processors(),
            interrupted=interrupted,
            progress=shown,
        )
    shown.end()
    output = options["output"] or _beside(run, shrunk.kind)
    return hand_over(shrunk, output, json_output=json_output)


def case_to_shrink(run: Path) -> Case:
    """Return the case of a run directory or of a replay file.

    Raises:
        UsageError: it is neither, or the directory is of a run on real processes.
    """
    from splitbrain.exploration.case import case_from_json  # noqa: PLC0415  keeps --help fast
    from splitbrain.exploration.replay_file import read_replay  # noqa: PLC0415  as above

    directory = RunDirectory(run.parent if run.name in ("case.json", "test.json", "plan.json") else run)
    if (directory.path / "case.json").is_file():
        try:
            return case_from_json(directory.read("case.json"))
        except UsageError as error:
            raise UsageError(f"{directory.path / 'case.json'}: {error}") from error
    if is_run(directory.path):
        raise UsageError(
            f"{directory.path} ran on real processes, whose schedule can't be had again; "
            f"`splitbrain replay {directory.path} --on sim --search` looks for its violation in simulation "
            "and shrinks what it finds."
        )
    if run.is_dir():
        raise UsageError(f"{run} is no run directory: it has neither case.json nor test.json.")
    return read_replay(run).case


def hand_over(shrunk: Shrunk, output: Path, *, json_output: bool) -> int:
    """Write the replay file with its narrative and diagram, say what came of it; return the exit code."""
    from splitbrain.exploration.repeat import record, repeat  # noqa: PLC0415  as above
    from splitbrain.exploration.replay_file import write_replay  # noqa: PLC0415  keeps --help fast
    from splitbrain.render.lamport import render_lamport  # noqa: PLC0415  as above
    from splitbrain.render.narrative import render_narrative  # noqa: PLC0415  as above

    replayed = record(shrunk.case)
    write_replay(output, replayed)
    again = repeat(replayed)
    told = render_narrative(again.case, again.outcome, again.assessment)
    write_text(output.with_suffix(".txt"), told)
    written = [output, output.with_suffix(".txt"), output.with_suffix(".svg")]
    write_text(output.with_suffix(".svg"), render_lamport(again.case, again.outcome, again.assessment))
    how = "nothing simpler fails" if shrunk.complete else "it ended before that was sure"
    summary = f"{summarise(shrunk.before, shrunk.after)} ({shrunk.runs} runs; {how})"
    click.echo(summary, err=True)
    if json_output:
        document = {
            "kind": shrunk.kind,
            "title": replayed.title,
            "before": vars_of(shrunk.before),
            "after": vars_of(shrunk.after),
            "runs": shrunk.runs,
            "complete": shrunk.complete,
            "files": [str(path) for path in written],
            "replay": f"splitbrain replay {output}",
        }
        emit(json.dumps(document))
    else:
        emit(f"{told}\nwritten: {', '.join(map(str, written))}\nrepeat:  splitbrain replay {output}")
    return INVALID


def summarise(before: Size, after: Size) -> str:
    """Return the sizes before and after as "60 operations, 5 faults, 812 deviations -> 4, 1, 0"."""
    nodes = "" if before.nodes == after.nodes else f"; {before.nodes} nodes -> {after.nodes}"
    return f"{before} -> {after.operations}, {after.faults}, {after.deviations}{nodes}"


def vars_of(size: Size) -> dict[str, int]:
    """Return a size as JSON."""
    return {
        "operations": size.operations,
        "faults": size.faults,
        "deviations": size.deviations,
        "nodes": size.nodes,
    }


def write_text(path: Path, text: str) -> None:
    """Write a text file.

    Raises:
        UsageError: it can't be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror or error}.") from error


def _beside(run: Path, kind: str) -> Path:
    """Return where the result goes when nothing is said: into the run's directory, or beside the file."""
    if run.is_dir():
        return run / f"shrunk-{kind}.json"
    return run.with_name(f"{run.stem}.shrunk.json")


class Progress:
    """Tells on standard error how far a search or a shrinking is; on a terminal in one line."""

    def __init__(self) -> None:
        self._shown = ""
        self._terminal = sys.stderr.isatty()

    def __call__(self, name: str, size: Size, runs: int) -> None:
        """Say how small the case is by now, each time that it got smaller."""
        text = f"{size}, {size.nodes} node{'' if size.nodes == 1 else 's'}"
        self._say(f"{text}  ({name}, run {runs})", text)

    def searching(self, runs: int, kinds: Mapping[str, int]) -> None:
        """Say how many runs there were, every hundred."""
        seen = ", ".join(f"{kind} in {many}" for kind, many in kinds.items()) or "nothing yet"
        self._say(f"{runs} runs, {seen}", str(runs // 100))

    def end(self) -> None:
        """Clear the line of a terminal."""
        if self._terminal:
            click.echo("\r\x1b[K", err=True, nl=False)

    def _say(self, line: str, news: str) -> None:
        if self._terminal:
            click.echo(f"\r\x1b[K{line}", err=True, nl=False)
        elif news != self._shown:
            click.echo(line, err=True)
        self._shown = news
