"""Priced supply: the lane for keys with many crashed calls.

What makes the exact walk explode is counting: which crashed calls were used so far. So let crashed calls be
used without limit (`relaxation.py`), but for a price.

*Supply.* Let k be a kind of which m crashed calls were invoked. In a linearization the calls of kind k that
take effect before the (j+1)-th of them is invoked are among the first j: at most j uses are so early, for
j = 1, ..., m (where j = m counts all uses). Time here is the step in which a walk that linearizes as late as
possible takes a call in: the step of the first return, of this call or of one behind it in the
linearization. The calls from there on return in that step or later, so a crashed call among them was
invoked before that return. Hence in a step by which a calls of kind k were invoked, a use of k counts
towards the limits j = a, ..., m, and there is none if a = 0. These limits are all that distinguishes a path
of the relaxed graph from a linearization: give the i-th use of k its i-th invoked call.

*Prices.* Put a price p(k, j) >= 0 on each limit. A use of k in a step by which a were invoked costs
c(k, a) = p(k, a) + ... + p(k, m). Sum over the uses of a linearization: each limit j is paid by at most j
uses, so the whole costs at most the *worth* W, the sum of all j * p(k, j) (weak duality). So **if the
cheapest path costs more than W, there is no linearization**, and the prices prove it.

*One price a call.* The proof is told more simply. Let the i-th call of kind k cost c(k, i), which falls with
i, as an older call can stand wherever a younger one can. A use costs as much as the cheapest call of its
kind that was invoked; a linearization takes each call once at most, and so pays at most the sum of all
prices, which is W again. Certificates and `Refutation.prices` hold these.

*Cheapest paths are found in the relaxed graph*, since each of its prunings leads from a linearization to a
path that costs no more:

- Taking a call in later never costs more, as c(k, a) falls with a. So the walk may linearize as late as
  possible.
- An observer moved forward, to where it is open and legal, leaves the state as it is for all others. Calls
  between there and its old place now have one call less behind them, so their step is the same or later.
- A run of crashed calls goes directly before a completed call that is illegal without it, or leads to
  another state. A run that isn't demanded can be taken out, which saves what it cost.
- Of the runs from a state to another the cheapest is enough: the path behind them is the same.
- Two ways to one configuration: what follows is the same, and costs the same.
- Kinds are merged (`canonical_kinds`) only where calls do the same for all that anyone observes.

*The prefix.* All this holds for the history up to any return, with the calls that were invoked by then. The
first return up to which the cheapest path costs too much is the cut.

*The ascent.* If the cheapest path keeps all limits, it is a linearization. If not, prices rise where it
exceeded them and fall where it left something over (`ascent.py`: Lagrangian relaxation, Held & Karp 1971).
Paths that keep the limits only on average can leave a gap, where no prices refute and no cheapest path
fits. So every few rounds an exact search looks for a path, guided and bounded by prices (`guided.py`, the
classic way to find constrained shortest paths: Handler & Zang 1980). Its limit grows, so that it ends by
itself: the lane decides every key for which the relaxed graph can be built.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.budget import BudgetExceeded
from splitbrain.checkers.lanes.ascent import RESOLUTION, Ascent
from splitbrain.checkers.lanes.canonical import canonical_kinds
from splitbrain.checkers.lanes.guided import Exhausted, Found, GuidedSearch
from splitbrain.checkers.lanes.relaxation import Relaxation, TooLargeError, relax
from splitbrain.checkers.lanes.tariff import (
    FAR,
    cheapest_path,
    distances,
    make_tariff,
    violation,
    write_out,
)
from splitbrain.checkers.lanes.transitions import Transitions
from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Cut, Linearization, Refutation, Undecided

if TYPE_CHECKING:
    from collections.abc import Iterable

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.lanes.relaxation import Step
    from splitbrain.checkers.lanes.tariff import Prices, Tariff
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome

SEARCH_EVERY = 6
"""A guided search after so many rounds."""
FIRST_LIMIT = 4
"""The first guided search may visit so many labels for each return."""
LAST_ROUNDS = 60
"""So many rounds more to find prices as the proof, where a guided search has refuted the key."""
COARSE = (1, 2, 3, 5, 10, 20, 50, 100, 1000, RESOLUTION)
"""The largest price becomes the first of these that still proves enough: small numbers are easier to read."""


def decide(calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget) -> Outcome:
    """Decide one key, or say how far the prices came within the budget.

    Raises:
        ModelError: the model contradicts itself.
    """
    if calls.returns.count(FOREVER) == len(calls.returns):
        return Linearization(())
    canonical, _ = canonical_kinds(calls, kinds)
    pricing = Pricing(budget)
    try:
        relaxed = relax(canonical, kinds, Transitions(model, kinds, initial), budget)
        return pricing.decide(relaxed)
    except TooLargeError as large:
        return Undecided(f"{large}, which is too much for prices")
    except BudgetExceeded as exceeded:
        reason = f"{exceeded} ran out"
    except MemoryError:
        reason = "the memory of this machine ran out"
    return Undecided(f"{reason} in round {pricing.rounds} of pricing crashed operations")


class Pricing:
    """Finds prices that refute a key, or a path that keeps all limits."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.rounds = 0

    def decide(self, relaxed: Relaxation) -> Outcome:
        """Raise and lower prices until the key is decided.

        Raises:
            BudgetExceeded: the budget ran out.
        """
        if relaxed.stuck is not None:
            return _unlimited(relaxed, relaxed.stuck)
        ascent = Ascent([len(group.calls) for group in relaxed.groups])
        search: GuidedSearch | None = None
        limit, last = FIRST_LIMIT * len(relaxed.steps), 0
        for self.rounds in count(1):
            point = ascent.projected if self.rounds % 2 else ascent.roaming
            outcome = self._walk(relaxed, ascent, ascent.whole(point))
            if outcome is not None:
                return outcome
            if self.rounds == last:
                return Refutation("counted", tuple(range(relaxed.steps[-1].invoked)))
            if self.rounds % SEARCH_EVERY == 0 and not last:
                search = search or GuidedSearch(relaxed, self._budget)
                answer = search.search(make_tariff(relaxed, ascent.whole(ascent.mean)), limit)
                if isinstance(answer, Found):
                    return Linearization(write_out(relaxed, answer.path))
                if isinstance(answer, Exhausted):
                    last = self.rounds + LAST_ROUNDS
                limit += limit // 2
        raise AssertionError("rounds never end by themselves")

    def _walk(self, relaxed: Relaxation, ascent: Ascent, prices: Prices) -> Outcome | None:
        """Find the cheapest path and learn from it, unless it decides the key."""
        rates = make_tariff(relaxed, prices)
        cost, path = cheapest_path(relaxed, distances(relaxed, rates, self._budget))
        if cost > rates.worth:
            return self._refute(relaxed, prices)
        exceeded = violation(relaxed, path, rates.runs)
        if all(excess <= 0 for row in exceeded for excess in row):
            fares = relaxed.fare_of
            return Linearization(write_out(relaxed, ((edge, rates.runs[fares[edge]]) for edge in path)))
        ascent.learn(exceeded)
        return None

    def _refute(self, relaxed: Relaxation, prices: Prices) -> Refutation:
        """Round the prices while they still refute the key, and find the first return that they refute."""
        for largest in COARSE:
            rounded = _rounded(prices, largest)
            rates = make_tariff(relaxed, rounded)
            cost, _ = cheapest_path(relaxed, distances(relaxed, rates, self._budget))
            if cost > rates.worth:
                prices = rounded
                break
        return _first_return_refuted(relaxed, prices)


def _unlimited(relaxed: Relaxation, step: Step) -> Refutation:
    """Return the refutation of a key that no path explains: it needs no prices."""
    states = dict.fromkeys(relaxed.state_of[node] for node in relaxed.ends)
    return Refutation("supply", tuple(range(step.invoked)), _cut(relaxed, step, states), prices={})


def _rounded(prices: Prices, largest: int) -> Prices:
    most = max(max(row) for row in prices)
    return [[(price * largest + most // 2) // most for price in row] for row in prices]


def _first_return_refuted(relaxed: Relaxation, prices: Prices) -> Refutation:
    """Return the refutation at the first return up to which the cheapest path costs more than there is."""
    rates = make_tariff(relaxed, prices)
    best = [FAR] * len(relaxed.state_of)
    best[0] = 0
    alive, worth = {0}, 0
    ends = [*(step.first for step in relaxed.steps[1:]), len(relaxed.sources)]
    for number, (step, end) in enumerate(zip(relaxed.steps, ends, strict=True)):
        before = dict.fromkeys(relaxed.state_of[node] for node in sorted(alive) if best[node] <= worth)
        for edge in range(step.first, end):
            source, target = relaxed.sources[edge], relaxed.targets[edge]
            best[target] = min(best[target], best[source] + rates.costs[relaxed.fare_of[edge]])
            if relaxed.bits[edge] & step.wanted:
                alive.add(target)
        alive = {node for node in alive if relaxed.left[node] > number}
        named = _prices_of_calls(relaxed, rates, relaxed.epochs[step.epoch])
        worth = sum(named.values())
        cost = min(best[node] for node in alive)
        if cost > worth:
            return Refutation(
                "prices", tuple(range(step.invoked)), _cut(relaxed, step, before), prices=named, cost=cost
            )
    raise AssertionError("the prices refute the last return")


def _prices_of_calls(relaxed: Relaxation, rates: Tariff, invoked: Iterable[int]) -> dict[int, int]:
    """Return the price of each crashed call that had been invoked, unless it is zero."""
    return {
        call: cost
        for group, units, available in zip(relaxed.groups, rates.units, invoked, strict=True)
        for call, cost in zip(group.calls[:available], units[1:], strict=False)
        if cost
    }


def _cut(relaxed: Relaxation, step: Step, states: Iterable[int]) -> Cut:
    return Cut(
        stuck=step.call,
        states=tuple(relaxed.transitions.states[state] for state in states),
        open=tuple(sorted(step.opened.values())),
    )
