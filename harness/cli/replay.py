"""`splitbrain replay RUN|FILE`: the same run again; for a replay file, to the last step."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from splitbrain.cli.check import exit_code
from splitbrain.cli.output import emit
from splitbrain.cli.run import json_option, show_run, store_option
from splitbrain.cli.values import SECONDS
from splitbrain.errors import UsageError
from splitbrain.exits import UNKNOWN
from splitbrain.store import RunDirectory, is_run

if TYPE_CHECKING:
    from splitbrain.exploration.repeat import Repetition
    from splitbrain.exploration.replay_file import Replay

INSIDE_RUNS = ("plan.json", "test.json", "case.json")


@click.command()
@click.argument("run", metavar="RUN|FILE", type=click.Path(path_type=Path))
@click.option("--on", type=click.Choice(["local", "sim"]), help="Where [default: where it was].")
@click.option("--search", is_flag=True, help="Search simulations like RUN for its violation (--on sim).")
@click.option("--kind", metavar="K", help="The kind of violation to search for [default: RUN's first].")
@click.option("--time", "seconds", type=SECONDS, default=60.0, show_default=True, help="Seconds to search.")
@click.option("--output", type=click.Path(path_type=Path), help="Where the replay file of a search goes.")
@click.option("--bug", "bugs", multiple=True, metavar="NAME", help="Seed this bug into FILE's system too.")
@click.option("--without-bug", "fixed", multiple=True, metavar="NAME", help="Leave this seeded bug out.")
@click.option("--system", metavar="NAME", help="Refuse a FILE of another system.")
@click.option("--narrative", is_flag=True, help="Tell what happened, step by step.")
@click.option("--svg", type=click.Path(path_type=Path), help="Draw what happened into this file.")
@store_option
@json_option
def replay(run: Path, store: Path, *, json_output: bool, **options: Any) -> int:
    """Repeat RUN (a run directory, or a file in it) or a replay FILE.

    A replay file is repeated exactly, step by step, and judged anew: if the code was changed since,
    that is said, and the verdict is that of the new code, so a replay file is a regression test. A
    simulated run is repeated exactly too, in a new run directory. On real processes the fault plan is
    repeated, not the schedule: the same faults hit at the same times, but messages may interleave
    differently.

    With --on sim --search, a failing run on real processes seeds a search for the same kind of violation
    in simulation; what is found is shrunk and written as a replay file.
    """
    directory = RunDirectory(run.parent if run.name in INSIDE_RUNS else run)
    in_simulation = ("on", "search", "kind", "output")
    if is_run(directory.path):
        if options["search"]:
            _no_options(options, ("bugs", "fixed", "system"), "is for replay files")
            return _search(directory, options, json_output=json_output)
        _no_options(options, ("kind", "output"), "is for --on sim --search")
        _no_options(options, ("bugs", "fixed", "system", "narrative", "svg"), "is for replay files")
        return _run_again(directory, options["on"], store, json_output=json_output)
    _no_options(options, in_simulation, "is for run directories")
    return _repeat(run, options, json_output=json_output)


def _no_options(options: dict[str, Any], names: tuple[str, ...], why: str) -> None:
    flags = {"bugs": "--bug", "fixed": "--without-bug"}
    for name in names:
        if options[name]:
            raise UsageError(f"{flags.get(name, '--' + name)} {why}.")


# Replay files.


def _repeat(file: Path, options: dict[str, Any], *, json_output: bool) -> int:
    from splitbrain.exploration.repeat import repeat, verdict_of  # noqa: PLC0415  keeps --help fast

    replayed = _read(file)
    if options["system"] is not None:
        _same_system(file, replayed, options["system"])
    kept = [bug for bug in replayed.case.bugs if bug not in options["fixed"]]
    for name in options["fixed"]:
        if name not in replayed.case.bugs:
            seeded = ", ".join(replayed.case.bugs) or "none"
            raise UsageError(f"{file} was recorded without the bug {name!r}; its bugs: {seeded}.")
    changed = bool(options["bugs"] or options["fixed"])
    try:
        repetition = repeat(replayed, bugs=[*kept, *options["bugs"]] if changed else None)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    verdict = {**verdict_of(repetition), "title": replayed.title, "replay": f"splitbrain replay {file}"}
    _show(repetition, verdict, options, json_output=json_output)
    return exit_code(verdict)


def _read(file: Path) -> Replay:
    from splitbrain.exploration.replay_file import read_replay  # noqa: PLC0415  keeps --help fast

    if file.is_dir():
        raise UsageError(f"{file} is no run directory: it has no test.json.")
    if not file.exists():
        raise UsageError(f"{file} is neither a run directory nor a replay file: it does not exist.")
    if file.name in INSIDE_RUNS:
        raise UsageError(
            f"{file} belongs to no run directory; a plan on its own is for `splitbrain run SYSTEM --plan`."
        )
    return read_replay(file)


def _same_system(file: Path, replayed: Replay, wanted: str) -> None:
    from splitbrain import registry  # noqa: PLC0415  keeps --help fast

    if registry.find("systems", replayed.case.system).value is not registry.find("systems", wanted).value:
        raise UsageError(f"{file} is a replay of the system {replayed.case.system}, not of {wanted}.")


def _show(
    repetition: Repetition, verdict: dict[str, Any], options: dict[str, Any], *, json_output: bool
) -> None:
    from splitbrain.render.verdict import render_verdict  # noqa: PLC0415  keeps --help fast

    trace = "the recorded one" if repetition.same else "another than the recorded one"
    if options["narrative"]:
        from splitbrain.render.narrative import render_narrative  # noqa: PLC0415  as above

        told = render_narrative(repetition.case, repetition.outcome, repetition.assessment)
        click.echo(told, err=json_output)
    if options["svg"] is not None:
        from splitbrain.cli.shrink import write_text  # noqa: PLC0415  as above
        from splitbrain.render.lamport import render_lamport  # noqa: PLC0415  as above

        drawn = render_lamport(repetition.case, repetition.outcome, repetition.assessment)
        write_text(options["svg"], drawn)
    if json_output:
        emit(json.dumps(verdict, default=str))
    else:
        emit(f"{verdict['title']}\n\n{render_verdict(verdict)}\ntrace:  {trace}")


# Run directories.


def _run_again(directory: RunDirectory, on: str | None, store: Path, *, json_output: bool) -> int:
    from splitbrain.plan import plan_from_json  # noqa: PLC0415  keeps --help fast
    from splitbrain.runner.preparation import prepare  # noqa: PLC0415  as above

    test = directory.read("test.json")
    if on is not None and on != test.get("on"):
        raise UsageError(
            f"{directory.path} ran on {test.get('on')!r}, and its schedule can't be had on {on!r}; "
            f"`splitbrain replay {directory.path} --on sim --search` looks for one like it."
        )
    prepared = prepare(_options(test, store), plan_from_json(directory.read("plan.json")))
    if isinstance(test.get("settings"), dict):
        # Defaults may have changed since; the run had these.
        prepared = replace(prepared, test={**prepared.test, "settings": test["settings"]})
    verdict, again = show_run(prepared, store, json_output=json_output)
    if test.get("on") == "sim":
        same = again.read("outcome.json").get("trace") == directory.read("outcome.json").get("trace")
        click.echo(
            f"The trace is that of {directory.path}, step by step."
            if same
            else f"The trace is another than that of {directory.path}: the code was changed since.",
            err=True,
        )
    return exit_code(verdict)


def _options(test: dict[str, Any], store: Path) -> Any:
    from splitbrain.runner.preparation import RunOptions  # noqa: PLC0415  keeps --help fast

    try:
        return RunOptions(
            system=test["system"],
            store=store,
            on=test["on"],
            nodes=len(test["nodes"]),
            workload=test["workload"],
            rate=test["rate"],
            concurrency=test["concurrency"],
            operation_timeout=test["operation_timeout"],
            seed=test["seed"],
            bugs=tuple(test["bugs"]),
            require=test["require"],
        )
    except (KeyError, TypeError) as error:
        raise UsageError(f"test.json of the run to repeat lacks or garbles {error}.") from error


def _search(directory: RunDirectory, options: dict[str, Any], *, json_output: bool) -> int:
    from splitbrain.cli.shrink import Progress, hand_over  # noqa: PLC0415  keeps --help fast
    from splitbrain.exploration.search import real_case, search, violated  # noqa: PLC0415  as above
    from splitbrain.exploration.shrink import processors, shrink  # noqa: PLC0415  as above

    if options["on"] != "sim":
        raise UsageError("--search looks in simulation: say --on sim.")
    base, kind = real_case(directory), violated(directory, options["kind"])
    shown = Progress()
    found = search(base, kind, seconds=options["seconds"], progress=shown.searching)
    shown.end()
    if found.case is None:
        seen = ", ".join(f"{other} in {many}" for other, many in found.others.items())
        also = f" Other violations were seen, which --kind may name: {seen}." if seen else ""
        sentence = (
            f"No violation {kind} in {found.runs} simulated runs like {directory.path}; "
            f"search for longer with --time.{also}"
        )
        document = {"valid": "unknown", "reason": sentence, "runs": found.runs, "kinds": dict(found.others)}
        emit(json.dumps(document) if json_output else sentence)
        return UNKNOWN
    click.echo(f"Found {kind} in run {found.runs}; shrinking it.", err=True)
    shrunk = shrink(found.case, kind, workers=processors(), progress=shown)
    shown.end()
    output = options["output"] or directory.path / f"simulated-{kind}.json"
    return hand_over(shrunk, output, json_output=json_output)
