"""One durable key-value node: it writes an operation to its log before it answers.

The whole protocol, from a request to its answer:

1. *Apply.* The operation changes the state in memory and yields its answer.
2. *Log.* Every operation but a read is persisted, with who asked and under which `msg_id`.
3. *Answer when durable.* The answer waits until the log is synced. So does the answer to a read:
   it may have seen a write that is not durable yet, and a power cut must not take back what
   somebody read.
4. *Once only.* A client that heard nothing asks again under the same `msg_id`. It gets the answer
   that it would have got, and nothing is applied twice.

The log is the list of operations, and the state is its replay: after a crash, applying the records
that survived gives back the values, and the answers that a retry may still ask for.

Neither the log nor the table of answers is ever compacted: a test run is short.

A record is the operation with the name of its client, and what it writes stands last:

    {"type": "write", "key": "x", "src": "c4", "msg_id": 7, "value": 5}

What it notes:

    recovered  {"records", "torn"}         at the start: records replayed; whether a torn one was dropped
    appended   {"id"}                      a record was written and is not yet synced
    answered   {"src", "msg_id", "type"}   right after an answer, and as durable as it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..contract import Effect, Event, Node, Note, Now, Persist, Received, Reply, Started
from ..machine import OPERANDS, KeyValueMachine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..contract import Body, Json


class Answered(NamedTuple):
    """The newest operation of a client, and its answer."""

    msg_id: int
    answer: Body


class KvNode(Node):
    """A single node that keeps a key-value map durable."""

    def __init__(self, name: str, peers: Sequence[str], settings: Mapping[str, Json]) -> None:
        super().__init__(name, peers, settings)
        self.machine = KeyValueMachine()
        self.sessions: dict[str, Answered] = {}
        self.newest: int | None = None
        """The id of the newest record that this life persisted."""

    def step(self, event: Event, now: Now) -> list[Effect]:  # noqa: ARG002 - the contract's; KV keeps no time
        """Take one event, change this node's state and return the effects, in order."""
        if isinstance(event, Started):
            return self.recover(event)
        if isinstance(event, Received):
            return self.serve(event.src, event.body)
        return []

    def recover(self, started: Started) -> list[Effect]:
        """Replay the log."""
        records = self.records_to_replay(started)
        for record in records:
            self.replay(record)
        return [Note("recovered", {"records": len(records), "torn": started.torn is not None})]

    def records_to_replay(self, started: Started) -> Sequence[Json]:
        """Use the whole records only. A torn one was never synced, so nobody was told of it."""
        return started.records

    def replay(self, record: Mapping[str, Json]) -> None:
        """Apply one record of the log, as it was applied before the crash."""
        self.remember(record["src"], record["msg_id"], self.machine.apply(record))

    def serve(self, src: str, body: Body) -> list[Effect]:
        """Take one request and answer it."""
        msg_id = body.get("msg_id")
        if self.is_old(src, msg_id):
            return []
        if body["type"] not in OPERANDS or body["type"] == "read":
            return self.answer(src, msg_id, body["type"], self.machine.apply(body))
        known = self.answer_to_retry(src, msg_id)
        if known is not None:
            return self.answer(src, msg_id, body["type"], known)
        answer = self.machine.apply(body)
        self.remember(src, msg_id, answer)
        return [*self.persist(src, body), *self.answer(src, msg_id, body["type"], answer)]

    def is_old(self, src: str, msg_id: int | None) -> bool:
        """Ignore a request that its client has given up: it has asked for something newer since."""
        return msg_id is not None and src in self.sessions and msg_id < self.sessions[src].msg_id

    def answer_to_retry(self, src: str, msg_id: int | None) -> Body | None:
        """Return the answer that this very operation has got before, or None if it is new."""
        session = self.sessions.get(src)
        return session.answer if session is not None and session.msg_id == msg_id else None

    def remember(self, src: str, msg_id: int | None, answer: Body) -> None:
        """Keep the answer for a retry. The next operation of the client replaces it."""
        if msg_id is not None:
            self.sessions[src] = Answered(msg_id, answer)

    def persist(self, src: str, body: Body) -> list[Effect]:
        """Write the operation to the log."""
        self.newest = 0 if self.newest is None else self.newest + 1
        return [Persist(self.newest, record(src, body)), Note("appended", {"id": self.newest})]

    def answer(self, src: str, msg_id: int | None, kind: str, answer: Body) -> list[Effect]:
        """Answer a request, once everything that the answer shows is durable."""
        if msg_id is None:
            return []
        after = self.answer_waits_for()
        return [
            Reply(src, msg_id, answer, after),
            Note("answered", {"src": src, "msg_id": msg_id, "type": kind}, after),
        ]

    def answer_waits_for(self) -> int | None:
        """Hold every answer back until the newest record is durable, and so all before it."""
        return self.newest


def record(src: str, body: Body) -> dict[str, Json]:
    """Return the log record of an operation: the operation itself, and who asked."""
    named = {name: body[name] for name in ("type", "key") if name in body}
    operands = {name: value for name, value in body.items() if name not in ("type", "key", "msg_id", "src")}
    return {**named, "src": src, "msg_id": body.get("msg_id"), **operands}
