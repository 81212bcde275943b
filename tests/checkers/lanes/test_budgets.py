"""The near-linear lanes end within their budget, in whatever pass they are, and say how far they came."""

import itertools
import json
import random
import re

import pytest

from splitbrain.checkers import watch
from splitbrain.checkers.budget import Budget, BudgetExceeded
from splitbrain.checkers.models import (
    CasRegister,
    Counter,
    FifoQueue,
    GrowSet,
    Mutex,
    PriorityQueue,
    Queue,
    Set,
    Stack,
)
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification import verify
from splitbrain.checkers.watch import Watch
from splitbrain.histories import build_history

TOLD = re.compile(r"the time budget of 1 s ran out in the lane (\S+) while it (.+?) \((\d+) of (\d+)\)\.")


class Jumping:
    """A clock that stands still, and jumps beyond every deadline after so many looks."""

    def __init__(self, looks):
        self.left = looks

    def __call__(self):
        self.left -= 1
        return 0.0 if self.left >= 0 else 1e9


@pytest.fixture(autouse=True)
def short_slices(monkeypatch):
    monkeypatch.setattr(watch, "SLICE", 8)
    monkeypatch.setattr(watch, "SORTED", 16)
    monkeypatch.setattr(watch, "SAMPLES", 8)


class Recorder:
    """Writes a history in which each call overlaps the one before it; some crash."""

    def __init__(self):
        self.lines = []
        self._pending = None
        self._process = itertools.count()

    def call(self, f, value, result, *, crashes=False):
        process = next(self._process)
        self.lines.append({"process": process, "type": "invoke", "f": f, "key": "x", "value": value})
        ended = None if crashes else {**self.lines[-1], "type": "ok", "value": result}
        self.flush()
        self._pending = ended

    def flush(self):
        if self._pending is not None:
            self.lines.append(self._pending)
        self._pending = None

    def history(self):
        self.flush()
        return build_history(self.lines)


def _container(put, take, place, *, count=60):
    """Put values in and take them out; `place` gives the place in a sorted list of what is in."""
    rng = random.Random(1)
    recorder, held = Recorder(), []
    recorder.call(take, None, None)
    for number in rng.sample(range(count), count):
        recorder.call(put, number, number)
        held.append(number)
        if rng.random() < 0.2:
            recorder.call(put, count + number, None, crashes=True)
        if rng.random() < 0.4:
            recorder.call("peek", None, held[place(held)])
        while held and rng.random() < 0.6:
            value = held.pop(place(held))
            recorder.call(take, None, value, crashes=rng.random() < 0.1)
    while held:
        recorder.call(take, None, held.pop(place(held)))
    recorder.call(take, None, None)
    return recorder.history()


def _largest(held):
    return held.index(max(held))


def _set():
    rng, recorder, there = random.Random(1), Recorder(), False
    for _ in range(150):
        f = rng.choice(("add", "remove", "contains"))
        changed = f != "contains" and there is (f == "remove")
        there = there != changed
        recorder.call(f, 1, [1, there if f == "contains" else changed], crashes=False)
    return recorder.history()


def _counter():
    recorder = Recorder()
    for number in range(60):
        recorder.call("add", 1, 1)
        if number % 2:
            recorder.call("read", None, number + 1)
        if number % 9 == 0:
            recorder.call("add", 1, None, crashes=True)
    return recorder.history()


def _grow_set():
    recorder = Recorder()
    for number in range(60):
        recorder.call("add", number, number)
        if number % 9 == 0:
            recorder.call("add", 100 + number, None, crashes=True)
    recorder.call("read", None, list(range(60)))
    return recorder.history()


def _mutex():
    lines = []
    for number in range(60):
        for f in ("acquire", "release"):
            lines += [
                {"process": number % 3, "type": kind, "f": f, "key": "x", "value": None}
                for kind in ("invoke", "ok")
            ]
    return build_history(lines)


def _register():
    recorder = Recorder()
    for number in range(60):
        recorder.call("write", 2 * number, 2 * number)
        recorder.call("read", None, 2 * number)
        recorder.call("cas", [2 * number, 2 * number + 1], [2 * number, 2 * number + 1])
        if number % 7 == 0:
            recorder.call("write", 1000 + number, None, crashes=True)
        recorder.call("read", None, 2 * number + 1)
    return recorder.history()


CASES = {
    "sets": (
        Set,
        _set,
        {
            "looked for the element",
            "looked the calls up",
            "sorted the calls by what they do",
            "walked over the returns",
        },
    ),
    "queues": (
        FifoQueue,
        lambda: _container("enqueue", "dequeue", lambda _: 0),
        {
            "sorted the calls by what they do",
            "looked through the insertions",
            "looked for what was never inserted",
            "numbered the values",
            "matched the removals with the insertions",
            "matched the peeks with the insertions",
            "looked for values that stay",
            "looked when each value is in for certain",
            "looked when nothing is in for certain",
            "divided the values where the queue was empty",
            "looked when each value was first in line",
            "put the values in order",
            "wrote the calls out",
            "looked which removals are missing",
            "put crashed removals in",
        },
    ),
    "stacks": (
        Stack,
        lambda: _container("push", "pop", lambda held: len(held) - 1),
        {
            "looked when each value is in for certain",
            "built the tree of maxima",
            "divided the values into stretches",
            "took values out from the bottom",
            "placed values that needn't be in for any time",
            "wrote the calls out",
        },
    ),
    "priority-queues": (
        PriorityQueue,
        lambda: _container("insert", "poll", _largest),
        {
            "looked at priorities",
            "ranked the values",
            "placed the values",
            "looked which removals are missing",
        },
    ),
    "unordered-queues": (
        Queue,
        lambda: _container("enqueue", "dequeue", lambda held: len(held) // 2),
        {"looked when each value is in for certain", "placed the values"},
    ),
    "counters": (
        Counter,
        _counter,
        {
            "sorted the calls by what they do",
            "looked at what was read",
            "compared the reads",
            "looked where each addition may begin",
            "gave each level its additions",
        },
    ),
    "grow-sets": (
        GrowSet,
        _grow_set,
        {
            "sorted the calls by what they do",
            "looked for the first add of each element",
            "compared the reads",
            "gave the calls their slots",
            "compared the slots",
        },
    ),
    "mutexes": (Mutex, _mutex, {"looked for holds", "compared the holds", "wrote the holds out"}),
    "necessary": (CasRegister, _register, {"looked for the writers", "looked at what was read"}),
    "zones": (
        CasRegister,
        _register,
        {
            "looked at what was observed",
            "looked for the writers",
            "gathered the readers of each value",
            "linked each cas to the value that it replaced",
            "followed the chains of cas",
            "wrote the blocks out",
            "compared the blocks",
        },
    ),
}


@pytest.mark.parametrize("lane", CASES)
def test_a_lane_ends_in_the_middle_of_each_of_its_passes_when_the_time_is_up(lane):
    model, make, passes = CASES[lane]
    history = make()
    crashed = sum(operation.status == "info" for operation in history)
    where = (
        f'key "x" ({len(history)} operations, {crashed} of them crashed and open to the end) is undecided: '
    )
    halfway = set()
    for looks in range(2, 2000):
        result = check_linearizable(history, model, timeout=1, clock=Jumping(looks))
        if result.valid is True:
            break
        assert result.valid == "unknown"
        assert result.reason.startswith(where)
        told = TOLD.search(result.reason)
        if told and told[1] == lane and 0 < int(told[3]) < int(told[4]):
            halfway.add(told[2])
    else:
        raise AssertionError("the lane never came to its end")
    assert passes <= halfway


def _lines(history):
    """Return the lines of a history, without its key."""
    lines = []
    for operation in history:
        line = {"process": operation.process, "f": operation.f}
        lines.append((operation.invoke, {**line, "type": "invoke", "value": operation.value}))
        if operation.status == "ok":
            value = operation.result if operation.value is None else operation.value
            lines.append((operation.complete, {**line, "type": "ok", "value": value}))
    return [line for _, line in sorted(lines, key=lambda each: each[0])]


@pytest.mark.parametrize("lane", ["queues", "stacks", "priority-queues"])
def test_what_a_lane_has_refuted_is_proved_however_little_time_is_left(lane):
    model, make, _ = CASES[lane]
    lines = _lines(make())
    taken = [line for line in lines if line["type"] == "ok" and line["f"] in ("dequeue", "pop", "poll")]
    taken = [line for line in taken if line["value"] is not None]
    taken[5]["value"], taken[40]["value"] = taken[40]["value"], taken[5]["value"]
    history = build_history(lines)
    verdicts = []
    for looks in range(2, 2000):
        result = check_linearizable(history, model, timeout=1, clock=Jumping(looks))
        verdicts.append(result.valid)
        if result.valid is False:
            assert verify(json.loads(json.dumps(result.certificate)), history).holds is True
            if len(verdicts) > 3 and verdicts[-3:] == [False] * 3:
                break
    assert verdicts[0] == "unknown"
    assert verdicts[-1] is False


def test_keys_that_nobody_had_time_for_are_counted():
    lines = [{**line, "key": key} for key in ("x", "y", "z") for line in _lines(_mutex())]
    result = check_linearizable(build_history(lines), Mutex, timeout=1, clock=Jumping(6))
    assert result.valid == "unknown"
    assert result.reason.startswith('key "x" (')
    assert result.reason.endswith("; 2 more keys are undecided, 2 of them not looked at.")


def test_a_small_row_is_not_looked_at_but_many_of_them_are():
    several = Watch(Budget(timeout=1, clock=Jumping(1)))
    assert list(several.over([1, 2, 3], "counted")) == [1, 2, 3]
    with pytest.raises(BudgetExceeded):
        several.over([1, 2, 3], "counted")


@pytest.mark.parametrize("key", [None, lambda number: -number])
def test_sorting_in_slices_sorts(key):
    for seed in range(50):
        row = random.Random(seed).choices(range(30), k=seed * 3)
        expected = sorted(row, key=key)
        Watch(Budget()).sort(row, key)
        assert row == expected


def test_a_sort_ends_between_two_slices():
    row = random.Random(1).sample(range(1000), 1000)
    late = Watch(Budget(timeout=1, clock=Jumping(3)))
    with pytest.raises(BudgetExceeded):
        late.sort(row)
    assert sorted(row) == list(range(1000))
