"""Transactions seen one key at a time: a refutation where the whole is too much to walk over.

Take a linearization of transactions on many keys, and of each keep only what it does with one of them. What
is left is a linearization: what a transaction finds under a key depends on that key alone. So a history is
refuted if it is refuted seen by one key, where there are few transactions at a time and few states. The
converse fails, of course: two keys may each be in order, and not together.

The keys with the fewest transactions come first, and each may take so many configurations and no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.lanes import configurations
from splitbrain.checkers.normalise import FOREVER, Calls, KindTable
from splitbrain.checkers.outcome import Refutation
from splitbrain.checkers.values import freeze

if TYPE_CHECKING:
    from collections.abc import Hashable

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Kinds

LANE = "single-key"
MANY = 100
"""Fewer calls are walked over as they are."""
EACH, PER_CALL = 5_000, 50
"""Configurations that a key may take, and more for each of its calls."""


class Seen(NamedTuple):
    """What is refuted: the calls as they are seen by one key, in kinds of their own."""

    key: Any
    calls: Calls
    kinds: Kinds
    outcome: Refutation


def refuted(calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget) -> Seen | None:
    """Return the first key by which the calls are refuted, or None.

    Raises:
        BudgetExceeded: the time or the memory is spent, or all configurations.
        ModelError: the model contradicts itself.
    """
    if len(calls.kinds) < MANY:
        return None
    members = _members(calls, kinds, model)
    if len(members) < 2:  # by a single key everything is seen
        return None
    names = {freeze(key): key for kind in kinds.calls for key in model.places(kind)}
    for name in sorted(members, key=lambda each: len(members[each])):
        seen, seen_kinds = _seen_by(names[name], members[name], calls, kinds, model, initial)
        share = budget.part(configurations=EACH + PER_CALL * len(seen.kinds))
        outcome = configurations.decide(seen, seen_kinds, model, initial, share)
        budget.absorb(share)
        budget.check()
        if isinstance(outcome, Refutation):
            return Seen(names[name], seen, seen_kinds, outcome)
    return None


def _members(calls: Calls, kinds: Kinds, model: Model) -> dict[Hashable, list[int]]:
    """Return the calls that do something with each key."""
    places = {kind: {freeze(key) for key in model.places(kinds.calls[kind])} for kind in set(calls.kinds)}
    members: dict[Hashable, list[int]] = {}
    for call, kind in enumerate(calls.kinds):
        for name in places[kind]:
            members.setdefault(name, []).append(call)
    return members


def _seen_by(
    key: Any, members: list[int], calls: Calls, kinds: Kinds, model: Model, initial: Any
) -> tuple[Calls, Kinds]:
    """Bring what some calls do with one key into columns, without crashed observers."""
    table = KindTable(model, initial)
    numbers: dict[Hashable, int] = {}
    seen = Calls(calls.key, [], [], [], [])
    for call in members:
        whole = kinds.calls[calls.kinds[call]]
        part = model.seen_by(whole, key)
        identity = (part.known, freeze(part.value), freeze(part.result))
        if identity not in numbers:
            numbers[identity] = table.add(part)
        if part.known or not table.observer[numbers[identity]]:
            seen.kinds.append(numbers[identity])
            seen.invokes.append(calls.invokes[call])
            seen.returns.append(calls.returns[call] if part.known else FOREVER)
            seen.indices.append(calls.indices[call])
    return seen, table.build()
