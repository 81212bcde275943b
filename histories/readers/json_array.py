"""One JSON array of objects, element by element.

The standard library finds where an element ends (its decoder can start anywhere in a text and stops after one
value); the element is then read like a line of JSON lines, so that both formats refuse the same things.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from splitbrain.histories.errors import HistoryError, TornHistoryError
from splitbrain.histories.readers.json_lines import DEEPEST, parse_object
from splitbrain.histories.readers.source import CHUNK, Entry, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

BLANK = re.compile(r"[ \t\r\n]*")


class _Window:
    """The part of the text that is not used up yet, with the line number of its first character."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.decoder = json.JSONDecoder()
        self.text = ""
        self.start = 0
        self.line = 1
        self.ended = False

    def extend(self) -> None:
        """Drop what is used up and read on, at least as much again as is left."""
        self.text = self.text[self.start :]
        self.start = 0
        more = self._source.read_text(max(CHUNK, len(self.text)))
        self.ended = not more
        self.text += more

    def advance(self, end: int) -> None:
        """Use up the text before `end`."""
        self.line += self.text.count("\n", self.start, end)
        self.start = end

    def peek(self) -> str:
        """Skip blanks and return the next character, or an empty string at the end of the file."""
        while True:
            blank = BLANK.match(self.text, self.start)
            assert blank is not None
            self.advance(blank.end())
            if self.start < len(self.text):
                return self.text[self.start]
            if self.ended:
                return ""
            self.extend()


def read_json_array(source: Source) -> Iterator[Entry]:
    """Yield the entries of a JSON array; raises `TornHistoryError` if the file ends inside it."""
    window = _Window(source)
    opening = window.peek()
    if not opening:
        return
    if opening != "[":
        raise HistoryError(source.name, window.line, f"found {opening!r}, expected a JSON array of objects")
    window.advance(window.start + 1)
    if window.peek() != "]":
        yield _element(window, source)
        while (following := window.peek()) != "]":
            if not following:
                raise TornHistoryError(
                    source.name, window.line, "the file ends inside the array, expected , or ]"
                )
            if following != ",":
                raise HistoryError(
                    source.name, window.line, f"found {following!r}, expected , or ] after an element"
                )
            window.advance(window.start + 1)
            window.peek()
            yield _element(window, source)
    window.advance(window.start + 1)
    if window.peek():
        raise HistoryError(
            source.name, window.line, "something follows the array, expected the end of the file"
        )


def _element(window: _Window, source: Source) -> Entry:
    while True:
        try:
            _, end = window.decoder.raw_decode(window.text, window.start)
            break
        except RecursionError as error:
            raise HistoryError(source.name, window.line, f"nested deeper than {DEEPEST} levels") from error
        except ValueError as error:
            if not window.ended:
                window.extend()
                continue
            raise _broken(window, source, error) from error
    line = window.line
    fields = parse_object(window.text[window.start : end].encode(errors="surrogatepass"), source.name, line)
    window.advance(end)
    return Entry(line, fields)


def _broken(window: _Window, source: Source, error: ValueError) -> HistoryError:
    if not isinstance(error, json.JSONDecodeError):
        return HistoryError(source.name, window.line, f"not JSON: {error}")
    line = window.line + window.text.count("\n", window.start, error.pos)
    unfinished = not window.text[error.pos :].strip() or error.msg.startswith("Unterminated string")
    kind = TornHistoryError if unfinished else HistoryError
    return kind(source.name, line, f"not JSON: {error.msg}; expected an object")
