"""A history of registers as columns: who reads, writes or excludes which value of which key, and when.

This is `normalise` for the models that are registers and nothing else, and follows its rules: a fail is
dropped, and so is a crashed observer. It makes no `Call` and asks the model nothing, so it knows the built-in
models by name, and only those: a subclass may have changed anything. Wherever the model might complain of an
operation, there is no answer, and `normalise` says what is wrong.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from splitbrain.checkers.lanes.columns.identities import (
    Bools,
    Ints,
    Objects,
    agree,
    identify,
    is_null,
    objects,
)
from splitbrain.checkers.models import CasRegister, Kv, Model, Register
from splitbrain.checkers.normalise import FOREVER, NONE

if TYPE_CHECKING:
    from array import array
    from collections.abc import Mapping

    from splitbrain.histories.history import History

_OK, _FAIL = 0, 1
_UNKNOWN, _READ, _WRITE, _DELETE, _CAS, _MORE = range(6)
"""What a function does to a register; more than one access can say (`_MORE`), or what no model knows."""
_CELL = {"read": _READ, "write": _WRITE}
_SHAPES: Mapping[type[Model], Mapping[str, int]] = {
    Register: _CELL,
    CasRegister: {**_CELL, "cas": _CAS},
    Kv: {**_CELL, "get": _READ, "put": _WRITE, "cas": _CAS, "delete": _DELETE, "append": _MORE},
}
_SPARSE = 8
"""If there could be more pairs of key and value than so many times the calls, they are not all numbered."""


class Accesses(NamedTuple):
    """The calls of all keys in the order of their invocations, as parallel columns.

    `operation` is the index of each in the history and `key` the number of its key; `invokes` and `returns`
    are positions (`FOREVER`: crashed). `reads`, `writes` and `differs` are numbers of values (`NONE`: no such
    access), below `values` all of them: two calls have one exactly if they mean the same value *of the same
    key*. `initial` is the number of each key's initial value.
    """

    operation: Ints
    key: Ints
    invokes: Ints
    returns: Ints
    reads: Ints
    writes: Ints
    differs: Ints
    initial: Ints
    values: int

    def where(self, chosen: Bools) -> Accesses:
        """Return the accesses of some of the calls."""
        operation, key, invokes, returns, reads, writes, differs = (column[chosen] for column in self[:7])
        return Accesses(operation, key, invokes, returns, reads, writes, differs, self.initial, self.values)


class Described(NamedTuple):
    """What was described, without the calls of the keys that are `left`: some call of theirs is no access.

    `completed` counts the completed operations of all keys.
    """

    accesses: Accesses
    left: Bools
    completed: int


def describe(
    history: History, model: Model, initial: Any, *, keyed: bool, nil_reads: str, failed_cas: str
) -> Described | None:
    """Bring a history into columns, or return None if the model isn't known or might complain."""
    shape = _SHAPES.get(type(model))
    if shape is None or not len(history):
        return None
    evidence = _evidence(history, shape, observe_fails=failed_cas == "observed")
    if (evidence.does[evidence.kept] == _UNKNOWN).any():
        return None
    key = _column(history.key) if keyed else np.zeros(len(history), np.int64)
    left = np.zeros(len(history.keys) if keyed else 1, np.bool_)
    left[key[evidence.kept & (evidence.does == _MORE)]] = True
    completed = int(np.count_nonzero(evidence.known))
    evidence = evidence._replace(kept=evidence.kept & ~left[key])
    parts = _parts(history, evidence, loose=nil_reads == "any")
    if parts is None:
        return None
    numbers = _numbered(parts, key, initial, len(left))
    return Described(_accesses(history, evidence, parts, key, numbers), left, completed)


def _column(values: array[int]) -> Ints:
    return np.frombuffer(values, np.int64)


class _Evidence(NamedTuple):
    """What each operation does, which carry evidence, whose results are known, and which were applied."""

    does: Ints
    kept: Bools
    known: Bools
    applied: Bools


def _evidence(history: History, shape: Mapping[str, int], *, observe_fails: bool) -> _Evidence:
    does = np.array([shape.get(name, _UNKNOWN) for name in history.functions])[_column(history.f)]
    status = _column(history.status)
    applied = np.ones(len(history), np.bool_)
    applied[np.fromiter(history.unapplied, np.int64, len(history.unapplied))] = False
    known = status == _OK
    if observe_fails:
        compares = np.array([name == "cas" for name in history.functions])[_column(history.f)]
        unequal = (status == _FAIL) & compares
        return _Evidence(does, (status != _FAIL) | unequal, known | unequal, applied & ~unequal)
    return _Evidence(does, status != _FAIL, known, applied)


class _Numbers(NamedTuple):
    """Numbers of values, and of the initial value of each key, where each key's differ from all others'."""

    of_values: Ints
    of_initial: Ints
    limit: int


class _Parts(NamedTuple):
    """The values that operations name: what each `read` found, and so on; operations are given by index."""

    read: Ints
    found: Objects
    write: Ints
    written: Objects
    delete: Ints
    cas: Ints
    old: Objects
    new: Objects


def _parts(history: History, evidence: _Evidence, *, loose: bool) -> _Parts | None:
    """Gather the values of the kept operations; None if the model might complain of one."""
    does, kept, known, _ = evidence
    asked, answered = objects(history.values, len(history)), objects(history.results, len(history))
    strict = kept & known & (does == _READ)
    if loose:
        strict &= ~is_null(answered)
    read = np.flatnonzero(strict)
    write, delete, cas = (np.flatnonzero(kept & (does == what)) for what in (_WRITE, _DELETE, _CAS))
    changed = np.concatenate([write[known[write]], cas[known[cas]]])
    pairs = asked[cas].tolist()
    if not all(type(pair) in (list, tuple) and len(pair) == 2 for pair in pairs):
        return None
    if not agree(asked[changed], answered[changed]):
        return None
    old, new = (objects((pair[side] for pair in pairs), len(pairs)) for side in (0, 1))
    return _Parts(read, answered[read], write, asked[write], delete, cas, old, new)


def _accesses(history: History, evidence: _Evidence, parts: _Parts, key: Ints, numbers: _Numbers) -> Accesses:
    """Put the numbers of values where they belong; drop crashed observers."""
    does, kept, known, applied = evidence
    read, write, delete, cas = parts.read, parts.write, parts.delete, parts.cas
    ends = np.cumsum([len(read), len(write) + len(delete), len(cas)])
    found, written, old, new = np.split(numbers.of_values, ends)
    reads, writes, differs = (np.full(len(history), NONE) for _ in range(3))
    reads[read], writes[np.concatenate([write, delete])] = found, written
    equal = applied[cas]
    reads[cas], writes[cas] = np.where(equal, old, NONE), np.where(equal, new, NONE)
    differs[cas] = np.where(equal, NONE, old)
    matters = kept & ((does != _READ) | known)
    matters[cas[old == new]] &= known[cas[old == new]]
    everything = Accesses(
        np.arange(len(history)),
        key,
        _column(history.invoke),
        np.where(known, _column(history.complete), FOREVER),
        reads,
        writes,
        differs,
        numbers.of_initial,
        numbers.limit,
    )
    return everything.where(matters)


def _numbered(parts: _Parts, key: Ints, initial: Any, keys: int) -> _Numbers:
    """Number all values: those found, those written and deleted, the old and the new ones of each cas."""
    first, nulls = objects([initial], 1), objects(repeat(None), len(parts.delete))
    named = [first, parts.found, parts.written, nulls, parts.old, parts.new]
    numbers, limit = identify(np.concatenate(named))
    owner = key[np.concatenate([parts.read, parts.write, parts.delete, parts.cas, parts.cas])]
    return _by_key(numbers[1:], owner, int(numbers[0]), limit, keys)


def _by_key(numbers: Ints, key: Ints, initial: int, limit: int, keys: int) -> _Numbers:
    """Give the values of different keys different numbers."""
    every = np.arange(keys)
    if keys == 1:
        return _Numbers(numbers, every + initial, limit)
    if keys * limit <= _SPARSE * len(numbers):
        return _Numbers(numbers + key * limit, every * limit + initial, keys * limit)
    # Values that are unique in the whole history may stay as they are, but the initial one is everywhere.
    own = np.where(numbers == initial, limit + key, numbers)
    owner = np.full(limit + keys, NONE)
    owner[own] = key
    if (owner[own] == key).all():
        return _Numbers(own, limit + every, limit + keys)
    pairs = np.concatenate([every * limit + initial, key * limit + numbers])
    distinct, renamed = np.unique(pairs, return_inverse=True)
    renamed = renamed.astype(np.int64)
    return _Numbers(renamed[keys:], renamed[:keys], len(distinct))
