"""Client connections, in the controller's own process: one per client session and node.

Clients talk to nodes directly; policies that name `CLIENTS` as an end of a link are applied here, by the
same `Link` that the proxies use. A connection is opened by the first message on it and closed when its
session is retired or its node goes down.

What a client may conclude from a broken connection decides the history: `ClientUnreachable` is said only
if the connection never came to be, so that nothing on it can have arrived; a connection that was
established and broke is `ClientDisconnected`, however little was sent on it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from splitbrain.backend import (
    CLIENTS,
    ActionDone,
    BackendEvent,
    ClientDisconnected,
    ClientMessage,
    ClientUnreachable,
    LinkPolicy,
)

from .links import Counts, Link, total
from .streams import Stream, connect

if TYPE_CHECKING:
    import selectors
    from collections.abc import Callable, Mapping, Sequence

SECOND = 1_000_000_000


class Transport:
    """All client connections of one cluster. Events go to `emit` in the order in which they happen."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        nodes: Sequence[str],
        seed: int,
        clock: Callable[[], int],
        emit: Callable[[BackendEvent], None],
    ) -> None:
        self._selector = selector
        self._clock = clock
        self._emit = emit
        self._ports: dict[str, int | None] = dict.fromkeys(nodes)
        self._requests = {node: Link(CLIENTS, node, seed) for node in nodes}
        self._replies = {node: Link(node, CLIENTS, seed) for node in nodes}
        self._links = {(link.source, link.destination): link for link in self._every_link()}
        self._sessions: dict[str, dict[str, _Connection]] = {}
        self._probes: dict[int, int] = {}

    def _every_link(self) -> list[Link]:
        return [*self._requests.values(), *self._replies.values()]

    def locate(self, node: str, port: int | None) -> None:
        """Learn the client port of a node, None while it is down."""
        self._ports[node] = port

    def send(self, client: str, dest: str, body: Mapping[str, Any]) -> None:
        """Send one envelope on the session's connection to `dest`, opening it if need be."""
        session = self._sessions.setdefault(client, {})
        connection = session.get(dest)
        if connection is None:
            connection = self._connect(client, dest)
            if connection is None:
                self._emit(ClientUnreachable(client, dest, body.get("msg_id")))
                return
            session[dest] = connection
        connection.msg_id = body.get("msg_id")
        line = orjson.dumps({"src": client, "dest": dest, "body": body}) + b"\n"
        link = self._requests[dest]
        if link.plain:
            link.lines += 1
            connection.stream.write(line)
        else:
            link.admit(connection.stream.write, line, self._clock())
            self._pump(link)

    def retire(self, client: str) -> None:
        """Close the session's connections; nothing more is heard of it."""
        for connection in self._sessions.pop(client, {}).values():
            connection.stream.close()

    def close(self) -> None:
        """Close every connection. Idempotent."""
        for client in tuple(self._sessions):
            self.retire(client)

    # Links

    def due(self) -> int | None:
        """Return when the next waiting line or probe is due, None if none is."""
        times = [due for link in self._links.values() if not link.plain and (due := link.due()) is not None]
        times.extend(self._probes.values())
        return min(times, default=None)

    def pump(self) -> None:
        """Deliver the lines that are due, and give up the probes that are overdue."""
        for link in self._links.values():
            if not link.plain:
                self._pump(link)
        if self._probes:
            now = self._clock()
            for ticket in [ticket for ticket, until in self._probes.items() if until <= now]:
                del self._probes[ticket]
                self._emit(ActionDone(ticket, {"arrived": False, "seconds": None}, None))

    def _pump(self, link: Link) -> None:
        for sink, lines in link.take(self._clock()):
            sink(lines)

    def lay(self, fault: str, policies: Mapping[tuple[str, str], LinkPolicy]) -> None:
        """Lay a fault's policies on client links."""
        for ends, policy in policies.items():
            self._links[ends].lay(fault, policy, self._clock())
            self._pump(self._links[ends])

    def lift(self, fault: str) -> int:
        """Take a fault's policies off all client links; return off how many."""
        lifted = [link for link in self._links.values() if link.lift(fault, self._clock())]
        for link in lifted:
            self._pump(link)
        return len(lifted)

    @property
    def counts(self) -> Counts:
        """The counters of all client links, added up."""
        return total(self._links.values())

    def probe(self, ticket: int, source: str, destination: str, within: float) -> None:
        """Send a probe line through the policies of a client link.

        It is delivered to this side of the node's port: the clients' protocol has no line that a node
        would report.
        """
        began = self._clock()
        self._probes[ticket] = began + round(within * SECOND)
        link = self._links[source, destination]
        link.admit(partial(self._probed, ticket, began), orjson.dumps({"probe": ticket}) + b"\n", began)
        self._pump(link)

    def _probed(self, ticket: int, began: int, _line: bytes) -> None:
        if self._probes.pop(ticket, None) is not None:
            seconds = (self._clock() - began) / SECOND
            self._emit(ActionDone(ticket, {"arrived": True, "seconds": seconds}, None))

    # Connections

    def _connect(self, client: str, node: str) -> _Connection | None:
        port = self._ports[node]
        if port is None:
            return None
        connection = _Connection(self, client, node)
        stream = connect(self._selector, port, connection.received, connection.ended)
        if stream is None:
            return None
        connection.stream = stream
        return connection

    def arrived(self, connection: _Connection, lines: bytes) -> None:
        """Take whole lines that a node sent to a session, through the link's policies."""
        link = self._replies[connection.node]
        if link.plain:
            link.lines += lines.count(b"\n")
            self._hand_over(connection, lines)
            return
        now = self._clock()
        sink = partial(self._hand_over, connection)
        for line in lines.split(b"\n")[:-1]:
            link.admit(sink, line + b"\n", now)
        self._pump(link)

    def _hand_over(self, connection: _Connection, lines: bytes) -> None:
        for line in lines.split(b"\n")[:-1]:
            if connection.stream.closed:
                return
            try:
                envelope = orjson.loads(line)
                message = ClientMessage(connection.client, envelope["src"], envelope["body"])
            except (ValueError, KeyError, TypeError):
                connection.stream.close()
                self.broken(connection)
                return
            self._emit(message)

    def broken(self, connection: _Connection) -> None:
        """Forget a connection that ended and say what its session may conclude."""
        session = self._sessions.get(connection.client)
        if session is None or session.get(connection.node) is not connection:
            return
        del session[connection.node]
        client, node = connection.client, connection.node
        if connection.stream.connected:
            self._emit(ClientDisconnected(client, node))
        else:
            self._emit(ClientUnreachable(client, node, connection.msg_id))


class _Connection:
    """One session's connection to one node; `msg_id` is that of the last message given to it."""

    __slots__ = ("_partial", "_transport", "client", "msg_id", "node", "stream")

    stream: Stream

    def __init__(self, transport: Transport, client: str, node: str) -> None:
        self._transport = transport
        self._partial = b""
        self.client = client
        self.node = node
        self.msg_id: int | None = None

    def received(self, data: bytes) -> None:
        """Cut what was read into lines."""
        if self._partial:
            data = self._partial + data
        end = data.rfind(b"\n") + 1
        self._partial = data[end:]
        if end:
            self._transport.arrived(self, data[:end])

    def ended(self) -> None:
        """The node closed the connection, broke it or refused it."""
        self._transport.broken(self)
