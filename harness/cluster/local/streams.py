"""Non-blocking TCP connections with a write buffer, in a `selectors` loop.

The loop's keys hold a callable that takes the event mask. Nothing blocks its caller: what the kernel
doesn't take at once waits in a buffer.
"""

from __future__ import annotations

import errno
import selectors
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE
CHUNK = 256 * 1024
LOOPBACK = "127.0.0.1"


class Stream:
    """A connected (or connecting) TCP socket in a selector loop.

    `on_data` gets each chunk read. `on_end` is called once when the connection ends or breaks,
    or when connecting was refused (`connected` is still false then); never after `close`.
    """

    __slots__ = (
        "_buffer",
        "_finishing",
        "_mask",
        "_on_data",
        "_on_end",
        "_selector",
        "closed",
        "connected",
        "on_drained",
        "sock",
    )

    def __init__(
        self,
        selector: selectors.BaseSelector,
        sock: socket.socket,
        on_data: Callable[[bytes], None],
        on_end: Callable[[], None],
        *,
        connected: bool = True,
    ) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.connected = connected
        self.closed = False
        self.on_drained: Callable[[], None] | None = None
        """Called once when the write buffer has become empty."""
        self._finishing = False
        self._selector = selector
        self._on_data = on_data
        self._on_end = on_end
        self._buffer = bytearray()
        self._mask = READ if connected else READ | WRITE
        selector.register(sock, self._mask, self.ready)

    @property
    def buffered(self) -> int:
        """Bytes written but not yet taken by the kernel."""
        return len(self._buffer)

    def write(self, data: bytes) -> None:
        """Send the bytes now, or as soon as the socket takes them."""
        if self.closed:
            return
        if self._buffer or not self.connected:
            self._buffer += data
            return
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # broken: the loop sees it as an end, after what can still be read
        if sent < len(data):
            self._buffer += memoryview(data)[sent:]
            self._watch(self._mask | WRITE)

    def reading(self, *, on: bool) -> None:
        """Stop or go on reading, so that the sender feels a full receiver as it would by TCP."""
        self._watch(self._mask | READ if on else self._mask & ~READ)

    def ready(self, mask: int) -> None:
        """Do what the selector says is possible."""
        if mask & WRITE and self._mask & WRITE and not self.closed:
            self._flush()
        if mask & READ and self._mask & READ and not self.closed:
            self._read()

    def finish(self) -> None:
        """Close in good order, after what is still buffered."""
        self._finishing = True
        if not self._buffer and self.connected:
            self.close()

    def close(self, *, reset: bool = False) -> None:
        """Close the socket; with `reset` as a host without such a port would. Idempotent."""
        if self.closed:
            return
        self.closed = True
        if self._mask:
            self._selector.unregister(self.sock)
        if reset:
            refuse(self.sock)
        else:
            self.sock.close()

    def _read(self) -> None:
        try:
            data = self.sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._on_data(data)
        else:
            self._end()

    def _flush(self) -> None:
        if not self.connected:
            if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._end()
                return
            self.connected = True
        if self._buffer:
            try:
                del self._buffer[: self.sock.send(self._buffer)]
            except BlockingIOError:
                return
            except OSError:
                self._buffer.clear()
        if self._buffer:
            return
        if self._finishing:
            self.close()
            return
        self._watch(self._mask & ~WRITE)
        drained, self.on_drained = self.on_drained, None
        if drained is not None:
            drained()

    def _end(self) -> None:
        self.close()
        self._on_end()

    def _watch(self, mask: int) -> None:
        if mask == self._mask or self.closed:
            return
        if not self._mask:
            self._selector.register(self.sock, mask, self.ready)
        elif mask:
            self._selector.modify(self.sock, mask, self.ready)
        else:
            self._selector.unregister(self.sock)
        self._mask = mask


def connect(
    selector: selectors.BaseSelector, port: int, on_data: Callable[[bytes], None], on_end: Callable[[], None]
) -> Stream | None:
    """Begin to connect to a loopback port; None if it was refused at once."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    if sock.connect_ex((LOOPBACK, port)) not in (0, errno.EINPROGRESS):
        sock.close()
        return None
    return Stream(selector, sock, on_data, on_end, connected=False)


def refuse(sock: socket.socket) -> None:
    """Close with a reset instead of an orderly end, like a host on which nothing listens."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
