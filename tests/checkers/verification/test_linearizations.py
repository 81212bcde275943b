"""Certificates of validity: what is confirmed, and what each tampering is answered."""

from __future__ import annotations

import pytest

from splitbrain.checkers.verification import verify


@pytest.fixture
def overlapping(written):
    """write 1 (0..3) overlaps read -> 1 (1..2); then cas [1, 2] (4..5), and a crashed write 9 (6..)."""
    return written(
        (0, "invoke", "write", 1),
        (1, "invoke", "read", None),
        (1, "ok", "read", 1),
        (0, "ok", "write", 1),
        (0, "invoke", "cas", [1, 2]),
        (0, "ok", "cas", [1, 2]),
        (1, "invoke", "write", 9),
        (1, "info", "write", 9),
    )


def test_a_legal_order_is_confirmed(overlapping, order_of):
    verification = verify(order_of((None, [0, 1, 4])), overlapping)
    assert verification.holds is True
    assert verification.checked == 3
    assert "cas-register" in verification.reason


def test_an_indeterminate_write_may_be_placed_or_left_out(overlapping, order_of):
    assert verify(order_of((None, [0, 1, 4, 6])), overlapping).holds is True


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ([0, 1], "leaves out operation 4 (cas [1, 2]), which completed"),
        ([1, 0, 4], "operation 1 (read -> 1) is illegal: it finds null"),
        ([0, 4, 1], "places operation 4 (cas [1, 2]) before operation 1 (read -> 1), which had returned"),
        ([0, 1, 1, 4], "holds operation 1 (read -> 1) twice"),
        ([0, 1, 4, 7], "names position 7: no operation"),
        ([0, 1, 4, -1], "names position -1"),
    ],
)
def test_a_tampered_order_is_refused_with_the_operation_and_the_reason(
    overlapping, order_of, order, sentence
):
    verification = verify(order_of((None, order)), overlapping)
    assert verification.holds is False
    assert sentence in verification.reason


def test_an_operation_that_failed_has_no_place_in_an_order(written, order_of):
    history = written((0, "invoke", "write", 1), (0, "fail", "write", 1))
    assert "operation 0 (write 1), which failed" in verify(order_of((None, [0])), history).reason
    assert verify(order_of((None, [])), history).holds is True


def test_a_failed_cas_counts_as_an_observation_only_where_the_certificate_says_so(written, order_of):
    history = written(
        (0, "invoke", "write", 1),
        (0, "ok", "write", 1),
        (0, "invoke", "cas", [1, 2]),
        (0, "fail", "cas", [1, 2]),
    )
    assert verify(order_of((None, [0])), history).holds is True
    verification = verify(order_of((None, [0, 2]), failed_cas="observed"), history)
    assert verification.holds is False
    assert "operation 2 (cas [1, 2]) is illegal: it finds 1" in verification.reason


def test_an_unequal_cas_is_illegal_where_it_finds_its_old_value(written, order_of):
    history = written((0, "invoke", "cas", [None, 2]), (0, "ok", "cas", [None, 2], {"applied": False}))
    assert "not applied) is illegal: it finds null" in verify(order_of((None, [0])), history).reason
    assert verify(order_of((None, [0]), initial=7), history).holds is True


def test_a_nil_read_is_legal_anywhere_only_if_the_certificate_says_so(written, order_of):
    history = written(
        (0, "invoke", "write", 1), (0, "ok", "write", 1), (0, "invoke", "read", None), (0, "ok", "read", None)
    )
    assert verify(order_of((None, [0, 2])), history).holds is False
    assert verify(order_of((None, [0, 2]), nil_reads="any"), history).holds is True


@pytest.mark.parametrize("other", [1.0, True, "1", [1], {"1": 1}])
def test_values_of_different_json_types_are_different(written, order_of, other):
    history = written(
        (0, "invoke", "write", 1),
        (0, "ok", "write", 1),
        (0, "invoke", "read", None),
        (0, "ok", "read", other),
    )
    assert verify(order_of((None, [0, 2])), history).holds is False


def test_equal_structures_are_the_same_value(written, order_of):
    value = {"b": [1, None, 2.5], "a": True}
    history = written(
        (0, "invoke", "write", value),
        (0, "ok", "write", value),
        (0, "invoke", "read", None),
        (0, "ok", "read", {"a": True, "b": [1, None, 2.5]}),
    )
    assert verify(order_of((None, [0, 2])), history).holds is True


@pytest.fixture
def two_keys(written):
    return written(
        (0, "invoke", "put", "a", {"key": "x"}),
        (0, "ok", "put", "a", {"key": "x"}),
        (1, "invoke", "append", "b", {"key": "x"}),
        (1, "ok", "append", "b", {"key": "x"}),
        (0, "invoke", "get", None, {"key": "x"}),
        (0, "ok", "get", "ab", {"key": "x"}),
        (0, "invoke", "delete", None, {"key": "y"}),
        (0, "ok", "delete", None, {"key": "y"}),
        (0, "invoke", "get", None, {"key": "y"}),
        (0, "ok", "get", None, {"key": "y"}),
    )


def test_each_key_is_replayed_by_itself(two_keys, order_of):
    certificate = order_of(("x", [0, 2, 4]), ("y", [6, 8]), model="kv", keyed=True)
    assert verify(certificate, two_keys).holds is True


@pytest.mark.parametrize(
    ("orders", "sentence"),
    [
        ([("x", [0, 2, 4])], "no order for the key of operation 6 (delete)"),
        ([("x", [0, 2, 4, 6]), ("y", [8])], "names position 6: no operation on that key"),
        ([("x", [0, 2, 4]), ("y", [6, 8]), ("z", [])], 'no operation on the key "z"'),
        ([("x", [0, 2, 4]), ("y", [6, 8]), ("x", [])], 'key "x" has two orders'),
    ],
)
def test_keys_must_be_covered_once_and_by_their_own_operations(two_keys, order_of, orders, sentence):
    verification = verify(order_of(*orders, model="kv", keyed=True), two_keys)
    assert verification.holds is False
    assert sentence in verification.reason


@pytest.mark.parametrize("model", ["register", "cas-register", "multi-register"])
def test_a_model_without_the_operation_is_the_wrong_model(two_keys, order_of, model):
    certificate = order_of(("x", [0, 2, 4]), ("y", [6, 8]), model=model, keyed=True)
    verification = verify(certificate, two_keys)
    assert verification.holds is False
    assert f"'put', which the model {model} does not have" in verification.reason


def test_a_transaction_over_several_registers_reads_its_own_writes(written, order_of):
    done = [["write", "x", 1], ["read", "x", 1], ["read", "y", 0]]
    history = written(
        (0, "invoke", "txn", [["write", "x", 1], ["read", "x", None], ["read", "y", None]]),
        (0, "ok", "txn", done),
    )
    certificate = order_of((None, [0]), model="multi-register", initial={"x": 0, "y": 0})
    assert verify(certificate, history).holds is True
    stale = certificate | {"initial": {"x": 0, "y": 3}}
    assert "is illegal: it finds" in verify(stale, history).reason


def test_a_transaction_that_answers_what_was_not_asked_is_refused(written, order_of):
    history = written((0, "invoke", "txn", [["read", "x", None]]), (0, "ok", "txn", [["read", "y", None]]))
    certificate = order_of((None, [0]), model="multi-register")
    assert "does not match what it asked" in verify(certificate, history).reason


@pytest.mark.parametrize(
    "certificate",
    [
        None,
        [],
        "linearizations",
        {},
        {"kind": []},
        {"kind": "invariant"},
        {"kind": "linearizations"},
        {"kind": "linearizations", "model": ["kv"]},
        {"model": "stack"},
        {"nil_reads": 1},
        {"failed_cas": None},
        {"keyed": "yes"},
        {"keys": None},
        {"keys": [3]},
        {"keys": [{"key": None}]},
        {"keys": [{"key": None, "order": "0"}]},
        {"keys": [{"key": None, "order": [0.0]}]},
        {"keys": [{"key": None, "order": [True]}]},
        {"keys": [{"key": "x", "order": [0]}]},
        {"keys": [{"key": [[], {}], "order": [[0]]}]},
    ],
)
def test_a_malformed_certificate_is_answered_with_one_sentence(overlapping, order_of, certificate):
    if isinstance(certificate, dict) and certificate and "kind" not in certificate:
        certificate = order_of((None, [0, 1, 4])) | certificate
    verification = verify(certificate, overlapping)
    assert verification.holds is False
    assert verification.reason.endswith(".")
    assert "\n" not in verification.reason


def test_a_certificate_nested_beyond_all_measure_is_answered_too(overlapping, order_of):
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    verification = verify(order_of((None, [0, 1, 4]), initial=deep), overlapping)
    assert verification.holds is False
    assert "nested too deeply" in verification.reason
