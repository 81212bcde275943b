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
    from collections.abc import Sequence

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
PER_CALL = 50
"""The plain walk may visit so many configurations, and so many for each call, before crashed ones are priced.

Measured on 10 clients and 5 values: 18 to 41 a call where nothing crashed, 77 to 372 with 5 crashed calls
(as slow as pricing), 600 to 1,000 with 10, thousands with 20 (pricing: 40 to 100 a call, always).
"""
MANY = 2_000
"""So many configurations alive are reason to look for a linearization depth first."""


class Tried(NamedTuple):
    """A lane, and what it said where it had no answer."""

    lane: str
    outcome: Outcome


class Decided(NamedTuple):
    """What the lanes said about a key, which of them had the last word, and what those before it said."""

    outcome: Outcome
    lane: str
    tried: Sequence[Tried] = ()


def decide(calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget) -> Decided:
    """Decide one key within the budget.

    Raises:
        ModelError: the model contradicts itself.
    """
    key = _Key(calls, kinds, model, initial, budget, [])
    return key.decide()._replace(tried=key.tried)


class _Key(NamedTuple):
    """One key's question, the programs that may answer it, and those that were tried."""

    calls: Calls
    kinds: Kinds
    model: Model
    initial: Any
    budget: Budget
    tried: list[Tried]

    def decide(self) -> Decided:
        """Let one program after the other try."""
        calls, budget = self.calls, self.budget
        if len(calls.kinds) < LONG:
            if FOREVER in calls.returns:
                most = min(BEFORE_PRICING + PER_CALL * len(calls.kinds), budget.remaining // 2)
                decided = self.attempt(WALK, most) or self.by_prices()
            else:
                decided = self.attempt(WALK, FIRST)
            decided = decided or self.attempt(DEPTH_FIRST, FIRST)
            if decided is not None:
                return decided
        return self.by_kernel() or self.attempt(DEPTH_FIRST, self.size) or self.walk()

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
        return self._unless_undecided(outcome, lane, spent_up=spent_up)

    def _unless_undecided(self, outcome: Outcome, lane: str, *, spent_up: bool) -> Decided | None:
        """Return the answer of a lane, or if nothing is left for another one what it said; else note that."""
        if spent_up or not isinstance(outcome, Undecided):
            return Decided(outcome, lane)
        self.tried.append(Tried(lane, outcome))
        return None

    def by_prices(self) -> Decided | None:
        """Decide by pricing crashed calls; None if the model reaches too many states for it."""
        outcome = pricing.decide(self.calls, self.kinds, self.model, self.initial, self.budget)
        return self._unless_undecided(outcome, PRICED, spent_up=self.budget.ended)

    def by_kernel(self) -> Decided | None:
        """Decide by the kernel, or if too many configurations live depth first; None if it doesn't fit."""
        from splitbrain.checkers.lanes.kernel import run  # noqa: PLC0415  it imports Numba

        if not run.COMPILED:
            walked = self.attempt(WALK, self.size)
            if walked is not None:
                return walked
        kernel = run.prepare(self.calls, self.kinds, self.model, self.initial, self.budget)
        if isinstance(kernel, Undecided):
            return self._unless_undecided(kernel, WALK, spent_up=self.budget.ended)
        outcome = kernel.decide(self.budget, alive=MANY)
        if outcome is None:
            found = self.attempt(DEPTH_FIRST, self.size)
            if found is not None:
                return found
            outcome = kernel.decide(self.budget)
        assert outcome is not None
        return self._unless_undecided(outcome, WALK, spent_up=not kernel.wide)

    def walk(self) -> Decided:
        """Walk plainly, as long as the budget lasts."""
        outcome = configurations.decide(self.calls, self.kinds, self.model, self.initial, self.budget)
        return Decided(outcome, WALK)
