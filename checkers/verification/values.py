"""Identity of JSON values, and their short form in sentences.

Values are compared as they were recorded: two are the same exactly if they have the same JSON type and
the same content. So `1`, `true` and `"1"` are three values, although Python holds the first two equal.
An integer and a float differ too, `1` from `1.0`: a store that answers `1.0` to a read of a
written `1` has changed what it was given, Clojure's histories keep the two apart as well, and a
verifier that tells them apart can only turn a "valid" down, never wave a wrong one through.
(A refutation that rests on the difference names both values, so a person sees it at once.)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.verification.members import Members
from splitbrain.checkers.verification.verification import RejectedError

if TYPE_CHECKING:
    from collections.abc import Hashable

LONGEST = 40
"""Characters of a value that a sentence shows."""


def identity(value: Any) -> Hashable:
    """Return a hashable stand-in: equal for two JSON values exactly if they are the same value.

    Raises:
        RejectedError: it is no JSON value.

    Strings, integers and null stand for themselves; the other types are tagged, so that no two types meet.
    """
    if isinstance(value, bool):
        return ("boolean", value)
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return ("float", repr(value))  # by its digits: NaN is itself, and 0.0 is not -0.0
    if isinstance(value, (list, tuple)):
        return ("list", *map(identity, value))
    if isinstance(value, dict):
        return ("object", frozenset((identity(name), identity(part)) for name, part in value.items()))
    raise RejectedError(f"The history holds a {type(value).__name__}, which is no JSON value.")


def reveal(stand_in: Any) -> Any:
    """Return the value that `identity` stands for, for display."""
    if isinstance(stand_in, Members):
        return [reveal(part) for part in stand_in]
    if not isinstance(stand_in, tuple):
        return stand_in
    tag, *parts = stand_in
    if tag == "float":
        return float(parts[0])
    if tag == "list":
        return [reveal(part) for part in parts]
    if tag == "object":
        return {str(reveal(name)): reveal(part) for name, part in sorted(parts[0], key=repr)}
    return parts[-1]


def show(value: Any) -> str:
    """Return the value as JSON, shortened."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
