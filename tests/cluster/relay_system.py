"""A system for tests of the cluster itself: nodes that pass numbered messages on and tell what they got.

say {to, count}      send messages 0 .. count-1 to the peer `to`
write {value}        persist the value, note it, answer after the sync
read                 answer with all values that survived or were synced
read-all             answer with the unsynced ones, too
die                  raise
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.systems.contract import (
    Client,
    Effect,
    Event,
    Node,
    Note,
    Now,
    Persist,
    Persisted,
    Received,
    Reply,
    Send,
    Started,
)
from splitbrain.systems.description import System

if TYPE_CHECKING:
    from splitbrain.systems.contract import Body


class RelayNode(Node):
    """See the module."""

    values: list
    synced: int

    def step(self, event: Event, now: Now) -> list[Effect]:
        match event:
            case Started(records=records):
                if self.settings.get("refuse") == self.name:
                    raise RuntimeError("this node was told not to start")
                self.values = list(records)
                self.synced = len(records)
                return [Note("came-up", {"records": len(records)})]
            case Persisted(id=id):
                self.synced = max(self.synced, id)
                return []
            case Received(src=src, body=body):
                return self.received(src, body)
        return []

    def received(self, src: str, body: Body) -> list[Effect]:
        match body["type"]:
            case "say":
                padding = "x" * body.get("padding", 0)
                said = [
                    Send(body["to"], {"type": "said", "number": number, "padding": padding})
                    for number in range(body["count"])
                ]
                return [*said, Reply(src, body["msg_id"], {"type": "say_ok"})]
            case "said":
                return [Note("heard", {"from": src, "number": body["number"]})]
            case "write":
                self.values.append(body["value"])
                position = len(self.values)
                return [
                    Persist(position, body["value"]),
                    Note("writing", {"value": body["value"]}),
                    Reply(src, body["msg_id"], {"type": "write_ok"}, after=position),
                ]
            case "read":
                return [Reply(src, body["msg_id"], {"type": "read_ok", "values": self.values})]
            case "die":
                raise RuntimeError("this node was told to die")
        return []


class RelaySystem(System):
    name = "relay"
    summary = "passes messages on"
    node = RelayNode
    client = Client
    workloads = ()
