"""The independent verifier of certificates; it shares no code with the searches.

A certificate (docs/certificates.md) is the proof behind a verdict. This package re-checks it with
small, slow and obvious code of its own: its own sequential models, its own replay and its own
exhaustive refutation. A mistake in a search is thus caught unless the same mistake was made twice.
"""

from __future__ import annotations

from splitbrain.checkers.verification.verification import Verification
from splitbrain.checkers.verification.verify import verify, verify_notes

__all__ = ["Verification", "verify", "verify_notes"]
