"""JSON lines: one object a line, the project's own format.

Lines are parsed by orjson, which would turn integers beyond 64 bits into floats without a word, and two
different values into one. So a line with a run of nineteen digits goes through the standard library's
parser.

A block of lines costs half as much when it is parsed as one array. But an array forgets where lines ended
(`{"a": [1` and `2]}` are no objects, and one together), so a block is parsed so only if its text shows
that each line is one flat object, and in which nothing could have gone unnoticed. All others are
parsed line by line.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import orjson

from splitbrain.histories.builder import show
from splitbrain.histories.errors import HistoryError, TornHistoryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from splitbrain.histories.readers.source import Block, Source

DEEPEST = 100
"""Levels of nesting in one entry; far below what any recursion here or in a checker could trip over."""
MOST_DIGITS = 4000
"""Digits of a whole number. Python writes none of more than 4,300, and a checker adds numbers up."""
LONG_NUMBER = re.compile(rb"[0-9]{19}")
DIGITS_ALIKE = bytes(ord("0") if chr(code).isdigit() and code < 128 else code for code in range(256))
LONG = b"0" * 19
"""A long number in a text whose digits are alike; to look for it is six times as fast as the pattern."""
STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
BRACKETS = re.compile(rb"[\[\]{}]")


class Batch(NamedTuple):
    """The entries of consecutive lines; `first` is the 1-based number of the first one."""

    first: int
    entries: list[dict[str, Any]]


def read_json_lines(source: Source) -> Iterator[Batch]:
    """Yield the entries of a file of JSON lines; blank lines are skipped.

    Raises `TornHistoryError` if the last line has no newline and is not whole.
    """
    for block in source.blocks():
        entries = None if block.torn else _parse_flat(block.text)
        if entries is not None:
            yield Batch(block.first, entries)
        else:
            yield from _parse_lines(block, source.name)


def _parse_lines(block: Block, name: str) -> Iterator[Batch]:
    for number, line in enumerate(block.lines, block.first):
        if not line or line.isspace():
            continue
        try:
            yield Batch(number, [parse_object(line, name, number)])
        except HistoryError as error:
            if block.torn:
                raise TornHistoryError(name, number, f"torn last line: {error.message}") from error
            raise


def _parse_flat(text: bytes) -> list[dict[str, Any]] | None:
    """Parse lines that are flat objects, or return None if they might be anything else.

    There are as many braces as lines, and each line after the first begins with one. So if the array has as
    many elements as there are lines, all of them objects, then each brace opens one of them: none is inside
    another or in a string, and each line is one object. There are as many colons as members: none stands
    twice.
    """
    count = text.count(b"\n")
    if text.count(b"{") != count or text.count(b"\n{") != count - 1:
        return None
    if LONG in text.translate(DIGITS_ALIKE) or _brackets(text) >= DEEPEST:
        return None
    try:
        entries: list[Any] = orjson.loads(b"[%b]" % text[:-1].replace(b"\n", b","))
    except ValueError:
        return None
    flat = len(entries) == count and set(map(type, entries)) == {dict}
    return entries if flat and sum(map(len, entries)) == text.count(b":") else None


def _brackets(text: bytes) -> int:
    """Return how many lists one line may open: an upper bound of its depth."""
    count = text.count(b"[")
    return count if count < DEEPEST else max(line.count(b"[") for line in text.split(b"\n"))


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
