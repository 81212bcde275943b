"""`splitbrain verify CERTIFICATE FILE`: re-check a verdict's proof independently."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from splitbrain.cli.output import emit
from splitbrain.cli.values import parse_json
from splitbrain.errors import UsageError
from splitbrain.exits import INVALID, UNKNOWN, VALID
from splitbrain.histories import HistoryError, read_history
from splitbrain.histories.errors import printable
from splitbrain.store import RunDirectory, is_run

if TYPE_CHECKING:
    from splitbrain.checkers.verification import Verification
    from splitbrain.histories import Keyed


@click.command()
@click.argument("certificate", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "json_output", is_flag=True, help="Print one JSON object on one line.")
def verify(certificate: Path, file: Path, *, json_output: bool) -> int:
    """Re-check CERTIFICATE against the history FILE or RUN directory that it speaks of.

    Exit 0: the certificate holds, so its verdict stands. 1: it does not. 2: the budget of the
    re-check ran out.
    """
    proof = _read(certificate)
    found = _verify(proof, file)
    if json_output:
        document = {
            "holds": found.holds,
            "reason": found.reason,
            "checked": found.checked,
            "kind": proof.get("kind"),
        }
        emit(json.dumps(document))
    else:
        word = {True: "HOLDS", False: "REFUSED", "unknown": "UNKNOWN"}[found.holds]
        emit(f"{word}: {printable(found.reason)}")
    return VALID if found.holds is True else INVALID if found.holds is False else UNKNOWN


def _read(path: Path) -> dict[str, Any]:
    try:
        proof = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The certificate {path} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(f"The certificate {path} is not JSON: {error}.") from error
    if not isinstance(proof, dict) or not isinstance(proof.get("kind"), str):
        raise UsageError(f"{path} is not a certificate: a JSON object with a `kind` was expected.")
    return proof


def _verify(proof: dict[str, Any], file: Path) -> Verification:
    from splitbrain.checkers.values import show  # noqa: PLC0415  as above
    from splitbrain.checkers.verification import verify as verify_history  # noqa: PLC0415  keeps --help fast
    from splitbrain.checkers.verification import verify_notes  # noqa: PLC0415  as above
    from splitbrain.checkers.verification.sequential import MODELS  # noqa: PLC0415  as above

    if proof["kind"] in ("linearizations", "refutation") and proof.get("model") not in tuple(MODELS):
        raise UsageError(
            f"The verifier has no model {show(proof.get('model'))} of its own, so it can't judge this; "
            f"it knows {', '.join(MODELS)}."
        )
    if proof["kind"].startswith("invariant"):
        if not is_run(file):
            raise UsageError(f"This certificate speaks of nodes' notes; {file} is not a run directory.")
        from splitbrain.checkers.invariants.notes import load_notes  # noqa: PLC0415  as above

        return verify_notes(proof, load_notes(file))
    run = is_run(file)
    try:
        # The certificate says whether its verdict took plain pairs for keys.
        keyed: Keyed = "yes" if proof.get("keyed") else "no"
        history = read_history(RunDirectory(file).history if run else file, keyed=keyed, tolerate_torn=run)
    except HistoryError as error:
        keys = "; the certificate speaks of a history in which every operation has a key"
        raise UsageError(f"{error}{keys if keyed == 'yes' and error.line is not None else ''}") from error
    return verify_history(proof, history)
