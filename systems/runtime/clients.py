"""The port where clients connect.

A connection belongs to the `src` of its first line, and answers go to the newest connection of a
client. A client may not bear the name of a node: what a peer says is only believed on a peer link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .sockets import CONNECTIONS, Connection, Sockets
from .wire import LONGEST_LINE, GarbageError, client_envelope, envelope_line

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from ..contract import Body


class ClientPort:
    """All clients. `deliver(src, body)` gets each message, `log(text)` each refusal."""

    def __init__(
        self,
        sockets: Sockets,
        *,
        host: str,
        me: str,
        peers: Sequence[str],
        deliver: Callable[[str, Body], None],
        log: Callable[[str], None],
    ) -> None:
        self._sockets = sockets
        self._me = me
        self._nodes = frozenset((me, *peers))
        self._deliver = deliver
        self._log = log
        self._open = 0
        self._newest: dict[str, Connection] = {}
        self.port = sockets.listen(host, self._accept)

    def send(self, client: str, body: Body) -> None:
        """Send a message to a client; it is dropped if the client left."""
        connection = self._newest.get(client)
        if connection is not None and not connection.write(envelope_line(self._me, client, body)):
            connection.close("it does not read its answers")

    def _accept(self, sock: socket.socket) -> None:
        if self._open >= CONNECTIONS:
            sock.close()
            return
        self._open += 1
        Connection(self._sockets, sock, self._received, self._ended, longest=LONGEST_LINE)

    def _received(self, connection: Connection, lines: list[bytes]) -> None:
        try:
            for line in lines:
                src, dest, body = client_envelope(line)
                if connection.owner is None:
                    self._introduce(connection, src)
                self._check(connection, src, dest)
                self._deliver(src, body)
        except GarbageError as error:
            connection.close(f"refused: {error}")

    def _introduce(self, connection: Connection, src: str) -> None:
        if src in self._nodes:
            raise GarbageError(f"a client claims to be the node {src}")
        connection.owner = src
        self._newest[src] = connection

    def _check(self, connection: Connection, src: str, dest: str) -> None:
        if src != connection.owner or dest != self._me:
            raise GarbageError(f"a message from {src!r} to {dest!r}, by client {connection.owner!r}")

    def _ended(self, connection: Connection, why: str) -> None:
        self._open -= 1
        owner = connection.owner
        if owner is not None and self._newest.get(owner) is connection:
            del self._newest[owner]
        if why:
            self._log(f"client connection of {owner or 'nobody'} closed: {why}")
