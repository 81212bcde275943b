"""One key through the lanes: that of its data type, or those of registers, then the configuration graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.lanes import (
    counters,
    depth_first,
    general,
    mutexes,
    necessary,
    pricing,
    priority_queues,
    queues,
    sets,
    stacks,
    unordered_queues,
    zones,
)
from splitbrain.checkers.lanes.general import Decided
from splitbrain.checkers.lanes.names import BY_DISCIPLINE
from splitbrain.checkers.outcome import Undecided

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome


LANES: Mapping[str, Callable[[Calls, Kinds], Outcome]] = {
    "set": sets.decide,
    "fifo-queue": queues.decide,
    "queue": unordered_queues.decide,
    "stack": stacks.decide,
    "priority-queue": priority_queues.decide,
    "mutex": mutexes.decide,
    "counter": counters.decide,
}
"""The lanes of data types, by `Model.discipline`."""
SEARCHES: Mapping[str, Callable[[Calls, Kinds, Model, Any, Budget], Outcome]] = {
    "priced": pricing.decide,
    "depth-first": depth_first.decide,
}
"""Lanes of any model that are part of the general one, and can be asked for alone."""


def decide(
    calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget, *, method: str = "auto"
) -> Decided:
    """Decide one key by the first lane that can.

    Raises:
        BudgetExceeded: the search spent its budget.
    """
    search = SEARCHES.get(method)
    if search is not None:
        return Decided(search(calls, kinds, model, initial, budget), method)
    lane = BY_DISCIPLINE.get(model.discipline)
    if lane is not None and method in ("auto", lane):
        outcome = LANES[model.discipline](calls, kinds)
        if method == lane or not isinstance(outcome, Undecided):
            return Decided(outcome, lane)
    elif method not in ("auto", "zones", "configurations"):
        return Decided(Undecided(f"{method} don't decide the model {model.name}"), method)
    if method != "configurations":
        if all(map(kinds.flat.__getitem__, calls.kinds)):
            refutation = necessary.refute(calls, kinds)
            if refutation is not None:
                return Decided(refutation, "necessary")
        outcome = zones.decide(calls, kinds)
        if method == "zones" or not isinstance(outcome, Undecided):
            return Decided(outcome, "zones")
    return general.decide(calls, kinds, model, initial, budget)
