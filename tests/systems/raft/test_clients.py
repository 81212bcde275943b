"""Clients: sessions, redirection and reads (Ongaro & Ousterhout 2014, section 8; thesis, chapter 6)."""

from __future__ import annotations

import pytest

from splitbrain.systems.contract import Reply, TimerFired
from splitbrain.systems.raft import messages


@pytest.fixture
def leader(solo):
    """A leader of five whose no-op is committed."""
    server = solo()
    server.lead()
    server.acknowledge(*server.peers)
    assert server.node.commit_index == 1
    return server


def commit(server):
    """Replicate what the leader has; return the effects."""
    effects = server.tell(TimerFired("flush"))
    if server.last_persist is not None:
        effects = effects + server.synced()
    return effects + server.acknowledge("n2", "n3")


def replies(effects):
    return [(reply.dest, reply.msg_id, reply.body["type"]) for reply in effects if isinstance(reply, Reply)]


def append(value):
    return {"type": "append", "key": "k", "value": value, "msg_id": 1}


def test_a_node_that_does_not_lead_sends_the_client_to_the_leader(solo):
    """Thesis 6.2: a server that doesn't lead rejects requests and names the leader, if it knows it."""
    server = solo()
    for body in (append("a"), {"type": "read", "key": "k", "msg_id": 1}):
        (reply,) = server.receive("c", body)
        assert (reply.body["code"], reply.body.get("leader")) == (11, None)
    server.append("n3", 1, (0, 0))
    (reply,) = server.receive("c", append("a"))
    assert (reply.body["code"], reply.body["leader"]) == (11, "n3")


def test_an_operation_is_answered_after_it_was_committed_and_applied(leader):
    """5.3: the leader returns the result when the entry was safely replicated."""
    assert not replies(leader.receive("c", append("a")))
    assert replies(commit(leader)) == [("c", 1, "append_ok")]


def test_a_repeated_operation_is_answered_again_and_not_applied_again(leader):
    """Thesis 6.3: the state machine returns the earlier response without executing the request again."""
    leader.receive("c", append("a"))
    commit(leader)
    assert replies(leader.receive("c", append("a"))) == [("c", 1, "append_ok")]
    assert leader.node.log.last_index == 2
    assert leader.node.machine.apply({"type": "read", "key": "k"})["value"] == "a"


def test_a_copy_that_is_in_the_log_twice_takes_effect_once_and_both_are_answered_alike(leader):
    """Thesis 6.3: duplicates are filtered when they are applied."""
    leader.receive("c", append("a"))
    leader.receive("c", append("a"))
    assert replies(commit(leader)) == [("c", 1, "append_ok")] * 2
    assert leader.node.machine.apply({"type": "read", "key": "k"})["value"] == "a"


def test_a_new_leader_recognises_an_operation_that_the_old_one_committed(solo):
    """Thesis 6.3: sessions are part of the replicated state, so they survive a change of leader."""
    server = solo(1)  # the entry of session client-1-1
    server.lead()
    server.acknowledge("n2", "n3")
    effects = server.receive("client-1-1", {"type": "append", "key": "k", "value": "1.1,", "msg_id": 1})
    assert replies(effects) == [("client-1-1", 1, "append_ok")]


def test_a_late_copy_of_an_older_operation_is_dropped(leader):
    """Thesis 6.3: one operation at a time, so nobody waits for an older one."""
    for number in (1, 2):
        leader.receive("c", {**append("a"), "msg_id": number})
        commit(leader)
    assert not replies(leader.receive("c", append("a")))
    assert leader.node.log.last_index == 3


def test_a_negative_result_is_remembered_as_it_was(leader):
    """Thesis 6.3: a cas that failed must not succeed when it is repeated."""
    body = {"type": "cas", "key": "k", "from": 1, "to": 2, "msg_id": 1}
    leader.receive("c", body)
    commit(leader)
    leader.receive("d", {"type": "write", "key": "k", "value": 1, "msg_id": 1})
    commit(leader)
    (reply,) = (effect for effect in leader.receive("c", body) if isinstance(effect, Reply))
    assert reply.body["code"] == 20


@pytest.mark.parametrize(
    "body", [{"type": "read"}, {"msg_id": 1}, {"type": 7, "msg_id": 1}, {"type": "x", "msg_id": "1"}]
)
def test_a_request_that_cannot_be_answered_is_left_alone(leader, body):
    assert not leader.receive("c", body)


def test_an_unknown_operation_is_refused_and_never_logged(leader):
    (reply,) = leader.receive("c", {"type": "increment", "key": "k", "msg_id": 1})
    assert reply.body["code"] == 10
    assert leader.node.log.last_index == 1


# Reads.


def read(server, client="r", msg_id=1):
    return server.receive(client, {"type": "read", "key": "k", "msg_id": msg_id})


def test_a_read_is_answered_after_a_majority_answered_a_round_begun_after_it(leader):
    """Thesis 6.4, step 3: so no newer leader can have committed anything before the read arrived."""
    assert not replies(read(leader))
    leader.tell(TimerFired("flush"))
    assert len(leader.sends("append_entries")) == 4
    assert not replies(leader.acknowledge("n2"))
    assert replies(leader.acknowledge("n3")) == [("r", 1, "error")]


def test_answers_to_an_earlier_round_do_not_confirm_a_read(leader):
    """Thesis 6.4: a heartbeat sent before the read arrived proves nothing about now."""
    leader.wait(0.05, "tick")
    earlier = leader.node.leadership.round
    read(leader)
    leader.tell(TimerFired("flush"))
    assert not replies(leader.acknowledge("n2", "n3", "n4", "n5", round_number=earlier))


def test_answers_of_another_term_do_not_confirm_a_read(solo):
    """Thesis 6.4: rounds count within a term."""
    server = solo(hard=(4, None))
    server.lead()
    server.acknowledge("n2", "n3")
    read(server)
    server.tell(TimerFired("flush"))
    for peer in server.peers:
        assert not replies(server.receive(peer, messages.appended(4, 99, 1)))


def test_a_new_leader_answers_no_read_before_an_entry_of_its_own_term_is_committed(solo):
    """Thesis 6.4, step 1: until then it doesn't know which entries are committed."""
    server = solo(1)
    server.lead()
    read(server)
    server.tell(TimerFired("flush"))
    assert not replies(server.acknowledge(*server.peers, match=1))
    server.tell(TimerFired("flush"))
    assert not replies(server.acknowledge(*server.peers, match=1))
    answered = server.acknowledge("n2", "n3", match=2)
    assert replies(answered) == [("r", 1, "read_ok")]


def test_a_read_sees_all_that_was_committed_when_it_arrived(leader):
    """Thesis 6.4, steps 2 and 4: its index is applied before it is answered."""
    leader.receive("c", append("a"))
    commit(leader)
    read(leader)
    leader.tell(TimerFired("flush"))
    (reply,) = (effect for effect in leader.acknowledge("n2", "n3") if isinstance(effect, Reply))
    assert reply.body == {"type": "read_ok", "value": "a"}


def test_reads_that_arrive_during_a_round_share_the_next_one(leader):
    """Thesis 6.4: one round of heartbeats serves any number of reads."""
    read(leader, "r1")
    leader.tell(TimerFired("flush"))
    for number in (2, 3):
        read(leader, f"r{number}")
        leader.tell(TimerFired("flush"))
        assert not leader.sends("append_entries")
    first = leader.node.leadership.round
    assert replies(leader.acknowledge("n2", "n3")) == [("r1", 1, "error")]
    leader.tell(TimerFired("flush"))
    assert leader.node.leadership.round == first + 1
    assert replies(leader.acknowledge("n2", "n3")) == [("r2", 1, "error"), ("r3", 1, "error")]


def test_a_leader_that_steps_down_refuses_the_reads_that_wait_and_is_silent_about_operations(leader):
    """Thesis 6.2: a read has no effect, so refusing it is definite; an entry may still be committed."""
    read(leader)
    leader.receive("c", append("a"))
    effects = leader.receive("n3", messages.append_entries(7, 1, (1, 1), [], 0))
    assert replies(effects) == [("r", 1, "error")]


def test_a_read_writes_nothing_to_the_log(leader):
    """Section 8: read-only operations can be handled without writing anything into the log."""
    read(leader)
    leader.tell(TimerFired("flush"))
    leader.acknowledge("n2", "n3")
    assert leader.node.log.last_index == 1
