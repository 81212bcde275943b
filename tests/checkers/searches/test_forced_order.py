"""The order that a witness forces: it runs in a circle only where there is no linearization."""

import random

import pytest

from splitbrain.checkers.evidence.order import forced_order
from splitbrain.checkers.models import CasRegister
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories import build_history


def _forced(lines, initial=None):
    columns = normalise(build_history(lines), CasRegister(), initial, keyed=False)
    calls = columns.keys[0]
    names = [f"#{invoked}" for invoked in calls.invokes]
    return calls, forced_order(calls, columns.kinds, range(len(names)), names.__getitem__)


def _positions(calls, edges):
    return [(calls.invokes[edge.earlier], calls.invokes[edge.later], edge.why) for edge in edges]


def _summary(lines):
    return check_linearizable(build_history(lines), CasRegister).violations[0].summary


def test_a_stale_read_comes_before_its_overwriter_and_after_it(small):
    calls, order = _forced(small.sequence(("write", 1), ("write", 2), ("read", 1)))
    assert _positions(calls, order.circle) == [(4, 2, "value"), (2, 4, "real-time")]
    assert (order.stale.writer, order.stale.overwriter, order.stale.reader) == (0, 1, 2)


def test_a_stale_read_is_told_in_one_clause(small):
    assert _summary(small.sequence(("write", 1), ("write", 2), ("read", 1))) == (
        "The history is not linearizable: the value 1 was overwritten by write 2 (process 1, position 2)"
        " before process 2 began to read (position 4), yet it read 1."
    )


def test_a_stale_cas_found_what_was_overwritten(small):
    summary = _summary(small.sequence(("write", 1), ("write", 2), ("cas", [1, 3])))
    assert "before process 2 began its cas (position 4), yet it found 1" in summary


def test_a_value_is_named_with_its_key():
    lines = [
        {"process": 0, "type": kind, "f": "write", "key": "x", "value": value}
        for value in (1, 2)
        for kind in ("invoke", "ok")
    ]
    lines.append({"process": 1, "type": "invoke", "f": "read", "key": "x", "value": None})
    lines.append({"process": 1, "type": "ok", "f": "read", "key": "x", "value": 1})
    assert 'Key "x" is not linearizable: x=1 was overwritten by write 2' in _summary(lines)
    lines = [{**line, "key": 7} for line in lines]
    assert "Key 7 is not linearizable: the value 1 of key 7 was overwritten" in _summary(lines)


def test_two_processes_that_saw_two_writes_in_opposite_orders_are_told_by_the_later_one():
    def line(process, kind, f, value=None):
        return {"process": process, "type": kind, "f": f, "value": value}

    lines = [
        line(0, "invoke", "write", 1),
        line(1, "invoke", "write", 2),
        *(line(2, kind, "read", value) for kind, value in (("invoke", None), ("ok", 1))),
        *(line(2, kind, "read", value) for kind, value in (("invoke", None), ("ok", 2))),
        *(line(3, kind, "read", value) for kind, value in (("invoke", None), ("ok", 2))),
        *(line(3, kind, "read", value) for kind, value in (("invoke", None), ("ok", 1))),
    ]
    calls, order = _forced(lines)
    assert calls.invokes[order.stale.reader] == 8
    assert {why for _, _, why in _positions(calls, order.circle)} == {"value", "reads", "real-time"}


def test_a_read_of_the_initial_value_behind_a_completed_write_is_stale(small):
    _, order = _forced(small.sequence(("write", 1), ("read", None)))
    assert order.stale.writer is None
    assert order.stale.overwriter == 0


def test_a_crashed_write_that_nobody_saw_overwrites_nothing(small):
    _, order = _forced(small.sequence(("write", 1), ("write", 2, "crash"), ("read", 1)))
    assert not order.circle


def test_values_that_repeat_force_nothing(small):
    _, order = _forced(small.sequence(("write", 1), ("write", 2), ("write", 1), ("read", 1)))
    assert {edge.why for edge in order.edges} == {"real-time"}


@pytest.mark.parametrize("profile", [0, 1, 2, 3, 4, 9])
def test_no_history_with_a_linearization_is_forced_into_a_circle(small, profile):
    found = valid = 0
    for seed in range(profile, 6000, 10):
        _, lines = small.draw(seed)
        history = build_history(lines)
        if not any(operation.status == "ok" for operation in history):
            continue
        _, order = _forced(lines)
        if small.brute_force(small.calls_of(history)):
            valid += 1
            assert not order.circle, lines
        else:
            found += bool(order.circle)
    assert valid > 20
    assert found > 20 or profile not in (3, 4)


def test_where_every_value_is_written_once_each_refutation_by_zones_has_a_circle(small):
    rng = random.Random(5)
    seen = 0
    for _ in range(1500):
        counter = iter(range(1, 100))
        lines = small.random_lines(
            rng,
            functions=("read", "read", "write", "cas"),
            values=lambda counter=counter: next(counter),
            operations=8,
            crash=0.1,
            corrupt=3,
        )
        result = check_linearizable(build_history(lines), CasRegister)
        if result.valid is False and result.method == "zones":
            seen += 1
            never_written = "no operation" in result.reason
            assert result.violations[0].evidence["circle"] or never_written, lines
    assert seen > 50
