"""The proxy of one directed link between real sockets, in a loop of the test's own."""

from __future__ import annotations

import selectors
import socket
import time
from contextlib import suppress

import pytest

from splitbrain.backend import LinkPolicy
from splitbrain.cluster.local.links import Link
from splitbrain.cluster.local.proxy import FULL, Proxy

HELLO = b'{"hello":{}}\n'


class Wire:
    """A sender, the proxy and a receiver; `run` turns the loop until a condition holds."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.link = Link("n1", "n2", 1)
        self.proxy = Proxy(self.selector, self.link, time.monotonic_ns)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.proxy.target = self.listener.getsockname()[1]
        self.sender = self.connect()
        self.receiver: socket.socket | None = None
        self.received = bytearray()
        self.closed = False

    def connect(self) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.proxy.port))
        sock.setblocking(False)
        return sock

    def turn(self) -> None:
        for key, mask in self.selector.select(0.005):
            key.data(mask)
        self.proxy.pump(time.monotonic_ns())

    def read(self) -> None:
        if self.receiver is None:
            try:
                self.receiver, _ = self.listener.accept()
            except BlockingIOError:
                return
            self.receiver.setblocking(False)
        while True:
            try:
                data = self.receiver.recv(1 << 20)
            except BlockingIOError:
                return
            self.received += data
            if not data:
                self.closed = True
                return

    def run(self, condition) -> None:
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come about"
            self.turn()
            self.read()

    def lay(self, **policy) -> None:
        self.link.lay("fault", LinkPolicy(**policy), time.monotonic_ns())

    def lift(self) -> None:
        self.link.lift("fault", time.monotonic_ns())

    def close(self) -> None:
        self.proxy.close()
        for sock in (self.sender, self.listener, self.receiver):
            if sock is not None:
                sock.close()
        self.selector.close()


@pytest.fixture
def wire():
    wire = Wire()
    yield wire
    wire.close()


def is_reset(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_lines_pass_unchanged_and_a_part_of_a_line_waits_for_its_rest(wire):
    wire.sender.send(HELLO + b"one\ntw")
    wire.run(lambda: wire.received == HELLO + b"one\n")
    wire.sender.send(b"o\n")
    wire.run(lambda: wire.received == HELLO + b"one\ntwo\n")
    assert wire.link.lines == 2


def test_a_cut_keeps_connections_open_and_lets_only_hellos_pass(wire):
    wire.lay(cut=True)
    wire.sender.send(HELLO + b"gone\n")
    wire.run(lambda: wire.link.dropped == 1)
    wire.run(lambda: wire.received == HELLO)
    wire.lift()
    wire.sender.send(b"arrives\n")
    wire.run(lambda: wire.received == HELLO + b"arrives\n")


def test_a_policy_that_begins_inside_a_line_applies_to_the_whole_line(wire):
    wire.sender.send(HELLO + b"whole\nhal")
    wire.run(lambda: wire.received == HELLO + b"whole\n")
    wire.lay(cut=True)
    wire.sender.send(b"f\n")
    wire.run(lambda: wire.link.dropped == 1)
    wire.lift()
    wire.sender.send(b"next\n")
    wire.run(lambda: wire.received == HELLO + b"whole\nnext\n")


def test_a_duplicated_line_arrives_twice(wire):
    wire.lay(duplicate=1.0)
    wire.sender.send(HELLO + b"twin\n")
    wire.run(lambda: wire.received == HELLO + b"twin\ntwin\n")


def test_a_node_that_is_down_refuses_connections(wire):
    wire.proxy.target = None
    late = wire.connect()
    wire.run(lambda: is_reset(late))
    late.close()


def test_a_port_at_which_nothing_listens_any_more_refuses_too(wire):
    wire.listener.close()
    wire.listener = socket.create_server(("127.0.0.1", 0))
    wire.listener.setblocking(False)
    late = wire.connect()
    wire.run(lambda: is_reset(late))
    late.close()


def test_the_sender_sees_the_receiver_close(wire):
    wire.sender.send(HELLO)
    wire.run(lambda: wire.received == HELLO)
    wire.receiver.shutdown(socket.SHUT_RDWR)
    wire.run(lambda: is_reset(wire.sender))


def test_what_a_sender_sent_before_it_died_still_arrives_and_then_the_end(wire):
    wire.lay(delay=0.03)
    wire.sender.send(HELLO + b"last words\n")
    wire.run(lambda: wire.link.lines == 1)
    wire.sender.close()
    wire.run(lambda: wire.closed)
    assert wire.received == HELLO + b"last words\n"


def test_a_receiver_that_does_not_read_stops_the_sender_and_loses_nothing(wire):
    payload = HELLO + b"".join(b"%0127d\n" % number for number in range(200_000))
    sent = 0
    deadline = time.monotonic() + 10
    quiet = 0
    while quiet < 5:  # until several turns moved nothing
        assert time.monotonic() < deadline
        try:
            step = wire.sender.send(payload[sent : sent + (1 << 20)])
        except BlockingIOError:
            step = 0
        sent += step
        wire.turn()
        quiet = 0 if step else quiet + 1
    assert FULL < sent < len(payload)
    while sent < len(payload) or len(wire.received) < len(payload):
        assert time.monotonic() < deadline
        with suppress(BlockingIOError):
            sent += wire.sender.send(payload[sent : sent + (1 << 20)])
        wire.turn()
        wire.read()
    assert wire.received == payload


def test_a_closed_proxy_leaves_no_port(wire):
    wire.proxy.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", wire.proxy.port))
