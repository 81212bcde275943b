"""Nodes to be simulated by the tests: a sound store, and some that are wrong in one way each.

They stand in a module of their own, since other processes load them from this file.
"""

from __future__ import annotations

import random

from splitbrain.systems.client import SessionClient
from splitbrain.systems.contract import Node, Persist, Received, Reply, Started
from splitbrain.systems.description import System
from splitbrain.systems.machine import KeyValueMachine


class Store(Node):
    """One node that writes down what it is told before it answers."""

    def __init__(self, name, peers, settings):
        super().__init__(name, peers, settings)
        self.machine = KeyValueMachine()
        self.answers = {}
        self.newest = None

    def step(self, event, now):
        if isinstance(event, Started):
            for client, body in event.records:
                self.apply(client, body)
        return self.serve(event.src, event.body) if isinstance(event, Received) else []

    def apply(self, client, body):
        self.answers[client] = (body["msg_id"], self.machine.apply(body))

    def serve(self, client, body):
        effects = []
        if self.answers.get(client, (0,))[0] != body["msg_id"]:
            self.apply(client, body)
            self.newest = 0 if self.newest is None else self.newest + 1
            effects = [Persist(self.newest, [client, dict(body)])]
        return [*effects, Reply(client, body["msg_id"], self.answers[client][1], self.waits_for())]

    def waits_for(self):
        return self.newest


class Hasty(Store):
    """Answers before anything is on disk."""

    def waits_for(self):
        return None


class Dicing(Store):
    """Takes its randomness from where no seed is."""

    def serve(self, client, body):
        effects = super().serve(client, body)
        effects[-1].body["dice"] = random.random()
        return effects


class Unordered(Store):
    """Lets the order of a set decide."""

    def serve(self, client, body):
        effects = super().serve(client, body)
        effects[-1].body["order"] = list({f"{client}-{number}" for number in range(8)})
        return effects


class Mute(Store):
    """Never answers."""

    def serve(self, client, body):
        return super().serve(client, body)[:-1]


class Raising(Store):
    """Trips over a cas."""

    def serve(self, client, body):
        if body["type"] == "cas":
            raise KeyError("cas")
        return super().serve(client, body)


class Single(System):
    """What one node can promise."""

    name = "single"
    summary = "one node that is durable"
    node = Store
    client = SessionClient
    workloads = ("register",)
    nodes = 1
    availability = "all"


class HastySingle(Single):
    """The same promise for a node that can't keep it."""

    node = Hasty
