"""Administrators' requests: each a client session of its own, with one message and one answer.

A session of its own, because a session deduplicates by message number, and a request that is repeated
is meant to be taken again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.backend import ActionDone, BackendEvent, ClientDisconnected, ClientMessage, ClientUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from splitbrain.backend import Request

    from .transport import Transport

SECOND = 1_000_000_000
CLIENT_EVENTS = (ClientMessage, ClientUnreachable, ClientDisconnected)


class Requests:
    """Those under way. Events of clients pass through `hear`, which keeps what belongs to a request."""

    def __init__(self, clock: Callable[[], int], emit: Callable[[BackendEvent], None]) -> None:
        self._clock = clock
        self._emit = emit
        self._open: dict[str, tuple[int, int]] = {}
        """By session, the ticket and when it is given up."""

    def begin(self, ticket: int, request: Request, transport: Transport) -> None:
        """Send a request; its `ActionDone` follows."""
        session = f"admin-{ticket}"
        self._open[session] = (ticket, self._clock() + round(request.within * SECOND))
        transport.send(session, request.node, {**request.body, "msg_id": 1})

    def hear(self, event: BackendEvent, transport: Transport) -> bool:
        """Take in an event of a client; tell whether it belonged to a request and went no further."""
        if not self._open or not isinstance(event, CLIENT_EVENTS) or event.client not in self._open:
            return False
        # A node that is gone has said nothing, and won't.
        answer = event.body if isinstance(event, ClientMessage) else None
        self._end(event.client, answer, transport)
        return True

    def due(self) -> int | None:
        """Return when the next request is given up, None if none is open."""
        return min((until for _, until in self._open.values()), default=None)

    def expire(self, transport: Transport) -> None:
        """Give up the requests that are overdue."""
        if self._open:
            now = self._clock()
            for session in [session for session, (_, until) in self._open.items() if until <= now]:
                self._end(session, None, transport)

    def _end(self, session: str, answer: Mapping[str, object] | None, transport: Transport) -> None:
        ticket, _ = self._open.pop(session)
        transport.retire(session)
        self._emit(ActionDone(ticket, {"answer": answer}, None))
