"""Connections in a turn: nothing leaves before its end, when the notes that belong to it are written."""

import socket

import pytest

from splitbrain.systems.runtime.sockets import Connection, Sockets

LARGE = b"x" * (6 << 20) + b"\n"
"""More than the kernel takes at once."""


@pytest.fixture
def tcp():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    with ours, theirs:
        theirs.setblocking(False)
        yield ours, theirs


@pytest.fixture
def sockets():
    sockets = Sockets()
    yield sockets
    sockets.selector.close()


def arrived(sock):
    """Return how much has arrived at a socket by now."""
    count = 0
    while True:
        try:
            count += len(sock.recv(1 << 20))
        except BlockingIOError:
            return count


def test_a_socket_that_becomes_writable_lets_nothing_out_before_the_end_of_the_turn(tcp, sockets):
    ours, theirs = tcp
    connection = Connection(sockets, ours, lambda *_: None, lambda *_: None, longest=1)
    connection.write(LARGE)
    sockets.flush()
    assert connection.unsent
    count = arrived(theirs)
    connection.write(b"answer\n")
    while connection.unsent:
        unsent = connection.unsent
        sockets.poll(1.0)
        assert connection.unsent == unsent
        sockets.flush()
        assert connection.unsent < unsent
        count += arrived(theirs)
    while count < len(LARGE) + len(b"answer\n"):
        count += arrived(theirs)
