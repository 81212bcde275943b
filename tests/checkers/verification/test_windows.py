"""Histories without their past or their future, and strings without some of their pieces."""

from __future__ import annotations

import pytest

from splitbrain.checkers.verification import verify


def one_by_one(*operations):
    """Completed operations one after the other: (f, value, result[, fields])."""
    return [
        line
        for f, value, result, *extra in operations
        for line in ((0, "invoke", f, value), (0, "ok", f, result, *extra))
    ]


SWAPPED = one_by_one(
    ("write", 1, 1), ("write", 2, 2), ("write", 1, 1), ("cas", [1, 3], [1, 3]), ("read", None, 1)
)


@pytest.mark.parametrize(
    ("past", "lines"),
    [
        (2, one_by_one(("write", 1, 1), ("write", 2, 2), ("read", None, 1))),
        (2, one_by_one(("write", 1, 1), ("read", None, 2), ("read", None, 1))),
        (6, SWAPPED),
    ],
    ids=["a write", "a read", "an applied cas"],
)
def test_a_history_may_begin_with_the_state_that_an_operation_left(written, refuted_by, past, lines):
    last = len(lines) - 2
    verification = verify(refuted_by([last], past=past), written(*lines))
    assert verification.holds is True
    assert verification.checked == 1


def test_a_history_may_begin_with_a_delete(written, refuted_by):
    history = written(*one_by_one(("put", 1, 1), ("delete", None, None), ("get", None, 1)))
    assert verify(refuted_by([4], past=2, model="kv"), history).holds is True


def test_a_history_may_end_before_the_write_that_explains_a_read(written, refuted_by):
    history = written(*one_by_one(("read", None, 1), ("write", 1, 1), ("read", None, 1)))
    assert "observes its value" in verify(refuted_by([0]), history).reason
    assert verify(refuted_by([0], future=1), history).holds is True


def test_what_ran_at_an_edge_may_take_effect_or_not(written, refuted_by):
    history = written(
        (0, "invoke", "write", 1),
        (1, "invoke", "write", 2),
        (1, "ok", "write", 2),
        (0, "ok", "write", 1),
        *one_by_one(("read", None, 1), ("read", None, 2), ("read", None, 1)),
    )
    assert "observes its value" in verify(refuted_by([4, 6, 8], past=1), history).reason
    assert verify(refuted_by([4, 6, 8], [0], past=1), history).holds is True
    assert "have a legal order" in verify(refuted_by([4, 8], [0], past=1), history).reason


def test_an_indeterminate_write_of_the_past_may_take_effect_at_any_time(written, refuted_by):
    history = written(
        (0, "invoke", "write", 1),
        (0, "info", "write", 1),
        *((1, *line[1:]) for line in one_by_one(("write", 2, 2), ("read", None, 1))),
    )
    assert "drops operation 0" in verify(refuted_by([4], past=2), history).reason
    assert "have a legal order" in verify(refuted_by([0, 4], past=2), history).reason


def test_a_transaction_begins_a_history_of_the_registers_that_it_fixes(written, refuted_by):
    both = [["w", "x", 1], ["r", "y", None]]
    history = written(
        *one_by_one(
            ("txn", both, [["w", "x", 1], ["r", "y", 7]]),
            ("txn", [["r", "x", None]], [["r", "x", 2]]),
            ("txn", [["r", "z", None]], [["r", "z", 2]]),
        )
    )
    assert verify(refuted_by([2], past=0, model="multi-register"), history).holds is True
    refused = verify(refuted_by([2, 4], past=0, model="multi-register"), history)
    assert "the state that operation 4" in refused.reason
    unseen = verify(refuted_by([2], past=0, model="multi-register", nil_reads="any"), history)
    assert unseen.holds is True


def test_an_append_that_is_no_piece_of_what_is_read_may_go_beside_others(written, refuted_by):
    history = written(
        *one_by_one(
            ("append", "x", "x"),
            ("put", "y", "y"),
            ("append", "b", "b"),
            ("get", None, "ab"),
        )
    )
    assert verify(refuted_by([4, 6], model="kv"), history).holds is True


def test_a_piece_that_was_there_already_may_go(written, refuted_by):
    lines = one_by_one(("get", None, "ab"), ("append", "a", "a"), ("append", "c", "c"), ("get", None, "abcd"))
    assert verify(refuted_by([4, 6], past=0, model="kv"), written(*lines)).holds is True
    assert "observes its value" in verify(refuted_by([4, 6], model="kv"), written(*lines)).reason


@pytest.mark.parametrize("past", [2, 6])
def test_neither_the_past_nor_its_last_operation_may_be_kept(written, refuted_by, past):
    history = written(*SWAPPED)
    for how in ({"kept": [2, 8]}, {"kept": [8], "crashed": [2]}):
        refused = verify(refuted_by(how["kept"], how.get("crashed", ()), past=past), history)
        assert "keeps operation 2 (write 2), which it forgets" in refused.reason


def test_the_future_may_not_be_kept(written, refuted_by):
    refused = verify(refuted_by([8], future=7), written(*SWAPPED))
    assert "keeps operation 8 (read -> 1), which it forgets" in refused.reason


def test_a_null_read_fixes_no_state_where_nil_reads_are_any(written, refuted_by):
    history = written(*one_by_one(("write", 1, 1), ("read", None, None), ("read", None, 1)))
    assert verify(refuted_by([4], past=2), history).holds is True
    assert "is not known" in verify(refuted_by([4], past=2, nil_reads="any"), history).reason


def test_many_optional_operations_that_do_the_same_are_no_burden(written, refuted_by):
    crashed = [(process, "invoke", "write", process % 2) for process in range(1, 25)]
    history = written(*crashed, *one_by_one(*[("read", None, 0), ("read", None, 1)] * 3, ("read", None, 2)))
    verification = verify(refuted_by([each.invoke for each in history]), history, budget=30_000)
    assert verification.holds is True


@pytest.mark.parametrize(
    "wrong", [{"past": 1}, {"past": "0"}, {"past": True}, {"future": "1"}, {"future": 1.5}]
)
def test_a_malformed_edge_is_answered_with_one_sentence(written, refuted_by, wrong):
    verification = verify(refuted_by([8], **wrong), written(*SWAPPED))
    assert verification.holds is False
    assert verification.reason.endswith(".")
    assert next(iter(wrong)) in verification.reason
