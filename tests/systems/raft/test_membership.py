"""Membership changes, rule by rule (Ongaro's thesis, sections 4.1 to 4.4; raft-dev, 2015)."""

from __future__ import annotations

import pytest

from splitbrain.systems.contract import Reply, TimerFired
from splitbrain.systems.raft import messages
from splitbrain.systems.raft.configuration import configuration_command


def replies(effects):
    return [
        (effect.msg_id, effect.body.get("code", effect.body["type"]))
        for effect in effects
        if isinstance(effect, Reply)
    ]


def ask(server, change, name, msg_id=1):
    """Ask for a change; return the answers of that step."""
    return replies(server.receive("admin", {"type": f"{change}_server", "server": name, "msg_id": msg_id}))


def members(server):
    return "".join(name[1:] for name in server.node.configuration.members)


def flush(server):
    """Let the leader broadcast and its disk write; return the peers that got entries."""
    server.tell(TimerFired("flush"))
    sent = [send.dest for send in server.sends("append_entries") if send.body["entries"]]
    server.synced()
    return sent


def configure(server, term, previous, *names, commit=0):
    """Receive a leader's entry that makes these servers the members."""
    entry = [term, configuration_command(f"n{name}" for name in names)]
    return server.receive("n2", messages.append_entries(term, 1, previous, [entry], commit))


@pytest.fixture
def leader(solo):
    """A leader of five whose no-op is committed."""
    server = solo()
    server.lead()
    server.acknowledge(*server.peers)
    return server


# Requests.


def test_a_removal_is_an_entry_and_is_answered_when_it_is_committed(leader):
    """4.1: the change is complete once the new configuration is committed, by a majority of itself."""
    assert ask(leader, "remove", "n5") == []
    assert leader.node.log.command_at(2) == {"members": ["n1", "n2", "n3", "n4"]}
    assert flush(leader) == ["n2", "n3", "n4"]
    assert replies(leader.acknowledge("n2")) == []
    assert replies(leader.acknowledge("n3")) == [(1, "remove_server_ok")]


def test_a_new_configuration_is_used_as_soon_as_it_is_appended(leader):
    """4.1: servers use the latest configuration in their log, whether it is committed or not."""
    ask(leader, "remove", "n5")
    assert (members(leader), leader.node.majority) == ("1234", 3)
    flush(leader)
    leader.wait(0.05, "tick")
    assert {send.dest for send in leader.sends("append_entries")} == {"n2", "n3", "n4"}


def test_a_follower_uses_a_configuration_at_once_and_goes_back_when_it_is_cut(solo):
    """4.1: a server always uses the latest in its log, so it must be ready to fall back."""
    server = solo()
    configure(server, 1, (0, 0), 1, 2, 3, 4)
    (note,) = server.noted("configured")
    fields = {"index": 1, "term": 1, "members": ["n1", "n2", "n3", "n4"], "role": "follower"}
    assert note.fields == fields
    server.append("n3", 2, (0, 0), [2])
    assert (members(server), server.node.majority) == ("12345", 3)
    assert server.noted("configured")[0].fields["index"] == 0


def test_configurations_survive_restarts_and_snapshots(solo):
    """4.1 and 7: the snapshot holds the configuration at its index."""
    server = solo(snapshot_after=2)
    configure(server, 1, (0, 0), 1, 2, 3, 4)
    again = type(server)(type(server.node), records=server.records)
    assert members(again) == "1234"
    assert again.noted("configured")
    server.append("n2", 1, (1, 1), [1], commit=2)
    configure(server, 1, (2, 1), 1, 2, 3)
    assert server.node.log.base_index == 2
    again = type(server)(type(server.node), records=server.records)
    assert members(again) == "123"
    again.append("n2", 2, (2, 1), [2])
    assert members(again) == "1234"


def test_one_change_at_a_time(leader):
    """4.1: majorities of configurations that differ by two servers need share none."""
    ask(leader, "remove", "n5")
    assert ask(leader, "remove", "n4", 2) == [(2, 11)]
    assert ask(leader, "remove", "n5") == []
    assert members(leader) == "1234"
    flush(leader)
    leader.acknowledge("n2", "n3")
    assert ask(leader, "remove", "n4", 3) == []
    assert members(leader) == "123"


def test_no_change_before_an_entry_of_the_leaders_own_term_is_committed(solo):
    """Ongaro 2015: until then another configuration may be on its way to a majority."""
    server = solo(1)
    server.lead()
    assert ask(server, "remove", "n5") == [(1, 11)]
    server.acknowledge("n2", "n3", match=1)
    assert ask(server, "remove", "n5") == [(1, 11)]
    server.acknowledge("n2", "n3", match=2)
    assert ask(server, "remove", "n5") == []


def test_a_change_that_is_done_is_confirmed_again(leader):
    """4: an administrator that heard nothing asks again."""
    assert ask(leader, "add", "n5") == [(1, "add_server_ok")]
    ask(leader, "remove", "n5", 2)
    flush(leader)
    leader.acknowledge("n2", "n3")
    assert ask(leader, "remove", "n5", 3) == [(3, "remove_server_ok")]
    assert ask(leader, "remove", "nobody", 4) == [(4, "remove_server_ok")]
    assert leader.node.log.last_index == 2


def test_requests_that_cannot_be_met_are_refused_for_certain(solo):
    """A definite error: nothing was changed, and nothing will be."""
    server = solo(size=1)
    server.lead()
    assert ask(server, "remove", "n1") == [(1, 22)]
    assert ask(server, "add", "n9") == [(1, 22)]
    assert ask(server, "add", None) == [(1, 12)]
    assert members(server) == "1"


def test_who_does_not_lead_names_the_leader(solo):
    """Thesis 6.2, for administrators as for clients."""
    server = solo()
    server.append("n3", 1, (0, 0))
    server.receive("admin", {"type": "remove_server", "server": "n5", "msg_id": 1})
    (reply,) = server.of(Reply)
    assert (reply.body["code"], reply.body["leader"]) == (11, "n3")


# Adding.


@pytest.fixture
def without_n5(leader):
    """That leader, after it removed n5."""
    ask(leader, "remove", "n5")
    flush(leader)
    leader.acknowledge("n2", "n3", "n4")
    assert members(leader) == "1234"
    return leader


def test_a_new_server_is_caught_up_before_it_counts(without_n5):
    """4.2.1: a round replicates all that was in the log when it began."""
    leader = without_n5
    assert ask(leader, "add", "n5", 2) == []
    assert members(leader) == "1234"
    leader.wait(0.05, "tick")
    assert "n5" in {send.dest for send in leader.sends("append_entries")}
    leader.receive("n5", messages.rejected(1, leader.node.leadership.round, 2, None, 1))
    assert flush(leader) == ["n5"]
    leader.acknowledge("n5", match=2)
    assert members(leader) == "12345"
    assert flush(leader) == ["n2", "n3", "n4", "n5"]
    assert replies(leader.acknowledge("n2", "n5")) == [(2, "add_server_ok")]


def test_a_round_longer_than_an_election_timeout_is_followed_by_another(without_n5):
    """4.2.1: the last round bounds for how long the new server may be behind."""
    leader = without_n5
    ask(leader, "add", "n5", 2)
    for _ in range(9):
        leader.time += 500_000_000
        leader.acknowledge("n5", match=2)
        assert members(leader) == "1234"
    leader.time += 300_000_000
    leader.acknowledge("n5", match=2)
    assert members(leader) == "12345"


def test_a_server_that_stays_too_slow_is_given_up(without_n5):
    """4.2.1: the leader aborts the change after a fixed number of rounds."""
    leader = without_n5
    ask(leader, "add", "n5", 2)
    answered = []
    for _ in range(10):
        leader.time += 500_000_000
        answered += leader.acknowledge("n5", match=2)
    assert replies(answered) == [(2, 11)]
    assert members(leader) == "1234"
    leader.wait(0.05, "tick")
    assert "n5" not in {send.dest for send in leader.sends("append_entries")}


def test_a_server_that_is_silent_is_given_up(without_n5):
    """4.2.1: it may be unavailable, or wrongly named."""
    leader = without_n5
    ask(leader, "add", "n5", 2)
    answered = []
    for _ in range(4):
        leader.acknowledge("n2", "n3", "n4")
        answered += leader.wait(0.5, "tick")
    assert replies(answered) == [(2, 11)]


def test_a_leader_that_steps_down_refuses_an_addition_that_was_not_appended(without_n5):
    """A definite error: no entry tells of it."""
    ask(without_n5, "add", "n5", 2)
    assert replies(without_n5.receive("n2", messages.refused(9))) == [(2, 11)]


# Removing the leader.


def test_a_leader_that_is_removed_does_not_count_itself_and_steps_down_at_the_commit(leader):
    """4.2.2: it manages the cluster without being part of it until the entry is committed."""
    assert ask(leader, "remove", "n1") == []
    flush(leader)
    leader.acknowledge("n2", "n3")
    assert (leader.node.role, leader.node.commit_index) == ("leader", 1)
    assert replies(leader.acknowledge("n4")) == [(1, "remove_server_ok")]
    assert (leader.node.role, leader.node.commit_index) == ("follower", 2)


def test_a_server_that_was_removed_for_certain_never_stands_again(leader):
    """4.2.2, 4.2.3: it would only disturb."""
    ask(leader, "remove", "n1")
    flush(leader)
    leader.acknowledge("n2", "n3", "n4")
    for _ in range(3):
        leader.wait(1.0, "election")
        assert not leader.sends("request_prevote")


def test_a_removed_server_stands_while_its_removal_is_uncommitted_and_does_not_count_itself(solo):
    """4.2.2: it may hold the only copy of the entry that removes it."""
    server = solo(size=3)
    configure(server, 1, (0, 0), 2, 3)
    server.wait(1.0, "election")
    assert [send.dest for send in server.sends("request_prevote")] == ["n2", "n3"]
    server.receive("n2", messages.prevote(1, 2, granted=True))
    assert server.node.role == "follower"
    server.receive("n3", messages.prevote(1, 2, granted=True))
    assert server.node.role == "candidate"
    server.synced()
    server.receive("n2", messages.vote(2, granted=True))
    assert server.node.role == "candidate"
    server.receive("n3", messages.vote(2, granted=True))
    assert server.node.role == "leader"


def test_the_answer_of_a_server_that_is_no_follower_any_more_is_nothing(leader):
    """4.1: only members of the configuration count."""
    ask(leader, "remove", "n5")
    flush(leader)
    leader.acknowledge("n2", "n5")
    assert leader.node.commit_index == 1


def test_votes_of_servers_outside_the_configuration_do_not_count(solo):
    """4.1: a majority is one of the members."""
    server = solo()
    configure(server, 1, (0, 0), 1, 2, 3)
    server.wait(1.0, "election")
    for peer in ("n4", "n5"):
        server.receive(peer, messages.prevote(1, 2, granted=True))
    assert server.node.role == "follower"
    server.receive("n3", messages.prevote(1, 2, granted=True))
    server.synced()
    for peer in ("n4", "n5"):
        server.receive(peer, messages.vote(2, granted=True))
    assert server.node.role == "candidate"


def test_a_server_accepts_a_leader_and_a_candidate_that_its_configuration_lacks(solo):
    """4.1: a server may hold an old configuration, and its consent or vote may be needed."""
    server = solo()
    configure(server, 1, (0, 0), 1, 3, 4)
    assert [send.body["match"] for send in server.sends("appended")] == [1]
    server.time += 900_000_000
    server.receive("n5", messages.request_vote(4, 1, 1))
    assert [send.body["granted"] for send in server.sends("vote")] == [True]
