"""Leader election, rule by rule (Ongaro & Ousterhout 2014, sections 5.1, 5.2, 5.4.1, figure 2)."""

from __future__ import annotations

import pytest

from splitbrain.systems.contract import Persist, Persisted, SetTimer, TimerFired
from splitbrain.systems.raft import messages


def test_a_server_starts_as_a_follower_that_knows_no_leader(solo):
    """5.2: when servers start up, they begin as followers."""
    node = solo().node
    assert (node.role, node.term, node.vote, node.leader) == ("follower", 0, None, None)


def test_election_timeouts_are_drawn_from_the_configured_interval_and_differ(solo):
    """5.2: election timeouts are chosen randomly from a fixed interval."""
    server = solo()
    drawn = set()
    for _ in range(50):
        server.node.await_leader()
        drawn.add(server.node.patience)
    assert len(drawn) > 40
    assert min(drawn) >= 400_000_000
    assert max(drawn) <= 800_000_000


def test_a_follower_that_hears_of_nobody_stands_in_the_next_term_and_votes_for_itself(solo):
    """5.2: to begin an election, a follower increments its term, votes for itself and asks all others."""
    server = solo(1, hard=(3, "n2"))
    server.stand()
    assert (server.node.role, server.node.term, server.node.vote) == ("candidate", 4, "n1")
    requests = server.sends("request_vote")
    assert [send.dest for send in requests] == server.peers
    assert all(send.body == messages.request_vote(4, 1, 1) for send in requests)


def test_a_follower_that_heard_from_a_leader_waits_for_the_rest_of_its_timeout(solo):
    """5.2: a server remains a follower as long as it receives valid messages from a leader."""
    server = solo()
    server.time = 300_000_000
    server.append("n2", 1, (0, 0))
    server.wait(0.2, "election")
    assert server.node.role == "follower"
    assert server.of(SetTimer) == [SetTimer("election", server.node.patience - 200_000_000)]


def test_requests_for_votes_wait_until_the_own_vote_is_durable(solo):
    """Figure 2: term and vote are on stable storage before a server sends; else it could vote twice."""
    server = solo()
    server.stand()
    (persist,) = server.of(Persist)
    assert persist.record == {"hard": [1, "n1"]}
    assert {send.after for send in server.sends("request_vote")} == {persist.id}


def test_a_vote_waits_until_it_is_durable(solo):
    """Figure 2: updated on stable storage before responding."""
    server = solo()
    server.receive("n2", messages.request_vote(1, 0, 0))
    (persist,) = server.of(Persist)
    (send,) = server.sends("vote")
    assert persist.record == {"hard": [1, "n2"]}
    assert (send.body["granted"], send.after) == (True, persist.id)


def test_a_vote_that_is_asked_for_again_still_waits_for_its_record(solo):
    """Figure 2: a second request must not fetch the vote before it is durable."""
    server = solo()
    server.receive("n2", messages.request_vote(1, 0, 0))
    first = server.last_persist
    server.receive("n2", messages.request_vote(1, 0, 0))
    assert [send.after for send in server.sends("vote")] == [first]
    server.synced()
    server.receive("n2", messages.request_vote(1, 0, 0))
    assert [(send.after, send.body["granted"]) for send in server.sends("vote")] == [(None, True)]


def test_a_server_votes_once_in_a_term_first_come_first_served(solo):
    """5.2: each server votes for at most one candidate in a given term."""
    server = solo()
    server.receive("n2", messages.request_vote(1, 0, 0))
    server.receive("n3", messages.request_vote(1, 0, 0))
    (send,) = server.sends("vote")
    assert send.body == messages.vote(1, granted=False)


def test_a_vote_survives_a_restart(solo):
    """Figure 2: votedFor is persistent state."""
    server = solo(hard=(5, "n2"))
    server.receive("n3", messages.request_vote(5, 0, 0))
    assert [send.body["granted"] for send in server.sends("vote")] == [False]
    server.receive("n2", messages.request_vote(5, 0, 0))
    assert [send.body["granted"] for send in server.sends("vote")] == [True]


def test_a_newer_term_frees_the_vote_and_is_persisted_even_if_the_vote_is_denied(solo):
    """5.1: a server whose term is smaller updates it; figure 2: persistently, before responding."""
    server = solo(1, 2, hard=(2, "n4"))
    server.receive("n2", messages.request_vote(7, 1, 1))
    (persist,) = server.of(Persist)
    (send,) = server.sends("vote")
    assert persist.record == {"hard": [7, None]}
    assert (send.body, send.after) == (messages.vote(7, granted=False), persist.id)


def test_a_candidate_of_an_old_term_is_refused_and_told_the_newer_one(solo):
    """5.1: a request with a stale term number is rejected."""
    server = solo(hard=(5, None))
    server.receive("n2", messages.request_vote(4, 9, 4))
    assert [send.body for send in server.sends("vote")] == [messages.vote(5, granted=False)]
    assert server.node.vote is None


@pytest.mark.parametrize(
    ("own", "last_index", "last_term", "granted"),
    [
        ((1, 1), 2, 1, True),
        ((1, 1), 3, 1, True),
        ((1, 1), 1, 1, False),
        ((1, 1), 1, 2, True),
        ((1, 2), 9, 1, False),
        ((), 0, 0, True),
    ],
)
def test_a_vote_is_denied_to_a_log_that_is_less_up_to_date(solo, own, last_index, last_term, granted):
    """5.4.1: the later last term is more up-to-date; with equal terms, the longer log is."""
    server = solo(*own, hard=(2, None))
    server.receive("n2", messages.request_vote(3, last_index, last_term))
    assert [send.body["granted"] for send in server.sends("vote")] == [granted]


def test_only_a_granted_vote_moves_the_election_timer(solo):
    """5.2 and figure 2: without granting a vote to a candidate, a follower goes on to its election."""
    server = solo(1, 1)
    deadline = server.node.election_deadline
    server.time = 100_000_000
    server.receive("n2", messages.request_vote(3, 0, 0))
    assert server.node.election_deadline == deadline
    server.receive("n3", messages.request_vote(3, 2, 1))
    assert server.node.election_deadline > deadline


@pytest.mark.parametrize(("size", "needed"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (7, 3)])
def test_a_candidate_needs_the_votes_of_a_majority_of_all_servers(solo, size, needed):
    """5.2: a candidate wins if it receives votes from a majority of the full cluster."""
    server = solo(size=size)
    server.stand_durably()
    for peer in server.peers[:needed]:
        assert server.node.role == "candidate"
        server.receive(peer, messages.vote(1, granted=True))
    assert server.node.role == "leader"


def test_a_vote_counts_once_and_only_in_its_own_term(solo):
    """5.2: votes from a majority of servers, for the same term."""
    server = solo()
    server.stand_durably()
    server.receive("n2", messages.vote(1, granted=True))
    server.receive("n2", messages.vote(1, granted=True))
    server.receive("n3", messages.vote(0, granted=True))
    server.receive("n4", messages.vote(1, granted=False))
    assert server.node.role == "candidate"


def test_a_candidates_own_vote_counts_only_once_it_is_durable(solo):
    """5.2, figure 2: it may be that a quorum of others is heard first."""
    server = solo(size=3)
    server.stand()
    server.receive("n2", messages.vote(1, granted=True))
    assert server.node.role == "candidate"
    server.tell(Persisted(server.last_persist))
    assert server.node.role == "leader"


def test_a_candidate_repeats_its_request_to_those_that_have_not_answered(solo):
    """5.1: servers retry requests that get no response."""
    server = solo()
    server.stand_durably()
    server.receive("n3", messages.vote(1, granted=False))
    server.wait(0.05, "tick")
    assert [send.dest for send in server.sends("request_vote")] == ["n2", "n4", "n5"]


def test_a_split_vote_ends_in_a_new_election_in_a_new_term(solo):
    """5.2: each candidate times out and starts a new election by incrementing its term."""
    server = solo()
    server.stand_durably()
    server.stand_durably()
    assert (server.node.role, server.node.term) == ("candidate", 2)


def test_a_candidate_that_hears_from_the_leader_of_its_term_follows_it(solo):
    """5.2: if the leader's term is at least as large, the candidate recognises it."""
    server = solo()
    server.stand_durably()
    server.append("n4", 1, (0, 0))
    assert (server.node.role, server.node.leader, server.node.term) == ("follower", "n4", 1)


def test_a_candidate_stays_one_when_it_hears_from_a_leader_of_an_old_term(solo):
    """5.2: a smaller term is rejected and the candidate continues."""
    server = solo(hard=(3, None))
    server.stand_durably()
    server.append("n4", 3, (0, 0))
    assert server.node.role == "candidate"
    assert [send.body for send in server.sends("appended")] == [messages.refused(4)]


def test_a_leader_that_hears_of_a_newer_term_steps_down(solo):
    """5.1: a leader that discovers that its term is out of date reverts to follower."""
    server = solo()
    server.lead()
    server.receive("n5", messages.refused(9))
    assert (server.node.role, server.node.term, server.node.leadership) == ("follower", 9, None)
    assert {"hard": [9, None]} in server.records


def test_a_newer_term_and_its_leader_are_noted_as_one_change(solo):
    """5.1, 5.2: who follows from the leader's own message knows the leader."""
    server = solo()
    server.append("n3", 4, (0, 0))
    roles = [note.fields for note in server.noted("role")]
    assert roles == [{"role": "follower", "term": 4, "leader": "n3"}]


def test_a_new_leader_tells_everyone_at_once(solo):
    """5.2: it sends heartbeats to all servers to establish its authority and prevent new elections."""
    server = solo()
    server.stand_durably()
    server.receive("n2", messages.vote(1, granted=True))
    server.receive("n3", messages.vote(1, granted=True))
    assert SetTimer("flush", 0) in server.effects
    server.tell(TimerFired("flush"))
    assert [send.dest for send in server.sends("append_entries")] == server.peers


def test_a_leader_without_answers_from_a_majority_for_an_election_timeout_steps_down(solo):
    """Thesis 6.2: so that clients of a cut-off leader are not delayed without end."""
    server = solo()
    server.lead()
    server.wait(0.5, "tick")
    server.acknowledge("n2")
    server.wait(0.5, "tick")
    assert server.node.role == "follower"


def test_a_leader_that_a_majority_answers_stays(solo):
    """Thesis 6.2: two of four followers and itself are a majority."""
    server = solo()
    server.lead()
    for _ in range(10):
        server.acknowledge("n2", "n5")
        server.wait(0.5, "tick")
    assert server.node.role == "leader"


def test_a_vote_is_noted_right_after_it_was_sent(solo):
    """A fault that waits for the note finds the vote on its way."""
    server = solo()
    server.receive("n2", messages.request_vote(1, 0, 0))
    (send,) = server.sends("vote")
    (note,) = server.noted("voted")
    assert server.effects.index(note) == server.effects.index(send) + 1
    assert (note.fields, note.after) == ({"term": 1, "for": "n2", "own": False}, send.after)
