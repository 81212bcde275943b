"""A system of a user's own, shipped inside the archive: it does to the runtime what a test asks for."""

from splitbrain.systems.contract import (
    MILLISECOND,
    CancelTimer,
    Node,
    Note,
    Persist,
    Persisted,
    Received,
    Replace,
    Reply,
    Send,
    SetTimer,
    Started,
    TimerFired,
)
from splitbrain.systems.description import System


class EchoNode(Node):
    """Answers each request by what it asks for; notes what the runtime tells it."""

    def __init__(self, name, peers, settings):
        super().__init__(name, peers, settings)
        self.id = 0
        self.asked = None

    def step(self, event, now):
        assert now.steady > 0
        if isinstance(event, Started):
            print("a node that prints does not disturb the control channel")  # noqa: T201 - that is the point
            return [Note("began", {"records": list(event.records), "torn": event.torn, "seed": event.seed})]
        if isinstance(event, Persisted):
            return [Note("persisted", {"id": event.id})]
        if isinstance(event, TimerFired):
            return [Note("fired", {"name": event.name})]
        assert isinstance(event, Received)
        return getattr(self, "on_" + event.body["type"])(event.src, event.body)

    def on_ping(self, src, body):
        return [Note("pinged", {"src": src}), *self.reply(src, body, {"type": "pong"})]

    def on_forward(self, src, body):
        return [Send(body["to"], {"type": "ping"}), *self.reply(src, body, {"type": "forwarded"})]

    def on_order(self, src, body):
        """Persist two records between effects that wait and effects that do not."""
        first, second = self.id + 1, self.id + 2
        self.id = second
        return [
            Persist(first, "first"),
            Note("after-first", {}, first),
            Note("at-once", {}),
            Persist(second, "second"),
            Note("after-second", {}, second),
            Note("after-first-again", {}, first),
            *self.reply(src, body, {"type": "ordered"}, second),
        ]

    def on_write(self, src, body):
        self.id += 1
        return [
            Persist(self.id, body["record"]),
            Note("wrote", {"id": self.id}),
            *self.reply(src, body, {"type": "written"}, self.id),
        ]

    def on_replace(self, src, body):
        self.id += 1
        return [Replace(self.id, body["records"]), *self.reply(src, body, {"type": "replaced"}, self.id)]

    def on_timers(self, src, body):
        return [
            SetTimer("late", 20 * MILLISECOND),
            SetTimer("moved", 0),
            SetTimer("moved", 10 * MILLISECOND),
            SetTimer("cancelled", 0),
            CancelTimer("cancelled"),
            SetTimer("batch", 0),
            Note("set", {}),
            *self.reply(src, body, {"type": "set"}),
        ]

    def on_crash(self, src, body):
        raise RuntimeError("this node has a bug")

    def on_nonsense(self, src, body):
        return ["no effect"]

    def reply(self, src, body, answer, after=None):
        return [Reply(src, body["msg_id"], answer, after)] if "msg_id" in body else []


class Echo(System):
    name = "echo"
    node = EchoNode


class NoSystem:
    pass
