"""The client session: what may be claimed about an operation, and whom it asks when."""

import pytest

from splitbrain.systems.client import ATTEMPT_TIMEOUT, FIRST_PAUSE, LONGEST_PAUSE, SessionClient
from splitbrain.systems.contract import (
    MILLISECOND,
    SECOND,
    CancelTimer,
    Complete,
    Disconnected,
    Invoke,
    Received,
    Send,
    SetTimer,
    TimerFired,
    Unreachable,
)

ATTEMPT = int(ATTEMPT_TIMEOUT * SECOND)
NODES = ("n1", "n2", "n3")


class Session:
    """A session with a clock and a timer, driven by hand."""

    def __init__(self, preferred="n1", nodes=NODES, **settings):
        self.client = SessionClient("c1", nodes, preferred, settings)
        self.now = 0
        self.wake = None
        self.sent = []
        self.done = []

    def step(self, event):
        for effect in self.client.step(event, self.now):
            if isinstance(effect, Send):
                self.sent.append((effect.dest, effect.body))
            elif isinstance(effect, SetTimer):
                self.wake = self.now + effect.delay
            elif isinstance(effect, CancelTimer):
                self.wake = None
            else:
                assert isinstance(effect, Complete)
                self.done.append(effect)
        return self

    def invoke(self, f, key="x", value=None, within=SECOND):
        return self.step(Invoke(f, key, value, self.now + within))

    def answer(self, src, body, msg_id=None):
        return self.step(Received(src, {**body, "in_reply_to": msg_id or self.sent[-1][1]["msg_id"]}))

    def error(self, src, code, **fields):
        return self.answer(src, {"type": "error", "code": code, "text": "because", **fields})

    def fire(self):
        assert self.wake is not None, "no timer is set: the operation would hang"
        self.now, self.wake = max(self.now, self.wake), None
        return self.step(TimerFired("wake"))

    def fire_until_done(self):
        for _ in range(1000):
            if self.done:
                return self
            self.fire()
        raise AssertionError("the operation does not end")

    @property
    def asked(self):
        return [dest for dest, _ in self.sent]

    @property
    def outcome(self):
        (completion,) = self.done
        return completion


@pytest.mark.parametrize(
    ("f", "value", "request_body"),
    [
        ("read", None, {"type": "read", "key": "x"}),
        ("get", None, {"type": "read", "key": "x"}),
        ("write", 3, {"type": "write", "key": "x", "value": 3}),
        ("put", 3, {"type": "write", "key": "x", "value": 3}),
        ("cas", [1, 2], {"type": "cas", "key": "x", "from": 1, "to": 2}),
        ("append", "a", {"type": "append", "key": "x", "value": "a"}),
        ("delete", None, {"type": "delete", "key": "x"}),
    ],
)
def test_an_operation_becomes_its_request_and_ends_ok_with_its_value(f, value, request_body):
    session = Session().invoke(f, value=value)
    assert session.sent == [("n1", {**request_body, "msg_id": 1})]
    session.answer("n1", {"type": request_body["type"] + "_ok", "value": 9})
    assert session.outcome == Complete("ok", 9 if request_body["type"] == "read" else value)
    assert session.wake is None


def test_an_unknown_operation_is_named():
    with pytest.raises(ValueError, match="no operation 'increment'; it has: read, get"):
        Session().invoke("increment")


def test_msg_ids_rise_by_one_an_operation_and_stay_through_retries():
    session = Session().invoke("write", value=1)
    session.fire()
    session.answer("n2", {"type": "write_ok"})
    session.invoke("write", value=2)
    assert [body["msg_id"] for _, body in session.sent] == [1, 1, 2]


def test_each_operation_starts_at_the_preferred_node_again():
    session = Session(preferred="n2").invoke("read")
    session.fire()
    session.answer("n3", {"type": "read_ok", "value": 1})
    session.invoke("read")
    assert session.asked == ["n2", "n3", "n2"]


# Ok: what an answer proves.


def test_an_answer_to_an_earlier_attempt_ends_the_operation():
    session = Session().invoke("write", value=1)
    session.fire()
    session.answer("n1", {"type": "write_ok"})
    assert session.outcome == Complete("ok", 1)


def test_an_answer_to_an_earlier_operation_is_discarded():
    session = Session().invoke("read", within=SECOND)
    session.fire_until_done()
    session.done.clear()
    session.invoke("read")
    session.answer("n1", {"type": "read_ok", "value": "stale"}, msg_id=1)
    assert session.done == []
    session.answer("n1", {"type": "read_ok", "value": "fresh"})
    assert session.outcome.value == "fresh"


def test_an_answer_after_the_end_is_discarded():
    session = Session().invoke("read")
    session.answer("n1", {"type": "read_ok", "value": 1}).answer("n1", {"type": "read_ok", "value": 2})
    assert session.outcome.value == 1


@pytest.mark.parametrize("body", [{"type": "read_ok"}, {"type": "write_ok"}, {"type": "weird"}, {}])
def test_an_answer_of_the_wrong_kind_proves_nothing(body):
    session = Session().invoke("read").answer("n1", body)
    assert session.done == []


def test_a_read_of_a_missing_key_is_ok_null():
    assert Session().invoke("read").error("n1", 20).outcome == Complete("ok", None)


@pytest.mark.parametrize("code", [20, 22])
def test_a_cas_that_compared_unequal_is_ok_and_not_applied(code):
    session = Session().invoke("cas", value=[1, 2]).error("n1", code)
    assert session.outcome == Complete("ok", [1, 2], fields={"applied": False})


def test_error_22_is_no_observation_for_a_read_or_an_append():
    assert Session().invoke("read").error("n1", 22).outcome.type == "fail"
    assert Session().invoke("append", value="a").error("n1", 22).outcome.type == "fail"


# Fail: only if no attempt can take effect.


@pytest.mark.parametrize("code", [1, 10, 12, 14, 21, 30])
def test_a_definite_error_fails_an_operation_that_was_sent_once(code):
    session = Session().invoke("write", value=1).error("n1", code)
    assert session.outcome.type == "fail"
    assert f"error {code} from n1" in session.outcome.error


@pytest.mark.parametrize("code", [0, 13, 999, 1000, "20", None])
def test_an_indefinite_or_unknown_error_never_fails_an_operation(code):
    session = Session().invoke("write", value=1).error("n1", code)
    assert session.done == []
    session.fire()
    assert session.asked == ["n1", "n2"]
    session.error("n2", 12).fire_until_done()
    assert session.outcome.type == "info"


def test_a_definite_error_does_not_fail_an_operation_with_an_attempt_in_doubt():
    session = Session().invoke("write", value=1)
    session.fire()
    session.error("n2", 14)
    assert session.done == []
    session.error("n1", 14)
    assert session.outcome.type == "fail"


def test_refusals_by_all_nodes_until_the_deadline_are_a_fail():
    session = Session().invoke("write", value=1)
    while not session.done:
        session.error(session.asked[-1], 11)
        session.fire()
    assert session.outcome.type == "fail"
    assert set(session.asked) == set(NODES)


def test_unreachable_nodes_until_the_deadline_are_a_fail():
    session = Session().invoke("write", value=1)
    while not session.done:
        session.step(Unreachable(session.asked[-1])).fire()
    assert session.outcome.type == "fail"
    assert "unreachable" in session.outcome.error


def test_one_attempt_that_timed_out_among_refusals_makes_it_info():
    session = Session().invoke("write", value=1)
    session.fire()
    while not session.done:
        session.error(session.asked[-1], 11) if session.asked[-1] != "n1" else None
        session.fire()
    assert session.outcome.type == "info"


def test_a_broken_connection_leaves_its_attempt_in_doubt():
    session = Session().invoke("write", value=1).step(Disconnected("n1"))
    session.fire()
    assert session.asked == ["n1", "n2"]
    session.error("n2", 12)
    assert session.done == []
    session.fire_until_done()
    assert session.outcome.type == "info"


def test_one_refusal_settles_one_of_two_attempts_on_a_node():
    session = Session(nodes=("n1",)).invoke("write", value=1)
    session.fire()
    assert session.asked == ["n1", "n1"]
    session.error("n1", 14)
    assert session.done == []
    session.error("n1", 14)
    assert session.outcome.type == "fail"


def test_silence_until_the_deadline_is_info_and_it_ends_on_time():
    session = Session().invoke("read", within=900 * MILLISECOND).fire_until_done()
    assert session.outcome.type == "info"
    assert session.now == 900 * MILLISECOND
    assert session.asked == ["n1", "n2", "n3"]


# Whom it asks, and when.


def test_an_attempt_that_times_out_moves_to_the_next_node():
    session = Session(preferred="n3").invoke("read")
    assert session.wake == ATTEMPT
    session.fire()
    assert session.asked == ["n3", "n1"]


def test_the_attempt_timeout_is_a_setting():
    assert Session(attempt_timeout=0.1).invoke("read").wake == 100 * MILLISECOND


def test_a_leader_hint_is_followed_at_once():
    session = Session().invoke("read").error("n1", 11, leader="n3")
    assert session.asked == ["n1", "n3"]
    assert session.now == 0


@pytest.mark.parametrize("leader", ["n9", None, "n1", 3, ["n2"]])
def test_a_useless_leader_hint_waits_and_moves_to_the_next_node(leader):
    session = Session().invoke("read").error("n1", 11, leader=leader)
    assert session.asked == ["n1"]
    session.fire()
    assert session.asked == ["n1", "n2"]
    assert session.now == int(FIRST_PAUSE * SECOND)


def test_nodes_that_point_at_each_other_are_not_asked_in_a_tight_loop():
    session = Session().invoke("read")
    others = {"n1": "n2", "n2": "n1"}
    while not session.done and session.asked[-1] in others:
        before = len(session.sent)
        session.error(session.asked[-1], 11, leader=others[session.asked[-1]])
        if len(session.sent) == before:
            session.fire()
    assert session.asked == ["n1", "n2", "n3"]


def test_pauses_double_up_to_the_longest():
    session = Session(nodes=("n1",)).invoke("read", within=10 * SECOND)
    pauses = []
    for _ in range(7):
        session.step(Unreachable("n1"))
        pauses.append((session.wake - session.now) / SECOND)
        session.fire()
    assert pauses == [FIRST_PAUSE * 2**i for i in range(5)] + [LONGEST_PAUSE] * 2


def test_a_second_refusal_during_a_pause_does_not_cut_it_short():
    session = (
        Session().invoke("read").step(Unreachable("n1")).step(Unreachable("n1")).step(Disconnected("n1"))
    )
    assert session.asked == ["n1"]
    assert session.wake == int(FIRST_PAUSE * SECOND)


def test_a_second_operation_is_refused_while_one_is_open():
    with pytest.raises(ValueError, match="has an operation open"):
        Session().invoke("read").invoke("read")


def test_late_news_of_an_earlier_operations_attempt_settles_none_of_this_one():
    session = Session(nodes=("n1",)).invoke("write", value=1)
    session.answer("n1", {"type": "write_ok"})
    session.done.clear()
    session.invoke("write", value=2)
    session.step(Unreachable("n1", msg_id=1))
    assert session.asked == ["n1", "n1"]
    while not session.done:
        asked = len(session.asked)
        session.fire()
        if len(session.asked) > asked:
            session.error("n1", 11)
    assert session.outcome.type == "info"
