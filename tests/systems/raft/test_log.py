"""The log, its digests, its records and the settings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitbrain.systems.raft.log import EMPTY_DIGEST, Log, chain
from splitbrain.systems.raft.settings import read_settings
from splitbrain.systems.raft.storage import (
    Durability,
    entries_record,
    hard_record,
    recover,
    truncate_record,
)

increasing_terms = st.lists(st.integers(1, 5), max_size=12).map(sorted)


def log_of(terms):
    log = Log()
    for term in terms:
        log.append(term, f"command of {term}")
    return log


def test_a_digest_covers_the_whole_log_before_it_its_term_and_its_command():
    base = chain(EMPTY_DIGEST, 1, {"a": 1, "b": 2})
    assert base == chain(EMPTY_DIGEST, 1, {"b": 2, "a": 1})
    assert (
        len(
            {
                base,
                chain(EMPTY_DIGEST, 2, {"a": 1, "b": 2}),
                chain(EMPTY_DIGEST, 1, None),
                chain(base, 1, None),
            }
        )
        == 4
    )


@given(increasing_terms, increasing_terms)
def test_two_logs_with_one_digest_are_one_log(left, right):
    first, second = log_of(left), log_of(right)
    for index in range(min(len(left), len(right)) + 1):
        assert (first.digest_at(index) == second.digest_at(index)) == (left[:index] == right[:index])


@given(increasing_terms, st.integers(1, 12), increasing_terms)
def test_a_log_that_was_cut_and_went_on_is_as_if_it_had_never_held_the_rest(terms, first, more):
    log = log_of(terms)
    kept = terms[: first - 1]
    log.truncate(min(first, len(terms) + 1))
    more = [term for term in more if not kept or term >= kept[-1]]
    for term in more:
        log.append(term, f"command of {term}")
    same = log_of(kept + more)
    assert log.digests(0, log.last_index) == same.digests(0, same.last_index)
    for term in range(1, 6):
        found = [index for index, each in enumerate(kept + more, 1) if each == term]
        assert log.last_of_term(term) == (found[-1] if found else None)
        if found:
            assert log.first_of_term_at(found[-1]) == found[0]


def test_the_empty_log_holds_index_0_of_term_0_alone():
    log = Log()
    assert (log.last_index, log.last_term, log.digest_at(0)) == (0, 0, EMPTY_DIGEST)
    assert log.holds(0, 0)
    assert not log.holds(1, 0)


def test_records_rebuild_what_was_written():
    records = [
        hard_record(1, "n1"),
        entries_record(1, [[1, None], [1, "a"]]),
        truncate_record(2),
        entries_record(2, [[2, "b"]]),
        hard_record(2, None),
    ]
    term, vote, log, _ = recover(records)
    assert (term, vote, log.entries(1, 9)) == (2, None, [[1, None], [2, "b"]])


@pytest.mark.parametrize("record", [entries_record(3, [[1, None]]), {"what": 1}])
def test_damaged_records_are_refused_with_their_position(record):
    with pytest.raises(ValueError, match=r"Record 1 .* damaged"):
        recover([hard_record(1, None), record])


def test_the_log_is_durable_up_to_the_last_synced_entries_that_were_not_cut():
    durability = Durability(2)
    first = durability.issue_entries(5)
    assert (durability.covering(2), durability.covering(3), durability.covering(5)) == (None, first, first)
    durability.cut(4)
    durability.issue()
    second = durability.issue_entries(6)
    durability.done(first)
    assert (durability.index, durability.covering(3), durability.covering(4)) == (3, None, second)
    durability.done(second)
    assert (durability.index, durability.covering(6)) == (6, None)


def test_entries_wait_for_the_term_as_well():
    durability = Durability()
    entries = durability.issue_entries(1)
    hard = durability.issue_hard()
    assert durability.covering(1) == hard
    assert durability.covering(0) == hard
    durability.done(entries)
    assert durability.covering(1) == hard
    durability.done(hard)
    assert durability.covering(1) is None


@pytest.mark.parametrize(
    "settings",
    [
        *({"heartbeat": 0.5}, {"election": [0.3, 0.3]}, {"heartbeat": 0}, {"batch": 0}),
        *({"snapshot_after": 0}, {"snapshot_chunk": 0}, {"reads": "any"}, {"clock_bound": 1}),
    ],
)
def test_settings_that_cannot_work_are_refused(settings):
    with pytest.raises(ValueError, match="Raft"):
        read_settings(settings)


def test_what_was_durable_and_is_cut_and_replaced_is_not_durable_until_the_new_is():
    durability = Durability(5)
    durability.cut(4)
    durability.issue()
    replaced = durability.issue_entries(5)
    assert (durability.index, durability.covering(3), durability.covering(4)) == (3, None, replaced)
