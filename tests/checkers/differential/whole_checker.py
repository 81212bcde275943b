"""The whole checker on one small history: its verdict is the oracle's, and the verifier accepts the proof."""

import json

from small_histories import calls_of, linearizable

from splitbrain.checkers.models import BUILT_IN
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification.verify import verify
from splitbrain.histories import build_history

MODELS = {model.name: model for model in BUILT_IN}
WHOLE = ("auto", "configurations")
"""Methods that decide everything; the others may leave a history undecided."""


def complaint(data_type, lines, method):
    """Say how the verdict on a history differs from the oracle's, or return its verdict."""
    history = build_history(lines, keyed="no")
    calls = calls_of(history)
    result = check_linearizable(
        history, MODELS[data_type.model], method=method, keyed="no", **data_type.options
    )
    if not any(call.known for call in calls):
        told = result.valid == "unknown" and "nothing was tested" in result.reason
        return "unknown" if told else f"nothing completed, but it says {result.valid}"
    truth = linearizable(data_type, calls)
    if result.valid == "unknown":
        return "unknown" if method not in WHOLE else f"undecided: {result.reason}"
    if result.valid is not truth:
        return f"it says {result.valid}, but the truth is {truth}"
    verification = verify(json.loads(json.dumps(result.certificate)), history)
    return truth if verification.holds is True else f"the verifier says {verification.reason}"
