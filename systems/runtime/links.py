"""Links to and from the peers.

Messages from i to j travel only on a connection that i opened to j, so that cutting that direction
cuts exactly them. A link opens with `{"hello": {"token", "src"}}`; whatever else comes first is
refused, and so is a message that bears another name than its link.

A link that is down is tried again after a pause that doubles. What is sent meanwhile is dropped:
protocols bear loss, and a peer that comes back should not be met by a backlog of stale news.
"""

from __future__ import annotations

import hmac
import socket
from typing import TYPE_CHECKING

from .sockets import CONNECTIONS, Connection, Sockets
from .wire import LONGEST_PEER_LINE, GarbageError, as_envelope, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..contract import Body, Json

MILLISECOND = 1_000_000
FIRST_PAUSE = 10 * MILLISECOND
LONGEST_PAUSE = 250 * MILLISECOND
STEADY = 1_000 * MILLISECOND
"""Nanoseconds after which an attempt to connect is given up, and a connection counts as good."""


class Link:
    """The link to one peer. Times are steady nanoseconds.

    `due` is when it wants to be tended: to connect, to give up an attempt that hangs, or to take a
    connection that held so long for a good one. None if there is nothing to do.
    """

    def __init__(self, sockets: Sockets, me: str, peer: str, address: tuple[str, int], token: str) -> None:
        self.peer = peer
        self.due: int | None = 0
        self._sockets = sockets
        self._address = address
        self._hello = (encode({"hello": {"token": token, "src": me}}) + "\n").encode()
        self._prefix = f'{{"src":{encode(me)},"dest":{encode(peer)},"body":'
        self._connection: Connection | None = None
        self._began = 0
        self._pause = FIRST_PAUSE

    def send(self, body: Body) -> None:
        """Send a message, or drop it where there is no connection."""
        if self._connection is not None:
            self._connection.write(f"{self._prefix}{encode(body)}}}\n".encode())

    def probe(self, probe: Json) -> None:
        """Send a probe line, as a message would go."""
        if self._connection is not None:
            self._connection.write((encode({"probe": probe}) + "\n").encode())

    def tend(self, now: int) -> None:
        """Do what is due."""
        if self._connection is None:
            self._connect(now)
        elif self._connection.connecting:
            self._connection.close("")
        else:
            self._pause, self.due = FIRST_PAUSE, None

    def _connect(self, now: int) -> None:
        self._began = now
        self.due = now + STEADY
        sock = socket.socket(socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET)
        sock.setblocking(False)
        try:
            sock.connect(self._address)
        except BlockingIOError:
            pass
        except OSError:
            sock.close()
            self._back_off()
            return
        self._connection = Connection(
            self._sockets, sock, _ignore, self._lost, longest=LONGEST_PEER_LINE, connecting=True
        )
        self._connection.write(self._hello)

    def _lost(self, _connection: Connection, _why: str) -> None:
        self._connection = None
        self._back_off()

    def _back_off(self) -> None:
        """Try again a pause after the last try began: at once, if that was long ago."""
        self.due = self._began + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


class Links:
    """All links to peers."""

    def __init__(self, sockets: Sockets, me: str, peers: Mapping[str, tuple[str, int]], token: str) -> None:
        self._links = {peer: Link(sockets, me, peer, address, token) for peer, address in peers.items()}

    def __contains__(self, peer: str) -> bool:
        return peer in self._links

    def send(self, peer: str, body: Body) -> None:
        """Send a message to a peer."""
        self._links[peer].send(body)

    def probe(self, peer: str, probe: Json) -> None:
        """Send a probe to a peer, if there is one of that name."""
        if peer in self._links:
            self._links[peer].probe(probe)

    def due(self) -> int | None:
        """Return the next instant at which `tend` has something to do."""
        return min((link.due for link in self._links.values() if link.due is not None), default=None)

    def tend(self, now: int) -> None:
        """Connect what is to be connected by `now`."""
        for link in self._links.values():
            if link.due is not None and link.due <= now:
                link.tend(now)


class PeerPort:
    """The port where peers' links come in.

    `deliver(src, body)` gets each message, `probed(src, probe)` each probe, `log(text)` each refusal.
    """

    def __init__(
        self,
        sockets: Sockets,
        *,
        host: str,
        me: str,
        peers: Sequence[str],
        token: str,
        deliver: Callable[[str, Body], None],
        probed: Callable[[str, Json], None],
        log: Callable[[str], None],
    ) -> None:
        self._sockets = sockets
        self._me = me
        self._peers = frozenset(peers)
        self._token = token
        self._deliver = deliver
        self._probed = probed
        self._log = log
        self._open = 0
        self.port = sockets.listen(host, self._accept)

    def _accept(self, sock: socket.socket) -> None:
        if self._open >= CONNECTIONS:
            sock.close()
            return
        self._open += 1
        Connection(self._sockets, sock, self._received, self._ended, longest=LONGEST_PEER_LINE)

    def _received(self, connection: Connection, lines: list[bytes]) -> None:
        try:
            for line in lines:
                if connection.owner is None:
                    connection.owner = self._greeted(decode(line))
                else:
                    self._message(connection.owner, decode(line))
        except GarbageError as error:
            connection.close(f"refused: {error}")

    def _greeted(self, value: Json) -> str:
        """Return the peer that a hello line names, if it knows the token."""
        hello = value.get("hello") if isinstance(value, dict) else None
        if not isinstance(hello, dict):
            raise GarbageError("a peer link opens with a hello")
        token, src = hello.get("token"), hello.get("src")
        if not isinstance(token, str) or not hmac.compare_digest(token.encode(), self._token.encode()):
            raise GarbageError("its hello bears the wrong token")
        if not isinstance(src, str) or src not in self._peers:
            raise GarbageError(f"its hello names {src!r}, which is no peer")
        return src

    def _message(self, owner: str, value: Json) -> None:
        if isinstance(value, dict) and "probe" in value:
            self._probed(owner, value["probe"])
            return
        src, dest, body = as_envelope(value)
        if src != owner or dest != self._me:
            raise GarbageError(f"a message from {src!r} to {dest!r} on the link from {owner}")
        self._deliver(src, body)

    def _ended(self, connection: Connection, why: str) -> None:
        self._open -= 1
        if why:
            self._log(f"peer link from {connection.owner or 'nobody'} closed: {why}")


def _ignore(_connection: Connection, _lines: list[bytes]) -> None:
    """Nothing is expected on a link of one's own; answers come on the peer's."""
