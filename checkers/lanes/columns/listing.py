"""From columns back to lists: the calls of keys whose values repeat, for the lanes that walk over lists.

A million calls of a register with five values are a handful of *kinds*. So the calls are told apart by small
numbers, which columns hold already, and only the first call of each kind becomes a `Call` and is looked at
as `normalise` does. What comes out is what `normalise` returns, but for this: calls that differ only in
whether their answer repeats what was asked are of one kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from splitbrain.checkers.lanes.columns.identities import identify, objects
from splitbrain.checkers.lanes.columns.necessary import first
from splitbrain.checkers.models import Call
from splitbrain.checkers.normalise import FOREVER, NONE, Calls, KindTable, Normalised
from splitbrain.checkers.values import freeze

if TYPE_CHECKING:
    from collections.abc import Hashable

    from splitbrain.checkers.lanes.columns.accesses import Accesses
    from splitbrain.checkers.lanes.columns.identities import Ints
    from splitbrain.checkers.models import Model
    from splitbrain.histories.history import History

_SPARSE = 8
"""Numbers that span more than so many times their count are sorted, not counted off."""


class Distinct(NamedTuple):
    """Dense numbers, in the order in which they first occur, and the places where they do."""

    numbers: Ints
    places: Ints


def listed(
    history: History, model: Model, initial: Any, calls: Accesses, *, keyed: bool, nil_reads: str
) -> Normalised:
    """Bring calls of any number of keys into lists; `completed` counts only them."""
    told_apart = _told_apart(history, calls)
    known, applied = calls.returns != FOREVER, calls.differs == NONE
    table = KindTable(model, initial)
    identities: dict[Hashable, int] = {}
    kinds = np.empty(len(told_apart.places), np.int64)
    for number, place in enumerate(told_apart.places.tolist()):
        call = _call(history, int(calls.operation[place]), known=known[place], applied=applied[place])
        # The same call of another key is told apart by the numbers of values, and is one kind.
        identity = (call.f, call.known, call.applied, freeze(call.value), freeze(call.result))
        kind = identities.get(identity)
        if kind is None:
            kind = identities[identity] = table.add(model.loosen(call) if nil_reads == "any" else call)
        kinds[number] = kind
    columns = (kinds[told_apart.numbers], calls.invokes, calls.returns, calls.operation)
    lists = tuple(
        Calls(history.keys[key] if keyed else None, *(column[members].tolist() for column in columns))
        for key, members in _members(calls.key)
    )
    return Normalised(table.build(), lists, int(np.count_nonzero(known)))


def _members(keys: Ints) -> list[tuple[int, Ints | slice]]:
    """Return the calls of each key, the keys in the order in which they first appear."""
    names, places = np.unique(keys, return_index=True)
    if len(names) == 1:
        return [(int(names[0]), slice(None))]
    members = np.split(np.argsort(keys, kind="stable"), np.searchsorted(np.sort(keys), names[1:]))
    return [(int(names[rank]), members[rank]) for rank in np.argsort(places).tolist()]


def _told_apart(history: History, calls: Accesses) -> Distinct:
    """Number the calls by what was called, whether it returned, and what it reads, writes or excludes."""
    functions = np.frombuffer(history.f, np.int64)[calls.operation]
    kinds = distinct(2 * functions + (calls.returns != FOREVER), 2 * len(history.functions))
    for column in (calls.reads, calls.writes, calls.differs):
        span = calls.values + 1
        kinds = distinct(kinds.numbers * span + column + 1, len(kinds.places) * span)
    unequal = np.flatnonzero(calls.differs != NONE)
    if not len(unequal):
        return kinds
    # What a cas that compared unequal would have written is no access, but belongs to the call.
    asked = [history.values[operation][1] for operation in calls.operation[unequal].tolist()]
    wanted = np.zeros(len(calls.key), np.int64)
    numbers, limit = identify(objects(asked, len(asked)))
    wanted[unequal] = numbers
    return distinct(kinds.numbers * limit + wanted, len(kinds.places) * limit)


def distinct(values: Ints, limit: int) -> Distinct:
    """Number values, all from 0 and below `limit`, densely."""
    if limit <= _SPARSE * len(values):
        place = first(values, np.arange(len(values)), limit)
        present = np.flatnonzero(place != NONE)
        places = np.sort(place[present])
        names = np.full(limit, NONE)
        names[values[places]] = np.arange(len(places))
        return Distinct(names[values], places)
    _, places, numbers = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(places)
    names = np.empty(len(order), np.int64)
    names[order] = np.arange(len(order))
    return Distinct(names[numbers], places[order])


def _call(history: History, operation: int, *, known: bool, applied: bool) -> Call:
    name, value = history.functions[history.f[operation]], history.values[operation]
    return Call(name, value, history.results[operation] if known else None, bool(known), bool(applied))
