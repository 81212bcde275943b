"""One key through the lanes: cheap necessary conditions, zones, then the configuration graph.

The configuration graph is walked to the end where few calls crashed. Where it grows large because of crashed
calls, they are priced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.lanes import configurations, necessary, pricing, zones
from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Undecided

if TYPE_CHECKING:
    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome


BEFORE_PRICING = 8_000
"""Configurations that the exact walk may visit before crashed calls are priced: about a tenth of a second."""


class Decided(NamedTuple):
    """What the lanes said about a key, and which of them had the last word."""

    outcome: Outcome
    lane: str


def decide(
    calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget, *, method: str = "auto"
) -> Decided:
    """Decide one key by the first lane that can.

    Raises:
        BudgetExceeded: the search spent its budget.
    """
    if method == "priced":
        return Decided(pricing.decide(calls, kinds, model, initial, budget), "priced")
    if method != "configurations":
        if all(map(kinds.flat.__getitem__, calls.kinds)):
            refutation = necessary.refute(calls, kinds)
            if refutation is not None:
                return Decided(refutation, "necessary")
        outcome = zones.decide(calls, kinds)
        if method == "zones" or not isinstance(outcome, Undecided):
            return Decided(outcome, "zones")
        if FOREVER in calls.returns:
            part = budget.part(configurations=BEFORE_PRICING)
            outcome = configurations.decide(calls, kinds, model, initial, part)
            budget.spent += part.spent
            if not isinstance(outcome, Undecided):
                return Decided(outcome, "configurations")
            outcome = pricing.decide(calls, kinds, model, initial, budget)
            if not isinstance(outcome, Undecided):
                return Decided(outcome, "priced")
    return Decided(configurations.decide(calls, kinds, model, initial, budget), "configurations")
