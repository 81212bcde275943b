"""The proxy of one directed link: where node i believes node j to be.

Node i connects to the proxy's port as if it were j's; the proxy connects to j's present port and relays
whole lines through the link's policies. The first line of a connection, the hello, always passes: it
belongs to setting the connection up, which TCP would retry until it got through.

TCP notices no policy. Under a cut or a hold connections stay open and can be opened; only lines vanish or
wait. What TCP does notice is relayed: while j is down, i is refused; when j's end closes, so does i's; when
i's end closes, j's does after what i had sent before. A receiver that doesn't read makes the sender's
socket fill up, as without a proxy.

Bytes from j to i on i's connection have no meaning in the protocol (j sends on its own); they are
read, so that an end is seen, and dropped.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from .streams import LOOPBACK, READ, Stream, connect, refuse

if TYPE_CHECKING:
    import selectors
    from collections.abc import Callable

    from .links import Link

FULL = 1024 * 1024
"""Bytes waiting for a slow receiver at which the proxy stops reading from the sender."""
LONGEST = 80 * 1024 * 1024
"""Bytes without a newline after which a sender is cut off: nodes write lines of at most 64 MiB."""


class Proxy:
    """A listening port for one directed link; `port` stays the same for as long as it is open."""

    def __init__(self, selector: selectors.BaseSelector, link: Link, clock: Callable[[], int]) -> None:
        self.link = link
        self.target: int | None = None
        """The destination's peer port, None while it is down."""
        self._selector = selector
        self._clock = clock
        self._relays: set[_Relay] = set()
        self._listener = socket.create_server((LOOPBACK, 0), backlog=128)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        selector.register(self._listener, READ, self._accept)

    def pump(self, now: int) -> None:
        """Deliver what is due on the link."""
        for sink, lines in self.link.take(now):
            sink(lines)

    def close(self) -> None:
        """Close the port and every connection. Idempotent."""
        if self._listener.fileno() >= 0:
            self._selector.unregister(self._listener)
            self._listener.close()
        for relay in tuple(self._relays):
            relay.close()

    def _accept(self, _mask: int) -> None:
        try:
            sock, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        if self.target is None:
            refuse(sock)
            return
        relay = _Relay(self.link, self._clock, self._relays.discard)
        if relay.join(self._selector, sock, self.target):
            self._relays.add(relay)


class _Relay:
    """One connection of i, and the one to j that carries it on."""

    _downstream: Stream
    _upstream: Stream

    def __init__(self, link: Link, clock: Callable[[], int], forget: Callable[[_Relay], None]) -> None:
        self._link = link
        self._clock = clock
        self._forget = forget
        self._partial = bytearray()
        self._greeted = False
        self._paused = False

    def join(self, selector: selectors.BaseSelector, sock: socket.socket, target: int) -> bool:
        """Connect to the receiver on behalf of the sender behind `sock`; tell whether that has begun."""
        downstream = connect(selector, target, self._ignore, self.close)
        if downstream is None:
            refuse(sock)
            return False
        self._downstream = downstream
        self._upstream = Stream(selector, sock, self._forward, self._sender_left)
        return True

    def close(self) -> None:
        """Break the connection on both sides: the receiver is gone, or the proxy is."""
        self._downstream.close()
        self._upstream.close(reset=True)
        self._forget(self)

    def _forward(self, data: bytes) -> None:
        end = data.rfind(b"\n") + 1
        if not end:
            self._partial += data
            if len(self._partial) > LONGEST:
                self.close()
            return
        lines = bytes(self._partial) + data[:end] if self._partial else data[:end]
        self._partial = bytearray(data[end:])
        if not self._greeted:
            self._greeted = True
            hello = lines.index(b"\n") + 1
            self._downstream.write(lines[:hello])
            lines = lines[hello:]
        link = self._link
        if link.plain:
            link.lines += lines.count(b"\n")
            self._deliver(lines)
            return
        now = self._clock()
        for line in lines.split(b"\n")[:-1]:
            link.admit(self._deliver, line + b"\n", now)
        self._hand_out(now)

    def _hand_out(self, now: int) -> None:
        for sink, lines in self._link.take(now):
            sink(lines)

    def _deliver(self, lines: bytes) -> None:
        downstream = self._downstream
        downstream.write(lines)
        if downstream.buffered > FULL and not self._paused:
            self._paused = True
            downstream.on_drained = self._go_on
            self._upstream.reading(on=False)

    def _go_on(self) -> None:
        self._paused = False
        self._upstream.reading(on=True)

    def _sender_left(self) -> None:
        now = self._clock()
        self._link.end(self._finish, now)
        self._hand_out(now)

    def _finish(self, _nothing: bytes) -> None:
        self._downstream.finish()
        self._forget(self)

    def _ignore(self, _data: bytes) -> None:
        pass
