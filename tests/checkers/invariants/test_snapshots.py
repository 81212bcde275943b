"""Raft over notes of snapshots: they are claims about committed prefixes, and logs may begin in them."""

from __future__ import annotations

import pytest

from splitbrain.checkers.verdict import NodeNote
from splitbrain.checkers.verification import verify_notes

A, B, C, D = (1, "a"), (1, "b"), (2, "c"), (2, "d")
OTHER = (1, "other")


def compacted_run(notes):
    """n1 commits three entries and compacts two; n2 gets them as a snapshot and leads term 3 with them."""
    for node in ("n1", "n2"):
        notes.started(node)
        notes.recovered(node, [], 0)
    notes.elected("n1", 1, [])
    notes.appended("n1", [A, B, C])
    notes.committed("n1", [A, B, C], in_term=2)
    notes.applied("n1", [A, B, C])
    notes.snapshot_taken("n1", [A, B])
    notes.snapshot_installed("n2", [A, B])
    notes.appended("n2", [A, B, C], first=3)
    notes.committed("n2", [A, B, C], in_term=2)
    notes.applied("n2", [A, B, C], first=3)
    notes.started("n1")
    notes.recovered_after_snapshot("n1", [A, B, C], at=2, term=2)
    notes.elected("n2", 3, [A, B, C])


def test_a_sound_run_with_snapshots_is_valid_and_says_how_many_there_were(notes):
    compacted_run(notes)
    result = notes.check()
    assert result.valid is True
    assert "log indices filled: 3, committed: 3, applied: 3, snapshots: 3" in result.reason


def test_notes_of_snapshots_alone_are_something_to_check(notes):
    notes.snapshot_taken("n1", [A, B])
    assert notes.check().valid is True


# State-machine safety.


def test_a_snapshot_that_differs_from_what_another_node_applied_breaks_state_machine_safety(notes):
    applied = notes.applied("n1", [A, B])
    taken = notes.snapshot_taken("n2", [A, C])
    (violation,) = notes.check().violations
    assert violation.kind == "SMS"
    assert violation.summary == "The snapshot of n2 up to index 2 holds other entries than n1 applied."
    assert [(note["node"], note["line"]) for note in violation.evidence["notes"]] == [
        ("n1", applied.line),
        ("n2", taken.line),
    ]


def test_a_node_that_takes_a_snapshot_of_something_else_than_it_applied_breaks_it(notes):
    notes.applied("n1", [A, B])
    notes.snapshot_taken("n1", [OTHER, B])
    (violation,) = notes.check().violations
    assert violation.summary == "The snapshot of n1 up to index 2 holds other entries than it applied."


def test_two_snapshots_that_differ_break_state_machine_safety(notes):
    notes.snapshot_taken("n1", [A, B])
    notes.snapshot_installed("n2", [A, C])
    (violation,) = notes.check().violations
    assert violation.summary == "The snapshots of n1 and n2 up to index 2 hold different entries."


def test_a_snapshot_found_at_the_start_of_a_life_is_held_to_state_machine_safety(notes):
    notes.snapshot_taken("n1", [A, B])
    notes.started("n1")
    notes.recovered_after_snapshot("n1", [A, C, D], at=2, term=2)
    (violation,) = notes.check().violations
    assert violation.summary == "Two snapshots of n1 up to index 2 hold different entries."


def test_an_installed_snapshot_is_compared_with_what_others_applied(notes):
    notes.applied("n1", [A, B, C])
    notes.snapshot_installed("n2", [A, D])
    assert notes.kinds() == ["SMS"]


# Log matching.


def test_a_snapshot_names_an_entry_that_logs_must_hold_after_the_same_prefix(notes):
    notes.appended("n1", [A, B])
    notes.snapshot_installed("n2", [OTHER, B])
    (violation,) = notes.check().violations
    assert violation.kind == "LM"
    assert "n1 and n2 both held an entry 2 of term 1" in violation.summary


def test_a_snapshot_past_an_uncommitted_entry_of_another_term_is_an_ordinary_replacement(notes):
    notes.appended("n2", [A, OTHER])
    notes.applied("n1", [A, C])
    notes.snapshot_installed("n2", [A, C])
    assert notes.check().valid is True


# Leader completeness.


def test_a_log_that_begins_in_a_snapshot_is_compared_at_the_snapshots_index(notes):
    notes.committed("n1", [A, B], in_term=1)
    notes.snapshot_installed("n2", [A, C])
    notes.appended("n2", [A, C, D], first=3)
    notes.elected("n2", 3, [A, C, D])
    (violation,) = notes.check().violations
    assert violation.kind == "LC"
    assert "whose log had another one there" in violation.summary


def test_a_recovered_log_leads_down_to_its_snapshot(notes):
    notes.committed("n1", [A, B], in_term=1)
    notes.started("n2")
    notes.recovered_after_snapshot("n2", [A, C, D], at=2, term=2)
    notes.elected("n2", 3, [A, C, D])
    assert notes.kinds() == ["LC"]


def test_a_log_that_is_nothing_but_a_snapshot_is_compared_at_its_end(notes):
    notes.committed("n1", [A, B], in_term=1)
    notes.elected("n2", 3, [A, C])
    assert notes.kinds() == ["LC"]


def test_below_a_snapshot_that_came_from_elsewhere_nothing_is_concluded(notes):
    notes.committed("n1", [A, B], in_term=1)
    notes.appended("n3", [A, C, D])
    notes.snapshot_installed("n2", [A, C, D])
    notes.elected("n2", 3, [A, C, D])
    assert notes.check().valid is True


def test_below_its_own_snapshot_a_node_is_held_to_what_it_noted_itself(notes):
    notes.committed("n1", [A, B], in_term=1)
    notes.appended("n2", [A, C, D])
    notes.snapshot_taken("n2", [A, C, D])
    notes.elected("n2", 3, [A, C, D])
    assert notes.kinds() == ["LC"]


def test_a_snapshot_that_dropped_a_committed_suffix_shows_at_the_next_election(notes):
    notes.appended("n2", [A, B, C])
    notes.committed("n1", [A, B, C], in_term=2)
    notes.snapshot_installed("n2", [A, B], last=2)
    notes.elected("n2", 3, [A, B])
    violation, _ = notes.check().violations
    assert violation.kind == "LC"
    assert violation.evidence["story"] == [
        "n2 once held entry 3, and then installed a snapshot up to 2 that left its log ending at 2."
    ]


@pytest.mark.parametrize("last", [2, 3])
def test_no_snapshot_is_blamed_for_an_entry_that_was_not_there_or_that_it_kept(notes, last):
    if last == 3:
        notes.appended("n2", [A, B, C])
    notes.committed("n1", [A, B, C], in_term=2)
    notes.snapshot_installed("n2", [A, B], last=last)
    notes.elected("n2", 3, [A, B])
    (violation,) = notes.check().violations
    assert violation.evidence["story"] == []


@pytest.mark.parametrize(
    "order",
    [
        ["appended", "installed elsewhere", "elected"],
        ["installed", "appended", "elected"],
        ["appended", "elected", "installed"],
        ["appended", "taken", "elected"],
    ],
)
def test_no_snapshot_is_blamed_that_came_elsewhere_or_at_another_time(notes, order):
    notes.committed("n1", [A, B, C], in_term=2)
    happen = {
        "appended": lambda: notes.appended("n2", [A, B, C]),
        "installed": lambda: notes.snapshot_installed("n2", [A, B]),
        "installed elsewhere": lambda: notes.snapshot_installed("n3", [A, B]),
        "taken": lambda: notes.snapshot_taken("n2", [A, B]),
        "elected": lambda: notes.elected("n2", 3, [A, B]),
    }
    notes.started("n3")
    for event in order:
        happen[event]()
    violation = notes.check().violations[0]
    assert violation.kind == "LC"
    assert violation.evidence["story"] == []


def test_a_snapshot_alone_does_not_tell_in_which_term_it_was_committed(notes):
    notes.snapshot_taken("n1", [A, B])
    notes.elected("n2", 9, [A])
    assert notes.check().valid is True


# Membership.


def test_configurations_are_no_claims(notes):
    compacted_run(notes)
    notes.add("n1", "configured", index=4, term=3, members=["n1", "n2"], role="leader")
    notes.add("n1", "configured", index=5, term=3, members=["n3", "n4", "n5"], role="leader")
    notes.add("n2", "configured", index=4, term=2, members=("n2",), role="follower")
    assert notes.check().valid is True


def test_leaders_of_one_term_in_two_configurations_still_break_election_safety(notes):
    notes.add("n1", "configured", index=1, term=1, members=["n1", "n2"], role="leader")
    notes.add("n3", "configured", index=2, term=1, members=["n3"], role="leader")
    notes.elected("n1", 3, [])
    notes.elected("n3", 3, [])
    assert notes.kinds() == ["ES"]


# What can't be understood.


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("snapshot-taken", {"index": 2, "term": 1}),
        ("snapshot-taken", {"index": "2", "term": 1, "digest": "x"}),
        ("snapshot-taken", {"index": 2, "digest": "x"}),
        ("snapshot-installed", {"index": 2, "term": 1, "digest": "x"}),
        ("snapshot-installed", {"index": 2, "term": 1, "digest": None, "last": 2}),
        ("recovered", {"first": 3, "entries": []}),
        ("recovered", {"first": 3, "entries": [], "previous": "x"}),
        ("recovered", {"first": 3, "entries": [], "previous": "x", "snapshot": 2}),
        ("recovered", {"first": 3, "entries": [], "previous": "x", "snapshot": {"index": 1, "term": 1}}),
        ("recovered", {"first": 3, "entries": [], "previous": "x", "snapshot": {"index": 2}}),
        ("recovered", {"first": 3, "entries": [], "snapshot": {"index": 2, "term": 1}}),
    ],
)
def test_a_malformed_note_of_a_snapshot_makes_valid_unknown(notes, kind, fields):
    compacted_run(notes)
    notes.nodes["n1"].append(NodeNote("n1", 99, 0, kind, fields))
    result = notes.check()
    assert result.valid == "unknown"
    assert "line 99 of n1" in result.reason


# Fields as a simulated node has them.


def as_tuples(value):
    if isinstance(value, list):
        return tuple(map(as_tuples, value))
    return value


def test_tuples_say_what_lists_say_to_the_checker_and_to_the_verifier(notes):
    compacted_run(notes)
    notes.appended("n1", [A, OTHER])
    notes.applied("n2", [A, OTHER])
    lists = notes.check()
    for node, own in notes.nodes.items():
        notes.nodes[node] = [
            note._replace(fields={name: as_tuples(value) for name, value in note.fields.items()})
            for note in own
        ]
    assert notes.check() == lists
    assert notes.kinds() == ["LM", "LC", "SMS"]


# The verifier by itself.


@pytest.mark.parametrize(
    "break_it",
    [
        lambda notes: notes.snapshot_taken("n1", [A, D]),
        lambda notes: notes.snapshot_installed("n1", [OTHER, B]),
        lambda notes: notes.recovered_after_snapshot("n1", [A, D], at=2, term=2),
        lambda notes: notes.recovered_after_snapshot("n2", [OTHER, D, D], at=1, term=2),
    ],
)
def test_the_verifier_finds_by_itself_what_a_snapshot_contradicts(notes, break_it):
    compacted_run(notes)
    break_it(notes)
    certificate = {
        "kind": "invariants-held",
        "checker": "raft-invariants",
        "notes": {node: len(own) for node, own in notes.nodes.items()},
        "leaders": {"1": "n1", "3": "n2"},
    }
    verification = verify_notes(certificate, notes.nodes)
    assert verification.holds is False
    assert "is broken" in verification.reason
