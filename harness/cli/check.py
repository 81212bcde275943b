"""`splitbrain check FILE...`: decide histories from anywhere, and runs of ours anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from splitbrain import registry
from splitbrain.checkers.budget import Budget, BudgetExceeded
from splitbrain.checkers.lanes.names import METHODS
from splitbrain.cli.evidence import Decided, Files, file_options, write_files
from splitbrain.cli.output import emit
from splitbrain.cli.values import BUDGET, parse_json
from splitbrain.errors import UsageError
from splitbrain.exits import INVALID, MILDEST_TO_WORST, UNKNOWN, USAGE, VALID
from splitbrain.histories import FORMATS, HistoryError, read_history
from splitbrain.store import RunDirectory, is_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from splitbrain.checkers.verdict import CheckResult
    from splitbrain.histories import History, Keyed

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(frozen=True)
class Asked:
    """The options of one `check`."""

    model: str | None = None
    file_format: Literal["auto", "jsonl", "json", "edn", "jepsen-log"] = "auto"
    initial: Any = None
    has_initial: bool = False
    keyed: Keyed = "auto"
    nil_reads: Literal["exact", "any"] = "exact"
    failed_cas: Literal["ignored", "observed"] = "ignored"
    method: str = "auto"
    timeout: float | None = None
    max_memory: int | None = None
    vacuity: bool = False


def _json_value(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[bool, Any]:
    if text is None:
        return False, None
    try:
        return True, parse_json(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not JSON: {error}") from error


def deciding_options(command: F) -> F:
    """Add the options that say how histories are decided; `check` and `explain` share them."""
    for option in reversed(_DECIDING_OPTIONS):
        command = option(command)
    return command


_DECIDING_OPTIONS = (
    click.option("--model", help="The data type (see `splitbrain models`); guessed from the operations."),
    click.option("--format", "file_format", type=click.Choice(FORMATS), default="auto", show_default=True),
    click.option("--initial", callback=_json_value, metavar="JSON", help="The initial value, for each key."),
    click.option(
        "--keyed",
        type=click.Choice(["auto", "yes", "no"]),
        default="auto",
        show_default=True,
        help="Whether pairs [k v] name a key; auto decides from the whole history.",
    ),
    click.option(
        "--nil-reads",
        type=click.Choice(["exact", "any"]),
        default="exact",
        show_default=True,
        help="Whether a read of null observed the unset value, or nothing.",
    ),
    click.option(
        "--failed-cas",
        type=click.Choice(["ignored", "observed"]),
        default="ignored",
        show_default=True,
        help="Whether a failed cas is evidence that the value differed.",
    ),
    click.option(
        "--consistency", type=click.Choice(["linearizable"]), default="linearizable", show_default=True
    ),
    click.option(
        "--method",
        type=click.Choice(METHODS),
        default="auto",
        show_default=True,
        help="Force a way to decide: that of a data type (near-linear), zones (registers with unique values),"
        " priced (many crashed operations), configurations or depth-first (any history).",
    ),
    click.option(
        "--timeout",
        type=BUDGET,
        metavar="SECONDS",
        help="Time to decide each file in, counted from when it has been read; beyond it, unknown.",
    ),
    click.option(
        "--max-memory",
        type=click.IntRange(min=1),
        metavar="MB",
        help="Memory that this process may hold while it decides, the history included; beyond it, unknown.",
    ),
)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@deciding_options
@file_options
@click.option(
    "--vacuity",
    is_flag=True,
    help="Corrupt each valid history in plausible ways, and tell how many a check would notice.",
)
@click.option("--json", "json_output", is_flag=True, help="Print one JSON object on one line for each file.")
def check(
    files: tuple[Path, ...],
    *,
    certificate: Path | None,
    witness: Path | None,
    dot: Path | None,
    json_output: bool,
    **options: Any,
) -> int:
    """Decide each history FILE or RUN directory.

    Histories may be ours (JSON lines), JSON arrays, EDN of Jepsen's, or Jepsen log lines; - is
    standard input.
    """
    written = Files(certificate, witness, dot)

    def show(decided: Decided) -> str:
        if json_output:
            return json.dumps(decided.verdict, default=str)
        from splitbrain.render.verdict import render_verdict  # noqa: PLC0415  not needed for --json

        return render_verdict(decided.verdict)

    return answer(files, asked(options), written, show)


def asked(options: dict[str, Any]) -> Asked:
    """Return what the deciding options ask for."""
    initial = options.pop("initial")
    del options["consistency"]  # the only level that these models have yet
    return Asked(initial=initial[1], has_initial=initial[0], **options)


def answer(paths: Sequence[Path], asked: Asked, written: Files, show: Callable[[Decided], str]) -> int:
    """Decide each file or run, show each verdict and write what was asked for; return the exit code."""
    written.refuse_mistakes(paths)
    histories = [Path("/dev/stdin") if str(path) == "-" else path for path in paths]
    codes = [_answer_one(path, asked, written, show) for path in histories]
    return max(codes, key=MILDEST_TO_WORST.index)


def _answer_one(path: Path, asked: Asked, written: Files, show: Callable[[Decided], str]) -> int:
    try:
        decided = _decide(path, asked, written.certificate)
    except (UsageError, HistoryError) as error:
        click.echo(f"splitbrain: {error}", err=True)
        return USAGE
    emit(show(decided))
    write_files(written, decided, path)
    return exit_code(decided.verdict)


def exit_code(verdict: dict[str, Any]) -> int:
    """Map a verdict to its exit code."""
    valid = verdict["valid"]
    return VALID if valid is True else INVALID if valid is False else UNKNOWN


def _decide(path: Path, asked: Asked, certificate: Path | None) -> Decided:
    if is_run(path):
        return Decided(_judge(path, asked, certificate))
    if path.is_dir():
        raise UsageError(f"{path} is a directory, but not of a run: it has no test.json.")
    history = read_history(path, format=asked.file_format, keyed=asked.keyed)
    began, budget = monotonic(), Budget(asked.timeout, asked.max_memory)
    try:
        model = asked.model or guess_model(history, path, budget)
    except BudgetExceeded as exceeded:
        result = _unguessed(history, exceeded, asked.method, monotonic() - began)
        return Decided(_verdict(path, None, result, certificate), None, history)
    result = decide_history(history, model, asked, budget)
    verdict = _verdict(path, model, result, certificate)
    if asked.vacuity and result.valid is True:
        verdict["coverage"]["vacuity"] = _vacuity(history, model, result, budget)
    return Decided(verdict, result.certificate, history)


def _unguessed(history: History, exceeded: BudgetExceeded, method: str, seconds: float) -> CheckResult:
    """Return the verdict on a history whose data type took too long to guess."""
    from splitbrain.checkers.portfolio import undecided  # noqa: PLC0415  see the lazy imports below

    why = f"{exceeded} ran out while its data type was guessed (--model names it)"
    return undecided(history, why, method, seconds)


def _vacuity(history: History, model: str, result: CheckResult, budget: Budget) -> dict[str, Any]:
    from splitbrain.checkers.vacuity import measure_vacuity  # noqa: PLC0415  only when asked for

    found = registry.find("models", model)
    assert result.certificate is not None
    with registry.answering_for(found.value):
        return measure_vacuity(history, found.make(), result.certificate, Random(0), budget=budget).to_json()


def _judge(path: Path, asked: Asked, certificate: Path | None) -> dict[str, Any]:
    from splitbrain.runner.judge import judge  # noqa: PLC0415  only a run needs it

    if asked != Asked(timeout=asked.timeout, max_memory=asked.max_memory, vacuity=asked.vacuity):
        raise UsageError(
            f"{path} is a run, which says itself what it is checked against; "
            f"to decide its history otherwise, give {path / 'history.jsonl'}."
        )
    if certificate is not None:
        raise UsageError(f"{path} is a run: its certificates lie in {path / 'certificates'}.")
    return judge(RunDirectory(path), timeout=asked.timeout, max_memory_mb=asked.max_memory)[0]


def decide_history(history: History, model: str, asked: Asked, budget: Budget) -> CheckResult:
    """Run the linearizability checker as asked."""
    from splitbrain.checkers.models.base import ModelError, ModelMismatch  # noqa: PLC0415  see the lazy imports above
    from splitbrain.checkers.portfolio import UNSET, check_linearizable  # noqa: PLC0415  as above

    found = registry.find("models", model)
    try:
        with registry.answering_for(found.value):
            return check_linearizable(
                history,
                found.make(),
                initial=asked.initial if asked.has_initial else UNSET,
                nil_reads=asked.nil_reads,
                failed_cas=asked.failed_cas,
                keyed=asked.keyed,
                budget=budget,
                method=asked.method,
            )
    except (ModelMismatch, ModelError) as error:
        raise UsageError(f"{history.source}: {error}") from error


def guess_model(history: History, path: Path, budget: Budget) -> str:
    """Name the model that a history's operations fit (see `checkers/models/choice.py`).

    Raises:
        BudgetExceeded: the time or the memory is spent.
        UsageError: no model fits; the sentence names the first operation that is too much, and the models.
    """
    from splitbrain.checkers.models import ModelMismatch, choose  # noqa: PLC0415  see the lazy imports above

    try:
        return choose(history, budget)
    except ModelMismatch as mismatch:
        raise UsageError(
            f"{path}: {mismatch} Name a model with --model: {', '.join(registry.names('models'))},"
            " or ./file.py:Class."
        ) from mismatch


def _verdict(path: Path, model: str | None, result: CheckResult, certificate: Path | None) -> dict[str, Any]:
    """Give a file's verdict the shape of a run's; what only a run has is empty."""
    return {
        "file": str(path),
        "model": model,
        "valid": result.valid,
        "reason": result.reason,
        "operations": result.operations,
        "seconds": result.seconds,
        "method": result.method,
        "checks": [
            {
                "checker": result.checker,
                "valid": result.valid,
                "method": result.method,
                "reason": result.reason,
                "seconds": result.seconds,
                "certificate": str(certificate) if certificate and result.certificate else None,
            }
        ],
        "violations": [violation.to_json() for violation in result.violations],
        "gates": [],
        "measurements": {},
        "coverage": {},
        "replay": None,
    }
