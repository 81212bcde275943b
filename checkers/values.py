"""JSON values as dictionary keys, told apart as JSON tells them apart.

Python says `1 == True == 1.0`, and lists can't be hashed. A checker that compared raw values would let
a store that turns the number 1 into the boolean true pass, so every comparison goes through `freeze`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from splitbrain.histories.errors import printable

if TYPE_CHECKING:
    from collections.abc import Hashable

_ALONE = (str, int, type(None))
"""Exact types that are their own frozen form; no frozen form of another type equals one of theirs."""
LONGEST = 60
"""Characters of a value that a sentence shows."""


class _Anything:
    """Equal to every value: the result of an observation that any state explains."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "anything"


ANYTHING = _Anything()


def freeze(value: Any) -> Hashable:  # noqa: PLR0911 - one line a JSON type
    """Return a hashable form of a JSON value; two are equal exactly if the JSON values are.

    Integers, floats and booleans differ from each other even where Python calls them equal.
    A value outside JSON (a model's own state) is its own form and must be hashable.
    """
    kind = value.__class__
    if kind in _ALONE:
        return value  # type: ignore[no-any-return]  # the branch admits str, int and None only
    if kind is bool:
        return ("boolean", "true" if value else "false")
    if kind is float:
        return ("float", repr(value))
    if isinstance(value, list):
        return ("list", *map(freeze, value))
    if isinstance(value, tuple):
        return ("tuple", *map(freeze, value))
    if isinstance(value, Mapping):
        return ("object", frozenset((freeze(name), freeze(item)) for name, item in value.items()))
    if value is ANYTHING:
        return ("anything",)
    return ("other", kind, value)


def same(left: Any, right: Any) -> bool:
    """Tell whether two JSON values are the same value of the same JSON type."""
    if left.__class__ in _ALONE and left.__class__ is right.__class__:
        return bool(left == right)
    return freeze(left) == freeze(right)


def show(value: Any) -> str:
    """Return a value for a sentence: its JSON, cut short, without what would steer a terminal."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:  # Python writes no integer of thousands of digits
        return "a number of too many digits"
    return printable(text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...")


def show_name(name: str) -> str:
    """Return the name of an operation for a sentence: quoted and cut short where it is no plain word."""
    return name if name and name.isprintable() and len(name) <= LONGEST else show(name)
