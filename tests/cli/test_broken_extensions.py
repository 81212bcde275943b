"""Mistakes in files of one's own: each is one sentence that says where, and starts nothing."""

import json

import pytest

HEAD = """
from splitbrain import generators as gen
from splitbrain.checkers.models import Model
from splitbrain.faults.base import Draw, Fault, Injection
from splitbrain.systems.client import SessionClient
from splitbrain.systems.contract import Client, Node
from splitbrain.systems.description import System
from splitbrain.workloads.base import Workload
"""

MINE = (
    HEAD
    + """
class Reads(Workload):
    name = "reads"
    summary = "reads of one key"
    model = "register"
    functions = ("read",)

    def generator(self, options, random):
        return gen.repeat({"f": "read", "key": "x"})


class ReadsUnder(Reads):
    def generator(self, options):
        return None


class Raises(Reads):
    def generator(self, options, random):
        raise LookupError("no such thing")


class Nonsense(Reads):
    def generator(self, options, random):
        return 7


class Unbuilt(Reads):
    def __init__(self):
        raise LookupError("no such thing")


class Unmodelled(Reads):
    model = "./nowhere.py:Model"


class OneFunction(Reads):
    functions = ("read")


class Nameless(Workload):
    pass


class RaisesLater(Reads):
    def generator(self, options, random):
        def more(context):
            raise LookupError("no such thing")
        return [{"f": "read", "key": "x"}, more]


class Still(Node):
    def step(self, event, now):
        return []


class Silent(System):
    name = "silent"
    summary = "never answers"
    node = Still
    client = SessionClient
    workloads = ("register",)
    nodes = 1


class Clientless(Silent):
    client = None


class RaisingClient(Client):
    def __init__(self, name, nodes, preferred, settings):
        raise LookupError("no such thing")

    def step(self, event, now):
        return []


class WithRaisingClient(Silent):
    client = RaisingClient


class Unchecked(Silent):
    invariants = ("./nowhere.py:Checker",)


class Undrawn(Fault):
    name = "undrawn"
    summary = "draws nothing"

    def draw(self, random, room):
        return None

    def begin(self, entry, view, random):
        raise LookupError("no such thing")


class RaisingDraw(Undrawn):
    def draw(self, random, room):
        raise LookupError("no such thing")


class RaisingBegin(Undrawn):
    def draw(self, random, room):
        return Draw("all", {}, 0)


class Stepless(Model):
    name = "stepless"


class ExitingStep(Model):
    name = "exiting-step"

    def step(self, state, call):
        raise SystemExit(0)


class SetState(Model):
    name = "set-state"
    initial = set()

    def step(self, state, call):
        return state | {call.value}


class ListPart(Model):
    name = "list-part"

    def partition(self, call):
        return [call.value]

    def step(self, state, call):
        return state


class RaisingStep(Model):
    name = "raising-step"

    def step(self, state, call):
        return state[call.value]


class Unannounced(Exception):
    pass


class RaisingChecker:
    name = "raising-checker"

    def check(self, notes):
        raise LookupError("no such thing")
"""
)

NODES = """
from __future__ import annotations

from dataclasses import dataclass

from splitbrain.systems.client import SessionClient
from splitbrain.systems.contract import Client, Node, Received, Reply
from splitbrain.systems.description import System


@dataclass(frozen=True)
class Answer:
    value: int = 99


class Liar(Node):
    def step(self, event, now):
        if not isinstance(event, Received):
            return []
        answer = {"type": event.body["type"] + "_ok", "value": Answer().value}
        return [Reply(event.src, event.body["msg_id"], answer)]


class StumblingClient(Client):
    def step(self, event, now):
        raise LookupError("no such thing")


class Lying(System):
    name = "lying"
    summary = "answers every read with 99"
    node = Liar
    client = SessionClient
    workloads = ("register",)
    invariants = ("./mine.py:RaisingChecker",)
    nodes = 1


class Stumbling(Lying):
    client = StumblingClient
    invariants = ()
"""

HISTORY = [
    {"process": 0, "type": "invoke", "f": "write", "value": 1},
    {"process": 0, "type": "ok", "f": "write", "value": 1},
]


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    # What is shipped to nodes imports nothing but the systems' own package.
    (tmp_path / "nodes.py").write_text(NODES)
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in HISTORY))
    (tmp_path / "syntax.py").write_text("x = 1\nclass Broken(:\n")
    (tmp_path / "raises.py").write_text("x = 1\ny = x / 0\n")
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)\n")
    return path


WORKLOAD, FAULT, SYSTEM = "--workload", "--faults", "system"

MISTAKES = [
    (WORKLOAD, "nowhere.py:Reads", ["nowhere.py", "does not exist"]),
    (WORKLOAD, "mine.py:Missing", ["names no class 'Missing'"]),
    (WORKLOAD, "syntax.py:Broken", ["syntax.py, line 2", "SyntaxError"]),
    (WORKLOAD, "raises.py:Broken", ["raises.py, line 2", "ZeroDivisionError"]),
    (WORKLOAD, "leaves.py:Broken", ["leaves.py, line 1", "SystemExit"]),
    (WORKLOAD, "mine.py:Undrawn", ["it is a fault, and no subclass of splitbrain.workloads.base.Workload"]),
    (WORKLOAD, "mine.py:Nameless", ["needs `name`, a text"]),
    (WORKLOAD, "mine.py:OneFunction", ["needs `functions`, a tuple of texts", "not 'read'"]),
    (WORKLOAD, "mine.py:Unbuilt", ["Unbuilt", "line", "LookupError: no such thing"]),
    (WORKLOAD, "mine.py:Raises", ["Raises", "line", "LookupError: no such thing"]),
    (WORKLOAD, "mine.py:ReadsUnder", ["ReadsUnder", "TypeError"]),
    (WORKLOAD, "mine.py:Nonsense", ["makes no operations", "not 7"]),
    (WORKLOAD, "mine.py:Unmodelled", ["nowhere.py", "model", "does not exist"]),
    (FAULT, "mine.py:Reads", ["it is a workload, and no subclass of splitbrain.faults.base.Fault"]),
    (FAULT, "mine.py:Unannounced", ["it is no subclass of splitbrain.faults.base.Fault"]),
    (FAULT, "mine.py:Undrawn", ["must be a Draw"]),
    (FAULT, "mine.py:RaisingDraw", ["RaisingDraw", "line", "LookupError: no such thing"]),
    (SYSTEM, "mine.py:Reads", ["it is a workload"]),
    (SYSTEM, "mine.py:Clientless", ["needs `client`, a subclass of splitbrain.systems.contract.Client"]),
    (SYSTEM, "mine.py:WithRaisingClient", ["RaisingClient", "line", "LookupError: no such thing"]),
    (SYSTEM, "mine.py:Unchecked", ["nowhere.py", "checker", "does not exist"]),
]


@pytest.mark.parametrize(
    ("used_as", "reference", "told"), MISTAKES, ids=[f"{use} {name}" for use, name, _ in MISTAKES]
)
def test_a_mistake_is_one_sentence_and_exit_64_before_anything_starts(
    used_as, reference, told, splitbrain, mine
):
    system = f"./{reference}" if used_as == SYSTEM else "kv"
    more = [] if used_as == SYSTEM else [used_as, f"./{reference}"]
    if used_as != FAULT:
        more += ["--faults", "none"]
    ended = splitbrain("run", system, *more, "--time-limit", 20, cwd=mine.parent)
    assert ended.code == 64, ended.err
    assert len(ended.err.strip().splitlines()) == 1
    for words in told:
        assert words in ended.err
    assert not (mine.parent / "store").exists()


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("Stepless", "needs `step`, a method"),
        ("Reads", "it is a workload"),
        ("RaisingStep", "TypeError"),
        ("ExitingStep", "SystemExit"),
        ("SetState", "can't be compared"),
        ("ListPart", "can't be compared"),
    ],
)
def test_a_model_that_is_none_or_raises_is_one_sentence(model, told, splitbrain, mine, tmp_path):
    ended = splitbrain("check", "--model", f"./mine.py:{model}", "history.jsonl", cwd=tmp_path)
    assert ended.code == 64, ended.err
    assert told in ended.err
    assert len(ended.err.strip().splitlines()) == 1


@pytest.mark.cluster
class TestDuringARun:
    def test_a_generator_that_raises_later_ends_the_run_with_a_sentence(self, splitbrain, mine):
        ended = splitbrain("run", "kv", "--workload", f"{mine}:RaisesLater", "--faults", "none")
        assert ended.code == 70
        assert "LookupError: no such thing" in ended.err
        assert "Traceback" not in ended.err

    def test_a_client_that_raises_leaves_its_operations_in_doubt(self, splitbrain, mine):
        system = mine.with_name("nodes.py")
        ended = splitbrain("run", f"{system}:Stumbling", "--faults", "none", "--time-limit", 0.5)
        assert ended.code == 2
        assert "harness-sound" in ended.failed_gates
        assert "LookupError" in json.dumps(ended.verdict["gates"])

    def test_a_fault_that_raises_when_it_begins_never_bit_and_the_run_goes_on(
        self, splitbrain, mine, tmp_path
    ):
        plan = {
            "version": 1,
            "duration": 1.0,
            "recovery": 0.5,
            "faults": [{"id": "mine-1", "fault": "./mine.py:RaisingBegin", "at": 0.3, "for": 0.3}],
        }
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        ended = splitbrain("run", "kv", "--plan", tmp_path / "plan.json", "--seed", 1)
        assert ended.code == 2, ended.err
        assert ended.failed_gates == {"faults-bit"}
        assert "LookupError: no such thing" in json.dumps(ended.verdict["gates"])

    def test_a_checker_that_raises_takes_no_proof_of_another_along(self, splitbrain, mine):
        system = mine.with_name("nodes.py")
        ended = splitbrain("run", f"{system}:Lying", "--faults", "none", "--time-limit", 0.5, "--seed", 1)
        assert (ended.code, ended.kinds) == (1, {"LIN"})
        (checked,) = [each for each in ended.verdict["checks"] if each["checker"] == "raising-checker"]
        assert checked["valid"] == "unknown"
        assert "mine.py, line" in checked["reason"]
        assert "LookupError: no such thing" in checked["reason"]
