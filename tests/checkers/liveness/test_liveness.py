"""A calm cluster that serves nobody is convicted; a load that ended, or that was served, is no stall."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitbrain.checkers.liveness import Calm, check_liveness
from splitbrain.checkers.verification import verify
from splitbrain.histories import build_history

SECOND = 1_000_000_000
BOUND = 10 * SECOND
NODES = ("n1", "n2", "n3")
WAITS = ["n1 waits for votes of n4 and n5, which are down."]


class Op(NamedTuple):
    """An operation from `begin` to `end` (seconds; None: it never returned)."""

    begin: float
    end: float | None
    type: str = "ok"


def history(*operations):
    """Return a history in which each operation has a process of its own."""
    events = []
    for process, (begin, end, kind) in enumerate(operations):
        entry = {"process": process, "f": "read", "key": "x", "value": None}
        events.append((begin, 0, {**entry, "type": "invoke"}))
        if end is not None:
            events.append((end, 1, {**entry, "type": kind}))
    events.sort(key=lambda event: event[:2])
    return build_history([{**entry, "time": int(time * SECOND)} for time, _, entry in events])


def calm(start, end, nodes=NODES):
    return Calm(int(start * SECOND), int(end * SECOND), nodes)


def check(calms, operations):
    """Check, and have the verifier re-check whatever certificate comes out."""
    told = history(*operations)
    result = check_liveness(calms, told, BOUND, WAITS)
    for violation in result.violations:
        verification = verify(violation.evidence["certificate"], told)
        assert verification.holds is True, verification.reason
        assert json.loads(json.dumps(violation.to_json())) == violation.to_json()
    if result.valid is True:
        verification = verify(result.certificate, told)
        assert verification.holds is True, verification.reason
    return result


def test_operations_that_nobody_serves_for_the_bound_convict_a_calm_cluster():
    operations = [Op(4 + each, 6 + each, "info") for each in range(10)]
    result = check([calm(4.2, 14.2)], [Op(1, 2), *operations])
    (violation,) = result.violations
    assert (result.valid, violation.kind, result.checker) == (False, "LIVE", "liveness")
    assert violation.summary == (
        "For 10.0 s from 4.2 s on n1, n2, n3 were up and connected, 10 operations waited, none was served."
    )


def test_the_evidence_has_the_span_the_bound_who_waited_and_for_whom():
    told = [Op(1, 2), Op(5, None)]
    (violation,) = check([calm(4, 15)], told).violations
    evidence = violation.evidence
    assert evidence["calm"] == {"start": 4 * SECOND, "end": 15 * SECOND, "nodes": ["n1", "n2", "n3"]}
    assert (evidence["from"], evidence["to"], evidence["bound"]) == (4 * SECOND, 15 * SECOND, BOUND)
    assert evidence["waiting"] == [2]
    assert [each["position"] for each in evidence["operations"]] == [2]
    assert evidence["waits"] == evidence["story"] == WAITS


def test_one_node_and_one_operation_are_spoken_of_as_one():
    (violation,) = check([calm(0, 12, ("n1",))], [Op(1, None)]).violations
    assert (
        violation.summary
        == "For 12.0 s from 0.0 s on n1 was up and connected, 1 operation waited, none was served."
    )


def test_refused_operations_wait_as_well():
    refused = [Op(each / 10, each / 10 + 0.05, "fail") for each in range(120)]
    assert check([calm(0, 12)], refused).valid is False


def test_an_answer_to_an_operation_of_the_span_is_progress():
    result = check([calm(0, 12)], [Op(0, 9), Op(1, None)])
    assert result.valid is True
    assert (
        result.reason
        == "1 operation was served while enough nodes were calm, and nobody waited for 10.0 s in vain."
    )


def test_an_early_answer_to_an_operation_from_before_the_span_is_no_progress():
    assert check([calm(4, 15)], [Op(3, 5), Op(4.5, None)]).valid is False
    assert check([calm(4, 15)], [Op(3, 5)]).valid == "unknown"


def test_a_late_answer_to_an_operation_from_before_the_span_is_progress():
    assert check([calm(4, 15)], [Op(3, 10), Op(4.5, None)]).valid is True


def test_an_operation_that_was_open_across_the_start_of_the_span_waits():
    assert check([calm(4, 14)], [Op(3, None)]).valid is False


def test_answers_outside_of_the_span_are_no_progress_in_it():
    assert check([calm(4, 14)], [Op(1, 3), Op(3.5, None), Op(14.5, 15)]).valid is False


def test_an_answer_after_more_than_the_bound_does_not_acquit():
    (violation,) = check([calm(0, 20)], [Op(1, 12)]).violations
    assert violation.evidence["to"] == 12 * SECOND


def test_a_cluster_that_served_and_then_stopped_is_convicted_from_its_last_answer_on():
    (violation,) = check([calm(0, 30)], [Op(1, 2), Op(3, 5), Op(6, None)]).violations
    assert (violation.evidence["from"], violation.evidence["to"]) == (5 * SECOND, 30 * SECOND)


def test_a_span_shorter_than_the_bound_convicts_nobody():
    result = check([calm(0, 9.9)], [Op(0, None)])
    assert result.valid == "unknown"
    assert "calm for 9.9 s at most" in result.reason


def test_a_load_that_ended_before_the_bound_is_not_taken_for_a_stall():
    assert check([calm(0, 30)], [Op(1, 9, "info")]).valid == "unknown"


def test_a_load_that_began_after_half_the_bound_has_not_waited_long_enough():
    assert check([calm(0, 10)], [Op(5.1, None)]).valid == "unknown"
    assert check([calm(0, 10)], [Op(5, None)]).valid is False


def test_late_in_a_long_calm_half_a_bound_of_waiting_convicts():
    assert check([calm(0, 100)], [Op(1, 2), Op(90, 94.9, "info")]).valid is True
    assert check([calm(0, 100)], [Op(1, 2), Op(90, 95, "info")]).valid is False


def test_a_clients_pause_does_not_end_a_load_but_a_longer_one_does():
    assert check([calm(0, 10)], [Op(1, 7, "info"), Op(7.5, None)]).valid is False
    assert check([calm(0, 10)], [Op(1, 7, "info"), Op(7.6, None)]).valid == "unknown"


def test_a_pause_just_where_the_second_half_begins_does_not_end_a_load():
    assert check([calm(0, 10)], [Op(1, 4.8, "info"), Op(5.2, None)]).valid is False


def test_a_load_that_ended_within_the_bound_of_the_last_answer_is_no_stall():
    assert check([calm(0, 100)], [Op(1, 2), Op(3, 9, "info")]).valid is True


def test_an_operation_that_was_answered_early_holds_no_load_together():
    assert check([calm(4, 30)], [Op(3, 8.9), Op(9.3, 14.1, "info"), Op(25, 26)]).valid is True
    assert check([calm(4, 30)], [Op(3, 8.9, "info"), Op(9.3, 14.1, "info"), Op(25, 26)]).valid is False


def test_without_a_span_nothing_is_known():
    result = check([], [Op(1, 2)])
    assert (result.valid, result.reason) == (
        "unknown",
        "Enough nodes were never calm at one time, so nothing is known about liveness.",
    )


def test_when_nobody_asks_nothing_is_known():
    result = check([calm(0, 100)], [])
    assert result.valid == "unknown"
    assert "nobody asked" in result.reason


def test_one_stall_of_two_calm_sets_is_told_once_and_the_longer_one():
    result = check([calm(0, 12, ("n1", "n2")), calm(0, 13, ("n2", "n3"))], [Op(1, None)])
    (violation,) = result.violations
    assert violation.evidence["calm"]["nodes"] == ["n2", "n3"]


def test_stalls_of_two_spans_are_told_both():
    result = check([calm(0, 12), calm(20, 35)], [Op(1, 13, "info"), Op(21, None)])
    assert [each.evidence["from"] for each in result.violations] == [0, 20 * SECOND]


def test_operations_without_times_are_left_out():
    lines = [{"process": 0, "type": "invoke", "f": "read", "value": None}]
    assert check_liveness([calm(0, 12)], build_history(lines), BOUND).valid == "unknown"


@pytest.mark.parametrize("bound", [0, -1])
def test_a_bound_that_means_nothing_is_refused(bound):
    with pytest.raises(ValueError, match="must be positive"):
        check_liveness([calm(0, 12)], history(), bound)


TIMES = st.integers(0, 80).map(lambda each: each / 2)
OPERATIONS = st.lists(
    st.builds(
        lambda begin, length, kind: Op(begin, None if length is None else begin + length, kind),
        TIMES,
        st.none() | st.integers(0, 30).map(lambda each: each / 2),
        st.sampled_from(["ok", "info", "info", "fail"]),
    ),
    max_size=8,
)
CALMS = st.lists(st.builds(lambda start, length: calm(start, start + length), TIMES, TIMES), max_size=3)


@given(CALMS, OPERATIONS)
def test_checker_and_verifier_agree_on_every_history(calms, operations):
    result = check(calms, operations)
    if result.valid is not False:
        return
    told = history(*operations)
    spans = [
        {"start": each.start, "end": each.end, "nodes": list(each.nodes), "served": count}
        for each in calms
        for count in [_served(told, each)]
    ]
    verification = verify({"kind": "progress", "bound": BOUND, "calms": spans}, told)
    assert verification.holds is False


def _served(told, span):
    return sum(
        each.status == "ok"
        and each.end_time <= span.end
        and (each.time >= span.start or each.end_time >= span.start + BOUND // 2)
        for each in told
    )
