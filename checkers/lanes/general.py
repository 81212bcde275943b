"""Any model, any history: the walk over the configuration graph, as it is cheapest for this one.

Four programs decide the same question, each exactly:

- the *plain walk* (`configurations.py`): any model, starts at once, and decides most histories there are;
- the *kernel* (`kernel/`): small state spaces; it starts late, as Numba must be imported, and then it is ten
  times as fast for few clients, and lives through histories of thirty;
- *priced supply* (`pricing.py`): small state spaces and many crashed calls;
- the search *depth first* (`depth_first.py`): any model; it may find a linearization where the walks drown in
  configurations, and rarely refutes before they do.

So a short history is first walked plainly, for a bounded number of configurations. What that doesn't
decide is priced, if calls crashed, and else searched depth first, as long; then the kernel takes over, or
where the model reaches too many states the plain walk, to the end of the budget. A long history goes to the
kernel, and is searched depth first once many configurations are alive. The bounds count work, never seconds,
so that the same history is decided by the same program everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.lanes import configurations, depth_first, pricing
from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Undecided

if TYPE_CHECKING:
    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome

WALK, DEPTH_FIRST, PRICED = "configurations", "depth-first", "priced"
"""The names of the lanes: the kernel is a walk, too."""
LONG = 20_000
"""So many calls are worth importing Numba for at once."""
FIRST = 30_000
"""Configurations of the plain walk in a short history, and then of the search depth first."""
BEFORE_PRICING = 8_000
"""Configurations of the plain walk before crashed calls are priced: about a tenth of a second."""
MANY = 2_000
"""So many configurations alive are reason to look for a linearization depth first."""


class Decided(NamedTuple):
    """What the lanes said about a key, and which of them had the last word."""

    outcome: Outcome
    lane: str


def decide(calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget) -> Decided:
    """Decide one key within the budget.

    Raises:
        ModelError: the model contradicts itself.
    """
    key = _Key(calls, kinds, model, initial, budget)
    if len(calls.kinds) < LONG:
        if FOREVER in calls.returns:
            decided = key.attempt(WALK, BEFORE_PRICING) or key.by_prices()
        else:
            decided = key.attempt(WALK, FIRST)
        decided = decided or key.attempt(DEPTH_FIRST, FIRST)
        if decided is not None:
            return decided
    return key.by_kernel() or key.attempt(DEPTH_FIRST, key.size) or key.walk()


class _Key(NamedTuple):
    """One key's question, and the programs that may answer it."""

    calls: Calls
    kinds: Kinds
    model: Model
    initial: Any
    budget: Budget

    @property
    def size(self) -> int:
        """So many configurations are visited in a narrow history of this length."""
        return FIRST + 4 * len(self.calls.kinds)

    def attempt(self, lane: str, configurations_visited: int) -> Decided | None:
        """Let a lane visit so many configurations: None if it needs more, and the budget has more."""
        decide_by = configurations.decide if lane == WALK else depth_first.decide
        share = self.budget.part(configurations=configurations_visited)
        outcome = decide_by(self.calls, self.kinds, self.model, self.initial, share)
        spent_up = self.budget.absorb(share)
        return Decided(outcome, lane) if spent_up or not isinstance(outcome, Undecided) else None

    def by_prices(self) -> Decided | None:
        """Decide by pricing crashed calls; None if the model reaches too many states for it."""
        outcome = pricing.decide(self.calls, self.kinds, self.model, self.initial, self.budget)
        return None if isinstance(outcome, Undecided) else Decided(outcome, PRICED)

    def by_kernel(self) -> Decided | None:
        """Decide by the kernel, or if too many configurations live depth first; None if it doesn't fit."""
        from splitbrain.checkers.lanes.kernel import run  # noqa: PLC0415  it imports Numba

        if not run.COMPILED:
            walked = self.attempt(WALK, self.size)
            if walked is not None:
                return walked
        kernel = run.prepare(self.calls, self.kinds, self.model, self.initial, self.budget)
        if isinstance(kernel, Undecided):
            return None
        outcome = kernel.decide(self.budget, alive=MANY)
        if outcome is None:
            found = self.attempt(DEPTH_FIRST, self.size)
            if found is not None:
                return found
            outcome = kernel.decide(self.budget)
        return None if outcome is None or kernel.wide else Decided(outcome, WALK)

    def walk(self) -> Decided:
        """Walk plainly, as long as the budget lasts."""
        outcome = configurations.decide(self.calls, self.kinds, self.model, self.initial, self.budget)
        return Decided(outcome, WALK)
