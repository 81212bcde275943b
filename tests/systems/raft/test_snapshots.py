"""Snapshots and log compaction, rule by rule (Ongaro & Ousterhout 2014, section 7; thesis, chapter 5)."""

from __future__ import annotations

import pytest

from splitbrain.systems.contract import Persist, Replace, TimerFired
from splitbrain.systems.raft import messages
from splitbrain.systems.raft.snapshots import Snapshot, from_text


def terms(log):
    return [log.term_at(index) for index in range(log.base_index + 1, log.last_index + 1)]


def again(server, **settings):
    """The next life of a server, from what it wrote."""
    return type(server)(type(server.node), records=server.records, settings=settings)


def follower(solo, *log, commit, **settings):
    """A follower with this log that has applied up to `commit`, and compacted if `snapshot_after` says so."""
    server = solo(*log, **settings)
    server.append("n2", max(log), (len(log), log[-1]), commit=commit)
    return server


def snapshot_of(solo, *log):
    """The snapshot of a server that has applied this whole log."""
    return follower(solo, *log, commit=len(log), snapshot_after=len(log)).node.snapshot


def chunks(snapshot, size, term=9):
    """The messages that bring a snapshot to a follower."""
    text, last = snapshot.text(), (snapshot.index, snapshot.term)
    return [
        messages.install_snapshot(
            term, 1, last, offset, text[offset : offset + size], done=offset + size >= len(text)
        )
        for offset in range(0, len(text), size)
    ]


def read(server):
    return server.node.machine.apply({"type": "read", "key": "k"}).get("value")


# Taking one.


def test_a_server_takes_a_snapshot_when_enough_entries_were_applied_since_the_last(solo):
    """7: each server takes snapshots independently, covering just the committed entries in its log."""
    server = follower(solo, 1, 1, 1, 1, 1, commit=2, snapshot_after=3)
    assert not server.of(Replace)
    server.append("n2", 1, (5, 1), commit=4)
    (replace,) = server.of(Replace)
    assert (server.node.log.base_index, terms(server.node.log)) == (4, [1])
    (note,) = server.noted("snapshot-taken")
    assert note.fields == {"index": 4, "term": 1, "digest": server.node.log.digest_at(4)}
    assert note.after == replace.id


def test_snapshot_term_vote_and_the_rest_of_the_log_are_one_write(solo):
    """7, thesis 5.1: a crash leaves either the whole old log or the whole new one."""
    server = follower(solo, 1, 1, 2, hard=(2, "n4"), commit=2, snapshot_after=2)
    (replace,) = server.of(Replace)
    assert [next(iter(record)) for record in replace.records] == ["snapshot", "hard", "entries"]
    assert replace.records[1:] == [{"hard": [2, "n4"]}, {"entries": 3, "list": server.node.log.entries(3, 9)}]
    assert not server.of(Persist)


def test_a_snapshot_holds_state_sessions_and_what_replication_needs_of_the_prefix(solo):
    """7, figure 12, and thesis 6.3: last included index and term, state, and the sessions' answers."""
    whole = solo(1, 1, 2)
    snapshot = snapshot_of(solo, 1, 1, 2)
    assert (snapshot.index, snapshot.term) == (3, 2)
    assert snapshot.digest == whole.node.log.digest_at(3)
    assert snapshot.machine == {'"k': "1.1,1.2,2.3,"}
    assert snapshot.sessions["client-1-2"] == (1, {"type": "append_ok"})
    assert snapshot.configuration.members == ("n1", "n2", "n3", "n4", "n5")
    assert from_text(snapshot.text()) == snapshot


def test_a_restart_goes_on_from_the_snapshot(solo):
    """7: what the snapshot stands for was committed and is applied; the digests go on."""
    server = follower(solo, 1, 1, 1, 1, commit=3, snapshot_after=3)
    restarted = again(server)
    node = restarted.node
    assert (node.commit_index, node.applied_index, node.log.last_index, node.term) == (3, 3, 4, 1)
    assert read(restarted) == "1.1,1.2,1.3,"
    assert node.log.digest_at(4) == server.node.log.digest_at(4)
    (note,) = restarted.noted("recovered")
    assert (note.fields["first"], len(note.fields["entries"])) == (4, 1)
    assert note.fields["previous"] == server.node.log.digest_at(3)
    assert note.fields["snapshot"] == {"index": 3, "term": 1}


def test_a_restarted_server_recognises_an_operation_that_is_in_the_snapshot(solo):
    """Thesis 6.3: the deduplication table is part of the snapshot."""
    restarted = again(follower(solo, 1, 1, commit=2, snapshot_after=2))
    restarted.append("n2", 1, (2, 1), [1])
    body = messages.append_entries(1, 2, (2, 1), [[1, ["client-1-1", 1, {"type": "append", "key": "k"}]]], 3)
    restarted.receive("n2", {**body, "previous": 3})
    restarted.receive("n2", {**body, "previous": 3, "commit": 4})
    assert read(restarted) == "1.1,1.2,1.3,"


def test_a_leader_writes_its_new_entries_before_a_snapshot_takes_the_place_of_the_old(solo):
    """Thesis 10.2.1: entries of this turn are in the log that the snapshot cuts."""
    server = solo(1, 1, snapshot_after=3)
    server.lead()
    server.receive("c", {"type": "write", "key": "k", "value": 1, "msg_id": 1})
    server.acknowledge("n2", "n3", match=3)
    assert server.node.log.base_index == 3
    assert [next(iter(record)) for record in server.records] == ["snapshot", "hard", "entries"]
    assert again(server).node.log.digest_at(4) == server.node.log.digest_at(4)


# Consistency across the base.


def test_entries_that_reach_back_into_the_compacted_prefix_are_consistent_with_it(solo):
    """7, 5.4: what is compacted was committed, so a message that repeats it changes nothing."""
    server = follower(solo, 1, 1, 1, 1, 1, 1, commit=4, snapshot_after=4)
    assert server.node.log.base_index == 4
    server.append("n2", 1, (1, 1), [1, 1])
    assert [send.body["match"] for send in server.sends("appended")] == [3]
    server.append("n2", 1, (1, 1), [1, 1, 1, 1, 1, 1])
    assert [send.body["match"] for send in server.sends("appended")] == [7]
    assert terms(server.node.log) == [1, 1, 1]
    assert not server.noted("truncated")


def test_a_conflict_after_the_base_cuts_there_and_a_rejection_never_points_below_it(solo):
    """5.3 and 7: the compacted prefix is not in question."""
    server = follower(solo, 1, 1, 1, 1, 1, commit=3, snapshot_after=3)
    server.append("n2", 3, (5, 2))
    assert [send.body["conflict_first"] for send in server.sends("appended")] == [4]
    server.append("n2", 3, (3, 1), [3])
    assert terms(server.node.log) == [3]


# Sending one.


@pytest.fixture
def leader(solo):
    """A leader that has compacted its log of four entries, with n5 lagging behind all of it."""
    server = solo(1, 1, 1, snapshot_after=4, snapshot_chunk=100)
    server.lead()
    server.acknowledge("n2", "n3", "n4")
    assert server.node.log.base_index == 4
    server.receive("n5", messages.rejected(2, 1, 3, None, 1))
    server.tell(TimerFired("flush"))
    return server


def answer(server, index, offset):
    round_number = server.node.leadership.round
    server.receive("n5", messages.snapshot_received(2, round_number, index, offset))
    return [(send.dest, send.body["offset"]) for send in server.sends("install_snapshot")]


def test_a_follower_whose_next_entry_is_compacted_gets_the_snapshot_in_chunks(leader):
    """7: the leader sends it to followers that are too far behind."""
    text, sent = leader.node.snapshot.text(), leader.sends("install_snapshot")
    assert [(send.dest, send.body["offset"], send.body["done"]) for send in sent] == [("n5", 0, False)]
    gathered = sent[0].body["data"]
    while not sent[0].body["done"]:
        assert answer(leader, 4, len(gathered)) == [("n5", len(gathered))]
        sent = leader.sends("install_snapshot")
        gathered += sent[0].body["data"]
    assert gathered == text
    leader.acknowledge("n5", match=4)
    assert leader.node.leadership.followers["n5"].next == 5


def test_a_chunk_that_was_lost_is_sent_again_from_where_the_follower_is(leader):
    """5.1, 7: the transfer is taken up, not begun anew."""
    assert answer(leader, 4, 100) == [("n5", 100)]
    for _ in range(3):
        leader.wait(0.06, "tick")
        leader.receive("n5", messages.rejected(2, leader.node.leadership.round, 4, None, 1))
    leader.wait(0.06, "tick")
    again_sent = [send.body["offset"] for send in leader.sends("install_snapshot")]
    assert again_sent == [100]


def test_a_follower_that_lost_its_part_is_sent_the_snapshot_from_the_beginning(leader):
    """7: a part lives in memory, so a restart loses it."""
    assert answer(leader, 4, 100) == [("n5", 100)]
    assert answer(leader, 4, 0) == [("n5", 0)]


def test_an_answer_twice_over_sends_nothing_twice_and_one_about_another_snapshot_nothing(leader):
    """7: duplicates and late answers are harmless."""
    assert answer(leader, 4, 100) == [("n5", 100)]
    assert answer(leader, 4, 100) == []
    assert answer(leader, 3, 200) == []


def test_heartbeats_go_on_while_a_snapshot_is_under_way(leader):
    """5.2: the follower must not begin an election meanwhile."""
    leader.wait(0.05, "tick")
    beats = [send.body for send in leader.sends("append_entries") if send.dest == "n5"]
    assert [(body["previous"], body["previous_term"], body["entries"]) for body in beats] == [(4, 2, [])]


def test_a_leader_keeps_what_a_follower_needs_behind_its_snapshot_while_that_answers(leader):
    """Thesis 5.1: else it would compact faster than it sends, and send snapshots for ever."""
    for number in range(9):
        leader.receive("c", {"type": "write", "key": "k", "value": number, "msg_id": number + 1})
        leader.tell(TimerFired("flush"))
        leader.synced()
        leader.acknowledge("n2", "n3", "n4")
    assert (leader.node.log.base_index, leader.node.applied_index) == (4, 13)
    leader.acknowledge("n5", match=13)
    leader.receive("c", {"type": "write", "key": "k", "value": 9, "msg_id": 10})
    leader.tell(TimerFired("flush"))
    leader.synced()
    leader.acknowledge("n2", "n3", "n4")
    assert leader.node.log.base_index == 14


# Installing one.


def test_a_snapshot_replaces_a_log_that_does_not_hold_its_last_entry(solo):
    """7, figure 13: discard the entire log, and reset the state machine with the snapshot."""
    snapshot = snapshot_of(solo, 1, 1, 2)
    server = solo(1, 1, 1, 1, size=5)
    (whole,) = chunks(snapshot, 10_000)
    server.receive("n3", whole)
    node = server.node
    assert (node.log.base_index, node.log.last_index, node.commit_index, node.applied_index) == (3, 3, 3, 3)
    assert (read(server), node.leader, node.term) == ("1.1,1.2,2.3,", "n3", 9)
    (replace,) = server.of(Replace)
    assert [next(iter(record)) for record in replace.records] == ["snapshot", "hard"]
    (sent,) = server.sends("appended")
    assert (sent.body["match"], sent.after) == (3, server.last_persist)
    assert sent.after >= replace.id
    (note,) = server.noted("snapshot-installed")
    assert note.fields == {"index": 3, "term": 2, "digest": snapshot.digest, "last": 3}
    assert again(server).node.snapshot == snapshot


@pytest.mark.parametrize("size", [1, 64, 100])
def test_chunks_make_the_whole_however_often_and_in_whatever_order_they_come(solo, size):
    """7, figure 13: each chunk says where it belongs."""
    snapshot = snapshot_of(solo, 1, 2)
    server = solo()
    parts = chunks(snapshot, size)
    server.receive("n3", parts[-1])
    for part in parts[:-1]:
        server.receive("n3", part)
        server.receive("n3", part)
        server.receive("n3", parts[0])
    have = server.sends("snapshot_received")[0].body["offset"]
    assert have == len(snapshot.text()) - len(parts[-1]["data"])
    assert server.node.log.base_index == 0
    server.receive("n3", parts[-1])
    assert server.node.log.base_index == 2
    assert read(server) == "1.1,2.2,"


@pytest.mark.parametrize("change", [{"term": 10}, {"index": 3}, {"src": "n4", "term": 10}])
def test_the_part_of_another_leader_term_or_snapshot_is_discarded(solo, change):
    """7, figure 13: discard any existing or partial snapshot that is another."""
    snapshot = snapshot_of(solo, 1, 2)
    server = solo()
    first, second = chunks(snapshot, 150)[:2]
    server.receive("n3", first)
    src = change.get("src", "n3")
    server.receive(src, {**second, **{name: value for name, value in change.items() if name != "src"}})
    assert [send.body["offset"] for send in server.sends("snapshot_received")] == [0]


def test_a_log_that_holds_the_snapshots_last_entry_keeps_what_follows_it(solo):
    """7, figure 13: retain the log entries after it; they may have been acknowledged."""
    snapshot = snapshot_of(solo, 1, 1)
    server = solo(1, 1, 1, 1)
    for part in chunks(snapshot, 10_000):
        server.receive("n3", part)
    assert (server.node.log.last_index, server.node.commit_index) == (4, 2)
    assert [send.body["match"] for send in server.sends("appended")] == [2]
    assert not server.of(Replace)


def test_a_snapshot_that_is_older_than_what_is_committed_is_ignored(solo):
    """7: a retransmission must not take the state back."""
    snapshot = snapshot_of(solo, 1, 1)
    server = follower(solo, 1, 1, 1, 1, commit=4, snapshot_after=4)
    for part in chunks(snapshot, 10_000):
        server.receive("n3", part)
    assert (server.node.applied_index, read(server)) == (4, "1.1,1.2,1.3,1.4,")
    assert [send.body["match"] for send in server.sends("appended")] == [2]


def test_the_snapshot_of_an_old_leader_is_refused(solo):
    """5.1, figure 13: reply immediately if the term is stale."""
    snapshot = snapshot_of(solo, 1, 1)
    server = solo(hard=(10, None))
    server.receive("n3", chunks(snapshot, 10_000)[0])
    assert [send.body for send in server.sends("appended")] == [messages.refused(10)]
    assert server.node.log.base_index == 0


def test_a_snapshot_is_a_message_of_the_leader_like_any_other(solo):
    """5.2: it holds back elections, and its term is adopted."""
    server = solo()
    server.time = 300_000_000
    server.receive("n3", chunks(snapshot_of(solo, 1), 10)[0])
    assert (server.node.leader, server.node.term, server.node.contact) == ("n3", 9, 300_000_000)


def test_equal_states_have_equal_texts_whatever_their_members_order():
    """7: chunks from one leader's two senders, or of two equal snapshots, fit together."""
    from splitbrain.systems.raft.configuration import initial_configuration

    members = initial_configuration(["n2", "n1"])
    left = Snapshot(1, 1, "d", members, {"a": 1, "b": 2}, {"x": (1, {}), "y": (1, {})})
    right = Snapshot(1, 1, "d", members, {"b": 2, "a": 1}, {"y": (1, {}), "x": (1, {})})
    assert left.text() == right.text()
