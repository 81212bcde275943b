"""Witnesses are small, say why, and are confirmed: also where little may be dropped and a lot had crashed."""

import json
import random

import pytest

from splitbrain.checkers.evidence import reduction, window
from splitbrain.checkers.lanes import configurations
from splitbrain.checkers.models import Call, CasRegister, Kv, MultiRegister
from splitbrain.checkers.models.kv import PrefixLens
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification.verify import verify
from splitbrain.histories import build_history

MODELS = {"cas-register": CasRegister, "kv": Kv}


def _told(lines, model=CasRegister, **options):
    result = check_linearizable(build_history(lines), model, **options)
    evidence = result.violations[0].evidence
    return result, evidence, " ".join(evidence["story"])


def _confirmed(history, model, **options):
    """Refute a history; return how many operations its confirmed certificate names, the start counted."""
    result = check_linearizable(history, model, **options)
    assert result.valid is False, result.reason
    certificate = json.loads(json.dumps(result.certificate))
    verification = verify(certificate, history)
    assert verification.holds is True, verification.reason
    return len(certificate["operations"]) + (certificate["past"] is not None)


def test_a_stale_read_in_a_small_domain_is_told_from_what_was_there_last(small):
    rounds = [("write", 1), ("write", 2)] * 6
    _, evidence, story = _told(small.sequence(*rounds, ("read", 1), ("cas", [2, 1], False)))
    assert evidence["start"] == 22
    assert evidence["stuck"] == 24
    assert [operation["position"] for operation in evidence["operations"]] == [20, 22, 24]
    assert "write 1 (process 10, position 20) left 1, and had returned before write 2 was invoked." in story
    assert "write 2 had returned at position 23, before read 1 was invoked." in story


def test_a_history_may_be_told_from_what_a_read_found(small):
    rounds = [("write", 1), ("write", 2), ("write", 1), ("write", 2), ("read", 2)] * 6
    result, evidence, story = _told(small.sequence(*rounds, ("read", 1)))
    assert evidence["start"] == 58
    assert "read 2 (process 29, position 58)" in result.reason
    assert "read 2 had returned at position 59, before read 1 was invoked." in story
    assert "and no operation wrote 1 since" in result.reason


def test_crashed_writes_that_are_used_up_are_named(small):
    rounds = [("write", 1), ("write", 2)] * 4
    crashed = [("write", 1, "crash"), ("write", 1, "crash")]
    _, evidence, story = _told(
        small.sequence(*rounds, *crashed, *[("read", 1), ("write", 2)] * 2, ("read", 1))
    )
    one, other = "write 1 (process 8, position 16)", "write 1 (process 9, position 17)"
    first, second, third = (f"read 1 (process {n}, position {p})" for n, p in ((10, 18), (12, 22), (14, 26)))
    assert f"When {first} returned, the value could only be 1; this uses up {one}." in story
    assert f"When {second} returned, the value could only be 1; this uses up {other}." in story
    used_up = f"{third} needs 1; only {one} and {other} could still leave it, and that is used up."
    assert story.endswith(used_up)
    assert evidence["cut"]["stuck"] == evidence["stuck"] == 26


def test_a_story_is_the_same_whether_its_states_are_kept_or_put_into_words_at_once(small, monkeypatch):
    rounds = [("write", 1, "crash"), ("write", 2, "crash"), ("read", 1), ("write", 2), ("read", 2)] * 3
    lines = small.sequence(
        *rounds, ("read", 1), ("write", 3), ("read", 2), ("read", 1), ("read", 2), ("read", 1)
    )
    _, kept, story = _told(lines)
    assert "this uses up" in story
    monkeypatch.setattr(configurations, "FEW", 0)
    _, at_once, _ = _told(lines)
    assert at_once == kept


def test_the_future_is_left_out_even_where_nothing_may_be_dropped():
    def txn(process, actions, result):
        return [
            {"process": process, "type": kind, "f": "txn", "value": value}
            for kind, value in (("invoke", actions), ("ok", result))
        ]

    both = [["write", "x", 1], ["write", "y", 1]]
    look = [["read", "x", None], ["read", "y", None]]
    lines = txn(0, both, both) + txn(1, look, [["read", "x", 0], ["read", "y", 1]])
    lines += [line for process in range(2, 50) for line in txn(process, both, both)]
    initial = {"x": 0, "y": 0}
    result, evidence, _ = _told(lines, MultiRegister, initial=initial)
    assert result.certificate["future"] == 3
    assert [operation["position"] for operation in evidence["operations"]] == [0, 2]
    assert verify(result.certificate, build_history(lines)).holds is True


LARGE = {
    "a register of five values": (
        CasRegister,
        {"functions": ("read", "read", "cas"), "values": range(5), "crash": 0.0},
        20_000,
    ),
    "a register of five values with crashes": (
        CasRegister,
        {"functions": ("read", "write", "cas"), "values": range(5), "crash": 0.002},
        2_000,
    ),
    "puts, appends and crashes": (
        Kv,
        {"functions": ("get", "get", "put", "append", "delete"), "values": "unique", "crash": 0.02},
        10_000,
    ),
    "nothing but appends, and crashes": (
        Kv,
        {"functions": ("get", "append"), "values": "unique", "crash": 0.05},
        1_000,
    ),
}


@pytest.mark.parametrize("shape", LARGE)
def test_a_large_history_with_wrong_reads_has_a_small_witness_that_is_confirmed(small, shape):
    model, profile, operations = LARGE[shape]
    profile = dict(profile)
    if profile["values"] == "unique":
        counter = iter(range(10**6))
        profile["values"] = lambda: f"{next(counter)}."
    profile["corrupt"] = 0
    lines = small.random_lines(random.Random(7), operations=operations, processes=5, **profile)
    reads = [line for line in lines if line["type"] == "ok" and line["f"] in ("read", "get")]
    for spoilt in reads[len(reads) * 4 // 5 :][:20]:
        spoilt["value"] = f"{spoilt['value']}z" if model is Kv else (spoilt["value"] + 3) % 5
    history = build_history(lines)
    assert _confirmed(history, model) <= 8


UNSOUND = {
    "nobody beside the start is crashed": (window.Window, "crashes", lambda *_: False),
    "nobody is past or future": (
        window.Window,
        "shows",
        lambda edges, invoked, _: invoked != edges.invoked,
    ),
    "what was invoked before the start is past": (
        window.Window,
        "shows",
        lambda edges, invoked, _: edges.invoked < invoked <= edges.end,
    ),
    "every append may go": (PrefixLens, "hides", lambda _, calls, __: [True] * len(calls)),
}


@pytest.mark.parametrize("rule", [None, *UNSOUND])
def test_an_unsound_relaxation_is_found_out(small, monkeypatch, rule):
    """Without a rule changed, every certificate is confirmed; with any changed, some are refused."""
    monkeypatch.setattr(reduction, "FEW", 0)
    if rule is not None:
        monkeypatch.setattr(*UNSOUND[rule])
        if rule == "pieces have one base":
            monkeypatch.setattr(window, "overwritten_with", UNSOUND[rule][2])
    refused = windowed = 0
    for seed in range(30_000, 34_000):
        name, lines = small.draw(seed)
        history = build_history(lines)
        result = check_linearizable(history, MODELS.get(name, CasRegister))
        if result.valid is False:
            windowed += result.certificate["past"] is not None
            refused += verify(json.loads(json.dumps(result.certificate)), history).holds is not True
    assert windowed > 50
    assert (refused > 0) is (rule is not None)


@pytest.mark.parametrize(
    ("origins", "hidden"),
    [
        (["a"], [True, True, False, False]),
        (["a", None], [False, True, False, False]),
        (["x"], [True, True, True, False]),
    ],
)
def test_a_piece_is_sought_behind_the_values_that_strings_grow_from(origins, hidden):
    lens = Kv().lens([Call("get", None, "ab")])
    calls = [Call("append", "a"), Call("append", "c"), Call("append", "b"), Call("append", "")]
    assert lens.hides(calls, origins) == hidden


def test_beside_other_values_than_strings_no_append_is_hidden():
    lens = Kv().lens([Call("get", None, "ab")])
    assert lens.hides([Call("append", "c"), Call("put", "c")], ["a", 1]) == [False, False]
    assert lens.hides([Call("put", "c"), Call("put", "a"), Call("delete")], ["a"]) == [True, False, False]


def test_a_window_knows_all_that_strings_in_it_grow_from(small):
    calls = [("put", "old"), ("put", "start"), ("delete", None), ("put", "later"), ("cas", ["later", "last"])]
    columns = normalise(build_history(small.sequence(*calls, ("get", "no"))), Kv(), None, keyed=False)
    batch = next(window.windows(columns.keys[0], columns.kinds, 11))
    by_start = {each.start: {columns.kinds.values[value] for value in each.origins} for each in batch.windows}
    assert by_start[1] >= {"start", None, "later", "last"}
