"""Which model a history without a named one is checked against, and what is said where none fits."""

import re

import pytest

from splitbrain.checkers.models import ModelMismatch, Set, choose, fitting
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories import build_history


def history(*calls):
    """Build a history of calls one after the other: (f, value, result[, type])."""
    written = []
    for f, value, result, *kind in calls:
        written.append({"process": 0, "type": "invoke", "f": f, "value": value})
        written.append({"process": 0, "type": kind[0] if kind else "ok", "f": f, "value": result})
    return build_history(written, keyed="no")


@pytest.mark.parametrize(
    ("model", "calls"),
    [
        ("cas-register", [("read", None, 1), ("write", 2, 2)]),
        ("cas-register", [("read", None, 1)]),
        ("kv", [("get", None, 1)]),
        ("kv", [("read", None, 1), ("delete", None, None)]),
        ("counter", [("add", 1, 1), ("read", None, 1)]),
        ("counter", [("add", 1, 1)]),
        ("grow-set", [("add", 1, 1), ("read", None, [1])]),
        ("grow-set", [("add", "a", "a")]),
        ("grow-set", [("read", None, [1])]),
        ("bank", [("read", None, {"a": 1})]),
        ("bank", [("read", None, {"a": 1}), ("transfer", {"from": "a", "to": "b", "amount": 1}, None)]),
        ("set", [("add", 1, [1, True])]),
        ("set", [("remove", 1, [1, True]), ("contains", 1, [1, False])]),
        ("fifo-queue", [("enqueue", 1, 1), ("dequeue", None, 1)]),
        ("stack", [("push", 1, 1), ("peek", None, 1)]),
        ("priority-queue", [("insert", 1, 1), ("poll", None, 1)]),
        ("mutex", [("acquire", None, None), ("release", None, None)]),
        ("mutex", [("acquire", None, "token"), ("release", None, None)]),
        ("mutex", [("acquire", None, 1), ("acquire", None, None)]),
        ("mutex", [("release", None, None)]),
        ("fenced-lock", [("acquire", None, 1), ("release", None, None)]),
        ("list-append", [("txn", [["append", "x", 1]], [["append", "x", 1]])]),
        ("list-append", [("txn", [["r", "x", None]], [["r", "x", [1]]])]),
        ("rw-register", [("txn", [["r", "x", None]], [["r", "x", 1]])]),
        ("multi-register", [("txn", [["read", "x", None]], [["read", "x", 1]])]),
    ],
)
def test_a_model_is_chosen_by_names_and_shapes(model, calls):
    assert choose(history(*calls)) == model


def test_failed_operations_choose_nothing():
    assert choose(history(("push", 1, 1), ("enqueue", 1, 1, "fail"), ("push", None, None, "fail"))) == "stack"
    assert choose(history(("push", 1, 1, "fail"))) == "stack"


@pytest.mark.parametrize(
    ("calls", "sentence"),
    [
        (
            [("enqueue", 1, 1), ("push", 2, 2)],
            (
                "The operation at position 2 fits no model that those before it fit (fifo-queue, queue): push"
                " is not one of enqueue, dequeue, peek; by itself it would fit stack."
            ),
        ),
        (
            [("read", None, 3), ("add", 1, 1), ("read", None, [1])],
            (
                "The operation at position 4 fits no model that those before it fit (counter): read needs a"
                " whole number as its result, not [1]; by itself it would fit cas-register, register, kv,"
                " grow-set, set-full."
            ),
        ),
        (
            [("frobnicate", 1, 1)],
            "The operation at position 0 fits no model: none has the operation frobnicate.",
        ),
        (
            [("txn", [["x", 1]], [["x", 1]])],
            (
                "The operation at position 0 fits no model; list-append comes closest, but txn needs a list"
                ' of ["r", cell, value] and ["append", cell, value], not [["x", 1]].'
            ),
        ),
    ],
)
def test_where_none_fits_the_first_operation_that_is_too_much_is_named(calls, sentence):
    with pytest.raises(ModelMismatch, match=re.escape(sentence)):
        choose(history(*calls))


def test_a_named_model_that_does_not_fit_is_told_with_those_that_would():
    with pytest.raises(ModelMismatch) as mismatch:
        check_linearizable(history(("add", 1, [1, True]), ("enqueue", 1, 1)), Set)
    assert str(mismatch.value) == (
        "The operation at position 2 doesn't fit the model set: enqueue is not one of add, remove, contains;"
        " none of the built-in models fits this history."
    )
    locked = history(("acquire", None, 1))
    assert fitting(locked) == ["mutex", "fenced-lock", "owned-mutex", "reentrant-lock"]
