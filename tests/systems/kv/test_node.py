"""KV rule by rule: what is logged, what answers wait for, and what a replay gives back."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitbrain.systems.contract import Note, Now, Persist, Persisted, Received, Reply, Started
from splitbrain.systems.kv.node import KvNode

NOW = Now(1, 1)


class Driven:
    """A node and a disk whose sync is the test's to call."""

    def __init__(self, records=(), torn=None, node=KvNode):
        self.node = node("n1", (), {})
        self.log = list(records)
        self.synced = len(self.log)
        self.waiting = []
        self.replies = []
        self.notes = []
        self.take(Started(tuple(self.log), torn, 1))

    def take(self, event):
        for effect in self.node.step(event, NOW):
            if isinstance(effect, Persist):
                assert effect.id == len(self.log) - self.first
                self.log.append(json.loads(json.dumps(effect.record)))
            elif (
                isinstance(effect, (Reply, Note))
                and effect.after is not None
                and not self.durable(effect.after)
            ):
                self.waiting.append(effect)
            else:
                self.perform(effect)
        return self

    @property
    def first(self):
        if not hasattr(self, "_first"):
            self._first = len(self.log)
        return self._first

    def durable(self, after):
        return self.first + after < self.synced

    def perform(self, effect):
        if isinstance(effect, Reply):
            self.replies.append((effect.dest, effect.msg_id, dict(effect.body)))
        else:
            self.notes.append((effect.kind, dict(effect.fields)))

    def sync(self):
        self.synced = len(self.log)
        self.take(Persisted(len(self.log) - 1 - self.first))
        waiting, self.waiting = self.waiting, []
        for effect in waiting:
            self.perform(effect)
        return self

    def ask(self, kind, msg_id, src="c1", **operands):
        return self.take(Received(src, {"type": kind, "msg_id": msg_id, "key": "x", **operands}))

    def read(self, src="reader"):
        self.ask("read", 10**6, src).sync()
        (_, _, answer) = self.replies.pop()
        return answer.get("value")

    def power_cut(self):
        return Driven(self.log[: self.synced])

    def kill(self):
        return Driven(self.log)


def test_a_write_is_answered_only_when_its_record_is_durable():
    kv = Driven().ask("write", 1, value=5)
    assert kv.replies == []
    assert kv.notes[-1] == ("appended", {"id": 0})
    kv.sync()
    assert kv.replies == [("c1", 1, {"type": "write_ok"})]
    assert kv.notes[-1] == ("answered", {"src": "c1", "msg_id": 1, "type": "write"})


def test_a_read_of_an_unsynced_write_waits_for_it():
    """Else a power cut takes back what somebody has read (a dirty read)."""
    kv = Driven().ask("write", 1, value=5).ask("read", 1, src="c2")
    assert kv.replies == []
    kv.sync()
    assert kv.replies[-1] == ("c2", 1, {"type": "read_ok", "value": 5})


def test_a_read_after_the_sync_is_answered_at_once():
    kv = Driven().ask("write", 1, value=5).sync().ask("read", 2)
    assert kv.replies[-1] == ("c1", 2, {"type": "read_ok", "value": 5})
    assert len(kv.log) == 1


def test_a_read_writes_nothing():
    kv = Driven().ask("read", 1)
    assert kv.log == []
    assert kv.replies[0][2]["code"] == 20


def test_an_acknowledged_write_survives_a_power_cut():
    assert Driven().ask("write", 1, value=5).sync().ask("write", 2, value=6).power_cut().read() == 5


def test_the_value_stands_last_in_its_record():
    kv = Driven().ask("write", 7, value=5).ask("cas", 8, **{"from": 5, "to": 6})
    assert list(kv.log[0]) == ["type", "key", "src", "msg_id", "value"]
    assert list(kv.log[1]) == ["type", "key", "src", "msg_id", "from", "to"]


@pytest.mark.parametrize(
    "crash", [None, Driven.kill, Driven.power_cut], ids=["no crash", "kill", "power cut"]
)
@pytest.mark.parametrize(
    ("kind", "operands", "first", "value"),
    [
        ("append", {"value": "a"}, {"type": "append_ok"}, "sa"),
        ("cas", {"from": "s", "to": "t"}, {"type": "cas_ok"}, "t"),
        ("cas", {"from": "z", "to": "t"}, None, "s"),
        ("delete", {}, {"type": "delete_ok"}, None),
    ],
)
def test_a_retry_gets_the_first_answer_and_is_applied_once(kind, operands, first, value, crash):
    kv = Driven().ask("write", 1, value="s").sync().ask(kind, 2, **operands).sync()
    answer = kv.replies[-1][2]
    if first is not None:
        assert answer == first
    if crash is not None:
        kv = crash(kv)
    kv.ask(kind, 2, **operands).sync()
    assert kv.replies[-1] == ("c1", 2, answer)
    assert kv.read() == value


def test_a_retry_while_the_first_is_not_yet_durable_waits_for_it():
    kv = Driven().ask("append", 1, value="a").ask("append", 1, value="a")
    assert kv.replies == []
    kv.sync()
    assert [answer["type"] for _, _, answer in kv.replies] == ["append_ok", "append_ok"]
    assert kv.read() == "a"


def test_an_unequal_cas_stays_unequal_for_its_retry_whatever_was_written_since():
    """Else the client may take the late first answer for the outcome of the second."""
    kv = Driven().ask("cas", 1, **{"from": 1, "to": 2}).sync()
    kv.ask("write", 1, src="c2", value=1).sync()
    kv.ask("cas", 1, **{"from": 1, "to": 2}).sync()
    assert kv.replies[-1][2]["type"] == "error"
    assert kv.read() == 1


def test_a_request_that_its_client_gave_up_is_ignored():
    kv = Driven().ask("write", 2, value="new").sync().ask("write", 1, value="old").sync()
    assert [msg_id for _, msg_id, _ in kv.replies] == [2]
    assert kv.read() == "new"


def test_the_same_msg_id_of_another_client_is_another_operation():
    kv = Driven().ask("append", 1, value="a").ask("append", 1, src="c2", value="b").sync()
    assert kv.read() == "ab"


def test_a_request_without_msg_id_is_applied_and_not_answered():
    kv = Driven().take(Received("c1", {"type": "write", "key": "x", "value": 1})).sync()
    assert kv.replies == []
    assert kv.kill().read() == 1


def test_an_operation_that_it_does_not_know_is_refused_and_not_logged():
    kv = Driven().ask("increment", 1)
    assert kv.replies[0][2]["code"] == 10
    assert kv.log == []


def test_a_malformed_operation_is_replayed_as_malformed():
    kv = Driven().take(Received("c1", {"type": "write", "msg_id": 1, "value": 1})).sync()
    assert kv.replies[0][2]["code"] == 12
    assert kv.kill().node.machine.snapshot() == {}


def test_recovery_replays_whole_records_only_and_says_so():
    kv = Driven().ask("write", 1, value=5).sync()
    again = Driven(kv.log, torn='{"type":"write","key":"x","src":"c1","msg_id":2,"value":6')
    assert again.notes == [("recovered", {"records": 1, "torn": True})]
    assert again.read() == 5


REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(["c1", "c2"]),
        st.integers(1, 6),
        st.sampled_from(["read", "write", "cas", "append", "delete"]),
        st.sampled_from(["x", "y"]),
        st.sampled_from([None, "a", "b"]),
        st.sampled_from([None, "a", "b"]),
        st.booleans(),
    ),
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(REQUESTS)
def test_replay_gives_back_the_state_and_the_answers(requests):
    kv = Driven()
    for src, msg_id, kind, key, one, other, sync in requests:
        kv.ask(kind, msg_id, src, key=key, value=one, **{"from": one, "to": other})
        if sync and kv.log:
            kv.sync()
    again = kv.kill()
    assert again.node.machine.snapshot() == kv.node.machine.snapshot()
    assert again.node.sessions == kv.node.sessions
