"""What the verifier answers, and how it says no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splitbrain.checkers.verdict import Valid


@dataclass(frozen=True)
class Verification:
    """Whether a certificate proves what it claims.

    `holds` is "unknown" only where a refutation is too large for the budget. `reason` is one
    sentence. `checked` counts the operations (or notes) that the proof rests on.
    """

    holds: Valid
    reason: str
    checked: int = 0


class RejectedError(Exception):
    """The certificate is malformed or does not prove its claim; the message is one sentence."""
