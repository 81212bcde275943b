r"""Jepsen's EDN: a map a line, or one vector or list of maps, with or without record tags.

A history is data, so EDN is read as JSON is: keywords and symbols as strings (`:write` is "write", `:a/b`
is "a/b"), lists, vectors and sets as lists, the keys of maps as strings ({0 10} is {"0": 10}), characters
as strings of one, `#inst` and `#uuid` as their text, other tags as the value they tag; but a tagged tuple
of `jepsen.independent` is remembered as one. The symbolic values ##Inf, ##-Inf and ##NaN stay strings,
since JSON has no such numbers.

The parser keeps its own stack, so nesting can be refused but never overflows. It hands over each entry as
it ends, and drops it. (Format: github.com/edn-format/edn.)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from splitbrain.histories.builder import show
from splitbrain.histories.errors import HistoryError, TornHistoryError
from splitbrain.histories.keys import KeyedTuple
from splitbrain.histories.readers.edn_tokens import token_runs, tokenise
from splitbrain.histories.readers.json_lines import DEEPEST, whole_number
from splitbrain.histories.readers.source import Entry, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)N?")
FLOAT = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?M?")
RATIO = re.compile(r"[+-]?[0-9]+/[0-9]+")
STARTS_NUMBER = re.compile(r"[+-]?[0-9]")
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
ESCAPES = {"t": "\t", "r": "\r", "n": "\n", "b": "\b", "f": "\f", "\\": "\\", '"': '"', "/": "/", "'": "'"}
CHARACTERS = {"newline": "\n", "return": "\r", "space": " ", "tab": "\t", "backspace": "\b", "formfeed": "\f"}
SYMBOLIC = frozenset({"##Inf", "##-Inf", "##NaN"})
CLOSING = {"{": "}", "#{": "}", "[": "]", "(": ")"}
CLOSERS = frozenset(CLOSING.values())
NEWLINE = "\n"
DISCARD = "#_"
TUPLES = frozenset({"#jepsen.independent.Tuple", "#jepsen.independent/tuple", "#jepsen.independent/Tuple"})
REMEMBERED = 1 << 16
"""How many different atoms keep their value: that atoms repeat is what makes histories quick to read."""


class _Malformed(Exception):  # noqa: N818 - never leaves this module
    """What is wrong with the token at hand; the reader adds the line."""


class _Unended(_Malformed):
    """A string without its last quote, which only the end of the file can cause."""


class _Frame(NamedTuple):
    """An open bracket: what it holds so far, and the tags and discards that wait for the form it ends as."""

    opening: str
    line: int
    items: list[Any]
    pending: list[str]


class _Parser:
    """Consumes tokens one by one and collects finished forms.

    The bottom frame is the file, or the vector or list around all entries; forms that end there are
    `finished`.
    """

    def __init__(self) -> None:
        self.line = 1
        self.finished: list[tuple[int, Any]] = []
        self._atoms: dict[str, Any] = {"nil": None, "true": True, "false": False}
        self._stack: list[_Frame] = []
        self._items: list[Any] = []
        self._pending: list[str] = []
        self._container: str | None = None
        self._container_line = 0
        self._closed = False
        self._any = False
        self._began = 0

    def consume(self, tokens: list[str]) -> None:
        """Take a run of tokens; raises `_Malformed` at the first that is out of place."""
        atoms, pending = self._atoms, self._pending
        for token in tokens:
            if token in atoms and self._stack and not pending:
                self._items.append(atoms[token])
            elif token in CLOSING:
                self._open(token)
                pending = self._pending
            elif token in CLOSERS:
                self._close(token)
                pending = self._pending
            elif token == NEWLINE:
                self.line += 1
            elif token[0] == ";":
                continue
            elif token[0] == "#" and token not in SYMBOLIC:
                if token in {"#", "##"} or token.startswith("##"):
                    raise _Malformed(f"found {token}, expected a tag, a set or a discarded form")
                self._mark()
                pending.append(token)
            else:
                value = self._atom(token)
                if not self._stack and not pending:
                    self._began = self.line
                self._add(value)
                self.line += token.count("\n") if token[0] in '"\\' else 0

    @property
    def unfinished(self) -> int | None:
        """The line of the innermost form that the end of the file cuts off, or None."""
        if self._stack:
            return self._stack[-1].line
        if self._pending:
            return self._began
        return self._container_line if self._container and not self._closed else None

    def _mark(self) -> None:
        if not self._stack and not self._pending:
            self._began = self.line
        if len(self._pending) >= DEEPEST:
            raise _Malformed(f"more than {DEEPEST} tags in a row")

    def _open(self, token: str) -> None:
        if self._opens_container(token):
            self._container = CLOSING[token]
            self._container_line = self.line
            self._pending.clear()
            return
        if not self._stack and not self._pending:
            self._began = self.line
        if len(self._stack) >= DEEPEST:
            raise _Malformed(f"nested deeper than {DEEPEST} levels")
        self._stack.append(_Frame(token, self.line, self._items, self._pending))
        self._items, self._pending = [], []

    def _opens_container(self, token: str) -> bool:
        """The first bracket of the file, if it is no map and not discarded, holds all entries."""
        first = not self._stack and self._container is None and not self._any
        return first and CLOSING[token] != "}" and DISCARD not in self._pending

    def _close(self, token: str) -> None:
        if self._pending:
            raise _Malformed(f"found {token}, expected the form that {self._pending[-1]} belongs to")
        if not self._stack:
            if token != self._container or self._closed:
                raise _Malformed(f"found {token}, which closes nothing")
            self._closed = True
            return
        opening, line, items, pending = self._stack.pop()
        if token != CLOSING[opening]:
            raise _Malformed(f"found {token}, expected {CLOSING[opening]} for the {opening} of line {line}")
        value: Any = self._items
        if opening == "{":
            value = _mapping(value)
        self._items, self._pending = items, pending
        self._add(value)

    def _add(self, value: Any) -> None:
        """Put a whole form where it belongs, once the tags and discards before it had their turn."""
        while self._pending:
            tag = self._pending.pop()
            if tag == DISCARD:
                return
            value = _tagged(tag, value)
        if self._stack:
            self._items.append(value)
            return
        if self._closed:
            raise _Malformed("something follows the closing bracket, expected the end of the file")
        self._any = True
        self.finished.append((self._began, value))

    def _atom(self, token: str) -> Any:
        if token in self._atoms:
            return self._atoms[token]
        value = _parse_atom(token)
        if len(self._atoms) < REMEMBERED and "\n" not in token:
            self._atoms[token] = value
        return value


def read_edn(source: Source) -> Iterator[Entry]:
    """Yield the entries of an EDN history; raises `TornHistoryError` if the file ends inside a form."""
    parser = _Parser()
    for tokens in token_runs(source):
        try:
            parser.consume(tokens)
        except _Malformed as error:
            yield from _entries(source, parser)
            kind = TornHistoryError if isinstance(error, _Unended) else HistoryError
            raise kind(source.name, parser.line, str(error)) from error
        yield from _entries(source, parser)
        parser.finished.clear()
    if parser.unfinished is not None:
        raise TornHistoryError(
            source.name, parser.unfinished, "the file ends inside the form that begins here, expected its end"
        )


def parse_forms(text: str) -> list[Any]:
    """Return all forms of a short text. Raises `ValueError` with the reason if it is not EDN."""
    parser = _Parser()
    try:
        parser.consume(["[", *tokenise(text), "]"])
    except _Malformed as error:
        raise ValueError(str(error)) from error
    if parser.unfinished is not None:
        raise ValueError("the text ends inside a form")
    return [value for _, value in parser.finished]


def _entries(source: Source, parser: _Parser) -> Iterator[Entry]:
    for line, value in parser.finished:
        if type(value) is not dict:
            raise HistoryError(
                source.name, line, f"found {show(value)}, expected a map such as {{:process 0, ...}}"
            )
        yield Entry(line, value)


def _parse_atom(token: str) -> Any:
    first = token[0]
    if first == ":":
        if len(token) == 1 or token[1] == ":":
            raise _Malformed(f"found {token}, expected a keyword")
        return token[1:]
    if first == '"':
        return _string(token)
    if first == "\\":
        return _character(token[1:])
    if STARTS_NUMBER.match(token):
        return _number(token)
    if first in "^@`~)" or (first == "'" and len(token) == 1):
        raise _Malformed(f"found {token}, which is not EDN")
    return token


def _number(token: str) -> Any:
    try:
        if INTEGER.fullmatch(token):
            return whole_number(token.rstrip("N"))
        if FLOAT.fullmatch(token):
            number = float(token.rstrip("M"))
            if number in (float("inf"), float("-inf")):
                raise _Malformed(f"the number {token[:40]} is too large")
            return number
    except ValueError as error:
        raise _Malformed(f"the number {token[:40]}... is too long") from error
    if RATIO.fullmatch(token):
        return token
    raise _Malformed(f"found {token[:40]}, expected a number")


def _string(token: str) -> str:
    if len(token) == 1 or not token.endswith('"'):
        raise _Unended("the string that begins here has no end")
    text = token[1:-1]
    if "\\" not in text:
        return text
    text = ESCAPE.sub(_unescape, text)
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise _Malformed("half a surrogate pair in a string") from error


def _unescape(match: re.Match[str]) -> str:
    code, letter = match.groups()
    if code is not None:
        return chr(int(code, 16))
    if letter not in ESCAPES:
        raise _Malformed(f"found \\{letter} in a string, expected an escape such as \\n")
    return ESCAPES[letter]


def _character(name: str) -> str:
    if len(name) == 1:
        return name
    if name in CHARACTERS:
        return CHARACTERS[name]
    if re.fullmatch("u[0-9a-fA-F]{4}", name) and not 0xD800 <= int(name[1:], 16) < 0xE000:
        return chr(int(name[1:], 16))
    raise _Malformed(f"found \\{name[:40]}, expected a character")


def _mapping(items: list[Any]) -> dict[str, Any]:
    if len(items) % 2:
        raise _Malformed("a map has a key without a value")
    mapping = {
        key if type(key) is str else _key_text(key): value
        for key, value in zip(items[::2], items[1::2], strict=True)
    }
    if len(mapping) * 2 < len(items):
        raise _Malformed("a map has two keys that read the same")
    return mapping


def _key_text(key: Any) -> str:
    try:
        return orjson.dumps(key, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # an integer beyond 64 bits
        return repr(key)


def _tagged(tag: str, value: Any) -> Any:
    if tag in TUPLES:
        if type(value) is not list or len(value) != 2:
            raise _Malformed(f"{tag} on {show(value)}, expected a vector of key and value")
        return KeyedTuple(value)
    if tag.startswith("#:") and type(value) is dict:  # #:ns{:a 1} is {:ns/a 1}
        return {key if "/" in key else f"{tag[2:]}/{key}": part for key, part in value.items()}
    return value
