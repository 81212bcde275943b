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
PER_CALL = 50
"""The exact walk may visit so many configurations, and so many for each call, before crashed ones are priced.

Measured on 10 clients and 5 values: 18 to 41 a call where nothing crashed, 77 to 372 with 5 crashed calls
(as slow as pricing), 600 to 1,000 with 10, thousands with 20 (pricing: 40 to 100 a call, always).
"""


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
            most = min(BEFORE_PRICING + PER_CALL * len(calls.kinds), budget.remaining // 2)
            part = budget.part(configurations=most)
            outcome = configurations.decide(calls, kinds, model, initial, part)
            budget.spent += part.spent
            if not isinstance(outcome, Undecided):
                return Decided(outcome, "configurations")
            outcome = pricing.decide(calls, kinds, model, initial, budget)
            if not isinstance(outcome, Undecided):
                return Decided(outcome, "priced")
    return Decided(configurations.decide(calls, kinds, model, initial, budget), "configurations")
