"""A store checked as one object: the verdict is that of its keys, and so is the proof."""

import random

import pytest

from splitbrain.checkers.models import Kv
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification import verify
from splitbrain.histories import build_history


def spread(lines, rng):
    """Let each operation be about one of two keys, one of them null."""
    keys = {}
    for line in lines:
        if line["type"] == "invoke":
            keys[line["process"]] = rng.choice(("x", None))
        yield {**line, "key": keys[line["process"]]}


@pytest.mark.parametrize("seed", range(400))
def test_one_store_is_valid_exactly_if_each_of_its_keys_is(small, seed):
    rng = random.Random(seed)
    functions = ("get", "get", "put", "append", "cas", "delete")
    lines = small.random_lines(rng, functions=functions, values=["a", "b"], operations=8, corrupt=2)
    history = build_history(list(spread(lines, rng)))
    apart = check_linearizable(history, Kv, keyed=True)
    whole = check_linearizable(history, Kv, keyed=False)
    assert whole.valid == apart.valid
    if whole.certificate is not None:
        assert whole.certificate["keyed"] is False
        assert verify(whole.certificate, history).holds is True


def test_the_order_of_one_store_respects_real_time_across_its_keys():
    lines = []
    for process, (key, value) in enumerate((("x", 1), ("y", 1), ("x", 2), ("y", 2))):
        call = {"process": process, "f": "put", "key": key, "value": value}
        lines += [{**call, "type": "invoke"}, {**call, "type": "ok"}]
    result = check_linearizable(build_history(lines), Kv, keyed=False)
    (whole,) = result.certificate["keys"]
    assert whole == {"key": None, "order": [0, 2, 4, 6]}


def test_what_one_key_was_given_is_not_found_under_another():
    put = {"process": 0, "f": "put", "key": "x", "value": 1}
    get = {"process": 1, "f": "get", "key": "y", "value": None}
    lines = [
        *({**put, "type": "invoke"}, {**put, "type": "ok"}),
        *({**get, "type": "invoke"}, {**get, "type": "ok", "value": 1}),
    ]
    assert check_linearizable(build_history(lines), Kv, keyed=False).valid is False
