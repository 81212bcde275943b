"""What servers keep: a committed entry that was stored and is gone convicts, and nothing else does."""

from __future__ import annotations

import pytest

A, B, C, D = (1, "a"), (1, "b"), (2, "c"), (2, "d")
OTHER = (3, "o")


def committed_run(notes):
    """Both store three entries of terms 1 and 2; n1 says in term 2 that they are committed."""
    notes.appended("n1", [A, B, C])
    notes.appended("n2", [A, B, C])
    notes.committed("n1", [A, B, C], in_term=2)


def cited(violation):
    return [(note["node"], note["line"]) for note in violation.evidence["notes"]]


def test_a_snapshot_that_drops_a_committed_suffix_convicts_without_an_election(notes):
    committed_run(notes)
    dropped = notes.snapshot_installed("n2", [A, B], last=2)
    (violation,) = notes.check().violations
    assert violation.kind == "LC"
    assert violation.summary == (
        "Entry 3 was committed in term 2 or earlier, and n2 had stored it, but lost it: its log ends at 2."
    )
    assert cited(violation) == [("n1", 1), ("n2", 0), ("n2", dropped.line)]


def test_a_life_that_comes_back_without_a_committed_entry_convicts(notes):
    committed_run(notes)
    notes.started("n2")
    notes.recovered("n2", [A, B], 2)
    assert notes.kinds() == ["LC"]


def test_a_committed_entry_that_another_one_replaced_convicts(notes):
    committed_run(notes)
    notes.appended("n2", [A, B, OTHER], first=3)
    (violation,) = notes.check().violations
    assert violation.summary.endswith("but lost it: its log has another entry 3.")


def test_entries_that_end_before_a_committed_one_convict(notes):
    committed_run(notes)
    notes.appended("n2", [A, B], first=2)
    assert notes.kinds() == ["LC"]


def test_it_does_not_matter_when_and_by_whom_the_commitment_was_noted(notes):
    notes.appended("n2", [A, B, C])
    notes.snapshot_installed("n2", [A, B], last=2)
    notes.committed("n3", [A, B, C], in_term=2)
    assert notes.kinds() == ["LC"]


def test_a_removal_that_nothing_follows_in_the_same_step_convicts(notes):
    committed_run(notes)
    removed = notes.add("n2", "truncated", **{"from": 3})
    following = notes.add("n2", "role", role="follower", term=2, leader="n1")
    (violation,) = notes.check().violations
    assert cited(violation)[-2:] == [("n2", removed.line), ("n2", following.line)]


def test_a_removal_after_which_the_same_entries_are_put_back_is_nothing_lost(notes):
    committed_run(notes)
    notes.add("n2", "truncated", **{"from": 2})
    notes.appended("n2", [A, B, C], first=2)
    assert notes.check().valid is True


@pytest.mark.parametrize("last_words", ["truncated", "nothing"])
def test_a_removal_at_the_end_of_a_life_is_judged_by_what_came_back(notes, last_words):
    committed_run(notes)
    if last_words == "truncated":
        notes.add("n2", "truncated", **{"from": 3})
    notes.started("n2")
    notes.recovered("n2", [A, B, C], 2)
    assert notes.check().valid is True


def test_an_entry_may_be_replaced_by_a_leader_older_than_its_commitment(notes):
    """A leader of term 2 lacks entry 2 of term 1 and has n2 replace it; one of term 3 restores it."""
    notes.appended("n1", [A, B])
    notes.appended("n2", [A, B])
    notes.appended("n2", [A, C], first=2)
    notes.appended("n2", [A, B, OTHER], first=2)
    notes.committed("n1", [A, B], in_term=3)
    assert notes.check().valid is True


def test_the_end_of_the_log_tells_that_the_term_of_the_commitment_had_come(notes):
    """The same replacement after a log that ended in term 3, in which entry 2 was committed."""
    notes.appended("n2", [A, B, OTHER])
    notes.committed("n1", [A, B], in_term=3)
    notes.appended("n2", [A, C], first=2)
    assert notes.kinds() == ["LC"]


def test_an_entry_below_a_snapshot_is_not_lost(notes):
    committed_run(notes)
    notes.snapshot_taken("n2", [A, B, C])
    notes.started("n2")
    notes.recovered_after_snapshot("n2", [A, B, C, D], at=3, term=2)
    notes.snapshot_installed("n2", [A, B, C, D])
    assert notes.check().valid is True


def test_an_uncommitted_entry_may_go(notes):
    notes.appended("n2", [A, B, C, D])
    notes.committed("n1", [A, B, C], in_term=2)
    notes.appended("n2", [A, B, C, OTHER], first=4)
    assert notes.check().valid is True


def test_another_entry_of_the_same_index_may_go(notes):
    notes.appended("n2", [A, B, D])
    notes.committed("n1", [A, B, C], in_term=2)
    notes.appended("n2", [A, B, C], first=3)
    assert notes.kinds() == ["LM"]


def test_what_a_server_was_never_noted_to_hold_is_not_missed(notes):
    notes.committed("n1", [A, B, C], in_term=2)
    notes.recovered("n2", [A, B], 2)
    notes.appended("n2", [A, B], first=2)
    assert notes.check().valid is True


def test_what_others_hold_is_not_what_a_server_lost(notes):
    committed_run(notes)
    notes.appended("n3", [A, B])
    notes.snapshot_installed("n3", [A, B])
    assert notes.check().valid is True


def test_a_removal_of_no_index_is_malformed(notes):
    committed_run(notes)
    notes.add("n2", "truncated", **{"from": "3"})
    notes.add("n2", "role", role="follower", term=2, leader="n1")
    assert notes.check().valid == "unknown"
