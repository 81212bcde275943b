"""Keys of operations: interning, and the tuples of Jepsen's `independent`.

Jepsen runs many independent objects in one test by wrapping each value in a tuple `[key value]`, and prints
that tuple either tagged or as a plain two-element vector. A plain one looks like the `[old new]` of a
compare-and-set, so one line cannot decide. The whole history can: `independent` wraps *every* client
operation, reads included, so a history is taken to be keyed by plain tuples exactly if

- every client invocation carries a two-element list whose first element is a scalar,
- every ok returns a two-element list with the same first element, and
- some function other than a compare-and-set is always invoked with null in second place (`[k null]`: a read).

Without the last rule a history of compare-and-sets alone would qualify. Tagged tuples need no such care,
and a `key` field on any line wins over both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Keyed: TypeAlias = Literal["auto", "yes", "no"]
KEYED: tuple[Keyed, Keyed, Keyed] = ("auto", "yes", "no")
COMPARE_AND_SET = frozenset({"cas", "compare-and-set", "compare-and-swap"})


class KeyedTuple(list[Any]):
    """A two-element list that the file itself tagged as a tuple of key and value."""

    __slots__ = ()


def identity(value: Any) -> Any:
    """Return a hashable stand-in for a JSON value: equal exactly for the same JSON value.

    1, 1.0, true and "1" are four values, although Python holds three of them equal.
    """
    if value is None or type(value) is str:
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits somewhere inside
        return repr(value).encode()


def is_pair(value: Any) -> bool:
    """Whether this is a two-element list that starts with a scalar other than null."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int | float)


def all_wrapped(functions: Iterable[str], values: Sequence[Any], results: Iterable[tuple[int, Any]]) -> bool:
    """Decide whether plain pairs are tuples of key and value, by the rules above.

    `functions` and `values` are those of each invocation; `results` pairs the index of each ok
    operation with what it returned.
    """
    if not values or not all(map(is_pair, values)):
        return False
    if not all(is_pair(result) and same_key(values[index], result) for index, result in results):
        return False
    reading: dict[str, bool] = {}
    for function, value in zip(functions, values, strict=True):
        reading[function] = reading.get(function, True) and value[1] is None
    return any(reads for function, reads in reading.items() if function not in COMPARE_AND_SET)


def same_key(value: list[Any], result: list[Any]) -> bool:
    """Whether two pairs name the same key."""
    return bool(identity(value[0]) == identity(result[0]))
