"""A store of one's own to simulate: a primary that writes everything down, and two nodes with copies.

docs/simulation.md is about this file. `FollowerReads` is what an optimisation made of `PrimaryCopy`: the
nodes with copies answer reads themselves, which takes load off the primary, and is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.systems.client import SessionClient
from splitbrain.systems.contract import Node, Persist, Received, Reply, Send, Started
from splitbrain.systems.description import System
from splitbrain.systems.machine import TEMPORARILY_UNAVAILABLE, KeyValueMachine, error_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splitbrain.systems.contract import Body, Effect, Event, Json, Now


class PrimaryCopy(Node):
    """The first node serves clients; it sends what was written to the others, which keep it in memory."""

    def __init__(self, name: str, peers: Sequence[str], settings: Mapping[str, Json]) -> None:
        super().__init__(name, peers, settings)
        self.primary = min([name, *peers])
        self.machine = KeyValueMachine()
        self.answers: dict[str, tuple[int, Body]] = {}
        self.newest: int | None = None
        """The record that this life wrote last; answers wait until it is on disk."""

    def step(self, event: Event, now: Now) -> list[Effect]:  # noqa: ARG002  it needs no clock
        """Recover, serve a client, or take a copy."""
        if isinstance(event, Started):
            for record in event.records:
                self.apply(record)
        elif isinstance(event, Received) and event.src in self.peers:
            self.machine.apply(event.body["operation"])
        elif isinstance(event, Received):
            return self.serve(event.src, event.body)
        return []

    def serve(self, client: str, body: Body) -> list[Effect]:
        """Answer a client, once all that the answer shows is on disk."""
        if not self.may_answer(body):
            refusal = error_body(TEMPORARILY_UNAVAILABLE, "it is not the primary", leader=self.primary)
            return [Reply(client, body["msg_id"], refusal)]
        if body["type"] == "read":
            return [Reply(client, body["msg_id"], self.machine.apply(body), self.newest)]
        effects: list[Effect] = []
        number, answer = self.answers.get(client, (0, {}))
        if body["msg_id"] != number:  # a retry is not written a second time
            record = {"client": client, "operation": dict(body)}
            answer = self.apply(record)
            self.newest = 0 if self.newest is None else self.newest + 1
            effects.append(Persist(self.newest, record))
            copy = {"type": "copy", "operation": dict(body)}
            effects += [Send(peer, copy, self.newest) for peer in self.peers]
        return [*effects, Reply(client, body["msg_id"], answer, self.newest)]

    def apply(self, record: Mapping[str, Json]) -> Body:
        """Apply an operation and remember its answer, for a client that has to ask again."""
        operation = record["operation"]
        answer = self.machine.apply(operation)
        self.answers[record["client"]] = (operation["msg_id"], answer)
        return answer

    def may_answer(self, body: Body) -> bool:  # noqa: ARG002  `FollowerReads` looks at it
        """Leave everything to the primary: nobody else knows what is the newest."""
        return self.name == self.primary


class FollowerReads(PrimaryCopy):
    """Answers reads from its own copy, however old that is."""

    def may_answer(self, body: Body) -> bool:
        """Let everybody answer a read."""
        return self.name == self.primary or body["type"] == "read"


class PrimaryCopySystem(System):
    """What the store promises: to serve while all nodes are up, and to be linearizable whatever happens."""

    name = "primary-copy"
    summary = "A primary with two copies (an example for simulation)."
    node = PrimaryCopy
    client = SessionClient
    workloads = ("register",)
    nodes = 3
    availability = "all"


class FollowerReadsSystem(PrimaryCopySystem):
    """The same promise, made for nodes that can't keep it."""

    name = "follower-reads"
    node = FollowerReads
