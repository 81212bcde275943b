"""The control channel: the node's standard input and output, one JSON object a line.

    supervisor -> node   {"config": {...}} first, then {"arm": {"trigger", "kind", "where", "skip"}},
                         {"disarm": trigger}, {"resume": true}, {"probe": {"id", "dest"}}, {"stop": true}
    node -> supervisor   {"ready": {...}}, {"note": {...}}, {"triggered": {...}}, {"probed": {...}},
                         {"failed": "sentence"}

End of file means that the supervisor is gone: the node ends at once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

from .wire import GarbageError, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..contract import Json


class Control:
    """Reads commands and gathers reports, which are written once a turn."""

    def __init__(self, commands: int, reports: int, log: Callable[[str], None]) -> None:
        """Use two file descriptors, and `log(text)` for lines that are no commands."""
        self.commands = commands
        self._reports = reports
        self._log = log
        self._partial = b""
        self._lines: list[str] = []

    def first_line(self) -> bytes:
        """Wait for the first line and return it."""
        while b"\n" not in self._partial:
            self._receive()
        line, _, self._partial = self._partial.partition(b"\n")
        return line

    def receive(self) -> list[Mapping[str, Json]]:
        """Wait for input and return the commands in it.

        Raises:
            SystemExit: the supervisor is gone.
        """
        if b"\n" not in self._partial:
            self._receive()
        lines = self._partial.split(b"\n")
        self._partial = lines.pop()
        commands: list[Mapping[str, Json]] = []
        for line in lines:
            try:
                command = decode(line)
            except GarbageError as error:
                self._log(f"control line ignored: {error}")
                continue
            if isinstance(command, dict):
                commands.append(command)
            else:
                self._log("control line ignored: not an object")
        return commands

    @property
    def buffered(self) -> bool:
        """Whether `receive` would return something without waiting."""
        return b"\n" in self._partial

    def report(self, kind: str, value: Json) -> None:
        """Gather one report."""
        self._lines.append(encode({kind: value}) + "\n")

    def flush(self) -> None:
        """Write what was gathered.

        Raises:
            SystemExit: the supervisor is gone.
        """
        if self._lines:
            data = memoryview("".join(self._lines).encode())
            self._lines.clear()
            try:
                while data:
                    data = data[os.write(self._reports, data) :]
            except BrokenPipeError:
                _orphaned()

    def _receive(self) -> None:
        data = os.read(self.commands, 1 << 16)
        if not data:
            _orphaned()
        self._partial += data


def _orphaned() -> NoReturn:
    raise SystemExit(0)
