"""Pre-votes and servers that disturb, rule by rule (Ongaro's thesis, sections 9.6 and 4.2.3)."""

from __future__ import annotations

import pytest

from splitbrain.systems.contract import Persist, SetTimer
from splitbrain.systems.raft import messages

LATELY = 399_000_000
"""Just less than the minimum election timeout, in nanoseconds."""


def answers(server, kind):
    return [send.body["granted"] for send in server.sends(kind)]


def state(server):
    node = server.node
    return (node.term, node.vote, node.role, node.leader, node.contact, node.election_deadline, node.patience)


def test_a_server_asks_for_pre_votes_in_its_present_term_before_it_stands(solo):
    """9.6: a candidate only increments its term if it first learns that a majority would vote for it."""
    server = solo(1, 1, hard=(3, "n2"))
    server.wait(1.0, "election")
    asked = server.sends("request_prevote")
    assert [send.dest for send in asked] == server.peers
    assert all(send.body == messages.request_prevote(3, 2, 1) for send in asked)
    assert (server.node.term, server.node.vote, server.node.role) == (3, "n2", "follower")
    assert not server.of(Persist)


@pytest.mark.parametrize(("size", "needed"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (7, 3)])
def test_a_server_stands_with_the_pre_votes_of_a_majority_of_all_servers(solo, size, needed):
    """9.6: a majority of the cluster must be willing to vote for it."""
    server = solo(size=size)
    server.wait(1.0, "election")
    for peer in server.peers[:needed]:
        assert server.node.term == 0
        server.receive(peer, messages.prevote(0, 1, granted=True))
    assert (server.node.role, server.node.term, server.node.vote) == ("candidate", 1, "n1")


def test_a_pre_vote_counts_once_and_only_for_the_next_term(solo):
    """9.6: an answer about another term is late."""
    server = solo(hard=(4, None))
    server.wait(1.0, "election")
    server.receive("n2", messages.prevote(4, 5, granted=True))
    server.receive("n2", messages.prevote(4, 5, granted=True))
    server.receive("n3", messages.prevote(4, 4, granted=True))
    server.receive("n4", messages.prevote(4, 5, granted=False))
    assert server.node.term == 4


def test_pre_votes_that_arrive_when_nobody_asks_any_more_do_nothing(solo):
    """9.6: the leader was heard of meanwhile."""
    server = solo()
    server.wait(1.0, "election")
    server.append("n5", 0, (0, 0))
    for peer in server.peers:
        server.receive(peer, messages.prevote(0, 1, granted=True))
    assert (server.node.term, server.node.leader) == (0, "n5")


def test_granting_a_pre_vote_changes_nothing(solo):
    """9.6: it is a forecast; a voter that waited anew would never stand itself."""
    server = solo(1, hard=(1, "n3"))
    before = state(server)
    server.time = 500_000_000
    server.receive("n2", messages.request_prevote(7, 1, 1))
    assert answers(server, "prevote") == [True]
    assert state(server) == before
    assert not server.of(Persist)
    assert not server.of(SetTimer)


def test_any_number_of_pre_votes_may_be_granted_in_a_term(solo):
    """9.6: it is no promise."""
    server = solo(1)
    for candidate in server.peers:
        server.receive(candidate, messages.request_prevote(1, 1, 1))
        assert answers(server, "prevote") == [True]
        (note,) = server.noted("pre-voted")
        assert note.fields == {"term": 2, "for": candidate}


@pytest.mark.parametrize(("last_index", "last_term", "granted"), [(2, 1, False), (1, 2, True), (9, 1, False)])
def test_a_pre_vote_is_denied_to_a_log_that_would_not_get_a_vote(solo, last_index, last_term, granted):
    """9.6 with 5.4.1: else a server that can't win would raise its term."""
    server = solo(2)
    server.receive("n2", messages.request_prevote(2, last_index, last_term))
    assert answers(server, "prevote") == [granted]


def test_a_pre_vote_about_a_term_that_is_not_new_is_denied_and_the_newer_one_told(solo):
    """9.6 with 5.1: a vote in that term may be given already."""
    server = solo(1, hard=(5, None))
    server.receive("n2", messages.request_prevote(4, 1, 1))
    assert [send.body for send in server.sends("prevote")] == [messages.prevote(5, 5, granted=False)]


@pytest.mark.parametrize(("silence", "granted"), [(LATELY, False), (LATELY + 1_000_000, True)])
def test_a_server_that_heard_from_a_leader_lately_denies_votes_and_pre_votes(solo, silence, granted):
    """4.2.3: within the minimum election timeout it neither updates its term nor grants its vote."""
    server = solo()
    server.append("n3", 1, (0, 0))
    server.time += silence
    server.receive("n2", messages.request_prevote(1, 0, 0))
    assert answers(server, "prevote") == [granted]
    server.receive("n2", messages.request_vote(2, 0, 0))
    assert answers(server, "vote") == [granted]
    assert server.node.term == (2 if granted else 1)


def test_a_server_that_learnt_of_a_newer_term_still_remembers_when_it_heard_from_a_leader(solo):
    """4.2.3: the promise not to vote is about time, whatever the leader's term was."""
    server = solo()
    server.append("n3", 1, (0, 0))
    server.receive("n4", messages.vote(5, granted=False))
    assert (server.node.term, server.node.leader) == (5, None)
    server.receive("n2", messages.request_vote(6, 0, 0))
    assert answers(server, "vote") == [False]


def test_a_leader_denies_votes_and_pre_votes_while_it_leads(solo):
    """4.2.3: a leader hears from itself; without a majority it steps down by itself (6.2)."""
    server = solo()
    server.lead()
    server.receive("n2", messages.request_prevote(1, 9, 1))
    server.receive("n2", messages.request_vote(9, 9, 1))
    assert answers(server, "vote") == [False]
    assert (server.node.role, server.node.term) == ("leader", 1)


def test_a_question_that_nobody_answers_is_repeated_and_asked_anew_after_a_timeout(solo):
    """5.1: servers retry; 9.6: the term stays as it is, however long the server is cut off."""
    server = solo()
    server.wait(1.0, "election")
    server.receive("n3", messages.prevote(0, 1, granted=True))
    server.wait(0.05, "tick")
    assert [send.dest for send in server.sends("request_prevote")] == ["n2", "n4", "n5"]
    for _ in range(20):
        server.wait(1.0, "election")
        assert len(server.sends("request_prevote")) == 4
    assert server.node.term == 0


def test_a_candidate_that_times_out_asks_again_before_it_raises_its_term_again(solo):
    """9.6: a candidate that was cut off in mid-election must not count up its term either."""
    server = solo()
    server.stand_durably()
    server.wait(1.0, "election")
    assert (server.node.role, server.node.term) == ("follower", 1)
    server.receive("n2", messages.vote(1, granted=True))
    server.receive("n3", messages.vote(1, granted=True))
    assert server.node.role == "follower"
