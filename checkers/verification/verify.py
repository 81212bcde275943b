"""Entry to the verifier: what kind of certificate is this, and does it hold?

A certificate is a file that anyone may have written: whatever is in it, the answer is a `Verification`
with one sentence, never a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.verification.exhaustion import BUDGET
from splitbrain.checkers.verification.invariants import verify_held, verify_violation
from splitbrain.checkers.verification.linearization import verify_linearizations
from splitbrain.checkers.verification.liveness import verify_progress, verify_stall
from splitbrain.checkers.verification.refutation import verify_refutation
from splitbrain.checkers.verification.values import show
from splitbrain.checkers.verification.verification import RejectedError, Verification
from splitbrain.histories.collection import collection_paused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from splitbrain.checkers.verdict import NodeNote
    from splitbrain.histories.history import History

OF_HISTORIES = ("linearizations", "refutation", "prices", "stall", "progress")
OF_NOTES = ("invariant", "invariants-held")


def verify(certificate: Mapping[str, Any], history: History, budget: int = BUDGET) -> Verification:
    """Check a certificate of one of the kinds `OF_HISTORIES` against its history.

    `budget` bounds the steps of a new refutation; where it runs out, `holds` is "unknown".
    """

    def check() -> Verification:
        kind = _kind(certificate)
        if kind == "linearizations":
            return verify_linearizations(certificate, history)
        if kind in ("refutation", "prices"):
            return verify_refutation(certificate, history, budget)
        if kind == "stall":
            return verify_stall(certificate, history)
        if kind == "progress":
            return verify_progress(certificate, history)
        raise RejectedError(f"A certificate of kind {kind} is checked against a run's notes, not a history.")

    return _answered(check)


def verify_notes(certificate: Mapping[str, Any], notes: Mapping[str, Sequence[NodeNote]]) -> Verification:
    """Check a certificate of kind `invariant` or `invariants-held` against the notes of a run's nodes."""

    def check() -> Verification:
        kind = _kind(certificate)
        if kind == "invariant":
            return verify_violation(certificate, notes)
        if kind == "invariants-held":
            return verify_held(certificate, notes)
        raise RejectedError(f"A certificate of kind {kind} is checked against a history, not a run's notes.")

    return _answered(check)


def _answered(check: Callable[[], Verification]) -> Verification:
    try:
        with collection_paused():
            return check()
    except RejectedError as rejection:
        return Verification(holds=False, reason=str(rejection))
    except RecursionError:
        return Verification(
            holds=False, reason="A value in the certificate or the history is nested too deeply."
        )


def _kind(certificate: Any) -> str:
    if not isinstance(certificate, Mapping):
        raise RejectedError("A certificate is one JSON object.")
    kind = certificate.get("kind")
    if not isinstance(kind, str) or kind not in OF_HISTORIES + OF_NOTES:
        known = ", ".join(OF_HISTORIES + OF_NOTES)
        raise RejectedError(f"The certificate's `kind` must be one of {known}, not {show(kind)}.")
    return kind
