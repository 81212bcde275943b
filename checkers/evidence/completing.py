"""What is added to a witness once it is found: prices that refute it, how far an order came, its context."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.evidence.window import left_behind
from splitbrain.checkers.lanes import configurations, pricing
from splitbrain.checkers.lanes.configurations import TOLD
from splitbrain.checkers.normalise import FOREVER, Calls
from splitbrain.checkers.outcome import Refutation

if TYPE_CHECKING:
    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.evidence.witness import Witness
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Kinds

PRICING_CONFIGURATIONS = 200_000
"""Work that may be spent on prices for a witness."""
TRIAL_CONFIGURATIONS = 20_000
"""Configurations that one trial may visit."""
PRICED = 6
"""A witness with more optional calls gets prices, so that it can be refuted anew without trying all."""


@dataclass(frozen=True, slots=True)
class Completion:
    """Completes the witnesses of one refuted key, whose kinds hold crashed ones, too (`with_crashed`)."""

    calls: Calls
    kinds: Kinds
    model: Model
    initial: Any
    budget: Budget
    most: int
    """Configurations that a search may visit at most."""

    def complete(self, witness: Witness) -> Witness:
        """Add all of it."""
        return self._with_context(self._with_furthest(self._with_prices(witness)))

    def _with_prices(self, witness: Witness) -> Witness:
        """Add prices that refute a witness with many optional calls, where there are such prices."""
        refutation = witness.refutation
        if refutation.prices is not None or witness.calls.returns.count(FOREVER) <= PRICED:
            return witness
        initial = self.initial if witness.window.start is None else self.kinds.values[witness.window.initial]
        kinds = self.kinds._replace(initial=witness.window.initial)
        budget = self.budget.part(configurations=min(PRICING_CONFIGURATIONS, self.most))
        outcome = pricing.decide(witness.calls, kinds, self.model, initial, budget)
        if not isinstance(outcome, Refutation) or outcome.prices is None:
            return witness
        return witness._replace(refutation=replace(refutation, prices=outcome.prices, cost=outcome.cost))

    def _with_furthest(self, witness: Witness) -> Witness:
        """Add how far an order of the members came; of a rule's refutation by a walk of its own, if small."""
        cut = witness.refutation.cut
        if cut is None and len(witness.members) <= TOLD:
            shown = self.kinds if witness.elements is None else witness.kinds
            whole = witness.window.start is None and witness.elements is None
            initial = self.initial if whole else shown.values[witness.window.initial]
            kinds = shown._replace(initial=witness.window.initial)
            budget = self.budget.part(configurations=TRIAL_CONFIGURATIONS)
            walked = configurations.decide(witness.calls, kinds, self.model, initial, budget)
            cut = walked.cut if isinstance(walked, Refutation) else None
        return witness._replace(furthest=cut)

    def _with_context(self, witness: Witness) -> Witness:
        """Add the calls in front of a window that its story speaks of."""
        if witness.window.start is None:
            return witness
        calls, kinds = self.calls, self.kinds
        context = [witness.window.start]
        if witness.refutation.rule == "never-written":
            sought = kinds.reads[witness.calls.kinds[witness.refutation.core[0]]]
            earlier = [
                call
                for call, returned in enumerate(calls.returns)
                if returned < witness.window.invoked and left_behind(kinds, calls.kinds[call]) == sought
            ]
            context += [max(earlier, key=calls.returns.__getitem__)] if earlier else []
        behind = ([column[call] for call in context] for column in calls[1:])
        columns = zip(witness.calls[1:], behind, strict=True)
        return witness._replace(calls=Calls(calls.key, *(one + other for one, other in columns)))
