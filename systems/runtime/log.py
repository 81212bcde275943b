"""The write-ahead log of one node: one record a line, checksummed, synced in groups.

    crc32 of the JSON text (8 hex digits), space, JSON text, newline

*Torn tail.* A crash can leave the last record partly written. Recovery drops it: it was never
synced, so nobody was told of it. It is truncated, and its text is handed on for those who want to see.

*Corruption.* A bad record with more behind it was synced once, so something else broke it. To go on
without it could forget a promise, so recovery refuses.

Appended records wait in the pending mapping (pending.py) until `sync`; the file itself receives
synced bytes only. `replace` swaps the whole log by renaming a synced file over it, and syncs the
directory, without which the rename itself could be lost.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from typing import TYPE_CHECKING, NamedTuple

from .pending import CHECKSUM, LOG, Pending, materialise
from .wire import encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..contract import Json


class DiskError(Exception):
    """The log can't be used; the text is a sentence that says where and why."""


class Recovered(NamedTuple):
    """What recovery found: the whole records, and the text of a torn one (None if there was none)."""

    records: Sequence[Json]
    torn: str | None
    size: int
    """Bytes of the whole records: where a torn one begins."""


class Log:
    """The log of a running node.

    `fsync=False` skips the system call (for measurements); `delay` seconds pass before each sync,
    which stands for a slow disk.
    """

    def __init__(self, directory: Path, *, fsync: bool = True, delay: float = 0.0) -> None:
        """Recover the log in `directory`, or begin one; `recovered` holds what was found.

        Raises:
            DiskError: a record before the last is corrupt, or the disk failed.
        """
        self._directory = directory
        self._path = directory / LOG
        self._fsync = fsync
        self._delay = delay
        try:
            materialise(directory)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self.recovered = recover(self._path)
            if self.recovered.torn is not None:
                os.ftruncate(self._descriptor, self.recovered.size)
            self._sync_file()
            _sync_directory(directory)
            self._offset = os.lseek(self._descriptor, 0, os.SEEK_END)
            self._pending = Pending(directory, self._offset)
        except OSError as error:
            raise self._failure("can't be opened", error) from error

    @property
    def waiting(self) -> bool:
        """Whether anything waits for a sync."""
        return self._pending.length > 0

    def append(self, record: Json) -> None:
        """Let a record wait for the next sync.

        Raises:
            DiskError: the disk failed.
        """
        try:
            self._pending.append(record_line(record))
        except OSError as error:
            raise self._failure("can't be written", error) from error

    def sync(self) -> None:
        """Make every appended record durable.

        Raises:
            DiskError: the disk failed. After a failed fsync nobody knows what is durable, and a
                second one may claim success, so the node must end.
        """
        data = self._pending.waiting()
        try:
            _write_all(self._descriptor, data)
            self._sync_file()
        except OSError as error:
            raise self._failure("can't be synced", error) from error
        self._offset += len(data)
        self._pending.clear(self._offset)

    def replace(self, records: Sequence[Json]) -> None:
        """Replace the whole log, atomically and durably.

        Raises:
            DiskError: the disk failed; the old log or the new is in place.
        """
        if self.waiting:
            self.sync()
        data = b"".join(map(record_line, records))
        temporary = self._path.with_suffix(".new")
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            descriptor = os.open(temporary, flags, 0o644)
            _write_all(descriptor, data)
            os.close(self._descriptor)
            self._descriptor = descriptor
            self._sync_file()
            temporary.replace(self._path)
            _sync_directory(self._directory)
        except OSError as error:
            raise self._failure("can't be replaced", error) from error
        self._offset = len(data)
        self._pending.clear(self._offset)

    def close(self) -> None:
        """Let go of the files; what waits stays in the mapping."""
        self._pending.close()
        os.close(self._descriptor)

    def _sync_file(self) -> None:
        if self._delay:
            time.sleep(self._delay)
        if self._fsync:
            os.fsync(self._descriptor)

    def _failure(self, what: str, error: OSError) -> DiskError:
        return DiskError(
            f"The log {self._path} {what}: {error.strerror}; free or repair the disk and start again."
        )


def record_line(record: Json) -> bytes:
    """Return the line that holds a record."""
    text = encode(record).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def recover(path: Path) -> Recovered:
    """Read the records of a log file, up to a torn tail.

    Raises:
        DiskError: a record before the last is bad.
        OSError: the file can't be read.
    """
    records: list[Json] = []
    size = 0
    with path.open("rb") as file:
        for line in file:
            text = line[CHECKSUM:].removesuffix(b"\n")
            if not line.endswith(b"\n") or line[:CHECKSUM] != b"%08x " % zlib.crc32(text):
                if file.read(1):
                    raise DiskError(
                        f"Record {len(records) + 1} of the log {path} (at byte {size}) is corrupt, not the "
                        "last one; synced records were damaged, so the node won't start with this log."
                    )
                return Recovered(records, text.decode(errors="replace"), size)
            records.append(json.loads(text))
            size += len(line)
    return Recovered(records, None, size)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
