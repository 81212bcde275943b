"""Certificates of kind `prices`: what a history would cost, and that no prices refute a valid one."""

from __future__ import annotations

import random

import pytest

from splitbrain.checkers.verification import verify


@pytest.fixture
def priced(refuted_by):
    def make(kept, prices, **changes):
        entries = [{"position": position, "price": price} for position, price in prices.items()]
        return refuted_by(kept, kind="prices", prices=entries, **changes)

    return make


SCARCE = (
    (9, "invoke", "write", 1),
    (0, "invoke", "read", None),
    (0, "ok", "read", 1),
    (0, "invoke", "write", 2),
    (0, "ok", "write", 2),
    (0, "invoke", "read", None),
    (0, "ok", "read", 1),
)
"""One write of 1 without an answer, and 1 is read on both sides of a write of 2."""


@pytest.fixture
def scarce(written):
    return written(*SCARCE)


def test_a_history_that_costs_more_than_there_is_is_refuted(scarce, priced):
    verification = verify(priced([0, 1, 3, 5], {0: 1}), scarce)
    assert verification.holds is True
    assert "it would cost 2, and all indeterminate ones together 1" in verification.reason


def test_without_prices_a_history_is_free(scarce, priced):
    verification = verify(priced([0, 1, 3, 5], {}), scarce)
    assert verification.holds is False
    assert "an order of the 4 operations kept costs 0" in verification.reason


def test_what_no_number_of_crashed_operations_explains_needs_no_prices(written, priced):
    history = written(
        (9, "invoke", "write", 1),
        (0, "invoke", "read", None),
        (0, "ok", "read", 2),
        (0, "invoke", "write", 2),
    )
    verification = verify(priced([0, 1, 3], {}), history)
    assert verification.holds is True
    assert "again and again" in verification.reason


def test_a_crashed_operation_is_of_no_use_before_its_invocation(written, priced):
    late = written(*SCARCE, (8, "invoke", "write", 1))
    assert verify(priced([0, 1, 3, 5, 7], {0: 1}), late).holds is True
    early = written(SCARCE[0], (8, "invoke", "write", 1), *SCARCE[1:])
    assert verify(priced([0, 1, 2, 4, 6], {0: 1}), early).holds is False
    assert verify(priced([0, 1, 2, 4, 6], {0: 1, 1: 1}), early).holds is False


def test_the_cheaper_of_two_that_do_the_same_counts(scarce, priced, written):
    lines = [(9, "invoke", "write", 1), (8, "invoke", "write", 1)]
    for _ in range(3):
        lines += [(0, "invoke", "read", None), (0, "ok", "read", 1)]
        lines += [(0, "invoke", "write", 2), (0, "ok", "write", 2)]
    history = written(*lines)
    kept = [0, 1, 2, 4, 6, 8, 10, 12]
    assert verify(priced(kept, {0: 1, 1: 1}), history).holds is True
    assert verify(priced(kept, {0: 2, 1: 1}), history).holds is False


@pytest.mark.parametrize(
    ("prices", "complaint"),
    [
        (None, "`prices` must be a list"),
        ([5], "must have a `position` and a `price`"),
        ([{"position": 0, "price": -1}], "not negative"),
        ([{"position": 0, "price": 0.5}], "a whole number"),
        ([{"position": 0, "price": True}], "a whole number"),
        ([{"position": 1, "price": 1}], "no indeterminate operation kept"),
        ([{"position": 77, "price": 1}], "no indeterminate operation kept"),
        ([{"position": 0, "price": 1}] * 2, "has two prices"),
    ],
)
def test_malformed_prices_are_refused_by_name(scarce, priced, prices, complaint):
    verification = verify(priced([0, 1, 3, 5], {}) | {"prices": prices}, scarce)
    assert verification.holds is False
    assert complaint in verification.reason


def test_a_crashed_operation_must_not_be_dropped_because_it_has_no_price(scarce, priced):
    assert verify(priced([1, 3, 5], {}), scarce).holds is False


def test_a_history_too_large_for_the_budget_is_unknown(scarce, priced):
    verification = verify(priced([0, 1, 3, 5], {0: 1}), scarce, budget=3)
    assert verification.holds == "unknown"


def test_appends_without_limit_end_with_the_budget(written, priced):
    history = written(
        (9, "invoke", "append", "a"),
        (0, "invoke", "get", None),
        (0, "ok", "get", "b"),
        (8, "invoke", "put", "b"),
    )
    assert verify(priced([0, 1, 3], {}, model="kv"), history, budget=2000).holds == "unknown"


def test_no_prices_refute_a_valid_history(small_valid, priced):
    for seed in range(2000):
        rng = random.Random(seed)
        history, kept, crashed = small_valid(rng)
        prices = {position: rng.randrange(4) for position in crashed if rng.random() < 0.8}
        verification = verify(priced(kept, prices), history)
        assert verification.holds is False, (seed, verification.reason)
        assert "prove nothing" in verification.reason


@pytest.fixture
def small_valid(written):
    """Draw a history whose operations took effect one by one; some of them never returned."""

    def draw(rng):
        lines, crashed, state = [], [], None
        pending = []
        for process in range(rng.randrange(4, 12)):
            if pending and rng.random() < 0.5:
                (f, value) = pending.pop(rng.randrange(len(pending)))
                state = value if f == "write" else value[1] if state == value[0] else state
            f = rng.choice(("read", "read", "write", "cas", "crash", "crash"))
            if f == "crash":
                f = rng.choice(("write", "cas"))
                value = rng.randrange(3) if f == "write" else rng.sample((None, 0, 1, 2), 2)
                crashed.append(len(lines))
                lines.append((process, "invoke", f, value))
                pending.append((f, value))
                continue
            value = {"read": None, "write": rng.randrange(3)}.get(f, rng.sample((None, 0, 1, 2), 2))
            lines.append((process, "invoke", f, value))
            applied = f != "cas" or state == value[0]
            if f == "write":
                state = value
            elif f == "cas" and applied:
                state = value[1]
            result = state if f == "read" else value
            lines.append((process, "ok", f, result, {} if applied else {"applied": False}))
        history = written(*lines)
        return history, [each.invoke for each in history], crashed

    return draw
