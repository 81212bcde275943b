"""Every way to decide, on every data type, says what trying all orders says, and proves it.

A new lane takes part as soon as `check --method` names it, a new data type as soon as it stands in
`sequential_types`. Millions of histories are for `test_every_lane`, which asks the lanes alone.
"""

import json
from itertools import count, islice

import pytest
from hypothesis import given, settings
from sequential_types import TYPES
from small_histories import drawn, events, lines_of, shrunk
from whole_checker import WHOLE, complaint

from splitbrain.cli.check import check

METHODS = next(each.type.choices for each in check.params if each.name == "method")
SAMPLE = 300
ENOUGH = 40
"""A method that has decided none of so many histories doesn't know the data type."""
NIGHTLY = 3_000


def compare(name, method, seeds):
    """Compare histories of these seeds; return how often each verdict was given."""
    data_type = TYPES[name]
    verdicts = {True: 0, False: 0, "unknown": 0}
    for seed in seeds:
        reuse = bool(seed % 2)
        drawn_events = drawn(f"{name} {seed}")
        told = complaint(data_type, lines_of(data_type, drawn_events, reuse=reuse), method)
        if verdicts["unknown"] == ENOUGH and not verdicts[True] + verdicts[False]:
            break
        if told in verdicts:
            verdicts[told] += 1
            continue

        def disagrees(some, reuse=reuse):
            return complaint(data_type, lines_of(data_type, some, reuse=reuse), method) not in verdicts

        lines = lines_of(data_type, shrunk(drawn_events, disagrees), reuse=reuse)
        shown = "\n".join(map(json.dumps, lines))
        pytest.fail(
            f"{name}, {method}, seed {seed}: {told}\n{complaint(data_type, lines, method)} of\n{shown}"
        )
    return verdicts


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", TYPES)
def test_a_lane_says_what_trying_all_orders_says(name, method):
    verdicts = compare(name, method, range(SAMPLE if method in WHOLE else SAMPLE // 3))
    if method in WHOLE:
        assert verdicts[True] > SAMPLE // 10
        assert verdicts[False] > SAMPLE // 20


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", TYPES)
def test_a_lane_says_what_trying_all_orders_says_all_night(name, method):
    compare(name, method, islice(count(SAMPLE), NIGHTLY))


@pytest.mark.parametrize("name", TYPES)
def test_a_disagreement_would_shrink(name):
    """The same with events from Hypothesis, which makes a disagreement as small as it can."""
    data_type = TYPES[name]

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(events)
    def agree(some):
        for reuse in (False, True):
            told = complaint(data_type, lines_of(data_type, some, reuse=reuse), "auto")
            assert told in (True, False, "unknown")

    agree()
