"""What reaches a node: envelopes of clients and of peers that know the token, and nothing else."""

import contextlib
import json
import socket

import pytest

from splitbrain.systems.runtime.wire import DEEPEST, LONGEST_LINE

ECHO = "echo.py:Echo"


def envelope(src="c9", dest="n1", **body):
    return json.dumps({"src": src, "dest": dest, "body": {"type": "ping", **body}}).encode() + b"\n"


GARBAGE = {
    "not JSON": b"{nonsense\n",
    "not UTF-8": b"\xff\xfe\n",
    "an empty line": b"\n",
    "no object": b"[1,2]\n",
    "no body": b'{"src":"c9","dest":"n1"}\n',
    "a body without a type": b'{"src":"c9","dest":"n1","body":{}}\n',
    "a type that is no string": envelope(type=[]),
    "a msg_id that is no integer": envelope(msg_id=True),
    "a message for another node": envelope(dest="n2"),
    "a client that claims to be a peer": envelope(src="n2"),
    "a client that claims to be the node": envelope(src="n1"),
    "two clients on one connection": envelope() + envelope(src="c8"),
    "not a number": envelope()[:-3] + b',"x":NaN}}\n',
    "a number out of range": envelope()[:-3] + b',"x":1e999}}\n',
    "an endless number": envelope()[:-3] + b',"x":' + b"9" * 5000 + b"}}\n",
    "deep nesting": b"[" * 100_000 + b"\n",
    "nesting that can't be written again": envelope(x=json.loads("[" * 900 + "]" * 900)),
    "a line without end": b"x" * (LONGEST_LINE + 10),
}


@pytest.fixture
def node(start):
    """A node whose peer n2 is not there (its port is taken and nobody listens)."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield start(system=ECHO, peers={"n2": nobody.getsockname()}, watch=["pinged"])


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_on_the_client_port_closes_that_connection_only(node, garbage):
    bystander = node.client()
    assert bystander.call("ping") == {"type": "pong"}
    hostile = node.client("c9")
    with contextlib.suppress(ConnectionError):  # closed before it took all of it
        hostile.send_bytes(garbage)
    assert hostile.is_closed_by_the_node()
    assert bystander.call("ping") == {"type": "pong"}
    assert "client connection of" in node.log


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_instead_of_a_hello_closes_a_peer_link(node, garbage):
    if garbage == GARBAGE["a line without end"]:
        garbage += b"\n"
    hostile = node.stranger().send_bytes(garbage)
    assert hostile.is_closed_by_the_node()
    assert node.client("c2").call("ping") == {"type": "pong"}
    assert "peer link from nobody closed: refused" in node.log


@pytest.mark.parametrize(
    ("name", "token"), [("n2", "guess"), ("n2", ""), ("n2", None), ("n9", "secret"), (3, "secret")]
)
def test_a_hello_without_the_token_or_from_a_stranger_is_refused(node, name, token):
    link = node.peer(name, token)
    assert link.is_closed_by_the_node()
    assert "peer link from nobody closed: refused: its hello" in node.log


def test_a_peer_with_the_token_is_heard(node):
    node.peer().send_bytes(envelope(src="n2"))
    assert node.report("note") == {"kind": "pinged", "fields": {"src": "n2"}}


@pytest.mark.parametrize("garbage", [b"{\n", envelope(src="n3"), envelope(src="n2", dest="n4"), b"3\n"])
def test_garbage_on_a_greeted_peer_link_closes_it(node, garbage):
    link = node.peer().send_bytes(garbage)
    assert link.is_closed_by_the_node()
    assert node.client().call("ping") == {"type": "pong"}


def test_a_probe_on_a_peer_link_is_reported_and_not_delivered(node):
    node.peer().send({"probe": 17})
    assert node.report("probed") == {"id": 17, "src": "n2"}


def test_messages_and_probes_travel_on_the_senders_own_link(start):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(10)
        node = start(system=ECHO, peers={"n2": proxy.getsockname()})
        link, _ = proxy.accept()
        with link, link.makefile("rb") as lines:
            link.settimeout(10)
            assert json.loads(lines.readline()) == {"hello": {"token": "secret", "src": "n1"}}
            node.command({"probe": {"id": 5, "dest": "n2"}})
            assert json.loads(lines.readline()) == {"probe": 5}
            node.client().call("forward", to="n2")
            assert json.loads(lines.readline()) == {"src": "n1", "dest": "n2", "body": {"type": "ping"}}


def test_a_broken_link_is_opened_again(start):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(10)
        start(system=ECHO, peers={"n2": proxy.getsockname()})
        for _ in range(4):
            link, _ = proxy.accept()
            with link, link.makefile("rb") as lines:
                link.settimeout(10)
                assert b"hello" in lines.readline()


def test_a_message_to_itself_comes_back(node):
    node.client().call("forward", to="n1")
    assert node.report("note") == {"kind": "pinged", "fields": {"src": "n1"}}


def test_answers_go_to_the_newest_connection_of_a_client(node):
    old, new = node.client(), node.client()
    old.call("ping")
    new.call("ping")
    old.ask("ping")
    assert new.answer()["type"] == "pong"


def test_many_requests_in_one_packet_are_answered_in_order(node):
    client = node.client("c9")
    client.send_bytes(b"".join(envelope(msg_id=i) for i in range(1000)))
    assert [client.answer()["in_reply_to"] for _ in range(1000)] == list(range(1000))


def test_a_request_in_many_packets_is_answered_once(node):
    client = node.client("c9")
    for byte in envelope(msg_id=1):
        client.send_bytes(bytes([byte]))
    assert client.answer() == {"type": "pong", "in_reply_to": 1}


def test_nesting_up_to_the_limit_is_accepted(node):
    # The envelope and its body are two levels of their own.
    levels = DEEPEST - 3
    client = node.client("c9").send_bytes(envelope(msg_id=1, x=json.loads("[" * levels + "]" * levels)))
    assert client.answer()["type"] == "pong"


def test_a_client_that_never_reads_is_cut_off_and_harms_nobody(start):
    node = start()
    writer = node.client()
    writer.write("x" * 500_000)
    deaf = node.client("deaf")
    deaf.socket.settimeout(10)
    with contextlib.suppress(ConnectionError):
        for _ in range(200):
            deaf.ask("read", key="x")
    assert writer.write(1, key="y") == {"type": "write_ok"}
    while not deaf.is_closed_by_the_node():
        pass
    assert "does not read its answers" in node.log
