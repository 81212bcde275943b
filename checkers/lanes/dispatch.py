"""One key through the lanes: that of its data type, or those of registers, then the configuration graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.budget import BudgetExceeded
from splitbrain.checkers.lanes import (
    counters,
    depth_first,
    general,
    grow_sets,
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
from splitbrain.checkers.lanes.general import Decided, Tried
from splitbrain.checkers.lanes.names import BY_DISCIPLINE
from splitbrain.checkers.outcome import Undecided
from splitbrain.checkers.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome


LANES: Mapping[str, Callable[[Calls, Kinds, Watch], Outcome]] = {
    "set": sets.decide,
    "grow-set": grow_sets.decide,
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
    """Decide one key by the first lane that can, or say what each of them said."""
    search = SEARCHES.get(method)
    if search is not None:
        return Decided(search(calls, kinds, model, initial, budget), method)
    tried: list[Tried] = []
    watch = Watch(budget)
    lane = BY_DISCIPLINE.get(model.discipline)
    if lane is not None and method in ("auto", lane):
        outcome = _watched(LANES[model.discipline], lane, calls, kinds, watch)
        assert outcome is not None
        if method == lane or _is_last(outcome):
            return Decided(outcome, lane)
        tried.append(Tried(lane, outcome))
    elif method not in ("auto", "zones", "configurations"):
        return Decided(Undecided(f"{method} don't decide the model {model.name}"), method)
    if method != "configurations":
        flat = all(map(kinds.flat.__getitem__, calls.kinds))
        refutation = _watched(necessary.refute, "necessary", calls, kinds, watch) if flat else None
        if refutation is not None:
            return Decided(refutation, "necessary")
        outcome = _watched(zones.decide, "zones", calls, kinds, watch)
        assert outcome is not None
        if method == "zones" or _is_last(outcome):
            return Decided(outcome, "zones")
        if flat:
            tried.append(Tried("zones", outcome))
    decided = general.decide(calls, kinds, model, initial, budget)
    return decided._replace(tried=[*tried, *decided.tried])


def _watched(
    lane: Callable[[Calls, Kinds, Watch], Outcome | None],
    name: str,
    calls: Calls,
    kinds: Kinds,
    watch: Watch,
) -> Outcome | None:
    """Let a near-linear lane answer, or say how far it came within the budget."""
    try:
        return lane(calls, kinds, watch)
    except BudgetExceeded as exceeded:
        reason = f"{exceeded} ran out"
    except MemoryError:
        reason = "the memory of this machine ran out"
    return Undecided(f"{reason} in the lane {name} while it {watch.told()}", ended=True)


def _is_last(outcome: Outcome) -> bool:
    """Tell whether no other lane needs to be asked, or could be."""
    return not isinstance(outcome, Undecided) or outcome.ended
