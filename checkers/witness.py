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
- *crash*: a completed call that becomes optional can still go where it was.
- *forget the future*: a crashed call that was invoked after the last remaining return can be left out by
  everyone. The certificate still lists it, unless its value may be dropped.

The reduction starts from the calls that a lane names as contradicting each other, closed under "who
writes what they need", and then drops ever smaller chunks (Zeller & Hildebrandt 2002, ddmin), deciding
anew each time. Work is counted in calls looked at, not in seconds, so that the same history gives the
same witness everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.budget import Budget, BudgetExceeded
from splitbrain.checkers.lanes import decide
from splitbrain.checkers.normalise import FOREVER, NONE, Calls
from splitbrain.checkers.outcome import Refutation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Kinds

WORK = 400_000
"""Calls that a reduction may look at, summed over its trials."""
TRIAL_CONFIGURATIONS = 20_000
"""Configurations that one trial may visit."""


class Witness(NamedTuple):
    """A refuted sub-history: `kept` and `crashed` (made optional) calls, as indices within the key.

    `calls` are the two together in columns, `members` their indices within the key in the same order, and
    `refutation` speaks about `calls`. `future` are the crashed calls that begin after everything kept
    returned, with their indices into the history: they change nothing and only account for every call.
    """

    kept: Sequence[int]
    crashed: Sequence[int]
    future: Mapping[int, int]
    members: Sequence[int]
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
        self._crash_shift = len(kinds.calls)
        self._model = model
        self._initial = initial
        self._budget = budget
        self._work = work

    def reduce(self, refutation: Refutation, lane: str) -> Witness:
        """Return the smallest witness found; where nothing can be relaxed it is the whole key."""
        everything = set(range(len(self._calls.kinds)))
        best = None
        if self._flat(refutation.core):
            rest = everything - self.closure(refutation.core)
            best = self._try(everything - self.droppable(everything, rest))
        returns = self._calls.returns
        ends = [returns[call] for call in refutation.core if self._completed(call)]
        for last in (max(ends, default=-1), max(filter(FOREVER.__gt__, returns), default=-1)):
            if best is None:
                later = {call for call in everything if self._calls.invokes[call] > last}
                best = self._try(everything - self.droppable(everything, later), last)
        if best is None:
            members = sorted(everything)
            return Witness(members, (), {}, members, self._calls, refutation, lane, self._budget.spent)
        return self._minimise(best)

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

    def droppable(self, chosen: set[int], candidates: Iterable[int]) -> set[int]:
        """Return those of the candidates that may soundly be dropped together from the chosen calls."""
        kinds, column = self._kinds, self._calls.kinds
        dropped = set(candidates)
        mutators = {call for call in dropped if not kinds.observer[column[call]]}
        kept = chosen - dropped
        appends = {call for call in mutators if not kinds.flat[column[call]]}
        needed = appends if self._flat(kept) else set(mutators)
        named = {kinds.reads[column[call]] for call in kept}
        while mutators:
            if not self._flat(needed):
                return dropped - mutators
            mutators -= needed
            dropped -= needed
            named |= {kinds.reads[column[call]] for call in needed}
            needed = {call for call in mutators if kinds.writes[column[call]] in named}
            if not needed:
                break
        return dropped

    def _flat(self, chosen: Iterable[int]) -> bool:
        """Tell whether every call demands a value or nothing, so that values may be dropped."""
        kinds, column = self._kinds, self._calls.kinds
        return all(kinds.flat[column[call]] and kinds.differs[column[call]] == NONE for call in chosen)

    def _completed(self, call: int) -> bool:
        return self._calls.returns[call] != FOREVER

    def _try(self, chosen: set[int], horizon: int = FOREVER) -> Witness | None:
        """Decide the chosen calls; those that return after the horizon are crashed. None if not refuted."""
        calls, observer = self._calls, self._kinds.observer
        crashed = {call for call in chosen if calls.returns[call] > horizon and self._completed(call)}
        useless = {call for call in crashed if observer[calls.kinds[call]]}
        crashed -= useless
        future = {call for call in chosen - useless if calls.invokes[call] > horizon}
        members = sorted(chosen - useless - future)
        restricted = self._restricted(members, crashed)
        budget = self._budget.part(configurations=TRIAL_CONFIGURATIONS)
        try:
            decided = decide(restricted, self._kinds, self._model, self._initial, budget)
        except BudgetExceeded:
            return None
        finally:
            self._work -= len(members) + budget.spent
        if not isinstance(decided.outcome, Refutation):
            return None
        return Witness(
            kept=[call for call in members if call not in crashed],
            crashed=[call for call in members if call in crashed],
            future={call: calls.indices[call] for call in sorted(future)},
            members=members,
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
        """Drop what may be dropped of a chunk, and what then lies in the future; None if not refuted."""
        chosen = {*best.members, *best.future}
        dropped = self.droppable(chosen, chunk)
        if not dropped:
            return None
        chosen -= dropped
        returns = (self._calls.returns[call] for call in best.kept if call in chosen)
        last = max((returned for returned in returns if returned != FOREVER), default=-1)
        future = {call for call in chosen if self._calls.invokes[call] > last}
        return self._try(chosen - self.droppable(chosen, future), last)
