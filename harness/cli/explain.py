"""`splitbrain explain FILE|RUN`: what contradicts itself, what proves a pass, what stopped the search."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from splitbrain.cli.check import answer, asked, deciding_options
from splitbrain.cli.evidence import Decided, Files, file_options


@click.command()
@click.argument("file", metavar="FILE|RUN", type=click.Path(path_type=Path))
@deciding_options
@file_options
@click.option("--json", "json_output", is_flag=True, help="Print one JSON object on one line.")
def explain(
    file: Path,
    *,
    certificate: Path | None,
    witness: Path | None,
    dot: Path | None,
    json_output: bool,
    **options: Any,
) -> int:
    """Decide a history FILE or a RUN, and say why it is so.

    Invalid: a paragraph about the order that contradicts itself, and the operations that force it. Valid:
    the order that proves it. Unknown: what stopped the search. Options and exit codes are those of
    `check`; with --json, the verdict has the paragraph as its `explanation`.
    """
    from splitbrain.render.explanation import paragraph, render_explanation  # noqa: PLC0415  keeps --help fast

    def show(decided: Decided) -> str:
        if json_output:
            return json.dumps({**decided.verdict, "explanation": paragraph(decided.verdict)}, default=str)
        return render_explanation(decided.verdict, decided.history, decided.proof)

    return answer([file], asked(options), Files(certificate, witness, dot), show)
