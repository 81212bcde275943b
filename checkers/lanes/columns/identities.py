"""Numbers for JSON values, a whole column at a time: equal exactly where `freeze` is."""

from __future__ import annotations

import marshal
from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from splitbrain.checkers.values import freeze, same

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

Ints: TypeAlias = "NDArray[np.int64]"
Bools: TypeAlias = "NDArray[np.bool_]"
Objects: TypeAlias = "NDArray[np.object_]"

_NULL = type(None)
_PLAIN = {int, str, _NULL}
"""Exact types whose values Python compares as JSON does. (Elsewhere 1 == True == 1.0.)"""
_WITHOUT_REFERENCES = 2
"""The last version of marshal's format in which equal values are equal bytes wherever they are shared."""
_SPARSE = 4
"""Integers that span more than so many times their count are sorted, not counted off."""


class Identities(NamedTuple):
    """The number of each value of a column; all are below `limit`, and not every number need occur."""

    numbers: Ints
    limit: int


def objects(values: Iterable[Any], length: int) -> Objects:
    """Return values as a column; lists stay what they are."""
    return np.fromiter(values, dtype=object, count=length)


def is_null(values: Objects) -> Bools:
    """Tell of each value whether it is null."""
    null: Bools = np.equal(values, np.array(None, dtype=object))
    return null


def identify(values: Objects) -> Identities:
    """Number the values of a column."""
    column = values.tolist()
    kinds = set(map(type, column))
    if kinds <= {int, _NULL}:
        identities = _integers(values)
        if identities is not None:
            return identities
    table: defaultdict[Any, int] = defaultdict(count().__next__)
    frozen = column if kinds <= _PLAIN else map(freeze, column)
    numbers = np.fromiter(map(table.__getitem__, frozen), np.int64, len(column))
    return Identities(numbers, len(table))


def _integers(values: Objects) -> Identities | None:
    """Number integers and nulls without looking each of them up; None if one has more than 64 bits."""
    null = is_null(values)
    try:
        numbers = np.where(null, 0, values).astype(np.int64)
    except OverflowError:
        return None
    present = numbers[~null]
    if not len(present):
        return Identities(numbers, 1)
    low, high = int(present.min()), int(present.max())
    if high - low < _SPARSE * len(values):
        numbers = numbers - low + 1
        span = high - low + 2
    else:
        distinct, numbers = np.unique(numbers, return_inverse=True)
        numbers = numbers.astype(np.int64) + 1
        span = len(distinct) + 1
    numbers[null] = 0
    return Identities(numbers, span)


def agree(asked: Objects, answered: Objects) -> bool:
    """Tell whether every answer, where there is one, is the same JSON value as what was asked."""
    given = ~is_null(answered)
    left, right = asked[given].tolist(), answered[given].tolist()
    if set(map(type, left)) | set(map(type, right)) <= _PLAIN:
        return bool(left == right)
    try:
        # As bytes, 1 and true and 1.0 are three, and equal bytes are equal values.
        if marshal.dumps(left, _WITHOUT_REFERENCES) == marshal.dumps(right, _WITHOUT_REFERENCES):
            return True
    except ValueError:  # too deep, or no JSON value
        pass
    return all(map(same, left, right))
