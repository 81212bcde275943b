"""Real node processes, driven by hand: their control channel, their clients and their peers."""

import json
import os
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from splitbrain.systems.runtime.archive import build_archive

WITHIN = 10.0


class Line:
    """A connection that speaks JSON lines. Every wait has a deadline."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WITHIN)
        self.buffer = b""

    def send(self, value):
        return self.send_bytes((json.dumps(value) + "\n").encode())

    def send_bytes(self, data):
        self.socket.sendall(data)
        return self

    def receive(self):
        while b"\n" not in self.buffer:
            data = self.socket.recv(1 << 16)
            if not data:
                raise EOFError
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line)

    def is_closed_by_the_node(self):
        try:
            self.receive()
        except (EOFError, ConnectionError):
            return True
        return False


class Client(Line):
    def __init__(self, port, name="c1", node="n1"):
        super().__init__(port)
        self.name = name
        self.node = node
        self.msg_id = 0

    def ask(self, kind, msg_id=None, **operands):
        self.msg_id = msg_id or self.msg_id + 1
        body = {"type": kind, "msg_id": self.msg_id, **operands}
        return self.send({"src": self.name, "dest": self.node, "body": body})

    def answer(self):
        return self.receive()["body"]

    def call(self, kind, msg_id=None, **operands):
        answer = self.ask(kind, msg_id, **operands).answer()
        assert answer.pop("in_reply_to") == self.msg_id
        return answer

    def write(self, value, key="x"):
        return self.call("write", key=key, value=value)

    def read(self, key="x"):
        return self.call("read", key=key)


class NodeProcess:
    """One life of a node."""

    def __init__(self, archive, directory, system, **config):
        self.directory = Path(directory)
        self.log_path = self.directory.with_suffix(".log")
        self.config = {
            "name": "n1",
            "peers": {},
            "settings": {},
            "system": system,
            "bugs": [],
            "seed": 1,
            "token": "secret",
            "directory": str(directory),
            "watch": [],
            **config,
        }
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(archive)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd="/",
                env={},
                process_group=0,
            )
        self.buffer = b""
        self.command({"config": self.config})
        self.clients = []

    def command(self, value):
        self.process.stdin.write((json.dumps(value) + "\n").encode())
        self.process.stdin.flush()

    def report(self, kind):
        """Wait for the next report, which must be of that kind, and return its value."""
        deadline = time.monotonic() + WITHIN
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no {kind} within {WITHIN} s; the log says: {self.log}"
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            assert data, f"the node ended without {kind}; its log says: {self.log}"
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        value = json.loads(line)
        assert list(value) == [kind], value
        return value[kind]

    def wait_ready(self):
        self.ready = self.report("ready")
        return self

    def client(self, name="c1"):
        client = Client(self.ready["client"], name, self.config["name"])
        self.clients.append(client)
        return client

    def stranger(self):
        """Connect to the port of the peers and say nothing."""
        link = Line(self.ready["peer"])
        self.clients.append(link)
        return link

    def peer(self, name="n2", token="secret"):
        return self.stranger().send({"hello": {"token": token, "src": name}})

    def kill(self):
        self.process.kill()
        self.process.wait(WITHIN)
        return self

    def wait_end(self):
        return self.process.wait(WITHIN)

    @property
    def log(self):
        return self.log_path.read_text()

    @property
    def events(self):
        return [(event["kind"], event["fields"]) for event in map(json.loads, self.event_lines)]

    @property
    def event_lines(self):
        return (self.directory / "events.jsonl").read_text().splitlines()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        for client in self.clients:
            client.socket.close()


SYSTEM = Path(__file__).parent / "echo.py"


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    return build_archive(tmp_path_factory.mktemp("archive") / "node.pyz", SYSTEM)


@pytest.fixture
def start(archive, tmp_path):
    """Start a node: `start()` for KV, or `start(system=...)`; a second start is a second life."""
    nodes = []

    def begin(name="n1", system="splitbrain.systems.kv:KvSystem", *, wait=True, **config):
        node = NodeProcess(archive, tmp_path / name, system, name=name, **config)
        nodes.append(node)
        return node.wait_ready() if wait else node

    yield begin
    for node in nodes:
        node.close()
