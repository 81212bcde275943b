"""One key through the lanes: cheap necessary conditions, zones, then the configuration graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.lanes import general, necessary, zones
from splitbrain.checkers.lanes.general import Decided
from splitbrain.checkers.outcome import Undecided

if TYPE_CHECKING:
    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Calls, Kinds


def decide(
    calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget, *, method: str = "auto"
) -> Decided:
    """Decide one key by the first lane that can.

    Raises:
        BudgetExceeded: the search spent its budget.
    """
    if method != "configurations":
        if all(map(kinds.flat.__getitem__, calls.kinds)):
            refutation = necessary.refute(calls, kinds)
            if refutation is not None:
                return Decided(refutation, "necessary")
        outcome = zones.decide(calls, kinds)
        if method == "zones" or not isinstance(outcome, Undecided):
            return Decided(outcome, "zones")
    return general.decide(calls, kinds, model, initial, budget)
