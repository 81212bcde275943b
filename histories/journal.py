"""The append-only file that a run records its history in.

A line is handed to the kernel whole, by one `write` on an unbuffered descriptor, before `append` returns:
from then on nothing that happens to this process can lose it, SIGKILL included. (A crash of the machine
can; that is not what a controller is protected against, and an fsync a line would cap the load.) A write
that fails half-way is cut off again, so what remains is a well-formed history.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType


class JournalError(OSError):
    """The journal cannot record; what it acknowledged so far is in the file."""


class Journal:
    """Appends the lines of one history to a new file.

    Raises `JournalError` if the file exists already (a history is never overwritten), cannot be created, or
    can no longer be written; after the first failed write the journal refuses all others.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._position = 0
        self._size = 0
        self._failure: str | None = None
        try:
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except OSError as error:
            raise JournalError(
                f"the history {self.path} cannot be created: {error.strerror}; "
                "choose another directory with --store"
            ) from error

    def __len__(self) -> int:
        """How many lines were acknowledged: the position that the next one gets."""
        return self._position

    def append(self, line: Mapping[str, Any]) -> int:
        """Append one line and return its position; once this returns, the line survives this process.

        Raises `JournalError` if it could not be written, and `TypeError` or `ValueError` for what
        JSON can't hold.
        """
        self._write(encode(line))
        self._position += 1
        return self._position - 1

    def append_many(self, lines: Iterable[Mapping[str, Any]]) -> range:
        """Append lines by one write and return their positions: all of them are acknowledged, or none."""
        encoded = [encode(line) for line in lines]
        if encoded:
            self._write(b"".join(encoded))
        first = self._position
        self._position += len(encoded)
        return range(first, self._position)

    def _write(self, data: bytes) -> None:
        if self._failure is not None:
            raise JournalError(self._failure)
        rest = data
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self._failure = (
                f"the history {self.path} can no longer be written: {error.strerror}; make room and run again"
            )
            os.ftruncate(self._descriptor, self._size)
            raise JournalError(self._failure) from error
        self._size += len(data)

    def close(self) -> None:
        """Close the file; closing twice is harmless, appending afterwards is a `JournalError`."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._failure = self._failure or f"the history {self.path} is closed"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def encode(line: Mapping[str, Any]) -> bytes:
    """Return one line of a history file, newline included."""
    try:
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
    except (
        TypeError
    ):  # an integer beyond 64 bits, or a mapping that is not a dict; the standard library is exact
        text = json.dumps(dict(line), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode() + b"\n"
