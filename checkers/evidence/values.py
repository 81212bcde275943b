"""Values and lists of names in sentences."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_VALUE = 80
_TRIPLE = 3


def show(value: Any) -> str:
    """Return a value as JSON, cut short where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return (
        text
        if len(text) <= _LONGEST_VALUE
        else f"{text[: _LONGEST_VALUE // 2]}...{text[-_LONGEST_VALUE // 4 :]}"
    )


def name_of_key(key: Any) -> str:
    """Return a key as it is if it is a plain word, else as JSON."""
    return key if isinstance(key, str) and key.isidentifier() else show(key)


def micro_operations(value: Any) -> str | None:
    """Return a transaction's operations as `r x [1], append y 2`, or None if they have another shape."""
    if not isinstance(value, (list, tuple)) or not value:
        return None
    told = []
    for each in value:
        if not isinstance(each, (list, tuple)) or len(each) != _TRIPLE or not isinstance(each[0], str):
            return None
        f, key, argument = each
        told.append(f"{f} {name_of_key(key)} {show(argument)}")
    return ", ".join(told)


def sentence(clause: str) -> str:
    """Return a clause as the beginning of a sentence; names of operations stay as they are."""
    return clause[:1].upper() + clause[1:] if clause.startswith("the ") else clause


def listed(names: Sequence[str], word: str = "and") -> str:
    """Return names as one enumeration."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
