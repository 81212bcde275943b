"""A system of one's own in one file: a key-value node that keeps everything in memory.

    splitbrain run docs/examples/volatile.py:VolatileSystem --faults kill --time-limit 4

It answers fast and loses all of it when its process is killed, so the run ends in INVALID. The file
is shipped to the node as it is: it may import the standard library and `splitbrain.systems` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.systems.client import SessionClient
from splitbrain.systems.contract import Node, Received, Reply
from splitbrain.systems.description import System
from splitbrain.systems.machine import KeyValueMachine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splitbrain.systems.contract import Effect, Event, Json, Now


class VolatileNode(Node):
    """Applies each request at once and answers; nothing is written down."""

    def __init__(self, name: str, peers: Sequence[str], settings: Mapping[str, Json]) -> None:
        super().__init__(name, peers, settings)
        self.machine = KeyValueMachine()

    def step(self, event: Event, now: Now) -> list[Effect]:  # noqa: ARG002  it needs no clock
        """Answer a request; there is nothing else to do."""
        if not isinstance(event, Received):
            return []
        return [Reply(event.src, event.body["msg_id"], self.machine.apply(event.body))]


class VolatileSystem(System):
    """One node, no disk."""

    name = "volatile"
    summary = "A key-value node that keeps everything in memory (an example: it loses it all when killed)."
    node = VolatileNode
    client = SessionClient
    workloads = ("register", "kv")
    nodes = 1
    availability = "all"
    recovery = 1.0
