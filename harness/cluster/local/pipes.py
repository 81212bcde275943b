"""Control channels: a pair of pipes that carries one JSON object a line, without ever blocking.

Both hops use it: controller to supervisor and supervisor to node. Like the sockets of `streams`, a pipe
lives in a `selectors` loop whose keys hold a callable that takes the event mask.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from .streams import CHUNK, READ, WRITE

if TYPE_CHECKING:
    import selectors
    from collections.abc import Callable


class JsonPipe:
    """A pair of pipe ends that carries one JSON object a line in each direction.

    `on_object` gets each object read; `on_end` is called once, when the other side closed its end. A
    line that isn't a JSON object goes to `on_object` as `{"garbage": text}`.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        read_end: int,
        write_end: int,
        on_object: Callable[[dict[str, Any]], None],
        on_end: Callable[[], None],
    ) -> None:
        os.set_blocking(read_end, False)
        os.set_blocking(write_end, False)
        self._selector = selector
        self._read_end = read_end
        self._write_end = write_end
        self._on_object = on_object
        self._on_end = on_end
        self._partial = b""
        self._buffer = bytearray()
        self._open = {read_end, write_end}
        selector.register(read_end, READ, self._readable)

    def write(self, message: dict[str, Any]) -> None:
        """Send one object; silently nothing once the other side is gone, which `on_end` reports."""
        waiting = bool(self._buffer)
        self._buffer += json.dumps(message, separators=(",", ":")).encode() + b"\n"
        if not waiting and self._write_end in self._open and not self._flush():
            self._selector.register(self._write_end, WRITE, self._writable)

    def drain(self) -> None:
        """Read what has already arrived, up to the end of the pipe."""
        while self._read_end in self._open and self._read():
            pass

    def close(self) -> None:
        """Close both ends. Idempotent."""
        self._close_end(self._read_end)
        self._close_end(self._write_end)

    def _close_end(self, end: int) -> None:
        if end in self._open:
            self._open.discard(end)
            if end in self._selector.get_map():
                self._selector.unregister(end)
            os.close(end)

    def _writable(self, _mask: int) -> None:
        if self._write_end in self._open and self._flush() and self._write_end in self._open:
            self._selector.unregister(self._write_end)

    def _flush(self) -> bool:
        """Write what the pipe takes; tell whether nothing is left to write."""
        try:
            del self._buffer[: os.write(self._write_end, self._buffer)]
        except BlockingIOError:
            return False
        except OSError:
            self._buffer.clear()
            self._close_end(self._write_end)
        return not self._buffer

    def _readable(self, _mask: int) -> None:
        if self._read_end in self._open:
            self._read()

    def _read(self) -> bool:
        """Read one chunk; tell whether there may be more."""
        try:
            data = os.read(self._read_end, CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._close_end(self._read_end)
            self._on_end()
            return False
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._on_object(_parse(line))
        return True


def _parse(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"garbage": line.decode("utf-8", "replace")}
