"""Certificates of invalidity: sound relaxations are confirmed, unsound ones refused by name."""

from __future__ import annotations

import pytest

from splitbrain.checkers.verification import verify


def steps(*operations, process=0):
    """Completed operations one after the other: (f, value, result[, fields])."""
    return [
        line
        for f, value, result, *extra in operations
        for line in ((process, "invoke", f, value), (process, "ok", f, result, *extra))
    ]


@pytest.fixture
def stale(written):
    """write 1, write 2, read -> 1, and a harmless read -> 2 before it."""
    return written(
        *steps(("write", 1, 1), ("write", 2, 2), ("read", None, 2), ("write", 3, 3), ("read", None, 1))
    )


def test_a_stale_read_is_refuted_by_three_operations(stale, refuted_by):
    verification = verify(refuted_by([0, 2, 4, 8]), stale)
    assert verification.holds is True
    assert verification.checked == 4
    smaller = verify(refuted_by([0, 6, 8]), stale)
    assert (smaller.holds, smaller.checked) == (True, 3)


def test_a_sub_history_with_a_legal_order_refutes_nothing(stale, refuted_by):
    verification = verify(refuted_by([0, 8]), stale)
    assert verification.holds is False
    assert "have a legal order, for instance 0, 8" in verification.reason


def test_a_write_that_is_read_must_not_be_dropped(stale, refuted_by):
    verification = verify(refuted_by([2, 8]), stale)
    assert verification.holds is False
    assert "drops operation 0 (write 1), but operation 8 (read -> 1)" in verification.reason


def test_a_crashed_write_that_is_read_must_not_be_dropped(written, refuted_by):
    history = written(
        (0, "invoke", "write", 1), (0, "info", "write", 1), *steps(("read", None, 1), process=1)
    )
    verification = verify(refuted_by([2]), history)
    assert verification.holds is False
    assert "drops operation 0 (write 1), but operation 2 (read -> 1)" in verification.reason


def test_a_completed_write_must_not_be_dropped_beside_an_unequal_cas(written, refuted_by):
    history = written(*steps(("write", 1, 1), ("write", 2, 2), ("cas", [1, 5], [1, 5], {"applied": False})))
    verification = verify(refuted_by([0, 4]), history)
    assert verification.holds is False
    assert "drops operation 2 (write 2) beside operation 4 (cas [1, 5], not applied)" in verification.reason


def test_a_put_must_not_be_dropped_beside_an_append(written, refuted_by):
    history = written(*steps(("put", "a", "a"), ("append", "b", "b"), ("get", None, "ab")))
    verification = verify(refuted_by([2, 4], model="kv"), history)
    assert verification.holds is False
    assert 'drops operation 0 (put "a"), but operation 4 (get -> "ab")' in verification.reason


def test_an_append_may_go_unless_what_it_left_is_read(written, refuted_by):
    history = written(
        *steps(("append", "a", "a"), ("get", None, "ba"), ("put", "z", "z"), ("get", None, "q"))
    )
    assert "observes its value" in verify(refuted_by([2], model="kv"), history).reason
    assert verify(refuted_by([6], model="kv"), history).holds is True


def test_a_value_that_a_cas_compares_with_is_observed(written, refuted_by):
    history = written(*steps(("write", 1, 1), ("cas", [1, 2], [1, 2])))
    assert "drops operation 0 (write 1)" in verify(refuted_by([2]), history).reason
    assert "drops operation 0 (write 1)" in verify(refuted_by([], [2]), history).reason


def test_a_deleted_key_that_is_read_as_null_is_observed(written, refuted_by):
    history = written(*steps(("put", 1, 1), ("delete", None, None), ("get", None, None)))
    assert "drops operation 2 (delete)" in verify(refuted_by([0, 4], model="kv"), history).reason


def test_a_crashed_operation_becomes_optional(stale, refuted_by):
    assert "have a legal order" in verify(refuted_by([0, 8], [2, 6]), stale).reason


def test_a_kept_operation_that_failed_is_refused(written, refuted_by):
    history = written((0, "invoke", "write", 1), (0, "fail", "write", 1), *steps(("read", None, 1)))
    assert verify(refuted_by([2]), history).holds is True
    assert "keeps operation 0 (write 1), which failed" in verify(refuted_by([0, 2]), history).reason


def test_a_failed_cas_that_is_an_observation_can_refute(written, refuted_by):
    history = written(*steps(("write", 1, 1)), (0, "invoke", "cas", [1, 2]), (0, "fail", "cas", [1, 2]))
    assert verify(refuted_by([0, 2], failed_cas="observed"), history).holds is True
    assert verify(refuted_by([0], failed_cas="ignored"), history).holds is False


def test_a_nil_read_refutes_only_where_nil_reads_are_exact(written, refuted_by):
    history = written(*steps(("write", 1, 1), ("read", None, None)))
    assert verify(refuted_by([0, 2]), history).holds is True
    assert verify(refuted_by([0, 2], nil_reads="any"), history).holds is False


def test_the_wrong_key_is_refused(written, refuted_by):
    history = written(
        (0, "invoke", "read", None, {"key": "x"}),
        (0, "ok", "read", 9, {"key": "x"}),
        (0, "invoke", "read", None, {"key": "y"}),
        (0, "ok", "read", None, {"key": "y"}),
    )
    assert verify(refuted_by([0], keyed=True, key="x"), history).holds is True
    assert (
        'Position 0 is no operation on the key "y"'
        in verify(refuted_by([0], keyed=True, key="y"), history).reason
    )
    assert 'no operation on the key "z"' in verify(refuted_by([0], keyed=True, key="z"), history).reason


def test_the_wrong_model_is_refused(stale, refuted_by):
    verification = verify(refuted_by([0, 2, 4, 8], model="multi-register"), stale)
    assert "'write', which the model multi-register does not have" in verification.reason


def test_a_transaction_that_is_read_must_not_be_dropped(written, refuted_by):
    history = written(
        *steps(
            ("txn", [["w", "x", 1], ["w", "y", 1]], [["w", "x", 1], ["w", "y", 1]]),
            ("txn", [["w", "x", 2]], [["w", "x", 2]]),
            ("txn", [["r", "x", None], ["r", "y", None]], [["r", "x", 1], ["r", "y", 1]]),
        )
    )
    assert verify(refuted_by([0, 2, 4], model="multi-register"), history).holds is True
    assert "drops operation 0" in verify(refuted_by([2, 4], model="multi-register"), history).reason
    assert "have a legal order" in verify(refuted_by([0, 4], model="multi-register"), history).reason


def long_history(written, last):
    """Twenty writes by two processes in overlapping pairs, each read, then a read of `last`."""
    lines = []
    for round_ in range(10):
        one, two = 2 * round_, 2 * round_ + 1
        lines += [
            (0, "invoke", "write", one),
            (1, "invoke", "write", two),
            (0, "ok", "write", one),
            (1, "ok", "write", two),
        ]
    return written(*lines, *steps(("read", None, last)))


def test_beyond_twelve_operations_the_plain_walk_refutes(written, refuted_by):
    history = long_history(written, last=0)
    verification = verify(refuted_by([each.invoke for each in history]), history)
    assert (verification.holds, verification.checked) == (True, 21)


def test_beyond_twelve_operations_the_plain_walk_finds_that_there_is_an_order(written, refuted_by):
    history = long_history(written, last=18)
    verification = verify(refuted_by([each.invoke for each in history]), history)
    assert verification.holds is False
    assert "have a legal order" in verification.reason


def test_a_refutation_beyond_the_budget_is_unknown_and_never_confirmed(written, refuted_by):
    history = long_history(written, last=0)
    verification = verify(refuted_by([each.invoke for each in history]), history, budget=20)
    assert verification.holds == "unknown"
    assert "too many to refute anew" in verification.reason


@pytest.mark.parametrize(
    "change",
    [
        {"operations": None},
        {"operations": [0]},
        {"operations": [{"position": 0}]},
        {"operations": [{"position": "0", "as": "kept"}]},
        {"operations": [{"position": 0, "as": "dropped"}]},
        {"operations": [{"position": 0, "as": []}]},
        {"operations": [{"position": 1, "as": "kept"}]},
        {"operations": [{"position": 0, "as": "kept"}, {"position": 0, "as": "crashed"}]},
        {"key": "x"},
        {"key": {"a": []}},
        {"model": None},
    ],
)
def test_a_malformed_refutation_is_answered_with_one_sentence(stale, refuted_by, change):
    verification = verify(refuted_by([0, 2, 4, 8]) | change, stale)
    assert verification.holds is False
    assert verification.reason.endswith(".")


def test_a_refutation_without_a_key_is_malformed(stale, refuted_by):
    certificate = refuted_by([0, 2, 4, 8])
    del certificate["key"]
    assert "does not name the `key`" in verify(certificate, stale).reason
