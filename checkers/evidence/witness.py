"""From a refuted key to few of its calls that are refuted by themselves.

Delta debugging a history is unsound: without a write, the read of its value looks like a read of
something never written. Only *sound relaxations* are allowed here: if the relaxed history isn't
linearizable, neither was the original. Take a linearization of the original; then each of these leaves
one of the relaxed history:

- *drop an observer*: taking it out changes no state for anyone.
- *drop values*: take out a set of mutators (of any status) of whose written values no remaining call
  reads or compares with any. In front of a remaining call that needs a value, the latest mutator wrote
  that value, so it is not in the set and is still the latest. This needs that every remaining call is an
  access that demands a value or nothing: no call that compared unequal (it would mind *another* state)
  and no append (it builds on any).
- *drop pieces*: the same beside appends, where the strings that follow from a dropped mutator, more
  appended or not, are none that a remaining call needs (a piece that occurs in none of them; a string with
  which none of them begins). From such a string only an overwrite leads to one that a remaining call
  needs, and behind the overwrite everything is as before. Appends stay legal if everything that is
  written, and the initial value, is a string or null. (`PrefixLens.hides` is a little sharper.)
- *crash*: a completed call that becomes optional can still go where it was.
- *forget the future* and *forget the past*: look through a window (`window.py`).

The reduction starts from the calls that a lane names as contradicting each other, closed under "who
writes what they need". Where that leaves many, it looks through windows on the calls before the
contradiction, the narrowest first. Then it drops ever smaller chunks (Zeller & Hildebrandt 2002, ddmin),
deciding anew each time. Work is counted in calls looked at, not in seconds, so that the same history
gives the same witness everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.budget import Budget, BudgetExceeded
from splitbrain.checkers.evidence.window import Window, left_behind, overwritten_with, windows
from splitbrain.checkers.lanes import pricing
from splitbrain.checkers.lanes.dispatch import decide
from splitbrain.checkers.normalise import FOREVER, NONE, Calls
from splitbrain.checkers.outcome import Refutation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Kinds

WORK = 400_000
"""Calls that a reduction may look at, summed over its trials."""
PRICING_CONFIGURATIONS = 200_000
"""Work that may be spent on prices for a witness."""
TRIAL_CONFIGURATIONS = 20_000
"""Configurations that one trial may visit."""
FEW = 6
"""A witness of so many calls needs no window: with the writers of what was read it says more."""
PRICED = 6
"""A witness with more optional calls gets prices, so that it can be refuted anew without trying all."""
FINALISTS = 3
"""So many windows of about one width are minimised; the smallest result counts."""


class Witness(NamedTuple):
    """A refuted sub-history: `kept` and `crashed` (made optional) calls, as indices within the key.

    `members` are the two together, `calls` the members in columns, and `refutation` speaks about those, seen
    through `window`. If the window has a start, that follows in `calls` behind the members, and behind it
    the last earlier call that left what the refuted one observed, if the window shows nobody who did.
    """

    kept: Sequence[int]
    crashed: Sequence[int]
    members: Sequence[int]
    window: Window
    calls: Calls
    refutation: Refutation
    lane: str
    explored: int


def with_crashed(kinds: Kinds) -> Kinds:
    """Return the kinds twice: as they are, and behind them each as it would be had the call crashed."""
    crashed = [call._replace(result=None, known=False, applied=True) for call in kinds.calls]
    return kinds._replace(
        calls=[*kinds.calls, *crashed],
        observer=[*kinds.observer, *kinds.observer],
        flat=[*kinds.flat, *kinds.flat],
        reads=[*kinds.reads, *kinds.reads],
        writes=[*kinds.writes, *kinds.writes],
        differs=[*kinds.differs, *kinds.differs],
    )


class Reduction:
    """Searches for a small witness of one refuted key."""

    def __init__(
        self, calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget, *, work: int = WORK
    ) -> None:
        self._calls = calls
        self._kinds = with_crashed(kinds)
        self._all = Window(kinds.initial, overwritten_with(kinds, calls.kinds) | {kinds.initial})
        self._crash_shift = len(kinds.calls)
        self._model = model
        self._initial = initial
        self._budget = budget
        self._work = work

    def reduce(self, refutation: Refutation, lane: str) -> Witness:
        """Return the smallest witness found; where nothing else can be relaxed, only the future is gone."""
        return self._with_context(self._with_prices(self._reduced(refutation, lane)))

    def _reduced(self, refutation: Refutation, lane: str) -> Witness:
        everything = set(range(len(self._calls.kinds)))
        best = None
        if self._flat(refutation.core):
            rest = everything - self.closure(refutation.core)
            dropped = self.droppable(everything, rest, self._all)
            best = self._try(everything - dropped, self._all)
        if best is not None:
            best = self._minimise(best)
            if len(best.members) <= FEW:
                return best
        stuck = refutation.core if refutation.cut is None else (refutation.cut.stuck,)
        ends = [self._calls.returns[call] for call in stuck if self._completed(call)]
        if ends:
            best = self._smaller(best, self._through_windows(max(ends)))
            if best is None:
                most = TRIAL_CONFIGURATIONS if refutation.prices is None else PRICING_CONFIGURATIONS
                best = self._try(everything, self._all._replace(end=max(ends)), most)
                best = None if best is None else self._minimise(best)
        return best or self._cut_short(refutation, lane)

    def _with_prices(self, witness: Witness) -> Witness:
        """Add prices that refute a witness with many optional calls, where there are such prices."""
        refutation = witness.refutation
        if refutation.prices is not None or witness.calls.returns.count(FOREVER) <= PRICED:
            return witness
        initial = (
            self._initial if witness.window.start is None else self._kinds.values[witness.window.initial]
        )
        kinds = self._kinds._replace(initial=witness.window.initial)
        budget = self._budget.part(configurations=PRICING_CONFIGURATIONS)
        outcome = pricing.decide(witness.calls, kinds, self._model, initial, budget)
        if not isinstance(outcome, Refutation) or outcome.prices is None:
            return witness
        return witness._replace(refutation=replace(refutation, prices=outcome.prices, cost=outcome.cost))

    def _through_windows(self, end: int) -> Witness | None:
        """Return the smallest witness in the narrowest windows that end there and show one."""
        for batch in windows(self._calls, self._kinds, end):
            found = []
            for window in batch.windows:
                witness = self._look(set(batch.calls), window)
                if witness is not None:
                    found.append(witness)
                if self._work <= 0:
                    break
            found.sort(key=lambda witness: len(witness.members))
            best = None
            for witness in found[:FINALISTS]:
                best = self._smaller(best, self._minimise(witness))
            if best is not None or self._work <= 0:
                return best
        return None

    def _look(self, chosen: set[int], window: Window) -> Witness | None:
        """Decide what a window shows: first without crashed calls that nobody seems to need."""
        calls = self._calls
        shown = {call for call in chosen if window.shows(calls.invokes[call], calls.returns[call])}
        excluding = {call for call in shown if self._kinds.differs[calls.kinds[call]] != NONE}
        crashed = {call for call in shown if not self._completed(call)}
        lean = shown - excluding
        lean -= self.droppable(lean, crashed, window)
        witness = self._try(lean, window)
        return self._try(shown, window) if witness is None and len(lean) < len(shown) else witness

    def _cut_short(self, refutation: Refutation, lane: str) -> Witness:
        """Return the refuted key up to the return at which the walk was stuck, or the whole of it.

        Prices hold for the whole: calls that ran at the cut would become optional, with no price on them.
        """
        calls, cut = self._calls, refutation.cut
        window = self._all
        if cut is not None and refutation.prices is None:
            window = window._replace(end=calls.returns[cut.stuck])
        members = [call for call, invoked in enumerate(calls.invokes) if invoked <= window.end]
        crashed = {call for call in members if calls.returns[call] > window.end and self._completed(call)}
        return Witness(
            kept=[call for call in members if call not in crashed],
            crashed=sorted(crashed),
            members=members,
            window=window,
            calls=self._restricted(members, crashed),
            refutation=refutation,
            lane=lane,
            explored=self._budget.spent,
        )

    def _with_context(self, witness: Witness) -> Witness:
        """Add the calls in front of a window that its story speaks of."""
        if witness.window.start is None:
            return witness
        calls, kinds = self._calls, self._kinds
        context = [witness.window.start]
        if witness.refutation.rule == "never-written":
            sought = kinds.reads[witness.calls.kinds[witness.refutation.core[0]]]
            earlier = [
                call
                for call, returned in enumerate(calls.returns)
                if returned < witness.window.invoked and left_behind(kinds, calls.kinds[call]) == sought
            ]
            context += [max(earlier, key=calls.returns.__getitem__)] if earlier else []
        columns = zip(witness.calls[1:], self._restricted(context, set())[1:], strict=True)
        return witness._replace(calls=Calls(calls.key, *(one + other for one, other in columns)))

    def _smaller(self, one: Witness | None, other: Witness | None) -> Witness | None:
        """Return the witness of fewer calls, counting the start of a window as one; the first if equal."""
        both = [witness for witness in (one, other) if witness is not None]
        return min(both, key=lambda each: len(each.members) + (each.window.start is not None), default=None)

    def closure(self, core: Iterable[int]) -> set[int]:
        """Return the calls, and everyone who writes a value that one of the set needs."""
        kinds, column = self._kinds, self._calls.kinds
        writers: dict[int, list[int]] = {}
        for call, kind in enumerate(column):
            if kinds.writes[kind] != NONE:
                writers.setdefault(kinds.writes[kind], []).append(call)
        chosen = set(core)
        pending = list(chosen)
        while pending:
            for writer in writers.pop(kinds.reads[column[pending.pop()]], ()):
                if writer not in chosen:
                    chosen.add(writer)
                    pending.append(writer)
        return chosen

    def droppable(self, chosen: set[int], candidates: Iterable[int], window: Window) -> set[int]:
        """Return those of the candidates that may soundly be dropped together from the chosen calls."""
        kinds, column = self._kinds, self._calls.kinds
        dropped = set(candidates)
        mutators = {call for call in dropped if not kinds.observer[column[call]]}
        kept = chosen - dropped
        if self._flat(kept) and self._flat(mutators):
            return dropped - self._named(mutators, kept)
        if any(kinds.differs[column[call]] != NONE for call in kept):
            return dropped - mutators
        return dropped - self._visible(mutators, kept, window)

    def _named(self, mutators: set[int], kept: set[int]) -> set[int]:
        """Return the mutators that must stay with the kept calls (*drop values*)."""
        kinds, column = self._kinds, self._calls.kinds
        named = {kinds.reads[column[call]] for call in kept}
        needed: set[int] = set()
        while more := {call for call in mutators - needed if kinds.writes[column[call]] in named}:
            needed |= more
            named |= {kinds.reads[column[call]] for call in more}
        return needed

    def _visible(self, mutators: set[int], kept: set[int], window: Window) -> set[int]:
        """Return the mutators that must stay with the kept calls (*drop pieces*)."""
        kinds, column = self._kinds, self._calls.kinds
        origins = [kinds.values[origin] for origin in sorted(window.origins)]
        staying = {column[call] for call in kept}
        needed: set[int] = set()
        while mutators - needed:
            lens = self._model.lens(kinds.calls[kind] for kind in sorted(staying))
            if lens is None:
                return mutators
            asked = sorted({column[call] for call in mutators - needed})
            answers = lens.hides([kinds.calls[kind] for kind in asked], origins)
            hidden = {kind for kind, answer in zip(asked, answers, strict=True) if answer}
            more = {call for call in mutators - needed if column[call] not in hidden}
            if not more:
                break
            needed |= more
            staying |= {column[call] for call in more}
        return needed

    def _flat(self, chosen: Iterable[int]) -> bool:
        """Tell whether every call demands a value or nothing, so that values may be dropped."""
        kinds, column = self._kinds, self._calls.kinds
        return all(kinds.flat[column[call]] and kinds.differs[column[call]] == NONE for call in chosen)

    def _completed(self, call: int) -> bool:
        return self._calls.returns[call] != FOREVER

    def _try(self, chosen: set[int], window: Window, most: int = TRIAL_CONFIGURATIONS) -> Witness | None:
        """Decide the chosen calls through a window. None if they aren't refuted."""
        calls, observer = self._calls, self._kinds.observer
        invokes, returns = calls.invokes, calls.returns
        shown = {call for call in chosen if window.shows(invokes[call], returns[call])}
        crashed = {
            call for call in shown if window.crashes(invokes[call], returns[call]) and self._completed(call)
        }
        useless = {call for call in crashed if observer[calls.kinds[call]]}
        crashed -= useless
        members = sorted(shown - useless)
        restricted = self._restricted(members, crashed)
        budget = self._budget.part(configurations=most)
        initial = self._initial if window.start is None else self._kinds.values[window.initial]
        kinds = self._kinds._replace(initial=window.initial)
        try:
            decided = decide(restricted, kinds, self._model, initial, budget)
        except BudgetExceeded:
            return None
        finally:
            self._work -= len(members) + budget.spent
        if not isinstance(decided.outcome, Refutation):
            return None
        return Witness(
            kept=[call for call in members if call not in crashed],
            crashed=[call for call in members if call in crashed],
            members=members,
            window=window,
            calls=restricted,
            refutation=decided.outcome,
            lane=decided.lane,
            explored=budget.spent,
        )

    def _restricted(self, members: Sequence[int], crashed: set[int]) -> Calls:
        """Return the columns of some calls, of which some are made optional."""
        calls, shift = self._calls, self._crash_shift
        return Calls(
            calls.key,
            [calls.kinds[call] + shift if call in crashed else calls.kinds[call] for call in members],
            [calls.invokes[call] for call in members],
            [FOREVER if call in crashed else calls.returns[call] for call in members],
            [calls.indices[call] for call in members],
        )

    def _minimise(self, best: Witness) -> Witness:
        """Drop ever smaller chunks while the rest is refuted."""
        parts = 2
        while len(best.members) > 1 and self._work > 0:
            size = -(-len(best.members) // parts)
            smaller = None
            for start in range(0, len(best.members), size):
                smaller = self._without(best, best.members[start : start + size])
                if smaller is not None or self._work <= 0:
                    break
            if smaller is not None:
                best, parts = smaller, max(parts - 1, 2)
            elif size == 1:
                break
            else:
                parts = min(parts * 2, len(best.members))
        return best

    def _without(self, best: Witness, chunk: Sequence[int]) -> Witness | None:
        """Drop what may be dropped of a chunk, and the future of what remains; None if not refuted."""
        chosen = set(best.members)
        dropped = self.droppable(chosen, chunk, best.window)
        if not dropped:
            return None
        chosen -= dropped
        returns = (self._calls.returns[call] for call in best.kept if call in chosen)
        last = max((returned for returned in returns if returned != FOREVER), default=-1)
        return self._try(chosen, best.window._replace(end=min(best.window.end, last)))
