"""`events.jsonl`: every note of a node, over all its lives, one JSON object a line.

    {"time": steady nanoseconds, "kind": ..., "fields": {...}}

It tells the outside what the node believed; it is no part of the node's disk, so a power cut leaves
it alone. Lines are gathered and written once a turn, with one system call.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .wire import encode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ..contract import Json

EVENTS = "events.jsonl"


class EventsFile:
    """The file of one life. A line that the last life left torn is dropped on opening."""

    def __init__(self, directory: Path) -> None:
        """Open it for appending.

        Raises:
            OSError: it can't be opened.
        """
        path = directory / EVENTS
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        _drop_torn_line(self._descriptor)
        self._lines: list[str] = []

    def add(self, time: int, kind: str, fields: Mapping[str, Json]) -> None:
        """Gather one note, taken at steady `time`."""
        self._lines.append(f'{{"time":{time},"kind":{encode(kind)},"fields":{encode(fields)}}}\n')

    def flush(self) -> None:
        """Write what was gathered.

        Raises:
            OSError: the disk is full or failed.
        """
        if self._lines:
            data = memoryview("".join(self._lines).encode())
            self._lines.clear()
            while data:
                data = data[os.write(self._descriptor, data) :]


def _drop_torn_line(descriptor: int) -> None:
    """Truncate the file behind its last newline."""
    end = os.fstat(descriptor).st_size
    position = end
    while position > 0:
        start = max(0, position - 4096)
        newline = os.pread(descriptor, position - start, start).rfind(b"\n")
        if newline >= 0:
            position = start + newline + 1
            break
        position = start
    if position != end:
        os.ftruncate(descriptor, position)
