"""Raft over notes: each contradiction is found and certified; no silence is held against a node."""

from __future__ import annotations

import pytest

from splitbrain.checkers.verdict import NodeNote
from splitbrain.checkers.verification import verify_notes


def check(notes):
    return notes.check()


def kinds(notes):
    return notes.kinds()


def cited(violation):
    return {(note["node"], note["line"]) for note in violation.evidence["notes"]}


A, B, C = (1, "a"), (1, "b"), (2, "c")


def sound_run(notes):
    """n1 leads term 1 and commits two entries; n2 leads term 2 with both and commits a third."""
    for node in ("n1", "n2"):
        notes.started(node)
        notes.recovered(node, [], 0)
    notes.elected("n1", 1, [])
    for node in ("n1", "n2"):
        notes.appended(node, [A, B])
        notes.committed(node, [A, B], in_term=1)
        notes.applied(node, [A, B])
    notes.started("n1")
    notes.recovered("n1", [A, B], 1)
    notes.elected("n2", 2, [A, B])
    for node in ("n2", "n1"):
        notes.appended(node, [A, B, C], first=3)
        notes.committed(node, [A, B, C], in_term=2)
    notes.applied("n1", [A, B, C])
    notes.applied("n2", [A, B, C], first=3)


def test_a_sound_run_is_valid_with_the_counts_of_what_was_checked(notes):
    sound_run(notes)
    result = check(notes)
    assert result.valid is True
    assert result.certificate == {
        "kind": "invariants-held",
        "checker": "raft-invariants",
        "notes": {"n1": 11, "n2": 9},
        "leaders": {"1": "n1", "2": "n2"},
    }
    assert "log indices filled: 3, committed: 3, applied: 3" in result.reason


def test_without_notes_nothing_is_known(notes):
    assert check(notes).valid == "unknown"
    notes.nodes["n1"] = []
    assert check(notes).valid == "unknown"


def test_notes_that_say_nothing_of_the_protocol_prove_nothing(notes):
    notes.started("n1")
    notes.add("n1", "role", role="follower", term=0, leader=None)
    assert check(notes).valid == "unknown"


# Election safety.


def test_two_leaders_in_one_term_break_election_safety(notes):
    one = notes.elected("n1", 3, [])
    notes.elected("n2", 4, [])
    other = notes.elected("n3", 3, [])
    (violation,) = check(notes).violations
    assert (violation.kind, violation.summary) == ("ES", "n1 and n3 were both elected leader of term 3.")
    assert cited(violation) == {("n1", one.line), ("n3", other.line)}


def test_a_role_note_is_a_claim_to_lead_too(notes):
    notes.add("n1", "role", role="leader", term=3, leader="n1")
    notes.elected("n2", 3, [])
    assert kinds(notes) == ["ES"]


def test_a_voter_who_voted_twice_is_named_in_the_story(notes):
    notes.add("n2", "voted", term=3, **{"for": "n1"})
    notes.started("n2")
    notes.add("n2", "voted", term=3, **{"for": "n3"})
    notes.elected("n1", 3, [])
    notes.elected("n3", 3, [])
    (violation,) = check(notes).violations
    assert violation.evidence["story"] == ["n2 voted for n1 and for n3 in term 3."]


def test_votes_for_two_candidates_in_one_term_break_election_safety_though_one_was_elected(notes):
    one = notes.add("n2", "voted", term=3, **{"for": "n1"})
    notes.started("n2")
    other = notes.add("n2", "voted", term=3, **{"for": "n3"})
    notes.elected("n1", 3, [])
    (violation,) = check(notes).violations
    assert (violation.kind, violation.summary) == ("ES", "n2 voted for n1 and for n3 in term 3.")
    assert cited(violation) == {("n2", one.line), ("n2", other.line)}


def test_votes_in_other_terms_of_other_servers_or_for_the_same_candidate_are_no_second_ones(notes):
    notes.add("n2", "voted", term=3, **{"for": "n1"})
    notes.add("n2", "voted", term=4, **{"for": "n3"})
    notes.add("n1", "voted", term=3, **{"for": "n3"})
    notes.add("n2", "voted", term=4, **{"for": "n3"})
    notes.elected("n1", 3, [])
    assert kinds(notes) == []


def test_leading_one_term_in_two_lives_breaks_election_safety(notes):
    notes.started("n1")
    notes.elected("n1", 3, [])
    again = notes.started("n1")
    notes.elected("n1", 3, [])
    (violation,) = check(notes).violations
    assert violation.summary == "n1 was elected leader of term 3 in two of its lives."
    assert ("n1", again.line) in cited(violation)


def test_saying_twice_in_one_life_that_it_leads_is_no_violation(notes):
    notes.started("n1")
    notes.add("n1", "role", role="leader", term=3, leader="n1")
    notes.elected("n1", 3, [])
    assert check(notes).valid is True


def test_what_followers_believe_about_the_leader_is_hearsay(notes):
    notes.elected("n1", 3, [])
    notes.add("n2", "role", role="follower", term=3, leader="n3")
    assert check(notes).valid is True


# Log matching.


def test_one_index_and_term_with_two_contents_breaks_log_matching(notes):
    notes.appended("n1", [A, B])
    notes.appended("n2", [A, (1, "other")])
    (violation,) = check(notes).violations
    assert violation.kind == "LM"
    assert "n1 and n2 both held an entry 2 of term 1" in violation.summary


def test_one_log_that_holds_an_entry_in_two_versions_is_named_once(notes):
    notes.appended("n1", [A, B])
    notes.appended("n1", [A, (1, "other")])
    (violation,) = check(notes).violations
    assert violation.summary == (
        "The log of n1 at two times held an entry 2 of term 1, but not the same log up to it."
    )


def test_a_kept_stale_tail_shows_as_an_entry_after_another_prefix(notes):
    notes.appended("n1", [A, C, (2, "d")])
    notes.appended("n2", [B, (2, "c"), (2, "d")])
    (violation,) = check(notes).violations
    assert "entry 1 of term 1" in violation.summary
    assert violation.evidence["story"] == ["3 entries in all are held in two versions."]


def test_different_terms_at_one_index_are_an_ordinary_conflict(notes):
    notes.appended("n1", [A, B])
    notes.appended("n2", [A, (2, "other")])
    notes.add("n1", "truncated", **{"from": 2})
    notes.appended("n1", [A, (2, "other")], first=2)
    assert check(notes).valid is True


def test_an_entry_lost_in_a_power_cut_and_refilled_in_a_later_term_is_no_violation(notes):
    notes.appended("n1", [A, B])
    notes.started("n1")
    notes.recovered("n1", [A], 1)
    notes.appended("n1", [A, C], first=2)
    assert check(notes).valid is True


def test_a_recovered_log_is_held_to_log_matching_too(notes):
    notes.appended("n1", [A, B])
    notes.started("n2")
    notes.recovered("n2", [A, (1, "z")], 1)
    assert kinds(notes) == ["LM"]


def test_a_committed_note_does_not_stand_for_a_log_of_its_own(notes):
    notes.committed("n1", [A], in_term=1)
    notes.committed("n2", [A], in_term=1)
    assert check(notes).valid is True


# Leader completeness.


def test_a_later_leader_with_a_shorter_log_breaks_leader_completeness(notes):
    commit = notes.committed("n1", [A, B], in_term=1)
    election = notes.elected("n2", 2, [A])
    (violation,) = check(notes).violations
    assert violation.kind == "LC"
    assert "missing from the log of n2, elected in term 2, whose log ended at 1" in violation.summary
    assert cited(violation) == {("n1", commit.line), ("n2", election.line)}


def test_a_later_leader_with_another_entry_there_breaks_leader_completeness(notes):
    notes.committed("n1", [A, B], in_term=1)
    notes.elected("n2", 3, [A, C])
    assert kinds(notes) == ["LC"]


def test_a_later_leader_with_a_longer_log_is_followed_down_its_digests(notes):
    notes.committed("n1", [A, B], in_term=1)
    log = [A, C, (2, "d"), (2, "e")]
    notes.appended("n2", log[:2])
    notes.appended("n2", log[:3], first=3)
    notes.appended("n2", log, first=4)
    notes.elected("n2", 3, log)
    (violation,) = check(notes).violations
    assert violation.kind == "LC"
    assert cited(violation) == {("n1", 0), ("n2", 1), ("n2", 2), ("n2", 3)}


def test_a_leader_whose_log_is_not_known_at_the_index_is_not_accused(notes):
    notes.committed("n1", [A, B], in_term=1)
    log = [A, C, (2, "d"), (2, "e")]
    notes.appended("n2", log, first=4)
    notes.elected("n2", 3, log)
    assert check(notes).valid is True


def test_a_leaders_log_is_taken_from_its_own_notes_alone(notes):
    notes.committed("n1", [A, B], in_term=1)
    log = [A, C, (2, "d")]
    notes.appended("n3", log)
    notes.elected("n2", 3, log)
    assert check(notes).valid is True


def test_digests_that_collide_make_no_accusation(notes):
    notes.committed("n1", [A, B], in_term=1)
    notes.add("n2", "appended", first=2, entries=[[2, "x"], [2, "collision"]], previous="1a")
    notes.add("n2", "appended", first=2, entries=[[1, "1a/1b"], [2, "collision"]], previous="1a")
    notes.elected("n2", 3, [])
    notes.nodes["n2"][-1].fields.update(last=3, digest="collision")
    assert check(notes).valid is True


def test_an_election_of_the_same_or_an_earlier_term_owes_the_commit_nothing(notes):
    notes.committed("n1", [A, B], in_term=2)
    notes.elected("n2", 2, [])
    notes.elected("n3", 1, [])
    assert check(notes).valid is True


def test_terms_decide_and_not_the_clock(notes):
    notes.elected("n2", 5, [])
    late = notes.committed("n1", [A], in_term=1)
    notes.nodes["n1"] = [NodeNote("n1", late.line, 10**12, late.kind, late.fields)]
    assert kinds(notes) == ["LC"]


def test_the_earliest_term_that_noted_a_commit_counts(notes):
    notes.committed("n3", [A], in_term=9)
    notes.committed("n1", [A], in_term=1)
    notes.elected("n2", 2, [])
    assert kinds(notes) == ["LC"]


# State-machine safety.


def test_two_machines_that_apply_different_entries_break_state_machine_safety(notes):
    notes.applied("n1", [A, B])
    notes.applied("n2", [A, C])
    (violation,) = check(notes).violations
    assert (violation.kind, violation.summary) == (
        "SMS",
        "n1 and n2 applied different entries at index 2.",
    )


def test_a_node_that_applies_something_else_after_a_restart_breaks_it_as_well(notes):
    notes.applied("n1", [A, B])
    notes.started("n1")
    notes.applied("n1", [A, C])
    (violation,) = check(notes).violations
    assert "n1 applied two different entries at index 2" in violation.summary


def test_a_node_that_applies_the_same_again_after_a_restart_is_fine(notes):
    notes.applied("n1", [A, B])
    notes.started("n1")
    notes.applied("n1", [A, B, C])
    assert check(notes).valid is True


# What can't be understood.


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("elected", {}),
        ("elected", {"term": "3", "last": 0, "digest": None}),
        ("elected", {"term": 3, "last": 2, "digest": None}),
        ("elected", {"term": True, "last": 0, "digest": None}),
        ("role", {"role": None}),
        ("role", {"role": "leader"}),
        ("appended", {"first": 1, "entries": None}),
        ("appended", {"first": 1, "entries": [[1]]}),
        ("appended", {"first": -1, "entries": []}),
        ("appended", {"first": 1, "entries": [[1, []]]}),
        ("appended", {"first": 1, "entries": [[1, "x"]], "previous": {}}),
        ("recovered", {"entries": []}),
        ("committed", {"index": 1, "term": 1, "digest": "x"}),
        ("applied", {"first": 1, "digests": "xyz"}),
        ("applied", {"first": 1, "digests": [None]}),
        ("voted", {"term": 1, "for": None}),
        ("unreadable", {"text": "{"}),
    ],
)
def test_a_malformed_note_makes_valid_unknown_and_hides_no_violation(notes, kind, fields):
    sound_run(notes)
    notes.nodes["n1"].append(NodeNote("n1", 99, 0, kind, fields))
    result = check(notes)
    assert result.valid == "unknown"
    assert "line 99 of n1" in result.reason
    notes.elected("n1", 2, [A, B])
    assert kinds(notes) == ["ES"]


def test_kinds_of_notes_that_are_not_in_the_vocabulary_are_skipped(notes):
    sound_run(notes)
    notes.add("n1", "read-answered", anything=[1])
    assert check(notes).valid is True


# The verifier refuses what is not so.


@pytest.mark.parametrize("kind", ["ES", "LM", "LC", "SMS"])
def test_notes_that_agree_certify_no_violation(notes, kind):
    sound_run(notes)
    lines = [{"node": node, "line": note.line} for node, own in notes.nodes.items() for note in own]
    verification = verify_notes({"kind": "invariant", "violation": kind, "notes": lines}, notes.nodes)
    assert verification.holds is False
    assert f"do not contradict each other under {kind}" in verification.reason


@pytest.mark.parametrize(
    "certificate",
    [
        {"kind": "invariant"},
        {"kind": "invariant", "violation": "XX", "notes": []},
        {"kind": "invariant", "violation": "ES", "notes": None},
        {"kind": "invariant", "violation": "ES", "notes": [1]},
        {"kind": "invariant", "violation": "ES", "notes": [{"node": "n1", "line": "1"}]},
        {"kind": "invariant", "violation": "ES", "notes": [{"node": "n9", "line": 0}]},
        {"kind": "invariant", "violation": "ES", "notes": [{"node": "n1", "line": 999}]},
        {"kind": "invariants-held"},
        {"kind": "invariants-held", "checker": "raft-invariants", "notes": [], "leaders": {}},
        {"kind": "invariants-held", "checker": "raft-invariants", "notes": {"n1": 10}, "leaders": {}},
        {
            "kind": "invariants-held",
            "checker": "raft-invariants",
            "notes": {"n1": 11, "n2": 9},
            "leaders": {},
        },
        {"kind": "refutation"},
        None,
    ],
)
def test_a_false_or_malformed_certificate_of_notes_is_answered_with_one_sentence(notes, certificate):
    sound_run(notes)
    verification = verify_notes(certificate, notes.nodes)
    assert verification.holds is False
    assert verification.reason.endswith(".")


@pytest.mark.parametrize(
    "break_it",
    [
        lambda notes: notes.elected("n1", 2, [A, B]),
        lambda notes: notes.appended("n1", [A, (1, "z")]),
        lambda notes: notes.elected("n1", 7, [A]),
        lambda notes: notes.applied("n1", [A, (1, "z")]),
    ],
)
def test_the_verifier_finds_by_itself_what_would_make_held_a_lie(notes, break_it):
    sound_run(notes)
    break_it(notes)
    certificate = {
        "kind": "invariants-held",
        "checker": "raft-invariants",
        "notes": {node: len(own) for node, own in notes.nodes.items()},
        "leaders": {"1": "n1", "2": "n2"},
    }
    verification = verify_notes(certificate, notes.nodes)
    assert verification.holds is False
    assert "is broken" in verification.reason
