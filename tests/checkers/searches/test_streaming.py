"""Checking while a run goes: the same verdict as afterwards, as soon as what happened proves it."""

import random

import pytest

from splitbrain.checkers.models import CasRegister
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.streaming import Stream
from splitbrain.histories import build_history

FUNCTIONS = ("read", "write", "cas")


def first_violation(lines, every=1):
    """Return after how many lines a stream that looks at every so many of them finds something, or None."""
    stream = Stream(CasRegister)
    for number, line in enumerate(lines, 1):
        stream.add(line)
        if (number % every == 0 or number == len(lines)) and stream.look() is not None:
            return number
    return None


def keyed(lines, rng):
    """Spread the operations over two keys, naming the key where they are invoked only."""
    keys = {}
    for line in lines:
        if line["type"] == "invoke":
            keys[line["process"]] = rng.choice("xy")
            yield {**line, "key": keys[line["process"]]}
        else:
            yield line


@pytest.mark.parametrize("seed", range(300))
def test_a_stream_convicts_exactly_what_a_check_afterwards_convicts(small, seed):
    rng = random.Random(seed)
    lines = small.random_lines(rng, functions=FUNCTIONS, values=[1, 2], operations=9)
    if seed % 2:
        lines = list(keyed(lines, rng))
    afterwards = check_linearizable(build_history(lines), CasRegister)
    assert (first_violation(lines) is not None) is (afterwards.valid is False)
    assert (first_violation(lines, every=5) is not None) is (afterwards.valid is False)


@pytest.mark.parametrize("seed", range(60))
def test_a_stream_convicts_with_the_first_line_that_makes_the_prefix_invalid(small, seed):
    lines = small.random_lines(random.Random(seed), functions=FUNCTIONS, values=[1, 2], corrupt=3)
    found = first_violation(lines)
    for end in range(1, len(lines) + 1):
        valid = check_linearizable(build_history(lines[:end]), CasRegister).valid
        assert (valid is False) is (found is not None and end >= found)


def test_an_open_operation_excuses_what_its_effect_may_explain():
    stream = Stream(CasRegister)
    stream.add({"process": 0, "type": "invoke", "f": "write", "value": 1})
    stream.add({"process": 1, "type": "invoke", "f": "read", "value": None})
    stream.add({"process": 1, "type": "ok", "f": "read", "value": 1})
    assert stream.look() is None
    stream.add({"process": 1, "type": "invoke", "f": "read", "value": None})
    stream.add({"process": 1, "type": "ok", "f": "read", "value": None})
    assert stream.look().kind == "LIN"


def test_keys_on_which_nothing_completed_are_not_decided_again():
    decided = []

    class Counting(CasRegister):
        def step(self, state, call):
            decided.append(call.value)
            return super().step(state, call)

        def access(self, call):
            decided.append(call.value)
            return super().access(call)

    stream = Stream(Counting)
    for process, key in enumerate("xy"):
        stream.add({"process": process, "type": "invoke", "f": "write", "key": key, "value": key})
        stream.add({"process": process, "type": "ok", "f": "write", "key": key, "value": key})
    assert stream.look() is None
    decided.clear()
    stream.add({"process": 0, "type": "invoke", "f": "read", "key": "x", "value": None})
    stream.add({"process": 1, "type": "invoke", "f": "write", "key": "y", "value": "z"})
    stream.add({"process": 0, "type": "ok", "f": "read", "key": "x", "value": "x"})
    assert stream.look() is None
    assert decided
    assert not {"y", "z"} & set(decided)
    decided.clear()
    assert stream.look() is None
    assert not decided


def test_nemesis_lines_are_passed_over():
    stream = Stream(CasRegister)
    stream.add({"process": "nemesis", "type": "info", "f": "kill", "value": {"id": "kill-1"}})
    assert stream.look() is None
