"""Certificates of liveness that claim what is not so are refused with one sentence."""

from __future__ import annotations

import pytest

from splitbrain.checkers.liveness import Calm, check_liveness
from splitbrain.checkers.verification import verify
from splitbrain.histories import build_history

SECOND = 1_000_000_000
BOUND = 10 * SECOND


def line(process, kind, time):
    return {"process": process, "type": kind, "f": "read", "value": None, "time": time * SECOND}


STALLED = build_history(
    [
        line(0, "invoke", 1),
        line(0, "ok", 2),
        line(1, "invoke", 3),
        line(2, "invoke", 4),
        line(2, "info", 6),
        line(3, "invoke", 30),
        line(3, "ok", 31),
    ]
)
SERVED = build_history([line(0, "invoke", 1), line(0, "ok", 2)])
STALL = {
    "kind": "stall",
    "bound": BOUND,
    "calm": {"start": 0, "end": 20 * SECOND, "nodes": ["n1", "n2"]},
    "from": 2 * SECOND,
    "to": 20 * SECOND,
    "operations": [2],
}
PROGRESS = {
    "kind": "progress",
    "bound": BOUND,
    "calms": [{"start": 0, "end": 20 * SECOND, "nodes": ["n1", "n2"], "served": 1}],
}


def test_the_certificates_that_are_broken_below_hold_as_they_are():
    assert verify(STALL, STALLED).holds is True
    assert verify(PROGRESS, SERVED).holds is True
    calms = [Calm(0, 20 * SECOND, ("n1", "n2"))]
    assert check_liveness(calms, SERVED, BOUND).certificate == PROGRESS
    told = check_liveness(calms, STALLED, BOUND).certificate
    assert told == {**STALL, "operations": [2, 3]}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"bound": 0}, "must be positive"),
        ({"bound": "10"}, "nanoseconds"),
        ({"calm": None}, "calm span"),
        ({"calm": {"start": 0, "end": 20 * SECOND, "nodes": "n1"}}, "list of names"),
        ({"calm": {"start": 3 * SECOND, "end": 20 * SECOND, "nodes": []}}, "not within the span"),
        ({"calm": {"start": 0, "end": 19 * SECOND, "nodes": []}}, "not within the span"),
        ({"from": 11 * SECOND}, "shorter than the bound"),
        ({"from": 0}, "was served between"),
        ({"to": True}, "nanoseconds"),
        ({"operations": [0]}, "did not wait"),
        ({"operations": [5]}, "did not wait"),
        ({"operations": [1]}, "no operation at position 1"),
        ({"operations": ["2"]}, "list of positions"),
        ({"operations": []}, "nobody asked"),
        ({"operations": [3]}, "nobody asked"),
    ],
)
def test_a_false_or_malformed_stall_is_refused(change, complaint):
    verification = verify({**STALL, **change}, STALLED)
    assert verification.holds is False
    assert complaint in verification.reason
    assert verification.reason.endswith(".")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"bound": -1}, "must be positive"),
        ({"calms": []}, "at least one span"),
        ({"calms": [1]}, "calm span"),
        ({"calms": [{**PROGRESS["calms"][0], "served": 2}]}, "there are 1"),
        (
            {"calms": [{**PROGRESS["calms"][0], "start": 3 * SECOND, "served": 0}]},
            "Nothing was served in any span",
        ),
    ],
)
def test_false_or_malformed_progress_is_refused(change, complaint):
    verification = verify({**PROGRESS, **change}, SERVED)
    assert verification.holds is False
    assert complaint in verification.reason


def test_progress_over_a_stall_is_refused():
    verification = verify(PROGRESS, STALLED)
    assert verification.holds is False
    assert (
        verification.reason == "Nobody was served from 2000000000 to 20000000000, though operations waited."
    )


def test_progress_over_a_stall_whose_load_ended_is_refused():
    given_up = build_history(
        [line(0, "invoke", 1), line(0, "ok", 2), line(1, "invoke", 3), line(1, "info", 15)]
    )
    verification = verify(PROGRESS, given_up)
    assert (
        verification.reason == "Nobody was served from 2000000000 to 15000000000, though operations waited."
    )


def test_an_operation_that_was_answered_early_did_not_wait():
    early = build_history([line(0, "invoke", 1), line(1, "invoke", 2), line(0, "ok", 4)])
    stall = {**STALL, "calm": {**STALL["calm"], "start": 2 * SECOND}}
    assert verify({**stall, "operations": [1]}, early).holds is True
    refused = verify({**stall, "operations": [0, 1]}, early)
    assert refused.reason == "Operation 0 did not wait from 2000000000 to 20000000000."


def test_operations_without_times_are_no_evidence():
    timeless = build_history(
        [{"process": 0, "type": "invoke", "f": "read", "value": None}, line(1, "invoke", 1)]
    )
    assert verify({**STALL, "operations": [0]}, timeless).holds is False
