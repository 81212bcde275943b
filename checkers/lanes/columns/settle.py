"""A large history through the lane over columns: what it settles, and which keys it leaves to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from splitbrain.checkers.lanes.columns import necessary, zones
from splitbrain.checkers.lanes.columns.accesses import describe
from splitbrain.checkers.lanes.insertion import insert_observers
from splitbrain.checkers.normalise import FOREVER, NONE, Calls, Kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.lanes.columns.accesses import Accesses
    from splitbrain.checkers.lanes.columns.identities import Bools, Ints
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.outcome import Refutation
    from splitbrain.histories.history import History

RELEVANT = 200
"""A contradiction with more calls than this behind it is not told by these alone."""
LISTED = 10
"""So many contradictions are told with what is behind them."""


class Contradiction(NamedTuple):
    """A refuted key, by its number in the history; all calls are indices into its operations.

    `relevant` are the core and what is behind it, which should be refuted by itself; None if that is much, or
    if many other keys are refuted as well.
    """

    key: int
    lane: str
    rule: str
    core: Sequence[int]
    relevant: Sequence[int] | None


class Settled(NamedTuple):
    """What the lane says of a history.

    `orders` are linearizations, each with its key, as positions of invocations; there are none if some key is
    refuted, as nobody asks then. `left` tells of each key whether other lanes must decide it. `completed`
    counts the completed operations of all keys, and `lanes` names those that settled something.
    `repeating` are the calls of all keys that are left, if for each of them it is known that no cheap
    condition refutes it and that observed values have several writers; else None.
    """

    orders: Sequence[Mapping[str, Any]]
    refuted: Sequence[Contradiction]
    left: Bools
    completed: int
    lanes: frozenset[str]
    repeating: Accesses | None = None


def settle(
    history: History,
    model: Model,
    initial: Any,
    budget: Budget,
    *,
    keyed: bool,
    nil_reads: str,
    failed_cas: str,
) -> Settled | None:
    """Decide as many keys as the lane can, or return None if it knows nothing of the model or the operations.

    Raises:
        BudgetExceeded: the time or the memory is spent; it is looked at between the steps.
    """
    described = describe(history, model, initial, keyed=keyed, nil_reads=nil_reads, failed_cas=failed_cas)
    budget.check()
    if described is None:
        return None
    everything, left, completed = described
    writers = np.bincount(everything.writes[everything.writes != NONE], minlength=everything.values)
    writers[everything.initial] += 1
    refuted = necessary.refute(everything, writers)
    observed = zones.observed_values(everything)
    told = _tell(everything, "necessary", refuted, observed)
    calls = _without(everything, _marked(refuted, left))
    unclear = zones.ambiguous(calls, observed, writers)
    # None if an operation of such a key is no access, or compared unequal and finds no place.
    repeating = None if left.any() else calls.where(unclear[calls.key])
    left |= unclear
    calls = _without(calls, unclear)
    budget.check()
    zoned = zones.decide(calls, observed)
    budget.check()
    told += _tell(calls, "zones", zoned.refuted, observed)
    lanes = frozenset(each.lane for each in told) | ({"zones"} if len(calls.key) else set())
    if told:
        return Settled((), told, left, completed, lanes, repeating)
    orders = _orders(calls, zoned)
    unplaced = [key for key, order in orders.items() if order is None]
    left[unplaced] = True
    repeating = None if unplaced else repeating
    names = history.keys if keyed else [None]
    named = [{"key": names[key], "order": order} for key, order in orders.items() if order is not None]
    return Settled(named, (), left, completed, lanes, repeating)


def _marked(keys: Mapping[int, Any], like: Bools) -> Bools:
    marked = np.zeros(len(like), np.bool_)
    marked[list(keys)] = True
    return marked


def _without(calls: Accesses, keys: Bools) -> Accesses:
    return calls.where(~keys[calls.key]) if keys.any() else calls


def _tell(
    calls: Accesses, lane: str, refuted: Mapping[int, Refutation], observed: Bools
) -> list[Contradiction]:
    """Translate refutations from calls to operations, and add what is behind the first ones of them."""
    if not refuted:
        return []
    behind = _Behind(calls, observed)
    told = []
    for number, key in enumerate(sorted(refuted)):
        rule, core = refuted[key].rule, refuted[key].core
        relevant = behind.all_of(core) if number < LISTED else None
        operations = None if relevant is None else calls.operation[sorted(relevant)].tolist()
        told.append(Contradiction(key, lane, rule, calls.operation[list(core)].tolist(), operations))
    return told


class _Behind:
    """Finds what is behind calls: who wrote what they needed, and who saw what a crashed one wrote."""

    def __init__(self, calls: Accesses, observed: Bools) -> None:
        self._calls, self._observed = calls, observed
        self._writers, self._readers = (
            np.argsort(column, kind="stable") for column in (calls.writes, calls.reads)
        )
        self._written, self._read = calls.writes[self._writers], calls.reads[self._readers]

    def all_of(self, core: Sequence[int]) -> set[int] | None:
        """Return the calls and what is behind them, transitively; None if that is much."""
        chosen = set(core)
        pending = list(chosen)
        while pending and len(chosen) <= RELEVANT:
            call = pending.pop()
            more = {*self._sources(call), *self._witnesses(call)} - chosen
            chosen |= more
            pending += more
        return None if pending else chosen

    def _sources(self, call: int) -> list[int]:
        value = self._calls.reads[call]
        if value == NONE:
            return []
        begin, end = np.searchsorted(self._written, [value, value + 1])
        return list(map(int, self._writers[begin:end]))

    def _witnesses(self, call: int) -> list[int]:
        """Return a call that observed what a crashed one wrote, if possible one that completed."""
        calls, value = self._calls, self._calls.writes[call]
        if value == NONE or calls.returns[call] != FOREVER:
            return []
        begin, end = np.searchsorted(self._read, [value, value + 1])
        readers = self._readers[begin:end]
        completed = readers[calls.returns[readers] != FOREVER]
        happened = readers[self._observed[calls.writes[readers]]]
        return [*completed[:1].tolist(), *happened[:1].tolist()][:1]


def _orders(calls: Accesses, zoned: zones.Zoned) -> dict[int, list[int] | None]:
    """Return each key's order with its observers taken in, or None where they find no place."""
    order, keys = zoned.order, len(calls.initial)
    ends = np.searchsorted(calls.key[order], np.arange(keys + 1))
    present = np.flatnonzero(np.bincount(calls.key, minlength=keys)).tolist()
    unplaced = set(np.unique(calls.key[zoned.aside]).tolist())
    positions = calls.invokes[order]
    orders: dict[int, list[int] | None] = {
        key: positions[ends[key] : ends[key + 1]].tolist() for key in present if key not in unplaced
    }
    for key in sorted(unplaced):
        orders[key] = _taken_in(calls, key, order[ends[key] : ends[key + 1]], zoned.aside)
    return dict(sorted(orders.items()))


def _taken_in(calls: Accesses, key: int, order: Ints, aside: Ints) -> list[int] | None:
    """Put the observers of one key into the order of its other calls."""
    members = np.flatnonzero(calls.key == key)
    own = calls.where(calls.key == key)
    columns = (own.invokes.tolist(), own.returns.tolist(), own.operation.tolist())
    kinds = list(range(len(members)))
    observers = np.searchsorted(members, aside[calls.key[aside] == key]).tolist()
    complete = insert_observers(
        Calls(key, kinds, *columns),
        Kinds((), (), (), (), own.writes.tolist(), own.differs.tolist(), (), int(calls.initial[key])),
        np.searchsorted(members, order).tolist(),
        observers,
    )
    return None if complete is None else own.invokes[complete].tolist()
