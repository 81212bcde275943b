"""Sets that grow and are read as a whole: verdicts, tiny witnesses, and what is said of them."""

import json
import random

import pytest

from splitbrain.checkers.models import GrowSet, SetFull
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.streaming import Stream
from splitbrain.checkers.vacuity import measure_vacuity
from splitbrain.checkers.verification import verify
from splitbrain.histories import build_history


def add(process, value, result="done"):
    """Return an add that completed; one that never did (`...`)."""
    ends = [] if result == "..." else [{"process": process, "type": "ok", "f": "add", "value": value}]
    return [{"process": process, "type": "invoke", "f": "add", "value": value}, *ends]


def read(process, *values):
    line = {"process": process, "f": "read"}
    return [{**line, "type": "invoke", "value": None}, {**line, "type": "ok", "value": list(values)}]


def around(inner, process, f, value, result):
    """Return an operation that runs beside others."""
    line = {"process": process, "f": f}
    return [{**line, "type": "invoke", "value": value}, *inner, {**line, "type": "ok", "value": result}]


def check(*groups, model=GrowSet, **options):
    """Decide a history, and have its certificate verified."""
    history = build_history([line for group in groups for line in group], keyed="no")
    result = check_linearizable(history, model, **options)
    verification = verify(json.loads(json.dumps(result.certificate)), history)
    assert verification.holds is True, verification.reason
    return result


def filler(count):
    """Return adds and reads of many other elements."""
    values = [f"filler {number}" for number in range(count)]
    return [line for number, value in enumerate(values) for line in add(100 + number, value)], values


def test_seventeen_crashed_adds_and_a_final_read_are_decided():
    crashed = [add(number, number, "...") for number in range(17)]
    completed = [add(50, 100 + number) for number in range(83)]
    whole = [100 + number for number in range(83)]
    valid = check(*crashed, *completed, read(51, *whole, 3, 5, 16))
    assert valid.valid is True
    assert valid.method == "grow-sets"
    assert len(valid.certificate["keys"][0]["order"]) == 87, "crashed adds that nobody saw are left out"
    invalid = check(*crashed, *completed, read(51, *whole[1:], 3, 5, 16))
    assert invalid.valid is False
    assert len(invalid.certificate["operations"]) == 2
    assert invalid.certificate["elements"] == [100]


def test_reads_of_one_set_in_several_orders_are_one_stage():
    result = check(add(0, 1), add(0, 2), read(1, 1, 2), read(1, 2, 1), read(1, 1, 2))
    assert result.valid is True


def test_elements_are_told_apart_as_json_tells_them_apart():
    everything = [1, 1.0, True, "1", None, [1], {"a": 1}]
    adds = [add(0, each) for each in everything]
    assert check(*adds, read(1, *reversed(everything))).valid is True
    for place in range(len(everything)):
        one, other = everything[place], everything[(place + 1) % len(everything)]
        if json.dumps(one) != json.dumps(other):
            assert check(add(0, one), read(1, other)).valid is False


def test_a_null_read_is_possible_anywhere_where_null_reads_say_nothing():
    null = [
        {"process": 5, "type": "invoke", "f": "read", "value": None},
        {"process": 5, "type": "ok", "f": "read", "value": None},
    ]
    assert check(add(0, 1), null, read(1, 1), nil_reads="any").valid is True
    lost = check(add(0, 1), null, read(1), null, nil_reads="any")
    assert lost.valid is False
    assert len(lost.certificate["operations"]) == 2


@pytest.mark.parametrize("method", ["auto", "configurations"])
def test_what_is_there_at_first_may_be_named_twice_and_added_again(method):
    history = (read(0, 1, 2), add(0, 1), read(0, 2, 1))
    assert check(*history, initial=[1, 2, 1], method=method).valid is True


FILLING, FILLED = filler(40)
CASES = {
    "lost": (
        [add(3, 7), read(5, *FILLED)],
        (
            "process 3's add of 7 (position 80) had returned before process 5 began to read (position 82),"
            " yet its read of 40 elements is without 7: lost"
        ),
        2,
    ),
    "stale": (
        [add(3, 7), read(5, *FILLED), read(6, *FILLED, 7)],
        "yet its read of 40 elements is without 7: stale",
        2,
    ),
    "lost after a read": (
        [add(3, 7, "..."), read(4, *FILLED, 7), read(5, *FILLED)],
        (
            "process 4's read of 41 elements (position 81) has 7 and had returned before process 5 began to"
            " read (position 83), yet its read of 40 elements is without 7: lost"
        ),
        3,
    ),
    "added later": (
        [read(5, *FILLED, 7), add(3, 7)],
        (
            "process 5's read of 41 elements (position 80) has 7, but had returned before process 3, the"
            " first to do so, began to add 7 (position 82)"
        ),
        2,
    ),
    "never added": (
        [read(5, *FILLED, 7)],
        "process 5's read of 41 elements (position 80) has 7, which no operation adds",
        1,
    ),
    "named twice": (
        [add(3, 7), read(5, *FILLED, 7, 7)],
        "process 5's read of 42 elements (position 82) names 7 twice",
        2,
    ),
    "out of order": (
        [around([*add(3, 7), *add(4, 8)], 5, "read", None, [*FILLED, 8])],
        (
            "process 3's add of 7 (position 81) had returned before process 4, the first to do so, began to"
            " add 8 (position 83), yet process 5's read of 41 elements (position 80) has 8 and is without 7"
        ),
        3,
    ),
    "incomparable": (
        [
            add(1, 7, "..."),
            add(2, 8, "..."),
            around(read(5, *FILLED, 7), 6, "read", None, [*FILLED, 8]),
        ],
        "so neither can have come first",
        4,
    ),
}


@pytest.mark.parametrize("model", [GrowSet, SetFull])
@pytest.mark.parametrize("method", ["auto", "configurations"])
@pytest.mark.parametrize("case", CASES)
def test_each_contradiction_is_about_few_operations_and_said_in_a_sentence(case, method, model):
    groups, told, operations = CASES[case]
    result = check(FILLING, *groups, model=model, method=method)
    assert result.valid is False
    assert told in result.reason
    assert len(result.certificate["operations"]) == operations
    assert len(result.certificate["elements"]) <= 2
    (violation,) = result.violations
    shown = [each for each in violation.evidence["operations"] if each["f"] == "read"]
    assert all(each["found"] >= 40 and len(each["result"]) <= 3 for each in shown)
    assert violation.evidence["story"]
    assert violation.evidence["stuck"] in {each["position"] for each in shown}


def test_what_was_there_at_first_is_missed():
    result = check(add(0, 2), read(1, 2), initial=[1, 3])
    assert "is without 1, which was there at first" in result.reason
    assert len(result.certificate["operations"]) == 1


def test_an_element_that_was_added_again_and_again_has_one_add_in_its_witness():
    again = [add(process, 7) for process in range(6)]
    result = check(*again, read(8, 7), read(9))
    assert len(result.certificate["operations"]) == 2


def test_a_long_read_costs_what_it_is_long():
    """A thousand reads of up to a thousand elements each."""
    rng = random.Random(3)
    groups, held = [], []
    for number in range(1000):
        held.append(number)
        groups += [add(0, number), read(1, *rng.sample(held, len(held)))]
    assert check(*groups).valid is True


def test_a_set_is_looked_at_while_it_grows():
    stream = Stream(GrowSet)
    for line in [*add(0, 1), *add(1, 2, "..."), *read(2, 1)]:
        stream.add(line)
    assert stream.look() is None
    for line in read(2, 2):
        stream.add(line)
    violation = stream.look()
    assert violation is not None
    assert "is without 1: lost" in violation.summary


def test_a_workload_with_a_final_read_notices_losses():
    groups = [add(number % 3, number) for number in range(30)]
    history = build_history([line for group in groups for line in group] + read(9, *range(30)), keyed="no")
    proof = check_linearizable(history, GrowSet).certificate
    score = measure_vacuity(history, GrowSet(), proof, random.Random(1), timeout=None)
    assert score.ways["lost"].noticed == score.ways["lost"].tried > 0


def test_what_vacuity_would_not_notice_is_a_sentence():
    history = build_history(around(read(1, 1), 0, "add", 1, 1), keyed="no")
    proof = check_linearizable(history, GrowSet).certificate
    score = measure_vacuity(history, GrowSet(), proof, random.Random(1), timeout=None)
    assert "read [1] (process 1, position 1) had answered [], from an earlier state" in score.unnoticed[0]
