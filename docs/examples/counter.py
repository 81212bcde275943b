"""A system of one's own with its own operations: a durable counter for each key.

    splitbrain run docs/examples/counter.py:CounterSystem --faults kill --time-limit 8

The node, its client, and two seeded bugs, so that one can see the test convict. Nodes get this file as it
is: it may import the standard library and `splitbrain.systems` only. Its workload, its model and its
checker of notes run in the controller and stand in files of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from splitbrain.systems.contract import (
    Client,
    Complete,
    Disconnected,
    Invoke,
    Node,
    Note,
    Persist,
    Received,
    Reply,
    Send,
    Started,
    Unreachable,
)
from splitbrain.systems.description import Bug, System

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splitbrain.systems.contract import Body, ClientEffect, ClientEvent, Effect, Event, Json, Now


class CounterNode(Node):
    """Adds in memory, writes the amount down, and answers when it is on the disk."""

    def __init__(self, name: str, peers: Sequence[str], settings: Mapping[str, Json]) -> None:
        super().__init__(name, peers, settings)
        self.totals: dict[str, int] = {}
        self.records = 0
        self.newest: int | None = None
        """The newest record that this life wrote; those before it are durable already."""

    def step(self, event: Event, now: Now) -> list[Effect]:  # noqa: ARG002  it needs no clock
        """Recover at the start, and serve requests from then on."""
        if isinstance(event, Started):
            return self.recover(event.records)
        if isinstance(event, Received):
            return self.serve(event.src, event.body)
        return []

    def recover(self, records: Sequence[Json]) -> list[Effect]:
        """Add up what was written down before the crash."""
        for record in records:
            self.add(record["key"], record["amount"])
        return [Note("recovered", {"records": self.records})]

    def add(self, key: str, amount: int) -> None:
        """Add to one counter."""
        self.totals[key] = self.totals.get(key, 0) + amount
        self.records += 1

    def serve(self, src: str, body: Body) -> list[Effect]:
        """Take one request."""
        key = body["key"]
        if body["type"] == "read":
            total = {"type": "read_ok", "value": self.totals.get(key, 0)}
            return [Reply(src, body["msg_id"], total, self.answer_waits_for())]
        self.add(key, body["amount"])
        self.newest = self.records
        return [
            Persist(self.newest, {"key": key, "amount": body["amount"]}),
            Reply(src, body["msg_id"], {"type": "add_ok"}, self.answer_waits_for()),
            Note("answered", {"records": self.records}, self.answer_waits_for()),
        ]

    def answer_waits_for(self) -> int | None:
        """Hold every answer, a read's too, until all that it shows is durable."""
        return self.newest


class CounterClient(Client):
    """Sends an operation to its node once, and says what it may say of the outcome."""

    def __init__(self, name: str, nodes: Sequence[str], preferred: str, settings: Mapping[str, Json]) -> None:
        super().__init__(name, nodes, preferred, settings)
        self.msg_id = 0
        self.amount: Json = None

    def step(self, event: ClientEvent, now: int) -> list[ClientEffect]:  # noqa: ARG002  the deadline is the driver's
        """Take one event. What is still open at its deadline is ended as info by the driver."""
        if isinstance(event, Invoke):
            self.msg_id += 1
            self.amount = event.value
            body = {"type": event.f, "msg_id": self.msg_id, "key": event.key, "amount": event.value}
            return [Send(self.preferred, body)]
        if isinstance(event, Received) and event.body["in_reply_to"] == self.msg_id:
            return [Complete("ok", event.body.get("value", self.amount))]
        if isinstance(event, Unreachable):
            return [Complete("fail", error="the node is down")]
        if isinstance(event, Disconnected):
            return [Complete("info", error="the connection broke: it may have been added or not")]
        return []


class Amnesia(CounterNode):
    """Begins at zero after each crash."""

    def recover(self, records: Sequence[Json]) -> list[Effect]:
        """Forget what was written down."""
        del records
        return super().recover([])


class EarlyAnswer(CounterNode):
    """Answers before the disk has it, so that a power cut takes back what a client was told."""

    def answer_waits_for(self) -> int | None:
        """Wait for nothing."""
        return None


class CounterSystem(System):
    """One node with a disk."""

    name = "counter"
    summary = "durable counters on one node (an example)"
    node = CounterNode
    client = CounterClient
    workloads = ("./counter_workload.py:CounterWorkload",)
    invariants = ("./counter_notes.py:NothingForgotten",)
    nodes = 1
    availability = "all"
    recovery = 1.0
    bugs: ClassVar[tuple[Bug, ...]] = (
        Bug(
            name="amnesia",
            number="C1",
            summary="begins at zero after each crash",
            source="the example in docs/extending.md",
            verdicts=("LIN", "FORGOTTEN"),
            node=Amnesia,
        ),
        Bug(
            name="early-answer",
            number="C2",
            summary="answers before its log is synced",
            source="the example in docs/extending.md",
            verdicts=("LIN", "FORGOTTEN"),
            node=EarlyAnswer,
            plan="early-answer.json",
        ),
    )
