"""JSON lines: one object a line, the project's own format.

Lines are parsed by orjson, which would turn integers beyond 64 bits into floats without a word, and two
different values into one. So a line with a run of nineteen digits goes through the standard library's
parser.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

import orjson

from splitbrain.histories.builder import show
from splitbrain.histories.errors import HistoryError, TornHistoryError
from splitbrain.histories.readers.source import Entry, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 100
"""Levels of nesting in one entry; far below what any recursion here or in a checker could trip over."""
MOST_DIGITS = 4000
"""Digits of a whole number. Python writes none of more than 4,300, and a checker adds numbers up."""
LONG_NUMBER = re.compile(rb"[0-9]{19}")
STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
BRACKETS = re.compile(rb"[\[\]{}]")


def read_json_lines(source: Source) -> Iterator[Entry]:
    """Yield the entries of a file of JSON lines; blank lines are skipped.

    Raises `TornHistoryError` if the last line has no newline and is not whole.
    """
    for block in source.blocks():
        for number, line in enumerate(block.lines, block.first):
            if not line or line.isspace():
                continue
            try:
                yield Entry(number, parse_object(line, source.name, number))
            except HistoryError as error:
                if block.torn:
                    raise TornHistoryError(source.name, number, f"torn last line: {error.message}") from error
                raise


def parse_object(text: bytes, name: str, line: int) -> dict[str, Any]:
    """Parse one JSON object that begins on this line of the file of this name."""
    try:
        if LONG_NUMBER.search(text):
            value = json.loads(
                text.decode(), parse_int=whole_number, parse_constant=_refuse_constant, parse_float=_finite
            )
            json.dumps(value, ensure_ascii=False).encode()  # refuses half a surrogate pair, as orjson does
        else:
            value = orjson.loads(text)
    except UnicodeDecodeError as error:
        raise HistoryError(name, line, "not UTF-8") from error
    except RecursionError as error:
        raise HistoryError(name, line, f"nested deeper than {DEEPEST} levels") from error
    except ValueError as error:
        raise HistoryError(name, line, f"{_reason(error)}; expected a JSON object") from error
    if type(value) is not dict:
        raise HistoryError(name, line, f"found {show(value)}, expected a JSON object")
    # Each member has one colon outside strings: no more colons than members, no member twice.
    if text.count(b":") != len(value):
        _refuse_doubled_members(text, name, line)
    if text.count(b"[") + text.count(b"{") > DEEPEST and depth(text) > DEEPEST:
        raise HistoryError(name, line, f"nested deeper than {DEEPEST} levels")
    return value


def _refuse_doubled_members(text: bytes, name: str, line: int) -> None:
    """Refuse an object that names a member twice: parsers disagree on which one counts."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [member for member, _ in pairs]
            doubled = next(member for member in names if names.count(member) > 1)
            raise HistoryError(name, line, f"the member {show(doubled)} stands twice in one object")
        return found

    try:
        json.loads(text.decode(), object_pairs_hook=members)
    except RecursionError as error:
        raise HistoryError(name, line, f"nested deeper than {DEEPEST} levels") from error


def depth(text: bytes) -> int:
    """Return how deeply well-formed JSON is nested."""
    level = deepest = 0
    for bracket in BRACKETS.findall(STRING.sub(b"", text)):
        level += 1 if bracket in b"[{" else -1
        deepest = max(deepest, level)
    return deepest


def _reason(error: ValueError) -> str:
    if "not valid UTF-8" in str(error):
        return "not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON at column {error.colno}: {error.msg.split(': line')[0]}"
    return f"not JSON: {error}"


def whole_number(digits: str) -> int:
    """Convert the digits of a whole number.

    Raises:
        ValueError: there are too many.
    """
    if len(digits.lstrip("-+0")) > MOST_DIGITS:
        raise ValueError(f"the number {digits[:40]}... is too long; {MOST_DIGITS} digits are the most")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is too large for a float")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
