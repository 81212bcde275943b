"""Small text: widths, values and counts, safe to print on anyone's terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from typing import Any

DEFAULT_WIDTH = 100
NARROWEST, WIDEST = 40, 160


def terminal_width() -> int:
    """Return the width to lay text out for: the terminal's, or 100 columns where there is none."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns))


def colours_wanted() -> bool:
    """Whether standard output is a terminal whose owner has not asked for plain text (NO_COLOR)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def shorten(text: str, longest: int) -> str:
    """Cut the middle out of a text that is too long."""
    if len(text) <= longest:
        return text
    head = (longest - 1) * 2 // 3
    tail = longest - 1 - head
    return text[:head] + "…" + (text[-tail:] if tail else "")


def as_json(value: Any, longest: int = 60) -> str:
    """Return a value as JSON on one line, shortened; JSON escapes only some of what steers a terminal."""
    return shorten(printable(json.dumps(value, ensure_ascii=False, default=str)), longest)


def printable(text: str) -> str:
    """Replace characters that would steer a terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def wrap(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """Break a text into lines; `first` goes before the first, `rest` (default: blanks) before the others."""
    return textwrap.wrap(
        printable(text),
        width,
        initial_indent=first,
        subsequent_indent=" " * len(first) if rest is None else rest,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def plural(count: int, noun: str) -> str:
    """Return "1 gate", "2 gates"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
