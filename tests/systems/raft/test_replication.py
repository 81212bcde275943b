"""Log replication and commitment, rule by rule (Ongaro & Ousterhout 2014, 5.3, 5.4.2, 8; thesis 10.2)."""

from __future__ import annotations

import pytest

from splitbrain.systems.contract import Note, Persist, Reply, TimerFired
from splitbrain.systems.raft import messages


def terms(log):
    return [log.term_at(index) for index in range(1, log.last_index + 1)]


# The leader.


def test_a_leader_begins_its_term_with_a_no_op(solo):
    """8: a leader commits a blank entry at the start of its term."""
    server = solo(1, 1)
    server.lead()
    assert terms(server.node.log) == [1, 1, 2]
    assert server.node.log.command_at(3) is None


def test_requests_of_one_turn_travel_and_are_written_as_one_batch(solo):
    """Thesis 10.2.2: batching."""
    server = solo()
    server.lead()
    server.acknowledge(*server.peers)
    for number in range(3):
        server.receive(f"c{number}", {"type": "write", "key": "k", "value": number, "msg_id": 1})
        assert not server.sends("append_entries")
    server.tell(TimerFired("flush"))
    assert [len(send.body["entries"]) for send in server.sends("append_entries")] == [3] * 4
    assert [persist.record["entries"] for persist in server.of(Persist)] == [2]


def test_a_leader_sends_entries_before_its_own_disk_has_them(solo):
    """Thesis 10.2.1: the leader writes in parallel with its followers."""
    server = solo()
    server.stand_durably()
    server.receive("n2", messages.vote(1, granted=True))
    server.receive("n3", messages.vote(1, granted=True))
    server.tell(TimerFired("flush"))
    assert server.of(Persist)
    assert {send.after for send in server.sends("append_entries")} == {None}


def test_a_leader_counts_its_own_entry_only_once_it_is_durable(solo):
    """Thesis 10.2.1: the leader's match is what its disk holds."""
    server = solo(size=3)
    server.stand_durably()
    server.receive("n2", messages.vote(1, granted=True))
    server.tell(TimerFired("flush"))
    server.acknowledge("n2")
    assert server.node.commit_index == 0
    server.synced()
    assert server.node.commit_index == 1


def test_followers_alone_are_a_majority_while_the_leaders_disk_is_slow(solo):
    """Thesis 10.2.1: it may commit before the entry is on the leader's own disk."""
    server = solo()
    server.stand_durably()
    server.receive("n2", messages.vote(1, granted=True))
    server.receive("n3", messages.vote(1, granted=True))
    server.tell(TimerFired("flush"))
    server.acknowledge("n2", "n3", "n4")
    assert server.node.commit_index == 1


def test_an_entry_is_committed_with_a_majority_and_not_before(solo):
    """5.3: committed once the leader has replicated it on a majority."""
    server = solo()
    server.lead()
    server.acknowledge("n2")
    assert server.node.commit_index == 0
    server.acknowledge("n2")
    assert server.node.commit_index == 0
    server.acknowledge("n3")
    assert server.node.commit_index == 1


def test_an_entry_of_an_earlier_term_is_not_committed_by_counting(solo):
    """5.4.2, figure 8: only entries of the current term are; the others follow with them."""
    server = solo(1, 1)
    server.lead()
    server.acknowledge("n2", "n3", "n4", "n5", match=2)
    assert server.node.commit_index == 0
    server.acknowledge("n2", "n3", match=3)
    assert server.node.commit_index == 3


def test_what_is_known_to_be_replicated_never_falls_in_a_term(solo):
    """Figure 2: matchIndex increases monotonically; late answers are late."""
    server = solo(1, 1)
    server.lead()
    server.acknowledge("n2", match=3)
    server.acknowledge("n2", match=1)
    server.receive("n2", messages.rejected(server.node.term, 1, 2, None, 1))
    progress = server.node.leadership.followers["n2"]
    assert (progress.match, progress.next) == (3, 4)


def test_a_late_rejection_changes_nothing(solo):
    """5.3: one of a message that was answered by a later one must not send everything again."""
    server = solo(1, 1, 1)
    server.lead()
    server.receive("n2", messages.rejected(2, 1, 3, None, 2))
    server.tell(TimerFired("flush"))
    progress = server.node.leadership.followers["n2"]
    under_way = (progress.next, progress.flight)
    server.receive("n2", messages.rejected(2, 1, 3, None, 2))
    server.tell(TimerFired("flush"))
    assert not server.sends("append_entries")
    assert (progress.next, progress.flight) == under_way == (2, 4)


def test_answers_of_another_term_say_nothing(solo):
    """5.1: stale messages are ignored."""
    server = solo(hard=(4, None))
    server.lead()
    server.receive("n2", messages.appended(4, 1, 1))
    assert server.node.leadership.followers["n2"].match == 0


def test_at_most_one_message_of_entries_is_under_way_to_a_follower_and_the_rest_waits_for_its_answer(solo):
    """Thesis 10.2.2: later entries gather into the next batch."""
    server = solo()
    server.lead()
    for number in range(2):
        server.receive("c", {"type": "write", "key": "k", "value": number, "msg_id": number + 1})
        server.tell(TimerFired("flush"))
        assert not server.sends("append_entries")
    server.acknowledge("n2", match=1)
    server.tell(TimerFired("flush"))
    (send,) = server.sends("append_entries")
    assert (send.dest, send.body["previous"], len(send.body["entries"])) == ("n2", 1, 2)


def test_entries_that_were_lost_are_sent_again_once_the_follower_answers_heartbeats(solo):
    """5.3: the leader retries until all followers store all entries."""
    server = solo()
    server.lead()
    for _ in range(3):
        server.wait(0.06, "tick")
        server.acknowledge("n2", match=0)
        server.acknowledge("n3")
    server.wait(0.06, "tick")
    resent = [send.dest for send in server.sends("append_entries") if send.body["entries"]]
    assert resent == ["n2"]


def test_a_message_holds_no_more_entries_than_the_batch(solo):
    """Thesis 10.2.2: bounded messages keep heartbeats flowing."""
    server = solo(*[1] * 9, batch=4)
    server.lead()
    server.receive("n2", messages.rejected(2, 1, 9, None, 1))
    server.tell(TimerFired("flush"))
    (send,) = server.sends("append_entries")
    assert (send.body["previous"], len(send.body["entries"])) == (0, 4)


@pytest.mark.parametrize(
    ("log", "rejection", "expected"),
    [
        # The follower's log is too short: go to its end.
        ((1, 1, 1, 1), (4, None, 2), 2),
        # Its term 3 is unknown here: all of it is wrong.
        ((1, 1, 4, 4), (4, 3, 2), 2),
        # Its term 2 is known: the logs may agree up to the leader's last entry of it.
        ((1, 2, 2, 4), (4, 2, 2), 4),
        ((1, 2, 4, 4), (4, 2, 2), 3),
        # A hint that is no help still makes progress.
        ((1, 1, 1, 1), (4, 1, 4), 4),
    ],
)
def test_a_rejection_backs_up_over_a_whole_term(solo, log, rejection, expected):
    """5.3: one message per conflicting term, not one per entry."""
    server = solo(*log)
    server.lead()
    server.receive("n2", messages.rejected(server.node.term, 1, *rejection))
    assert server.node.leadership.followers["n2"].next == expected


# A follower.


def test_entries_are_refused_unless_the_one_before_them_is_there(solo):
    """5.3: the consistency check, by index and term."""
    server = solo(1, 1, 2)
    server.append("n2", 3, (5, 2), [3])
    assert [send.body for send in server.sends("appended")] == [messages.rejected(3, 1, 5, None, 4)]
    server.append("n2", 3, (2, 2), [3])
    assert [send.body for send in server.sends("appended")] == [messages.rejected(3, 1, 2, 1, 1)]
    assert terms(server.node.log) == [1, 1, 2]


def test_a_leader_of_an_old_term_is_refused(solo):
    """5.1: reply false if the term is stale; nothing of the message is used."""
    server = solo(1, hard=(3, None))
    server.append("n2", 2, (1, 1), [2], commit=1)
    assert [send.body for send in server.sends("appended")] == [messages.refused(3)]
    assert (server.node.log.last_index, server.node.commit_index, server.node.leader) == (1, 0, None)


def test_a_conflicting_entry_is_deleted_with_all_that_follow_it(solo):
    """5.3: conflicting entries in follower logs are overwritten with the leader's."""
    server = solo(1, 2, 2, 2)
    server.append("n2", 3, (1, 1), [3])
    assert terms(server.node.log) == [1, 3]
    assert {"truncate": 2} in server.records
    assert [note.fields for note in server.noted("truncated")] == [{"from": 2}]


def test_an_old_message_does_not_cut_what_came_after_it(solo):
    """5.3, figure 2: delete only on a conflict, since the message may be late."""
    server = solo()
    server.append("n2", 1, (0, 0), [1, 1, 1])
    server.append("n2", 1, (0, 0), [1])
    assert terms(server.node.log) == [1, 1, 1]
    assert not server.of(Persist)


@pytest.mark.parametrize(
    "divergent",
    [
        (1, 1, 1, 4, 4, 5, 5, 6, 6),
        (1, 1, 1, 4),
        (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6),
        (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7),
        (1, 1, 1, 4, 4, 4, 4),
        (1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3),
    ],
)
def test_every_follower_log_of_figure_7_becomes_the_leaders(solo, divergent):
    """5.3, figure 7: whatever is missing or too much, the leader's log prevails."""
    leader, follower = (
        solo(1, 1, 1, 4, 4, 5, 5, 6, 6, 6, hard=(7, None), size=3),
        solo(*divergent, hard=(7, None)),
    )
    leader.lead()
    follower.node.name = "n2"
    follower.node.peers = ("n1", "n3")
    rejections = 0
    while follower.node.log.last_index != 11 or terms(follower.node.log) != terms(leader.node.log):
        sent = [send for send in leader.sends("append_entries") if send.dest == "n2"]
        if not sent:
            sent = [send for send in leader.wait(0.11, "tick") if getattr(send, "dest", "") == "n2"]
        follower.receive("n1", sent[0].body)
        (answer,) = follower.sends("appended")
        rejections += not answer.body["success"]
        leader.receive("n2", answer.body)
        leader.tell(TimerFired("flush"))
        assert leader.time < 1_500_000_000
    assert rejections <= 2
    assert follower.node.log.digest_at(11) == leader.node.log.digest_at(11)


def test_consent_waits_until_the_entries_are_durable(solo):
    """5.3 and figure 2: updated on stable storage before responding."""
    server = solo()
    server.append("n2", 1, (0, 0), [1, 1])
    (send,) = server.sends("appended")
    assert (send.body["match"], send.after) == (2, server.last_persist)
    assert server.of(Persist)[0].record["entries"] == 1 or server.of(Persist)[1].record["entries"] == 1


def test_a_repeated_message_whose_entries_are_not_yet_durable_waits_for_them_too(solo):
    """Figure 2: the second copy writes nothing, but its consent claims as much as that of the first."""
    server = solo()
    server.append("n2", 1, (0, 0), [1, 1])
    persist = server.last_persist
    server.append("n2", 1, (0, 0), [1, 1])
    (send,) = server.sends("appended")
    assert send.after == persist
    server.synced()
    server.append("n2", 1, (0, 0), [1, 1])
    assert [send.after for send in server.sends("appended")] == [None]


def test_a_heartbeat_is_answered_at_once_and_claims_only_what_it_compared(solo):
    """5.3: an answer that overtakes the disk must not speak for entries that are not there yet."""
    server = solo(1, hard=(1, None))
    server.append("n2", 1, (1, 1), [1, 1])
    server.append("n2", 1, (1, 1))
    (send,) = server.sends("appended")
    assert (send.body["match"], send.after) == (1, None)
    assert not server.of(Persist)


def test_a_follower_commits_no_further_than_the_last_new_entry(solo):
    """Figure 2: commitIndex = min(leaderCommit, index of last new entry); beyond it the log may differ."""
    server = solo(1, 2, 2)
    server.append("n2", 3, (1, 1), commit=3)
    assert server.node.commit_index == 1
    server.append("n2", 3, (1, 1), [3], commit=9)
    assert server.node.commit_index == 2


def test_committed_entries_are_applied_in_the_order_of_the_log(solo):
    """5.3: once a follower learns that an entry is committed, it applies it, in log order."""
    server = solo(1, 1, 1)
    server.append("n2", 1, (3, 1), commit=3)
    assert server.node.machine.apply({"type": "read", "key": "k"})["value"] == "1.1,1.2,1.3,"
    assert [note.fields["first"] for note in server.noted("applied")] == [1]


def test_a_long_backlog_is_applied_in_pieces(solo):
    """5.6: a node that comes back must not miss heartbeats over its log."""
    server = solo(*[1] * 1500)
    server.append("n2", 1, (1500, 1), commit=1500)
    assert server.node.applied_index == 1000
    server.tell(TimerFired("apply"))
    assert server.node.applied_index == 1500


# Persistence.


def test_a_restart_finds_term_vote_and_log_as_they_were(solo):
    """Figure 2: currentTerm, votedFor and log are persistent; the commit index is not."""
    server = solo()
    server.append("n2", 1, (0, 0), [1, 1, 1])
    server.append("n3", 2, (1, 1), [2, 2], commit=2)
    server.time += server.node.limits.election_maximum
    server.receive("n4", messages.request_vote(3, 9, 2))
    again = type(server)(type(server.node), records=server.records)
    assert (again.node.term, again.node.vote) == (3, "n4")
    assert again.node.log.digest_at(3) == server.node.log.digest_at(3)
    assert (again.node.commit_index, again.node.applied_index, again.node.log.last_index) == (0, 0, 3)
    (note,) = again.noted("recovered")
    assert [entry[0] for entry in note.fields["entries"]] == [1, 2, 2]


def test_entries_that_a_deposed_leader_had_not_written_yet_are_written_before_it_follows(solo):
    """Figure 2: what a log claims must be on disk, however the leadership ended in that turn."""
    server = solo()
    server.lead()
    server.receive("c", {"type": "write", "key": "k", "value": 1, "msg_id": 1})
    server.receive("n3", messages.append_entries(5, 1, (2, 1), [], 0))
    assert [persist.record.get("entries") for persist in server.of(Persist)] == [2, None]
    (answer,) = server.sends("appended")
    assert answer.after == server.last_persist


def test_a_commit_is_noted_before_any_answer_leaves(solo):
    """A fault that waits for the note strikes between the commit and the answer."""
    server = solo()
    server.lead()
    server.acknowledge(*server.peers)
    server.receive("c", {"type": "write", "key": "k", "value": 1, "msg_id": 1})
    server.tell(TimerFired("flush"))
    server.synced()
    effects = server.acknowledge("n2", "n3")
    kinds = [
        effect.kind if isinstance(effect, Note) else "reply"
        for effect in effects
        if isinstance(effect, Note | Reply)
    ]
    assert kinds == ["committed", "applied", "reply", "answered"]
