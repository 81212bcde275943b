"""A small node whose every effect a message can ask for, and worlds made of it."""

from __future__ import annotations

from typing import Any

import pytest

from splitbrain.backend import ActionDone
from splitbrain.simulation.environment import CALM
from splitbrain.simulation.world import World
from splitbrain.systems.contract import (
    Node,
    Note,
    Persist,
    Persisted,
    Received,
    Reply,
    Send,
    SetTimer,
    Started,
    TimerFired,
)


class Puppet(Node):
    """Does what it is told: a message {"type": "do", "effects": [...]} holds its effects, as lists."""

    def __init__(self, name, peers, settings):
        super().__init__(name, peers, settings)
        self.persisted = 0

    def step(self, event, now):
        if isinstance(event, Received):
            note = Note("received", {"from": event.src, "tag": event.body.get("tag"), "steady": now.steady})
            return [note, *[self.effect(each) for each in event.body.get("effects", ())]]
        if isinstance(event, TimerFired):
            return [Note("fired", {"timer": event.name, "steady": now.steady, "wall": now.wall})]
        if isinstance(event, Persisted):
            return [Note("durable", {"id": event.id})]
        assert isinstance(event, Started)
        return [Note("recovered", {"records": list(event.records), "torn": event.torn})]

    def effect(self, words):
        kind, *rest = words
        if kind == "send":
            dest, tag = rest
            return Send(dest, {"type": "message", "tag": tag})
        if kind == "persist":
            self.persisted += 1
            return Persist(self.persisted, rest[0])
        if kind == "reply":
            return Reply(rest[0], 1, {"type": "do_ok"}, self.persisted if rest[1:] else None)
        if kind == "timer":
            return SetTimer(rest[0], rest[1])
        if kind == "note":
            return Note(rest[0], {})
        raise ValueError(f"it was told to {kind}")


class Stage:
    """A world of puppets."""

    def __init__(self, nodes=3, **options: Any) -> None:
        options = {"seed": 1, "environment": CALM, "node": Puppet, **options}
        node = options.pop("node")
        names = [f"n{number}" for number in range(1, nodes + 1)]
        self.world = World(node, names, {}, **options)
        self.events: list[Any] = []
        self.world.open()

    def tell(self, node: str, *effects: Any, tag: Any = None, client: str = "c0") -> None:
        body = {"type": "do", "msg_id": 1, "effects": [list(each) for each in effects], "tag": tag}
        self.world.send(client, node, body)

    def run(self, seconds: float) -> None:
        until = self.world.now() + round(seconds * 1e9)
        while self.world.now() < until:
            self.events += self.world.poll(until)

    def do(self, action: Any, within: float = 5.0) -> Any:
        ticket = self.world.perform(action)
        until = self.world.now() + round(within * 1e9)
        while True:
            events = self.world.poll(until)
            self.events += events
            for event in events:
                if isinstance(event, ActionDone) and event.ticket == ticket:
                    assert event.error is None, event.error
                    return event.outcome
            assert self.world.now() < until, f"{action} was not complete"

    def notes(self, node: str, kind: str) -> list[Any]:
        return [note.fields for note in self.world.notes[node] if note.kind == kind]

    def times(self, node: str, kind: str = "received") -> list[int]:
        return [note.time for note in self.world.notes[node] if note.kind == kind]

    def tags(self, node: str) -> list[Any]:
        return [each["tag"] for each in self.notes(node, "received") if each["from"].startswith("n")]


@pytest.fixture
def stage():
    return Stage
