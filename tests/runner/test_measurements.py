import json

import pytest

from splitbrain.histories import Journal, read_history
from splitbrain.runner.measurements import measure

MILLISECOND = 1_000_000
SECOND = 1_000_000_000


@pytest.fixture
def history(tmp_path):
    """Build a history from (f, invoked, completed, outcome) in milliseconds; completed None is never."""

    def build(*operations):
        entries = []
        for process, (f, begin, end, outcome) in enumerate(operations):
            entries.append((begin, 0, {"process": process, "type": "invoke", "f": f, "value": None}))
            if end is not None:
                entries.append((end, 1, {"process": process, "type": outcome, "f": f, "value": None}))
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.jsonl"
        with Journal(path) as journal:
            for time, _, line in sorted(entries, key=lambda entry: entry[:2]):
                journal.append({**line, "time": time * MILLISECOND})
        return read_history(path)

    return build


def windows(*pairs):
    return [(begin * MILLISECOND, None if end is None else end * MILLISECOND) for begin, end in pairs]


def test_rates_count_ok_operations_over_the_whole_length_of_the_run(history):
    measured = measure(
        history(
            ("read", 0, 10, "ok"),
            ("read", 100, 120, "fail"),
            ("write", 200, 500, "ok"),
            ("write", 900, 2000, "info"),
        ),
        [],
    )
    assert measured["operations"] == 4
    assert measured["seconds"] == 2.0
    assert measured["throughput"] == 1.0
    assert measured["availability"] == 0.5
    assert measured["functions"] == {
        "read": {"ok": 1, "fail": 1, "info": 0},
        "write": {"ok": 1, "fail": 0, "info": 1},
    }


def test_percentiles_are_latencies_that_were_measured(history):
    measured = measure(history(*[("read", 1000, 1000 + took, "ok") for took in range(1, 201)]), [])
    assert (measured["p50"], measured["p95"], measured["p99"], measured["max"]) == (
        100.0,
        190.0,
        198.0,
        200.0,
    )


def test_latencies_of_operations_that_failed_do_not_count(history):
    measured = measure(history(("read", 0, 5, "ok"), ("read", 0, 900, "fail"), ("read", 0, 900, "info")), [])
    assert (measured["p50"], measured["max"]) == (5.0, 5.0)


def test_served_is_the_share_of_time_slices_with_a_success(history):
    measured = measure(history(("read", 0, 50, "ok"), ("read", 60, 70, "ok"), ("read", 0, 1000, "ok")), [])
    assert measured["served"] == 0.2


def test_the_longest_outage_counts_the_ends_of_the_run_too(history):
    assert measure(history(("read", 0, 700, "ok"), ("read", 0, 1000, "ok")), [])["longest_outage"] == 0.7
    assert measure(history(("read", 0, 100, "ok"), ("read", 0, 1000, "info")), [])["longest_outage"] == 0.9
    assert measure(history(("read", 0, 300, "fail")), [])["longest_outage"] == 0.3


def test_recovery_is_the_first_success_of_an_operation_invoked_after_the_fault_ended(history):
    # The write was under way before the heal: its completion proves nothing about the time after.
    recorded = history(("write", 1000, 2100, "ok"), ("read", 2200, 2900, "ok"), ("read", 2300, 2600, "ok"))
    measured = measure(recorded, windows((1500, 2000)))
    assert measured["recoveries"] == [{"begin": 1.1, "end": 0.6}]
    assert measured["recovery"] == 1.1


def test_recovery_is_null_if_nothing_succeeded_after_a_fault_had_ended(history):
    recorded = history(("read", 0, 100, "ok"), ("read", 1200, 1300, "ok"), ("read", 2500, 2600, "fail"))
    measured = measure(recorded, windows((1000, 2000)))
    assert measured["recoveries"] == [{"begin": 0.3, "end": None}]
    assert measured["recovery"] is None


def test_a_fault_that_never_ended_counts_from_its_begin(history):
    measured = measure(history(("read", 1200, 1300, "ok")), windows((1000, None)))
    assert measured["recoveries"] == [{"begin": 0.3, "end": None}]
    assert measured["recovery"] == 0.3


def test_an_empty_history_measures_nothing_and_says_null(history):
    measured = measure(history(), windows((0, 1)))
    assert measured["operations"] == 0
    for name in ("throughput", "p50", "availability", "served", "longest_outage", "recovery"):
        assert measured[name] is None


def test_measurements_are_json(history):
    measured = measure(history(("read", 0, 10, "ok"), ("read", 5, None, None)), windows((0, None), (3, 4)))
    assert json.loads(json.dumps(measured)) == measured
