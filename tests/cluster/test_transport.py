"""What a client session learns from its connections, against listeners of the test's own."""

from __future__ import annotations

import selectors
import socket
import time
from contextlib import suppress

import orjson
import pytest

from splitbrain.backend import (
    CLIENTS,
    ActionDone,
    ClientDisconnected,
    ClientMessage,
    ClientUnreachable,
    LinkPolicy,
)
from splitbrain.cluster.local.transport import Transport

PING = {"type": "ping", "msg_id": 1}


class Side:
    """A transport, the port of its only node, and the events so far."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.events = []
        self.transport = Transport(self.selector, ["n1"], 1, time.monotonic_ns, self.events.append)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.transport.locate("n1", self.port)

    def run(self, condition) -> None:
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, f"the condition did not come about: {self.events}"
            for key, mask in self.selector.select(0.005):
                key.data(mask)
            self.transport.pump()

    def accept(self) -> socket.socket:
        self.listener.settimeout(5)
        return self.listener.accept()[0]


@pytest.fixture
def side():
    side = Side()
    yield side
    side.transport.close()
    side.listener.close()
    side.selector.close()


def test_a_request_is_one_envelope_line_and_its_reply_is_an_event(side):
    side.transport.send("c1", "n1", PING)
    with side.accept() as node:
        side.run(lambda: side.transport.counts.lines == 1 and not side.transport.due())
        node.settimeout(0.005)
        request = b""

        def whole() -> bool:
            nonlocal request
            with suppress(TimeoutError):
                request += node.recv(4096)
            return request.endswith(b"\n")

        side.run(whole)
        assert orjson.loads(request) == {"src": "c1", "dest": "n1", "body": PING}
        node.send(b'{"src":"n1","dest":"c1","body":{"type":"po')
        node.send(b'ng"}}\n')
        side.run(lambda: side.events)
    assert side.events == [ClientMessage("c1", "n1", {"type": "pong"})]


def test_a_refused_connection_means_that_nothing_arrived(side):
    side.listener.close()
    side.transport.send("c1", "n1", PING)
    side.run(lambda: side.events)
    assert side.events == [ClientUnreachable("c1", "n1", 1)]


def test_a_connection_that_was_accepted_and_broke_may_have_carried_the_request(side):
    side.transport.send("c1", "n1", PING)
    side.accept().close()
    side.run(lambda: side.events)
    assert side.events == [ClientDisconnected("c1", "n1")]


def test_a_connection_that_nobody_accepted_is_not_taken_for_a_refused_one(side):
    side.transport.send("c1", "n1", PING)
    sent = side.transport._sessions["c1"]["n1"].stream
    side.run(lambda: sent.connected)
    side.listener.close()
    side.run(lambda: side.events)
    assert side.events == [ClientDisconnected("c1", "n1")]


def test_a_node_that_writes_garbage_loses_its_connection(side):
    side.transport.send("c1", "n1", PING)
    with side.accept() as node:
        side.run(lambda: side.transport._sessions["c1"]["n1"].stream.connected)
        node.send(b"garbage\n")
        side.run(lambda: side.events)
    assert side.events == [ClientDisconnected("c1", "n1")]


def test_sessions_have_connections_of_their_own_and_a_retired_one_is_silent(side):
    side.transport.send("c1", "n1", PING)
    first = side.accept()
    side.transport.send("c2", "n1", PING)
    second = side.accept()
    side.transport.retire("c1")
    first.close()
    second.close()
    side.run(lambda: side.events)
    assert side.events == [ClientDisconnected("c2", "n1")]


def test_a_probe_on_a_client_link_meets_its_policies(side):
    side.transport.lay(
        "slow", {(CLIENTS, "n1"): LinkPolicy(delay=0.02), ("n1", CLIENTS): LinkPolicy(cut=True)}
    )
    side.transport.probe(1, CLIENTS, "n1", 1.0)
    side.transport.probe(2, "n1", CLIENTS, 0.05)
    side.run(lambda: len(side.events) == 2)
    arrived, blocked = side.events
    assert arrived.outcome["arrived"]
    assert arrived.outcome["seconds"] >= 0.02
    assert blocked == ActionDone(2, {"arrived": False, "seconds": None}, None)
    assert side.transport.lift("slow") == 2
