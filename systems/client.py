"""The client session that the key-value systems share: one operation at a time, made to end.

An operation becomes one request under one `msg_id`, sent as often as it takes to a node at a
time; each sending is an *attempt*. The hard part is the outcome, which must never claim too much:

- *ok* as soon as any attempt is answered with the result, however late that attempt was. An
  error that is an observation is a result: a read answered "key does not exist" (20) is null,
  and a cas answered 20 or 22 ran and compared unequal.
- *fail* only if no attempt can take effect, now or later: each one was answered with a definite
  error or found the node unreachable. One attempt that timed out, met an indefinite error or lost
  its connection leaves the operation in doubt, whatever other nodes say.
- *info* at the deadline otherwise.

Definite and indefinite errors are Maelstrom's; codes it does not know are indefinite. Refusals
are counted against the attempts on the node that refused, so a late refusal of the first attempt
is not taken for one of the second. That count trusts the transport not to duplicate client lines,
which TCP keeps; under duplication a refused copy says nothing about its twin.

The session starts each operation at its preferred node, so that clients of a minority stay there
at first. An answer 11 may name the `leader`, which is asked at once unless it was asked already
since the last pause; all else waits for a pause that doubles, so that nodes that refuse at once,
or point at each other, are never asked in a tight loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .contract import (
    SECOND,
    CancelTimer,
    Client,
    ClientEffect,
    ClientEvent,
    Complete,
    Disconnected,
    Invoke,
    Received,
    Send,
    SetTimer,
    TimerFired,
    Unreachable,
)
from .machine import KEY_DOES_NOT_EXIST, PRECONDITION_FAILED, TEMPORARILY_UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .contract import Body, Json

REQUESTS: Mapping[str, str] = {
    "read": "read",
    "get": "read",
    "write": "write",
    "put": "write",
    "cas": "cas",
    "append": "append",
    "delete": "delete",
}
"""A workload's function to the type of its request."""

DEFINITE_ERRORS = frozenset({1, 10, 11, 12, 14, 20, 21, 22, 30})
"""Maelstrom's codes that say: this request did not and will not take effect."""

OBSERVATIONS: Mapping[str, frozenset[int]] = {
    "read": frozenset({KEY_DOES_NOT_EXIST}),
    "cas": frozenset({KEY_DOES_NOT_EXIST, PRECONDITION_FAILED}),
    "delete": frozenset({KEY_DOES_NOT_EXIST}),
}
"""The errors that are results: the operation ran and this is what it saw."""

ATTEMPT_TIMEOUT = 0.35
"""Seconds that a node has to answer before the next one is asked (setting `attempt_timeout`)."""

FIRST_PAUSE = 0.01
LONGEST_PAUSE = 0.16
"""Seconds between a refusal and the next attempt; doubles from the first to the longest."""

WAKE = "wake"


class _Operation(NamedTuple):
    """What is fixed for the open operation."""

    invoke: Invoke
    request: Mapping[str, Json]


class SessionClient(Client):
    """A client session for register and key-value workloads.

    Settings: `attempt_timeout` in seconds.
    """

    def __init__(self, name: str, nodes: Sequence[str], preferred: str, settings: Mapping[str, Json]) -> None:
        super().__init__(name, nodes, preferred, settings)
        self._attempt_timeout = int(float(settings.get("attempt_timeout", ATTEMPT_TIMEOUT)) * SECOND)
        self._msg_id = 0
        self._operation: _Operation | None = None
        self._target = preferred
        self._pausing = False
        self._pause = 0
        self._asked: tuple[str, ...] = ()
        self._undecided: dict[str, int] = {}
        self._error: Json = None

    def step(self, event: ClientEvent, now: int) -> list[ClientEffect]:
        """Take one event at steady time `now` and return the effects, in order.

        Raises:
            ValueError: an operation is invoked that has no request, or while another is open.
        """
        if type(event) is Received:
            return self._received(event.src, event.body, now)
        if type(event) is Invoke:
            return self._invoked(event, now)
        if type(event) is TimerFired:
            return self._woken(now)
        if type(event) is Unreachable:
            return self._unreachable(event, now)
        if type(event) is Disconnected:
            return self._disconnected(event.dest, now)
        raise ValueError(f"A client session knows no event {event!r}.")

    # The life of an operation.

    def _invoked(self, invoke: Invoke, now: int) -> list[ClientEffect]:
        """Open the operation and ask the preferred node."""
        if self._operation is not None:
            raise ValueError(f"Session {self.name} has an operation open; end it before the next one.")
        self._msg_id += 1
        self._operation = _Operation(invoke, request_body(invoke, self._msg_id))
        self._undecided = {}
        self._error = None
        self._asked = ()
        self._pause = int(FIRST_PAUSE * SECOND)
        return self._attempt(self.preferred, now)

    def _received(self, src: str, body: Body, now: int) -> list[ClientEffect]:
        """Take an answer to the open operation, whichever attempt it answers."""
        operation = self._operation
        if operation is None or body.get("in_reply_to") != self._msg_id:
            return []
        asked = operation.request["type"]
        kind = body.get("type")
        if kind == "error":
            code = body.get("code")
            if isinstance(code, int) and code in OBSERVATIONS.get(asked, ()):
                return self._observed(operation)
            return self._refused(src, body, now)
        if kind != f"{asked}_ok" or (asked == "read" and "value" not in body):
            return []
        value = body["value"] if asked == "read" else operation.invoke.value
        return self._complete(Complete("ok", value))

    def _observed(self, operation: _Operation) -> list[ClientEffect]:
        """End with the result that an error body stands for."""
        if operation.request["type"] == "read":
            return self._complete(Complete("ok", None))
        fields = {"applied": False} if operation.request["type"] == "cas" else {}
        return self._complete(Complete("ok", operation.invoke.value, fields=fields))

    def _refused(self, src: str, body: Body, now: int) -> list[ClientEffect]:
        """Take an error: settle the attempt if it is definite, and go on elsewhere if that can help."""
        code = body.get("code")
        self._error = f"error {code} from {src}: {body.get('text', '')}"
        definite = isinstance(code, int) and code in DEFINITE_ERRORS
        if definite:
            self._settle(src)
            if code != TEMPORARILY_UNAVAILABLE and not self._undecided:
                return self._complete(Complete("fail", error=self._error))
        if src != self._target or self._pausing:
            return []
        leader = body.get("leader") if code == TEMPORARILY_UNAVAILABLE else None
        if leader in self.nodes and leader not in self._asked:
            return self._attempt(leader, now)
        return self._rest(now)

    def _unreachable(self, event: Unreachable, now: int) -> list[ClientEffect]:
        """An attempt on `dest` never left: settle it and go on elsewhere.

        Late news of an earlier operation's attempt says nothing about this one's.
        """
        dest = event.dest
        if self._operation is None or event.msg_id not in (None, self._msg_id):
            return []
        self._settle(dest)
        self._error = f"{dest} is unreachable"
        return self._rest(now) if dest == self._target and not self._pausing else []

    def _disconnected(self, dest: str, now: int) -> list[ClientEffect]:
        """What was sent to `dest` stays in doubt: go on elsewhere."""
        if self._operation is None or dest != self._target or self._pausing:
            return []
        self._error = f"the connection to {dest} broke"
        return self._rest(now)

    def _woken(self, now: int) -> list[ClientEffect]:
        """The deadline, the end of a pause, or an attempt that was not answered in time."""
        if self._operation is None:
            return []
        if now >= self._operation.invoke.deadline:
            return self._expire()
        if not self._pausing:
            self._error = f"{self._target} did not answer in time"
        self._asked = ()
        return self._attempt(self._next_node(), now)

    def _expire(self) -> list[ClientEffect]:
        """End at the deadline: fail if every attempt was refused, else nobody knows."""
        outcome = "info" if self._undecided else "fail"
        return self._complete(Complete(outcome, error=self._error or "timeout"))

    # Attempts and pauses.

    def _attempt(self, node: str, now: int) -> list[ClientEffect]:
        assert self._operation is not None
        self._target = node
        self._pausing = False
        self._asked = (*self._asked, node)
        self._undecided[node] = self._undecided.get(node, 0) + 1
        return [Send(node, self._operation.request), self._wake_after(self._attempt_timeout, now)]

    def _rest(self, now: int) -> list[ClientEffect]:
        """Pause before the next attempt, longer each time within one operation."""
        pause = self._pause
        self._pause = min(2 * pause, int(LONGEST_PAUSE * SECOND))
        self._pausing = True
        return [self._wake_after(pause, now)]

    def _wake_after(self, delay: int, now: int) -> SetTimer:
        assert self._operation is not None
        return SetTimer(WAKE, max(0, min(delay, self._operation.invoke.deadline - now)))

    def _next_node(self) -> str:
        return self.nodes[(self.nodes.index(self._target) + 1) % len(self.nodes)]

    def _settle(self, node: str) -> None:
        """One attempt on `node` certainly has no effect."""
        left = self._undecided.get(node, 0) - 1
        if left > 0:
            self._undecided[node] = left
        else:
            self._undecided.pop(node, None)

    def _complete(self, completion: Complete) -> list[ClientEffect]:
        self._operation = None
        return [CancelTimer(WAKE), completion]


def request_body(invoke: Invoke, msg_id: int) -> dict[str, Json]:
    """Return the request that stands for an operation.

    Raises:
        ValueError: the key-value systems have no such operation.
    """
    kind = REQUESTS.get(invoke.f)
    if kind is None:
        known = ", ".join(REQUESTS)
        raise ValueError(f"The key-value client has no operation {invoke.f!r}; it has: {known}.")
    body: dict[str, Json] = {"type": kind, "msg_id": msg_id, "key": invoke.key}
    if kind == "cas":
        body["from"], body["to"] = invoke.value
    elif kind in ("write", "append"):
        body["value"] = invoke.value
    return body
