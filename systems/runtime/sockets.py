"""Non-blocking sockets under one selector: whole lines in, whole lines out, one send a turn.

What is written during a turn is gathered and sent when the turn ends, so that ten messages cost one
system call. What the kernel does not take is sent when the socket is writable again, up to a bound.
"""

from __future__ import annotations

import selectors
import socket
import time
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

RECEIVE = 1 << 18
"""Bytes read from one socket in one turn, so that no connection starves the others."""

UNSENT = 8 << 20
"""Bytes that may wait for a slow reader."""

CONNECTIONS = 512
"""Connections accepted at a time on one port."""

Ready: TypeAlias = "Callable[[int], None]"


class Sockets:
    """The selector, and the connections that have something to send."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self._dirty: list[Connection] = []
        self._urgent: int | None = None

    def serve_first(self, descriptor: int, ready: Ready) -> None:
        """Serve this descriptor before all others that are ready at the same time."""
        self._urgent = descriptor
        self.selector.register(descriptor, selectors.EVENT_READ, ready)

    def poll(self, timeout: float | None) -> None:
        """Wait up to `timeout` seconds (None: for ever) and serve what is ready.

        A wait that ends empty is looked at once more: a process that was stopped meanwhile is woken
        with nothing although messages lie waiting, and what arrived before a timer fires comes first.
        """
        ready = self.selector.select(timeout) or self.selector.select(0)
        for key, mask in ready:
            if key.fd == self._urgent:
                key.data(mask)
        for key, mask in ready:
            if key.fd != self._urgent:
                key.data(mask)

    def mark(self, connection: Connection) -> None:
        """Remember that a connection has something to send."""
        self._dirty.append(connection)

    def flush(self) -> None:
        """Send what was written."""
        if self._dirty:
            dirty, self._dirty = self._dirty, []
            for connection in dirty:
                connection.flush()

    def drain(self, seconds: float) -> None:
        """Send what was written and wait for slow readers, up to `seconds`."""
        waiting, self._dirty = self._dirty, []
        deadline = time.monotonic() + seconds
        while True:
            for connection in waiting:
                connection.flush()
            waiting = [connection for connection in waiting if connection.unsent]
            left = deadline - time.monotonic()
            if not waiting or left <= 0:
                return
            with selectors.DefaultSelector() as writable:
                for connection in waiting:
                    writable.register(connection.socket, selectors.EVENT_WRITE)
                writable.select(left)

    def listen(self, host: str, accept: Callable[[socket.socket], None]) -> int:
        """Listen on a port that the system chooses, and return it.

        Raises:
            OSError: the host is not an address of this machine.
        """
        listener = socket.create_server((host, 0), backlog=128)
        listener.setblocking(False)

        def ready(_mask: int) -> None:
            try:
                while True:
                    accept(listener.accept()[0])
            except OSError:  # nobody waits any more, or they left before they were accepted
                return

        self.selector.register(listener, selectors.EVENT_READ, ready)
        port: int = listener.getsockname()[1]
        return port


class Connection:
    """One connection. `owner` is the name of the other end once it is known.

    `received` gets whole lines without their newline; it may close the connection and then gets no
    more. `ended` is called once, when the connection closes for whatever reason, with a remark.
    """

    __slots__ = (
        "_chunks",
        "_ended",
        "_held",
        "_longest",
        "_out",
        "_received",
        "_sockets",
        "closed",
        "connecting",
        "owner",
        "socket",
        "unsent",
    )

    def __init__(
        self,
        sockets: Sockets,
        sock: socket.socket,
        received: Callable[[Connection, list[bytes]], None],
        ended: Callable[[Connection, str], None],
        *,
        longest: int,
        connecting: bool = False,
    ) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        self.owner: str | None = None
        self.closed = False
        self.connecting = connecting
        self.unsent = 0
        self._sockets = sockets
        self._received = received
        self._ended = ended
        self._longest = longest
        self._chunks: list[bytes] = []
        self._held = 0
        self._out: list[bytes] = []
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connecting else 0)
        sockets.selector.register(sock, events, self._ready)

    def write(self, line: bytes) -> bool:
        """Queue one line for the end of the turn; False if it was dropped for lack of room."""
        if self.closed or self.unsent > UNSENT:
            return False
        if not self._out:
            self._sockets.mark(self)
        self._out.append(line)
        self.unsent += len(line)
        return True

    def flush(self) -> None:
        """Send as much as the kernel takes."""
        if self.closed or self.connecting or not self._out:
            return
        data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.close(f"sending failed: {error.strerror}")
            return
        self.unsent = len(data) - sent
        self._out = [data[sent:]] if self.unsent else []
        self._watch(write=bool(self.unsent))

    def close(self, why: str) -> None:
        """Close it, once."""
        if not self.closed:
            self.closed = True
            self._out.clear()
            self.unsent = 0
            self._sockets.selector.unregister(self.socket)
            self._ended(self, why)  # first, so that the log says why before the other end can see it
            self.socket.close()

    def _ready(self, mask: int) -> None:
        if self.closed:  # by a handler that ran earlier in this turn
            return
        if mask & selectors.EVENT_WRITE:
            if self.connecting and not self._connected():
                return
            # At the end of the turn, like all else: the notes that belong to it are written first.
            self._sockets.mark(self)
        if mask & selectors.EVENT_READ and not self.closed:
            self._read()

    def _connected(self) -> bool:
        error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.close("")
            return False
        self.connecting = False
        self._watch(write=False)
        return True

    def _read(self) -> None:
        try:
            data = self.socket.recv(RECEIVE)
        except BlockingIOError:
            return
        except OSError as error:
            self.close(f"receiving failed: {error.strerror}")
            return
        if not data:
            self.close("")
            return
        first, newline, rest = data.partition(b"\n")
        self._held += len(first)
        if self._held > self._longest:
            self.close(f"a line over {self._longest} bytes")
            return
        self._chunks.append(first)
        if not newline:
            return
        lines = [b"".join(self._chunks), *rest.split(b"\n")]
        partial = lines.pop()
        self._chunks = [partial]
        self._held = len(partial)
        self._received(self, lines)

    def _watch(self, *, write: bool) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if write else 0)
        key = self._sockets.selector.get_key(self.socket)
        if key.events != events:
            self._sockets.selector.modify(self.socket, events, self._ready)
