"""Every lane on very many histories: an order that it gives is one, and what it refutes has none.

SPLITBRAIN_DIFFERENTIAL sets how many different histories of each data type the nightly test draws.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context

import pytest
from campaign import BATCH, Campaign, Tally, compare, complaints, names_of
from every_lane import WHOLE, together
from hypothesis import given, settings
from many_histories import Histories
from sequential_types import TYPES
from small_histories import calls_of, events, linearizable

from splitbrain.checkers.lanes import supply, zones
from splitbrain.checkers.models import BUILT_IN
from splitbrain.histories import build_history

SAMPLE = 440
NIGHTLY = int(os.environ.get("SPLITBRAIN_DIFFERENTIAL", "1000000"))
OF_ITS_OWN = {
    "sets": "set, unique values",
    "queues": "fifo-queue, unique values",
    "unordered-queues": "queue, unique values",
    "stacks": "stack, unique values",
    "priority-queues": "priority-queue, unique values",
    "counters": "counter, one number",
}
"""Lanes of one data type, each with values of which it leaves hardly a history undecided."""


def mixed(name, tally):
    """Check that there were enough histories of every sort, and that lanes decided what they should."""
    assert not tally.complaints, "\n\n".join(tally.complaints)
    few = tally.different // 20
    assert few < tally.valid < tally.different - few
    assert few < tally.crashed
    if not TYPES[name].by_process:  # a client that releases what another holds waits for good
        assert tally.crashed < tally.different - few
    for lane in WHOLE:
        assert sum(tally.lanes[lane]) == tally.different


@pytest.mark.parametrize("name", TYPES)
def test_what_each_lane_says_is_true(name):
    mixed(name, compare(name, SAMPLE))


@pytest.mark.parametrize("lane", OF_ITS_OWN)
def test_the_lane_of_a_data_type_leaves_hardly_a_history_undecided(lane):
    valid, invalid, left = compare(OF_ITS_OWN[lane], SAMPLE).lanes[lane]
    assert left < SAMPLE // 20
    assert min(valid, invalid) > SAMPLE // 20


@pytest.mark.nightly
@pytest.mark.timeout(14400)
@pytest.mark.parametrize("model", [model.name for model in BUILT_IN])
def test_what_each_lane_says_of_a_million_histories_is_true(model):
    names, workers = names_of(model), os.cpu_count() or 1
    each = -(-NIGHTLY // len(names) // workers)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for name in names:
            tallies = pool.map(partial(compare, name, each), [(which, workers) for which in range(workers)])
            mixed(name, sum(tallies, Tally()))


@pytest.mark.parametrize("name", TYPES)
def test_both_oracles_agree(name):
    histories = Histories(TYPES[name])
    for drawn in islice(histories.draw(1, name), 300):
        calls = calls_of(build_history(drawn.lines, keyed="no"))
        assert histories.linearizable(drawn) is linearizable(TYPES[name], calls)


def test_only_linearizations_explain_a_history():
    """Each order of three calls is judged as trying all orders of that very sequence judges it."""
    histories = Histories(TYPES["register"])
    write, read, end = (0, 0, 3), (1, 0, 0), (2, 0, 0)
    drawn = histories.play([write, write, read, read, end, end], reuse=False)
    first, second, third = (call.invoked for call in drawn.calls)
    assert histories.explains(drawn, (first, second, third))
    assert not histories.explains(drawn, (first, second))
    assert not histories.explains(drawn, (second, first, third))
    assert not histories.explains(drawn, (first, second, second, third))


@pytest.mark.parametrize("name", TYPES)
def test_what_a_lane_says_falsely_would_shrink(name):
    """The same with events from Hypothesis, which makes a disagreement as small as it can."""
    histories = Histories(TYPES[name])

    @settings(max_examples=30, deadline=None, derandomize=True, database=None)
    @given(events)
    def agree(some):
        for reuse in (False, True):
            assert not complaints(histories, some, reuse=reuse)

    agree()


def anything_goes(blocks, _watch):
    """Put blocks into an order without looking whether one must precede another."""
    return [call for block in sorted(blocks, key=lambda block: block.latest) for call in block.order]


def nothing_is_used(*_):
    """Let crashed calls never take effect."""
    return []


BROKEN = {
    "zones": ("register, unique values", zones, "_in_order", anything_goes),
    "configurations": ("cas-register", supply.Supply, "runs", nothing_is_used),
    "depth-first": ("queue", supply.Supply, "runs", nothing_is_used),
}
"""By lane: a data type on which it is seen to lack a rule, and what the rule is replaced by."""


@pytest.mark.parametrize("lane", BROKEN)
def test_a_lane_without_one_of_its_rules_is_found_out_with_a_small_history(lane, monkeypatch):
    name, owner, rule, replacement = BROKEN[lane]
    monkeypatch.setattr(owner, rule, replacement)
    told = [each for each in Campaign(name).run(0, 2 * BATCH).complaints if f", {lane}: " in each]
    assert told
    assert len(told[0].splitlines()) <= 8


def test_a_history_among_many_is_normalised_as_it_is_alone():
    for name in ("kv", "set", "list-append", "fenced-lock"):
        histories = Histories(TYPES[name])
        batch = list(islice(histories.draw(2, name), 20))
        history, bases, owned = together(batch)
        for drawn, base, operations in zip(batch, bases, owned, strict=True):
            alone = build_history(drawn.lines, keyed="no")
            assert [(each.f, each.value, each.invoke) for each in alone] == [
                (each.f, each.value, each.invoke - base) for each in (history[index] for index in operations)
            ]
