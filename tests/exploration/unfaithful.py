"""A system whose variants each break the node contract in one way that makes runs unrepeatable."""

import random
import time
from typing import ClassVar

from splitbrain.systems.client import SessionClient
from splitbrain.systems.contract import MILLISECOND, Node, Note, Received, Reply, Send, SetTimer, Started
from splitbrain.systems.description import Bug, System

COLOURS = ("amber", "beige", "coral", "denim", "ebony", "fawn", "green", "hazel", "ivory", "jade", "khaki")


class Gossiper(Node):
    """Tells its peers of its rounds, and its clients what was written to it."""

    def __init__(self, name, peers, settings):
        super().__init__(name, peers, settings)
        self.rounds = []
        self.values = {}

    def step(self, event, now):
        if isinstance(event, Received):
            return self.answer(event.src, event.body)
        self.rounds.append(self.amount(now))
        body = {"type": "gossip", "rounds": self.told()}
        effects = [Send(peer, body) for peer in self.peers]
        return [*self.notes(event), *effects, SetTimer("round", self.delay())]

    def answer(self, src, body):
        if body["type"] == "read":
            return [Reply(src, body["msg_id"], {"type": "read_ok", "value": self.values.get(body["key"])})]
        if body["type"] == "write":
            self.values[body["key"]] = body["value"]
            return [Reply(src, body["msg_id"], {"type": "write_ok"})]
        if body["type"] == "cas":
            return [Reply(src, body["msg_id"], {"type": "error", "code": 22, "text": "never"})]
        return []

    def amount(self, now):
        return now.steady % 7

    def told(self):
        return self.rounds[-3:]

    def notes(self, event):
        return [Note("woke", {"rounds": len(self.rounds)})] if isinstance(event, Started) else []

    def delay(self):
        return 20 * MILLISECOND


class ClockReader(Gossiper):
    def delay(self):
        return (20 + time.time_ns() % 1000) * MILLISECOND


class DiceThrower(Gossiper):
    def amount(self, now):
        return random.randint(1, 10**9)


class SetIterator(Gossiper):
    def notes(self, event):
        return [Note("colour", {"name": colour}) for colour in set(COLOURS)]


class BodyChanger(Gossiper):
    def told(self):
        # The list that was sent is the one to which the next round is appended.
        return self.rounds


class ClassCounter(Gossiper):
    LIVES: ClassVar = [0]

    def notes(self, event):
        self.LIVES[0] += 1
        return [Note("lives", {"lives": self.LIVES[0]})]


class UnfaithfulSystem(System):
    name = "gossip"
    summary = "nodes that tell each other of their rounds"
    node = Gossiper
    client = SessionClient
    workloads = ("register",)
    nodes = 3
    bugs = tuple(
        Bug(name, str(number), name, "the node contract", (), node)
        for number, (name, node) in enumerate(
            {
                "clock": ClockReader,
                "dice": DiceThrower,
                "set": SetIterator,
                "body": BodyChanger,
                "class": ClassCounter,
            }.items()
        )
    )
