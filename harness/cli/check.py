"""`splitbrain check FILE...`: decide histories from anywhere, and runs of ours anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from splitbrain import registry
from splitbrain.cli.output import emit
from splitbrain.cli.values import BUDGET, parse_json
from splitbrain.errors import UsageError
from splitbrain.exits import INVALID, MILDEST_TO_WORST, UNKNOWN, USAGE, VALID
from splitbrain.histories import FORMATS, HistoryError, read_history
from splitbrain.store import RunDirectory, is_run

if TYPE_CHECKING:
    from splitbrain.checkers.verdict import Certificate, CheckResult
    from splitbrain.histories import History, Keyed

SHAPES = {
    "cas-register": {"read", "write", "cas"},
    "kv": {"get", "put", "append", "cas", "delete", "read", "write"},
    "multi-register": {"txn"},
}
"""The functions that each model decides, for a history that comes without the name of one."""


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
    method: Literal["auto", "zones", "configurations", "priced"] = "auto"
    timeout: float | None = None
    max_memory: int | None = None


def _json_value(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[bool, Any]:
    if text is None:
        return False, None
    try:
        return True, parse_json(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not JSON: {error}") from error


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", help="The data type (see `splitbrain models`); guessed from the operations.")
@click.option("--format", "file_format", type=click.Choice(FORMATS), default="auto", show_default=True)
@click.option("--initial", callback=_json_value, metavar="JSON", help="The initial value, for each key.")
@click.option(
    "--keyed",
    type=click.Choice(["auto", "yes", "no"]),
    default="auto",
    show_default=True,
    help="Whether pairs [k v] name a key; auto decides from the whole history.",
)
@click.option(
    "--nil-reads",
    type=click.Choice(["exact", "any"]),
    default="exact",
    show_default=True,
    help="Whether a read of null observed the unset value, or nothing.",
)
@click.option(
    "--failed-cas",
    type=click.Choice(["ignored", "observed"]),
    default="ignored",
    show_default=True,
    help="Whether a failed cas is evidence that the value differed.",
)
@click.option("--consistency", type=click.Choice(["linearizable"]), default="linearizable", show_default=True)
@click.option(
    "--method",
    type=click.Choice(["auto", "zones", "configurations", "priced"]),
    default="auto",
    show_default=True,
    help="Force a way to decide: zones (unique values, near-linear), configurations (any history)"
    " or priced (many crashed operations).",
)
@click.option("--timeout", type=BUDGET, help="Seconds of checking for each file.")
@click.option("--max-memory", type=click.IntRange(min=1), metavar="MB", help="Memory the search may take.")
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the proof here, for `splitbrain verify` (one file only).",
)
@click.option("--json", "json_output", is_flag=True, help="Print one JSON object on one line for each file.")
def check(  # the options are the contract
    files: tuple[Path, ...],
    initial: tuple[bool, Any],
    consistency: str,  # noqa: ARG001  the only level that these models have yet
    certificate: Path | None,
    *,
    json_output: bool,
    **options: Any,
) -> int:
    """Decide each history FILE or RUN directory.

    Histories may be ours (JSON lines), JSON arrays, EDN of Jepsen's, or Jepsen log lines; - is
    standard input.
    """
    if certificate is not None:
        if len(files) > 1:
            raise click.UsageError("--certificate takes one file at a time")
        if certificate.exists() and files[0].exists() and certificate.samefile(files[0]):
            raise click.UsageError(f"--certificate would overwrite the history {certificate}")
    asked = Asked(initial=initial[1], has_initial=initial[0], **options)
    paths = [Path("/dev/stdin") if str(path) == "-" else path for path in files]
    codes = [_check_one(path, asked, certificate, json_output=json_output) for path in paths]
    return max(codes, key=MILDEST_TO_WORST.index)


def _check_one(path: Path, asked: Asked, certificate: Path | None, *, json_output: bool) -> int:
    try:
        verdict, proof = _decide(path, asked, certificate)
    except (UsageError, HistoryError) as error:
        click.echo(f"splitbrain: {error}", err=True)
        return USAGE
    if json_output:
        emit(json.dumps(verdict, default=str))
    else:
        from splitbrain.render.verdict import render_verdict  # noqa: PLC0415  not needed for --json

        emit(render_verdict(verdict))
    if certificate is not None:
        _write_certificate(certificate, proof)
    return exit_code(verdict)


def exit_code(verdict: dict[str, Any]) -> int:
    """Map a verdict to its exit code."""
    valid = verdict["valid"]
    return VALID if valid is True else INVALID if valid is False else UNKNOWN


def _decide(path: Path, asked: Asked, certificate: Path | None) -> tuple[dict[str, Any], Certificate | None]:
    if is_run(path):
        return _judge(path, asked, certificate), None
    if path.is_dir():
        raise UsageError(f"{path} is a directory, but not of a run: it has no test.json.")
    history = read_history(path, format=asked.file_format, keyed=asked.keyed)
    model = asked.model or guess_model(history, path)
    result = decide_history(history, model, asked)
    return _verdict(path, model, result, certificate), result.certificate


def _judge(path: Path, asked: Asked, certificate: Path | None) -> dict[str, Any]:
    from splitbrain.runner.judge import judge  # noqa: PLC0415  only a run needs it

    if asked != Asked(timeout=asked.timeout, max_memory=asked.max_memory):
        raise UsageError(
            f"{path} is a run, which says itself what it is checked against; "
            f"to decide its history otherwise, give {path / 'history.jsonl'}."
        )
    if certificate is not None:
        raise UsageError(f"{path} is a run: its certificates lie in {path / 'certificates'}.")
    return judge(RunDirectory(path), timeout=asked.timeout, max_memory_mb=asked.max_memory)[0]


def decide_history(history: History, model: str, asked: Asked) -> CheckResult:
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
                timeout=asked.timeout,
                max_memory_mb=asked.max_memory,
                method=asked.method,
            )
    except (ModelMismatch, ModelError) as error:
        raise UsageError(f"{history.source}: {error}") from error


def guess_model(history: History, path: Path) -> str:
    """Name the model that a history's functions fit.

    Raises:
        UsageError: no model fits; the sentence lists the functions and the models.
    """
    functions = set(history.functions)
    for model, known in SHAPES.items():
        if functions <= known:
            return model
    raise UsageError(
        f"{path}: no model is known for the operations {', '.join(sorted(functions))}; "
        f"name one with --model: {', '.join(registry.names('models'))}, or ./file.py:Class."
    )


def _verdict(path: Path, model: str, result: CheckResult, certificate: Path | None) -> dict[str, Any]:
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


def _write_certificate(target: Path, proof: Certificate | None) -> None:
    if proof is None:
        click.echo(f"splitbrain: the verdict is unknown, so {target} was not written.", err=True)
        return
    try:
        target.write_text(json.dumps(proof) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The certificate can't be written to {target}: {error.strerror}.") from error
