"""The bytes of a history file, read once from front to back.

Files, pipes and devices alike: nothing here seeks. The first bytes stay visible for the detection of the
format, and every read grows with what its caller could not use yet, so that even a file of one line costs
linear time.
"""

from __future__ import annotations

import codecs
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from splitbrain.histories.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

CHUNK = 1 << 18
UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Entry(NamedTuple):
    """One entry of a history with the 1-based line that it begins on."""

    line: int
    fields: dict[str, Any]


class Block(NamedTuple):
    """Consecutive lines, each with its end; `first` is the 1-based number of the first one.

    `torn` marks the last line of a file that does not end in a newline; it comes alone, as it is.
    """

    first: int
    text: bytes
    torn: bool

    @property
    def lines(self) -> list[bytes]:
        """The lines without their ends."""
        return self.text.split(b"\n") if self.torn else self.text[:-1].split(b"\n")


class Source:
    """An open history file. Raises `HistoryError` where the file can't be opened or read as UTF-8."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        self.notes: list[str] = []
        self._newlines = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            self._file = Path(path).open("rb")  # noqa: SIM115 - closed by __exit__
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise HistoryError(self.name, None, f"cannot be read: {reason}") from error
        self._ahead = b""
        self._exhausted = False

    def __enter__(self) -> Self:
        try:
            self._look_ahead()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def _ended(self) -> bool:
        return self._exhausted and not self._ahead

    @property
    def head(self) -> bytes:
        """The first bytes, until something is read: a chunk of them, and more while they are blank."""
        return self._ahead

    def _look_ahead(self) -> None:
        self._ahead = self._read(CHUNK)
        if self._ahead.startswith(UTF16_MARKS):
            raise HistoryError(self.name, 1, "the file is UTF-16, expected UTF-8; convert it first")
        self._ahead = self._ahead.removeprefix(UTF8_MARK)
        while not self._exhausted and not self._ahead.strip():
            self._ahead += self._read(max(CHUNK, len(self._ahead)))

    def read_text(self, size: int) -> str:
        """Return about `size` more characters; an empty string only at the end of the file."""
        text = ""
        while not text and not self._ended:
            data = self._take(size)
            try:
                text = self._decoder.decode(data, final=self._ended)
            except UnicodeDecodeError as error:
                bad = error.object[: error.start].count(b"\n") + self._newlines + 1
                raise HistoryError(self.name, bad, "not UTF-8") from error
        self._newlines += text.count("\n")
        return text

    def blocks(self) -> Iterator[Block]:
        """Yield all lines, a chunk's worth at a time."""
        first = 1
        rest = b""
        while not self._ended:
            data = rest + self._take(max(CHUNK, len(rest)))
            end = data.rfind(b"\n", len(rest)) + 1
            text, rest = data[:end], data[end:]
            if text:
                yield Block(first, text, torn=False)
                first += text.count(b"\n")
        if rest:
            yield Block(first, rest, torn=True)

    def _take(self, size: int) -> bytes:
        if self._ahead:
            data, self._ahead = self._ahead, b""
            return data
        return self._read(size)

    def _read(self, size: int) -> bytes:
        try:
            data = self._file.read(size)
        except OSError as error:
            raise HistoryError(self.name, None, f"reading failed: {error.strerror}") from error
        self._exhausted = len(data) < size
        return data
