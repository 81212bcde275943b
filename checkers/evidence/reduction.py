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
- *drop a hold* of a lock whose processes alternate: an acquire with its release. Such a history is
  linearizable exactly if no two processes hold the lock for certain at one time (the lane for mutexes).
- *crash*: a completed call that becomes optional can still go where it was.
- *look at some elements only* of a set that grows (`few_elements`).
- *forget the future* and *forget the past*: look through a window (`window.py`).

The reduction starts from the calls that a lane names as contradicting each other, closed under "who
writes what they need". Where that leaves many, it looks through windows on the calls before the
contradiction, the narrowest first. Then it drops ever smaller chunks (Zeller & Hildebrandt 2002, ddmin),
deciding anew each time. Work is counted in calls looked at, not in seconds, so that the same history
gives the same witness everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.budget import Budget
from splitbrain.checkers.evidence.completing import (
    PRICING_CONFIGURATIONS,
    TRIAL_CONFIGURATIONS,
    Completion,
)
from splitbrain.checkers.evidence.dropping import Dropping
from splitbrain.checkers.evidence.elements import Elements
from splitbrain.checkers.evidence.few_elements import witness_of
from splitbrain.checkers.evidence.registers import as_register
from splitbrain.checkers.evidence.window import Window, left_behind, overwritten_with, windows
from splitbrain.checkers.evidence.witness import Witness, with_crashed
from splitbrain.checkers.lanes.containers import WORDS
from splitbrain.checkers.lanes.dispatch import decide
from splitbrain.checkers.normalise import FOREVER, NONE, Calls
from splitbrain.checkers.outcome import HELD_BY_TWO, Refutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Kinds

WORK = 400_000
"""Calls that a reduction may look at, summed over its trials."""
LATE_WORK = 10_000
"""The same when the time is spent: a fraction of a second."""
FEW = 6
"""A witness of so many calls needs no window: with the writers of what was read it says more."""
MANY = 200
"""Of more calls than this, such as a long chain of cas, windows are tried before single ones are dropped."""
FINALISTS = 3
"""So many windows of about one width are minimised; the smallest result counts."""


_TOLD_BY_CUTS = ("set", "mutex")
"""Of these the configuration graph tells more than their lanes do: what was possible, return by return.

They have few states, so everything writes what a few calls need, and only windows leave something out.
"""


class Reduction:
    """Searches for a small witness of one refuted key."""

    def __init__(
        self, calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget, *, work: int = WORK
    ) -> None:
        self._calls = calls
        self._elements = Elements(calls, kinds, model.discipline) if model.discipline in WORDS else None
        seen = as_register(calls, kinds, model)
        self._method = "configurations" if model.discipline in _TOLD_BY_CUTS else "auto"
        initial, kinds = initial if seen is kinds else seen.values[seen.initial], seen
        self._kinds = with_crashed(kinds)
        self._dropping = Dropping(calls, self._kinds, model, self._elements)
        self._all = Window(kinds.initial, overwritten_with(kinds, calls.kinds) | {kinds.initial})
        self._crash_shift = len(kinds.calls)
        self._model = model
        self._initial = initial
        self._budget = budget
        self._work = work
        self._most = WORK
        """Configurations that one search may visit at most."""

    def reduce(self, refutation: Refutation, lane: str) -> Witness:
        """Return the smallest witness found; where nothing else can be relaxed, only the future is gone.

        What is refuted is told, however little time is left. But then little work is done for it.
        """
        self._hurry_if_late()
        found = self._smallest(refutation, lane)
        completion = Completion(
            self._calls, self._kinds, self._model, self._initial, self._budget, self._most
        )
        return completion.complete(found)

    def _hurry_if_late(self) -> None:
        """Leave little to do when the time or the memory is spent, and forget about both."""
        if self._budget.ended:
            self._work = min(self._work, LATE_WORK)
            self._most = LATE_WORK
            self._budget = Budget()

    def _smallest(self, refutation: Refutation, lane: str) -> Witness:
        if self._elements is not None:
            return self._of_elements(self._elements, refutation, lane)
        if self._model.discipline == "grow-set":
            return witness_of(self._calls, self._kinds, refutation, lane, self._budget.spent)
        if lane == "counters":
            return self._of_sums() or self._cut_short(refutation, lane)
        if refutation.rule == HELD_BY_TWO:
            held = self._try(self._whole_holds(refutation.core), self._all) or self._since(*refutation.core)
            return held or self._cut_short(refutation, lane)
        best = self._of_values(refutation)
        if best is not None and len(best.members) <= MANY:
            best = self._minimise(best)
        if best is None or len(best.members) > FEW:
            best = self._of_the_end(refutation, best)
        if best is not None and len(best.members) > MANY:
            best = self._minimise(best)
        return best or self._cut_short(refutation, lane)

    def _of_values(self, refutation: Refutation) -> Witness | None:
        """Return what the values of the core refute, if values may go."""
        if not self._dropping.flat(refutation.core) or self._model.discipline in _TOLD_BY_CUTS:
            return None
        everything = set(range(len(self._calls.kinds)))
        rest = everything - self._dropping.closure(refutation.core)
        dropped = self._dropping.droppable(everything, rest, self._all)
        return self._try(everything - dropped, self._all)

    def _of_the_end(self, refutation: Refutation, best: Witness | None) -> Witness | None:
        """Return the smallest of `best` and what is refuted up to the return at which it ended."""
        stuck = refutation.core if refutation.cut is None else (refutation.cut.stuck,)
        ends = [self._calls.returns[call] for call in stuck if self._completed(call)]
        if not ends:
            return best
        best = self._smaller(best, self._through_windows(max(ends)))
        if self._model.discipline == "mutex":
            best = self._smaller(best, self._two_holds(self._all._replace(end=max(ends))))
        if best is not None:
            return best
        everything = set(range(len(self._calls.kinds)))
        most = TRIAL_CONFIGURATIONS if refutation.prices is None else PRICING_CONFIGURATIONS
        for window in (self._all._replace(end=max(ends)), self._all):
            best = best or self._try(everything, window, most=most)
        return None if best is None else self._minimise(best)

    def _of_elements(self, elements: Elements, refutation: Refutation, lane: str) -> Witness:
        """Return the smallest witness found about a queue or stack: few values, and no more of the future."""
        stuck = refutation.core if refutation.cut is None else (refutation.cut.stuck,)
        end = max((self._calls.returns[call] for call in stuck if self._completed(call)), default=FOREVER)
        best = self._try(elements.closed(refutation.core), self._all._replace(end=end))
        if best is None:
            return self._cut_short(refutation, lane)
        return self._earlier(self._minimise(self._earlier(best)))

    def _of_sums(self) -> Witness | None:
        """Return the smallest witness found about a counter, whose additions go only with past and future."""
        best = self._try(set(range(len(self._calls.kinds))), self._all)
        if best is None:
            return None
        best = self._earlier(best)
        narrow = self._smaller(best, self._through_windows(best.window.end))
        return None if narrow is None else self._minimise(narrow)

    def _earlier(self, best: Witness) -> Witness:
        """Forget as much of the future as possible: what is refuted stays so when it goes on."""
        returns = sorted(self._calls.returns[call] for call in best.kept if self._completed(call))
        low, high = 0, len(returns) - 1
        while low < high and self._work > 0:
            middle = (low + high) // 2
            found = self._try(set(best.members), best.window._replace(end=returns[middle]))
            if found is None:
                low = middle + 1
            else:
                best, high = found, middle
        return best

    def _since(self, start: int, end: int) -> Witness | None:
        """Look from a completed call up to the return of another one."""
        calls, kinds = self._calls, self._kinds
        initial = left_behind(kinds, calls.kinds[start])
        window = Window(
            initial,
            self._all.origins | {initial},
            start,
            calls.invokes[start],
            calls.returns[start],
            calls.returns[end],
        )
        witness = self._look(set(range(len(calls.kinds))), window)
        return None if witness is None else self._minimise(witness)

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

    def _two_holds(self, window: Window) -> Witness | None:
        """Return two holds of a lock that refute what a window shows, if that is its contradiction."""
        witness = self._try(set(range(len(self._calls.kinds))), window, method="auto")
        if witness is None or witness.refutation.rule != HELD_BY_TWO:
            return None
        core = [witness.members[call] for call in witness.refutation.core]
        return self._try(self._whole_holds(core), window)

    def _whole_holds(self, core: Sequence[int]) -> set[int]:
        """Return the calls, and behind each acquire what its process called next."""
        by = [self._kinds.calls[kind].process for kind in self._calls.kinds]
        nexts = (next((call for call in range(one + 1, len(by)) if by[call] == by[one]), one) for one in core)
        releases = {call for call in nexts if self._kinds.calls[self._calls.kinds[call]].f == "release"}
        return {*core, *releases}

    def _look(self, chosen: set[int], window: Window) -> Witness | None:
        """Decide what a window shows: first without crashed calls that nobody seems to need."""
        calls = self._calls
        shown = {call for call in chosen if window.shows(calls.invokes[call], calls.returns[call])}
        excluding = {call for call in shown if self._kinds.differs[calls.kinds[call]] != NONE}
        crashed = {call for call in shown if not self._completed(call)}
        lean = shown - excluding
        lean -= self._dropping.droppable(lean, crashed, window)
        witness = self._try(lean, window)
        return self._try(shown, window) if witness is None and len(lean) < len(shown) else witness

    def _cut_short(self, refutation: Refutation, lane: str) -> Witness:
        """Return the refuted key up to the return at which the walk was stuck, or the whole of it.

        Calls that ran at that return become crashed. An access does the same then. Of others the result may
        say more: a dequeue that returned 3 didn't take the 1, and a crashed one may have. Prices hold for the
        whole: calls that ran at the cut would become optional, with no price on them.
        """
        calls, cut = self._calls, refutation.cut
        window = self._all
        flat = all(map(self._kinds.flat.__getitem__, calls.kinds))
        if cut is not None and flat and refutation.prices is None:
            window = window._replace(end=calls.returns[cut.stuck])
        members = [call for call, invoked in enumerate(calls.invokes) if invoked <= window.end]
        crashed = {call for call in members if calls.returns[call] > window.end and self._completed(call)}
        return Witness(
            kept=[call for call in members if call not in crashed],
            crashed=sorted(crashed),
            members=members,
            window=window,
            calls=self._restricted(members, crashed),
            kinds=self._kinds,
            refutation=refutation,
            lane=lane,
            explored=self._budget.spent,
        )

    def _smaller(self, one: Witness | None, other: Witness | None) -> Witness | None:
        """Return the witness of fewer calls, counting the start of a window as one; the first if equal."""
        both = [witness for witness in (one, other) if witness is not None]
        return min(both, key=lambda each: len(each.members) + (each.window.start is not None), default=None)

    def _completed(self, call: int) -> bool:
        return self._calls.returns[call] != FOREVER

    def _try(
        self, chosen: set[int], window: Window, *, method: str | None = None, most: int = TRIAL_CONFIGURATIONS
    ) -> Witness | None:
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
        budget = self._budget.part(configurations=min(most, self._most))
        initial = self._initial if window.start is None else self._kinds.values[window.initial]
        kinds = self._kinds._replace(initial=window.initial)
        if self._elements is not None:
            initial = self._elements.initial(
                shown, lambda call: not window.shows(invokes[call], returns[call])
            )
            kinds = kinds._replace(values=[initial], initial=0)
        decided = decide(restricted, kinds, self._model, initial, budget, method=method or self._method)
        self._work -= len(members) + budget.spent
        self._hurry_if_late()
        if not isinstance(decided.outcome, Refutation):
            return None
        return Witness(
            kept=[call for call in members if call not in crashed],
            crashed=[call for call in members if call in crashed],
            members=members,
            window=window,
            calls=restricted,
            kinds=kinds,
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
        if self._elements is not None:
            chunk = sorted(self._elements.whole(chunk, chosen))
        dropped = self._dropping.droppable(chosen, chunk, best.window)
        if not dropped:
            self._work -= len(chosen)
            return None
        chosen -= dropped
        returns = (self._calls.returns[call] for call in best.kept if call in chosen)
        last = max((returned for returned in returns if returned != FOREVER), default=-1)
        return self._try(chosen, best.window._replace(end=min(best.window.end, last)))
