"""Lease reads, rule by rule (Ongaro's thesis, section 6.4.1)."""

from __future__ import annotations

import pytest

from splitbrain.systems.contract import Reply, TimerFired
from splitbrain.systems.raft import messages

ELECTION = 400_000_000
"""The minimum election timeout, in nanoseconds."""

LEASE = int(ELECTION * 0.95 / 1.05)
"""What the clock bound of 5 % leaves of it."""


@pytest.fixture
def leader(solo):
    """A leader of five with leases, whose no-op is committed; its lease began at time 0."""
    server = solo(reads="lease", clock_bound=0.05)
    server.lead()
    server.acknowledge("n2", "n3")
    server.time = server.node.now
    return server


def read(server):
    """Ask for a read; tell whether it was answered at once."""
    effects = server.receive("r", {"type": "read", "key": "k", "msg_id": 1})
    return [effect.dest for effect in effects if isinstance(effect, Reply)] == ["r"]


def start(server):
    return server.node.lease_start(server.node.leadership)


def test_a_read_within_the_lease_is_answered_at_once_and_asks_nobody(leader):
    """6.4.1: the leader may reply without communication."""
    assert read(leader)
    assert not leader.sends("append_entries")
    assert [note.fields["lease"] for note in leader.noted("read-answered")] == [True]


@pytest.mark.parametrize(("age", "answered"), [(LEASE - 1, True), (LEASE, False)])
def test_a_lease_lasts_the_minimum_election_timeout_shrunk_by_the_clock_bound(leader, age, answered):
    """6.4.1: E (1 - b) / (1 + b), from when the confirmed round was sent."""
    leader.time = start(leader) + age
    assert read(leader) == answered


def test_a_read_after_the_lease_takes_a_round(leader):
    """6.4.1 falls back to 6.4."""
    leader.time = start(leader) + LEASE
    assert not read(leader)
    leader.tell(TimerFired("flush"))
    assert len(leader.sends("append_entries")) == 4
    leader.acknowledge("n2")
    (reply,) = (effect for effect in leader.acknowledge("n3") if isinstance(effect, Reply))
    assert reply.dest == "r"


def test_a_lease_counts_from_when_the_round_was_sent_not_from_its_answers(leader):
    """6.4.1: a voter's promise began when it heard the round, which an answer tells only later."""
    leader.wait(0.05, "tick")
    sent = leader.time
    leader.time += 200_000_000
    leader.acknowledge("n2", "n4")
    assert start(leader) == sent


def test_a_lease_needs_the_answers_of_a_majority(leader):
    """6.4.1: the newest round that a majority answered."""
    first = start(leader)
    leader.wait(0.05, "tick")
    leader.acknowledge("n2")
    assert start(leader) == first
    leader.acknowledge("n5")
    assert start(leader) == leader.time


def test_a_new_leader_has_no_lease_before_a_round_of_its_own_and_a_commit(solo):
    """6.4, step 1 holds for leases too: what earlier leaders committed may be unknown still."""
    server = solo(1, reads="lease")
    server.lead()
    assert not read(server)
    server.tell(TimerFired("flush"))
    assert not [effect for effect in server.acknowledge("n2", "n3", match=1) if isinstance(effect, Reply)]
    answered = server.acknowledge("n2", "n3", match=2)
    assert [effect.dest for effect in answered if isinstance(effect, Reply)] == ["r"]


def test_answers_to_rounds_without_a_known_time_give_no_lease(leader):
    """A round so old that its time is forgotten says nothing about now."""
    for _ in range(70):
        leader.wait(0.05, "tick")
        leader.acknowledge("n2", "n3", round_number=1)
    assert not read(leader)


@pytest.mark.parametrize(("reads", "granted"), [("lease", False), ("index", True)])
def test_a_server_that_restarted_denies_votes_as_if_it_had_just_heard_from_a_leader(solo, reads, granted):
    """6.4.1: it has forgotten its promise, so with leases it must assume the worst."""
    server = solo(1, reads=reads)
    server.time = ELECTION - 1
    server.receive("n2", messages.request_prevote(1, 1, 1))
    assert [send.body["granted"] for send in server.sends("prevote")] == [granted]
    server.receive("n2", messages.request_vote(2, 1, 1))
    assert [send.body["granted"] for send in server.sends("vote")] == [granted]
    server.time = ELECTION
    server.receive("n3", messages.request_vote(3, 1, 1))
    assert [send.body["granted"] for send in server.sends("vote")] == [True]


def test_a_server_that_restarted_stands_no_sooner_than_the_minimum_election_timeout(solo):
    """6.4.1: its own vote would break its promise as well."""
    assert solo(reads="lease").node.election_deadline >= ELECTION


def test_a_lease_goes_by_the_members_of_the_newest_configuration(leader):
    """4.1, 6.4.1: answers of servers that were removed count no more."""
    leader.receive("admin", {"type": "remove_server", "server": "n2", "msg_id": 1})
    leader.tell(TimerFired("flush"))
    leader.synced()
    leader.acknowledge("n3", "n4")
    first = start(leader)
    leader.wait(0.05, "tick")
    leader.acknowledge("n2", "n3")
    assert start(leader) == first
    leader.acknowledge("n5")
    assert start(leader) == leader.time


def test_with_index_reads_there_is_no_lease(solo):
    """6.4: by default nothing depends on clocks."""
    server = solo()
    server.lead()
    server.acknowledge("n2", "n3")
    assert not read(server)
