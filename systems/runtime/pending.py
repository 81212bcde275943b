"""Bytes that a node wrote and has not synced: where they live, and what a crash makes of them.

A real disk keeps unsynced writes in the page cache. They survive the death of the process and are
lost, in part or whole, with the power. To have both without privileges, unsynced bytes never reach
the log file. They wait in a shared mapping, `pending.map`, which outlives the process:

    8 bytes  length: how many bytes wait (native order)
    8 bytes  offset: how long the log file is without them
    the bytes

A sync writes them to the log, fsyncs it, and sets length to 0. After a node was killed its
supervisor decides what had been on the platter: `materialise` gives the log all of them, `cut` a
seeded prefix. Each step changes one aligned word, after the bytes that it vouches for, so a kill
between any two instructions leaves either the old or the new state:

- length > 0: the log up to `offset` is synced, anything behind that is a sync that was not
  finished, and the waiting bytes hold all of it. Both functions begin by truncating the log there.
- length = 0: the log is synced to its end, and `offset` means nothing.

Both functions leave length 0, so doing either again changes nothing.
"""

from __future__ import annotations

import mmap
import os
import random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PENDING = "pending.map"
LOG = "log"
HEADER = 16
CHECKSUM = 9
"""Bytes of a record's checksum and the space behind it (see log.py)."""
_ROOM = 1 << 20
_TAIL = 8


class Outcome(NamedTuple):
    """What a power cut left: unsynced bytes, how many were kept, and whether a record was torn."""

    unsynced: int
    kept: int
    torn: bool


class Pending:
    """The mapping as its node sees it."""

    def __init__(self, directory: Path, offset: int) -> None:
        """Open it empty for a log of `offset` bytes.

        Raises:
            OSError: the file can't be made or mapped.
        """
        self._descriptor = os.open(directory / PENDING, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if os.fstat(self._descriptor).st_size < HEADER + _ROOM:
            os.ftruncate(self._descriptor, HEADER + _ROOM)
        self._map = mmap.mmap(self._descriptor, 0)
        self._words = memoryview(self._map)[:HEADER].cast("Q")
        self.length = 0
        self.clear(offset)

    def append(self, data: bytes) -> None:
        """Let bytes wait for the next sync."""
        end = self.length + len(data)
        if HEADER + end > len(self._map):
            self._grow(HEADER + end)
        self._map[HEADER + self.length : HEADER + end] = data
        self.length = end
        self._words[0] = end

    def waiting(self) -> bytes:
        """Return the bytes that wait, in order."""
        return self._map[HEADER : HEADER + self.length]

    def clear(self, offset: int) -> None:
        """The log is synced up to `offset`, its end, and nothing waits."""
        self._words[0] = 0
        self._words[1] = offset
        self.length = 0

    def close(self) -> None:
        """Unmap the file; what waits stays in it."""
        self._words.release()
        self._map.close()
        os.close(self._descriptor)

    def _grow(self, size: int) -> None:
        """Map a longer file: the shared pages stay as they are."""
        os.ftruncate(self._descriptor, 2 * size)
        self._words.release()
        self._map.close()
        self._map = mmap.mmap(self._descriptor, 0)
        self._words = memoryview(self._map)[:HEADER].cast("Q")


def materialise(directory: Path) -> int:
    """Write all unsynced bytes of a dead node to its log, as a page cache would; return how many.

    Raises:
        OSError: the files can't be read or written.
    """
    return _settle(directory, len).kept


def cut(directory: Path, seed: int, tear: bool | None = None) -> Outcome:  # noqa: FBT001 - three-valued, as in a plan
    """Write a seeded prefix of the unsynced bytes of a dead node to its log, as a power cut would.

    With `tear` the prefix ends inside a record, behind its checksum and inside its JSON, if any record
    waits; `tear=False` keeps whole records only; None lets the seed decide.

    Raises:
        OSError: the files can't be read or written.
    """
    return _settle(directory, lambda data: _prefix(data, random.Random(seed), tear))


def _settle(directory: Path, choose: Callable[[bytes], int]) -> Outcome:
    """Give the log the chosen prefix of what waits, durably, then forget the rest."""
    try:
        descriptor = os.open(directory / PENDING, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return Outcome(0, 0, torn=False)
    try:
        header = memoryview(os.pread(descriptor, HEADER, 0))
        length, offset = header.cast("Q") if len(header) == HEADER else (0, 0)
        if length == 0:
            return Outcome(0, 0, torn=False)
        data = os.pread(descriptor, length, HEADER)
        kept = choose(data)
        _write_tail(directory / LOG, offset, data[:kept])
        os.pwrite(descriptor, bytes(8), 0)
    finally:
        os.close(descriptor)
    return Outcome(len(data), kept, torn=kept > 0 and data[kept - 1 : kept] != b"\n")


def _write_tail(log: Path, offset: int, data: bytes) -> None:
    with log.open("r+b") as file:
        file.truncate(offset)
        file.seek(offset)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _prefix(data: bytes, draw: random.Random, tear: bool | None) -> int:  # noqa: FBT001 - as above
    """Choose how many bytes survive."""
    if tear is None:
        return draw.randint(0, len(data))
    ends = [index + 1 for index, byte in enumerate(data) if byte == ord("\n")]
    if not tear:
        return draw.choice([0, *ends])
    end = draw.choice(ends)
    start = data.rfind(b"\n", 0, end - 1) + 1
    first, last = start + CHECKSUM + 1, end - 2
    # Half of all tears fall close to the record's end: that is where a reader that trusts a torn
    # record gets furthest with it.
    if draw.random() < 0.5:
        first = max(first, last - _TAIL)
    return draw.randint(first, last) if first <= last else end
