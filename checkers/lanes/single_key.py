"""Transactions seen one key at a time: a refutation where the whole is too much to walk over.

Take a linearization of transactions on many keys, and of each keep only what it does with one of them. What
is left is a linearization: what a transaction finds under a key depends on that key alone. So a history is
refuted if it is refuted seen by one key, where there are few transactions at a time and few states. The
converse fails, of course: two keys may each be in order, and not together.

A list can be seen by a few of its elements as well. Leave out the appends of all others, and out of every
read their names; since appends only add behind, each read finds what it found of the few. Most contradictions
about a list are about one element (a read lacks what was appended before) or two (which came first), and the
states are next to none.

The keys with the fewest transactions come first. Each view may take so many configurations and no more, and
all views on elements may show so many calls: a key of a thousand elements has a thousand of them.
"""

from __future__ import annotations

from itertools import chain, combinations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from splitbrain.checkers.lanes import configurations
from splitbrain.checkers.models import Model
from splitbrain.checkers.normalise import Calls, KindTable
from splitbrain.checkers.outcome import Linearization, Refutation
from splitbrain.checkers.values import freeze

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.models.base import Call
    from splitbrain.checkers.normalise import Kinds

LANE = "single-key"
MANY = 100
"""Fewer calls are walked over as they are."""
EACH, PER_CALL = 5_000, 50
"""Configurations that a view may take, and more for each of its calls."""
SHOWN = 2_000_000
"""Calls that all views on few elements may show."""
PAIRED = 40
"""Of a key with more elements, two at a time aren't looked at."""


class View(NamedTuple):
    """The calls as they are seen by one key, and by some of its elements (None: all); in their own kinds."""

    key: Any
    elements: list[Any] | None
    calls: Calls
    kinds: Kinds


class Seen(NamedTuple):
    """What is refuted, and how it is seen."""

    view: View
    outcome: Refutation


def refuted(calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget) -> Seen | None:
    """Return the narrowest view by which the calls are refuted, or None.

    Raises:
        BudgetExceeded: the time or the memory is spent, or all configurations.
        ModelError: the model contradicts itself.
    """
    if len(calls.kinds) < MANY or type(model).places is Model.places:
        return None
    keys = _Keys(calls, kinds, model, initial, budget)
    if len(keys.members) < 2:  # by a single key everything is seen
        return None
    return next(filter(None, map(keys.refuted, keys.by_size())), None)


class _Keys:
    """The keys of one history, and views on them."""

    def __init__(self, calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget) -> None:
        self._calls = calls
        self._kinds = kinds
        self._model = model
        self._initial = initial
        self._budget = budget
        self._left = SHOWN
        self.members: dict[Hashable, list[int]] = {}
        """The calls that do something with each key, by its frozen form."""
        self._names: dict[Hashable, Any] = {}
        touched = {kind: self._touched(kinds.calls[kind]) for kind in set(calls.kinds)}
        for call, kind in enumerate(calls.kinds):
            for name in touched[kind]:
                self.members.setdefault(name, []).append(call)

    def _touched(self, call: Call) -> Iterable[Hashable]:
        touched = {freeze(key): key for key in self._model.places(call)}
        self._names.update(touched)
        return touched

    def by_size(self) -> list[Hashable]:
        """Return the keys, those with the fewest calls first."""
        return sorted(self.members, key=lambda name: len(self.members[name]))

    def refuted(self, name: Hashable) -> Seen | None:
        """Look at the whole of a key; if that is refuted, or too much, at few of its elements."""
        key, members = self._names[name], self.members[name]
        parts = {call: self._model.seen_by(self._call(call), key) for call in members}
        whole = self._view(key, parts, None)
        outcome = self._walked(whole)
        if outcome is False:
            return None
        few = self._by_elements(key, parts)
        if few is not None or outcome is None:
            return few
        return Seen(whole, outcome)

    def _by_elements(self, key: Any, parts: Mapping[int, Call]) -> Seen | None:
        named = {freeze(each): each for part in parts.values() for each in self._model.elements(part)}
        pairs = combinations(named, 2) if len(named) <= PAIRED else ()
        for chosen in chain(((each,) for each in named), pairs):
            self._left -= len(parts)
            if self._left < 0:
                return None
            kept = {call: self._model.keeping(part, chosen) for call, part in parts.items()}
            view = self._view(key, kept, [named[each] for each in chosen])
            outcome = self._walked(view)
            if outcome:
                return Seen(view, outcome)
        return None

    def _walked(self, view: View) -> Refutation | Literal[False] | None:
        """Return the refutation of a view, False if it has a linearization, None if that takes too long."""
        share = self._budget.part(configurations=EACH + PER_CALL * len(view.calls.kinds))
        outcome = configurations.decide(view.calls, view.kinds, self._model, self._initial, share)
        self._budget.absorb(share)
        self._budget.check()
        if isinstance(outcome, Linearization):
            return False
        return outcome if isinstance(outcome, Refutation) else None

    def _call(self, call: int) -> Call:
        return self._kinds.calls[self._calls.kinds[call]]

    def _view(self, key: Any, parts: Mapping[int, Call], elements: list[Any] | None) -> View:
        """Bring what calls do into columns, without those that do nothing, and crashed observers."""
        calls, table = self._calls, KindTable(self._model, self._initial)
        numbers: dict[Hashable, int] = {}
        seen = Calls(calls.key, [], [], [], [])
        for call, part in parts.items():
            identity = (part.known, freeze(part.value), freeze(part.result))
            kind = numbers.get(identity)
            if kind is None:
                kind = numbers[identity] = table.add(part)
            if part.value and (part.known or not table.observer[kind]):
                seen.kinds.append(kind)
                seen.invokes.append(calls.invokes[call])
                seen.returns.append(calls.returns[call])
                seen.indices.append(calls.indices[call])
        return View(key, elements, seen, table.build())
