"""The seeded bugs of KV: harmless without faults, and convicted by the fault that each one fears."""

import json
from importlib import resources

import pytest

from splitbrain.plan import plan_from_json
from splitbrain.systems.contract import Now, Persist, Received, Reply, Started
from splitbrain.systems.description import find_bug, mutated
from splitbrain.systems.kv import KvSystem
from splitbrain.systems.kv.bugs import AckBeforeSync, TornTailAsData, repair
from splitbrain.systems.kv.node import KvNode

NOW = Now(1, 1)
TEXT = '{"type":"write","key":"x","src":"c1","msg_id":2,"value":243}'


def step(node, event):
    return node.step(event, NOW)


def write(node, value, msg_id=1):
    body = {"type": "write", "msg_id": msg_id, "key": "x", "value": value}
    return step(node, Received("c1", body))


def read(node):
    effects = step(node, Received("reader", {"type": "read", "msg_id": 1, "key": "x"}))
    return next(effect.body.get("value") for effect in effects if isinstance(effect, Reply))


def test_ack_before_sync_answers_without_waiting_and_the_correct_node_waits():
    for node, waits in ((KvNode("n1", (), {}), True), (AckBeforeSync("n1", (), {}), False)):
        effects = write(node, 1)
        (persist,) = [effect for effect in effects if isinstance(effect, Persist)]
        (reply,) = [effect for effect in effects if isinstance(effect, Reply)]
        assert reply.after == (persist.id if waits else None)


@pytest.mark.parametrize(
    ("torn", "value"),
    [
        (TEXT[:-1], 243),
        (TEXT[:-2], 24),
        (TEXT[:-3], 2),
        (TEXT[:-5], None),
        ('{"type":"write","key":"x","src":"c1","msg_id":2,"value":"ab', "ab"),
    ],
)
def test_a_torn_record_is_repaired_to_a_value_that_was_not_written(torn, value):
    assert repair(torn)["value"] == value


@pytest.mark.parametrize("length", range(len('{"type":"write","key"')))
def test_a_record_torn_before_its_key_cannot_be_repaired(length):
    assert repair(TEXT[:length]) is None


@pytest.mark.parametrize("length", range(len(TEXT)))
def test_no_tear_crashes_the_repair(length):
    node = TornTailAsData("n1", (), {})
    step(node, Started((), TEXT[:length], 1))
    assert read(node) in (None, 2, 24, 243)


def test_torn_tail_as_data_replays_it_and_the_correct_node_does_not():
    acknowledged = {"type": "write", "key": "x", "src": "c1", "msg_id": 1, "value": 7}
    for node, value in ((KvNode("n1", (), {}), 7), (TornTailAsData("n1", (), {}), 24)):
        step(node, Started((acknowledged,), TEXT[:-2], 1))
        assert read(node) == value


@pytest.mark.parametrize("bug", KvSystem.bugs, ids=lambda bug: bug.name)
def test_a_mutant_without_faults_answers_as_the_correct_node_does(bug):
    correct, mutant = KvNode("n1", (), {}), bug.node("n1", (), {})
    for node in (correct, mutant):
        step(node, Started((), None, 1))
    for msg_id in range(1, 5):
        bodies = [
            [effect.body for effect in write(node, msg_id % 3, msg_id) if isinstance(effect, Reply)]
            for node in (correct, mutant)
        ]
        assert bodies[0] == bodies[1]
        assert read(correct) == read(mutant)


def test_both_bugs_combine_into_one_node():
    both = mutated(KvSystem, ("K1", "torn-tail-as-data"))
    assert issubclass(both, AckBeforeSync)
    assert issubclass(both, TornTailAsData)
    assert mutated(KvSystem, ()) is KvNode
    assert find_bug(KvSystem, "K2").node is TornTailAsData


@pytest.mark.parametrize("bug", KvSystem.bugs, ids=lambda bug: bug.name)
def test_its_plan_is_shipped_and_triggers_power_cuts_on_a_note_of_kv(bug):
    text = resources.files("splitbrain.systems.kv").joinpath("plans", bug.plan).read_text()
    plan = plan_from_json(json.loads(text))
    assert plan.duration + plan.recovery <= bug.options["time_limit"]
    assert len(plan.faults) >= 2
    for fault in plan.faults:
        assert fault.fault == "power-cut"
        assert fault.when.note in ("answered", "appended")
        assert fault.instant + fault.lasts < plan.duration
