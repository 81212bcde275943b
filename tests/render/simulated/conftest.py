"""Small simulated runs to be told: a store whose copies answer reads, under scripts that are spelled out."""

from __future__ import annotations

from typing import Any

import pytest

from splitbrain.checkers.models.register import CasRegister
from splitbrain.exploration.assess import assess
from splitbrain.exploration.case import Case, Operation
from splitbrain.exploration.simulate import Resolved, simulate
from splitbrain.faults.partition import Partition
from splitbrain.faults.process import Kill, Pause
from splitbrain.plan import plan_from_json
from splitbrain.systems.client import SessionClient
from splitbrain.systems.contract import (
    MILLISECOND,
    Node,
    Note,
    Persist,
    Received,
    Reply,
    Send,
    SetTimer,
    Started,
)
from splitbrain.systems.description import System
from splitbrain.systems.machine import KeyValueMachine
from splitbrain.workloads.register import RegisterWorkload


class Copies(Node):
    """n1 takes writes and sends them to the others, and each 50 ms a sign of life; all answer reads."""

    def __init__(self, name, peers, settings):
        super().__init__(name, peers, settings)
        self.machine = KeyValueMachine()
        self.newest = -1

    def step(self, event, now):
        if isinstance(event, Started):
            self.machine.apply(
                {"type": "write", "key": "k", "value": event.records[-1] if event.records else None}
            )
            return [SetTimer("beat", 50 * MILLISECOND)] if self.name == "n1" else []
        if not isinstance(event, Received):
            if getattr(event, "name", None) != "beat":
                return []
            return [
                *(Send(peer, {"type": "beat"}) for peer in self.peers),
                SetTimer("beat", 50 * MILLISECOND),
            ]
        if event.src in self.peers:
            return self.take(event.src, event.body)
        return self.serve(event.src, event.body)

    def take(self, src, body):
        if body["type"] != "copy":
            return []
        self.machine.apply({"type": "write", "key": "k", "value": body["value"]})
        return [Note("copied", {"value": body["value"]})]

    def serve(self, client, body):
        answer = self.machine.apply(body)
        if body["type"] == "read":
            return [Reply(client, body["msg_id"], answer)]
        self.newest += 1
        copy = {"type": "copy", "value": body.get("value")}
        return [
            Persist(self.newest, body.get("value")),
            Reply(client, body["msg_id"], answer, self.newest),
            *(Send(peer, copy, self.newest) for peer in self.peers),
        ]


class Stumbles(Copies):
    """Can't take a copy."""

    def take(self, src, body):
        return [{}["copies"]] if body["type"] == "copy" else []


class CopiesSystem(System):
    name = "copies"
    summary = "a store whose copies answer reads"
    node = Copies
    client = SessionClient
    workloads = ("register",)
    nodes = 3
    availability = "all"


def told(lines, node=Copies, faults=(), duration=1.0, nodes=3, **more: Any):
    """Return (case, outcome, assessment) of a run; `lines` are (seconds, thread, f, value)."""
    operations = tuple(
        Operation(round(at * 1000) * MILLISECOND, thread, f, "k", value) for at, thread, f, value in lines
    )
    plan = plan_from_json(
        {"version": 1, "seed": 0, "duration": duration, "recovery": 0.1, "faults": list(faults)}
    )
    case = Case(
        system="copies",
        nodes=nodes,
        workload="register",
        seed=0,
        plan=plan,
        concurrency=3,
        patience=0.0,
        operations=operations,
        **more,
    )
    resolved = Resolved(
        system=CopiesSystem,
        node=node,
        workload=RegisterWorkload,
        model=CasRegister(),
        faults={"partition": Partition(), "kill": Kill(), "pause": Pause()},
        checkers=[],
    )
    outcome = simulate(case, resolved, story=True)
    return case, outcome, assess(resolved, outcome)


CUT_OFF = {
    "id": "apart-1",
    "fault": "partition",
    "at": 0.1,
    "for": 0.4,
    "target": None,
    "parameters": {"groups": [["n1"], ["n2", "n3"]]},
}


@pytest.fixture(name="told")
def _told():
    return told


@pytest.fixture
def stumbles():
    return Stumbles


@pytest.fixture
def copies():
    return Copies


@pytest.fixture
def cut_off():
    return CUT_OFF


@pytest.fixture
def stale_read():
    """A write during a partition, and a read on the other side after it."""
    return told([(0.02, 0, "write", 1), (0.2, 0, "write", 2), (0.3, 1, "read", None)], faults=[CUT_OFF])


@pytest.fixture(scope="session")
def long_run():
    """Some thousand messages, and the same stale read after most of them."""
    busy = [(0.02 + 0.01 * number, 0, "write", number) for number in range(900)]
    at = {**CUT_OFF, "at": 9.1}
    return told([*busy, (9.2, 0, "write", -1), (9.3, 1, "read", None)], faults=[at], duration=10.0)
