"""Values and lists of names in sentences."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_VALUE = 80


def show(value: Any) -> str:
    """Return a value as JSON, cut short where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return (
        text
        if len(text) <= _LONGEST_VALUE
        else f"{text[: _LONGEST_VALUE // 2]}...{text[-_LONGEST_VALUE // 4 :]}"
    )


def listed(names: Sequence[str], word: str = "and") -> str:
    """Return names as one enumeration."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
