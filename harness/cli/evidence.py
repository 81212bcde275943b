"""The files that `check` and `explain` write beside their answer: proof, picture, graph."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from splitbrain.errors import UsageError
from splitbrain.histories import read_history
from splitbrain.store import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from splitbrain.checkers.verdict import Certificate
    from splitbrain.histories import History

F = TypeVar("F", bound="Callable[..., Any]")
_FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True)
class Files:
    """Where to write what; None: not asked for."""

    certificate: Path | None = None
    witness: Path | None = None
    dot: Path | None = None

    def refuse_mistakes(self, histories: Sequence[Path]) -> None:
        """Refuse what would lose something, before anything is decided.

        That is: several answers in one file, a history overwritten, a file that has no place to be.

        Raises:
            UsageError: one sentence about the first mistake.
        """
        targets = {
            "--certificate": self.certificate,
            "--witness": self.witness,
            "--dot": self.dot,
        }
        given = {option: target for option, target in targets.items() if target is not None}
        for option, target in given.items():
            if len(histories) > 1:
                raise UsageError(f"{option} takes one file at a time.")
            if target.exists() and histories[0].exists() and target.samefile(histories[0]):
                raise UsageError(f"{option} would overwrite the history {target}.")
            folder = target.absolute().parent
            if not folder.is_dir():
                raise UsageError(f"{option}: {target} can't be written: there is no folder {folder}.")
            if target.is_dir() or not os.access(target if target.exists() else folder, os.W_OK):
                raise UsageError(f"{option}: {target} can't be written.")
        if len({target.absolute() for target in given.values()}) < len(given):
            raise UsageError(f"{' and '.join(given)} name the same file.")


@dataclass(frozen=True)
class Decided:
    """A verdict, the proof of one history's, and that history, if it was read as a file."""

    verdict: dict[str, Any]
    proof: Certificate | None = None
    history: History | None = None


def file_options(command: F) -> F:
    """Add the options that name files to write."""
    for option in reversed(_FILE_OPTIONS):
        command = option(command)
    return command


_FILE_OPTIONS = (
    click.option(
        "--certificate",
        type=_FILE,
        help="Write the proof here, for `splitbrain verify` (one file only).",
    ),
    click.option(
        "--witness",
        type=_FILE,
        metavar="OUT.html",
        help="Draw the history with what contradicts itself, as one page for a browser (one file only).",
    ),
    click.option(
        "--dot",
        type=_FILE,
        metavar="OUT.dot",
        help="Write the order that is forced among the conflicting operations, for Graphviz (one file only).",
    ),
)


def write_files(files: Files, decided: Decided, path: Path) -> None:
    """Write what was asked for.

    Raises:
        UsageError: a file can't be written.
    """
    if files.certificate is not None:
        if decided.proof is None:
            _say(f"the verdict is unknown, so {files.certificate} was not written.")
        else:
            _write(files.certificate, json.dumps(decided.proof) + "\n", "certificate")
    if files.dot is not None:
        from splitbrain.render.dot import render_dot  # noqa: PLC0415  only when asked for

        graph = render_dot(decided.verdict)
        if graph is None:
            _say(f"there are no conflicting operations, so {files.dot} was not written.")
        else:
            _write(files.dot, graph, "graph")
    if files.witness is not None:
        from splitbrain.render.page import render_page  # noqa: PLC0415  jinja2 is needed for it alone

        history = _history_of_run(path) if decided.history is None else decided.history
        _write(files.witness, render_page(decided.verdict, history, decided.proof), "picture")


def _history_of_run(path: Path) -> History:
    return read_history(RunDirectory(path).history, format="jsonl", tolerate_torn=True)


def _say(sentence: str) -> None:
    click.echo(f"splitbrain: {sentence}", err=True)


def _write(target: Path, text: str, what: str) -> None:
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The {what} can't be written to {target}: {error.strerror}.") from error
