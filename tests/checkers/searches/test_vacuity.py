"""The vacuity score: exact in what it says would be noticed, and telling between good and poor workloads."""

import random

import pytest

from splitbrain.checkers import corruption, lookout, vacuity
from splitbrain.checkers.budget import Budget
from splitbrain.checkers.corruption import WAYS, Replay
from splitbrain.checkers.models import ILLEGAL, CasRegister, Kv, Model
from splitbrain.checkers.normalise import FOREVER, KindTable, normalise
from splitbrain.checkers.outcome import Linearization, Refutation
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.vacuity import measure_vacuity
from splitbrain.histories import build_history


class Queue(Model):
    name = "test-queue"
    functions = ("enqueue", "dequeue")
    initial = ()

    def is_observer(self, call):
        return call.f == "dequeue" and call.known and call.result is None

    def step(self, state, call):
        if call.f == "enqueue":
            return (*state, call.value)
        if not call.known:
            return state[1:]
        if call.result is None:
            return ILLEGAL if state else state
        return state[1:] if state and state[0] == call.result else ILLEGAL


def _valid(small, seed, model=CasRegister, **profile):
    """Return a random valid history of that profile with its certificate."""
    rng = random.Random(seed)
    for _ in range(100):
        if profile.get("values") == "unique":
            counter = iter(range(1, 10**6))
            values = {"values": lambda counter=counter: next(counter)}
        else:
            values = {}
        history = build_history(small.random_lines(rng, corrupt=0, **{**profile, **values}))
        result = check_linearizable(history, model, timeout=5)
        if result.valid is True:
            return history, result.certificate
    raise AssertionError("no valid history was drawn")


def _score(history, proof, model=CasRegister, seed=1, **more):
    return measure_vacuity(history, model(), proof, random.Random(seed), timeout=None, **more)


UNIQUE = {"functions": ("read", "read", "write"), "values": "unique", "processes": 2, "crash": 0.02}
POOR = {"functions": ("read", "write"), "values": (1, 2), "processes": 5, "crash": 0.4}


def test_unique_values_score_high(small):
    score = _score(*_valid(small, 3, operations=300, **UNIQUE))
    assert score.corruptions >= 200
    assert score.complete
    assert score.share > 0.8


def test_few_values_with_crashes_score_low_and_say_what_would_go_unnoticed(small):
    score = _score(*_valid(small, 3, operations=120, **POOR))
    assert score.corruptions > 10
    assert score.share < 0.3
    assert any(
        sentence.startswith("If ") and "nobody would have noticed" in sentence for sentence in score.unnoticed
    )


def test_writes_that_nobody_reads_score_nothing(small):
    score = _score(*_valid(small, 1, functions=("write",), values="unique", operations=50))
    assert score.corruptions == 0
    assert score.silent > 20
    assert score.share == 0.0


def test_a_history_without_changes_can_not_be_corrupted(small):
    history = build_history(small.sequence(("read", None), ("read", None)))
    proof = check_linearizable(history, CasRegister).certificate
    assert _score(history, proof).share is None


def test_the_same_generator_gives_the_same_score(small):
    valid = _valid(small, 5, operations=100, **POOR)
    assert _score(*valid).to_json() == _score(*valid).to_json()
    assert _score(*valid, seed=2).to_json() != _score(*valid).to_json()


def test_no_corruption_is_counted_twice(small):
    history = build_history(small.sequence(("write", 1), ("read", 1), ("write", 2), ("read", 2)))
    proof = check_linearizable(history, CasRegister).certificate
    score = _score(history, proof)
    # Stale: null, null, 1. Lost: either write. Repeated: write 1 after write 2, before and behind its read.
    assert score.ways["stale"].tried == 3
    assert score.ways["lost"].tried == 2
    assert score.noticed == score.corruptions


def test_work_is_bounded(small):
    score = _score(*_valid(small, 3, operations=300, **UNIQUE), work=2000)
    assert not score.complete
    assert 0 < score.corruptions < 200


def test_other_data_types_are_corrupted_by_what_their_models_allow():
    rng = random.Random(4)
    lines, held = [], []
    for number in range(60):
        take = bool(held) and rng.random() < 0.5
        f, value, result = ("dequeue", None, held.pop(0)) if take else ("enqueue", number, number)
        if not take:
            held.append(number)
        lines.append({"process": 0, "type": "invoke", "f": f, "value": value})
        lines.append({"process": 0, "type": "ok", "f": f, "value": result})
    history = build_history(lines)
    score = _score(history, check_linearizable(history, Queue).certificate, Queue)
    # A lost dequeue hands its element out twice; a repeated enqueue leaves a second one behind.
    assert score.ways["lost"].noticed == score.ways["lost"].tried > 10
    assert score.ways["repeated"].noticed == score.ways["repeated"].tried > 10
    assert score.ways["swapped"].noticed == score.ways["swapped"].tried > 10


def test_values_of_other_keys_are_tried_where_there_are_several(small):
    lines = [
        {**line, "key": key, "process": line["process"] * 2 + number}
        for number, key in enumerate("xy")
        for line in small.sequence(
            ("write", f"{key}1"), ("read", f"{key}1"), ("write", f"{key}2"), ("read", f"{key}2")
        )
    ]
    history = build_history(lines)
    score = _score(history, check_linearizable(history, CasRegister).certificate)
    assert score.ways["other-key"].noticed == score.ways["other-key"].tried > 3


def test_appends_are_corrupted_too(small):
    valid = _valid(
        small, 2, Kv, functions=("get", "append", "put"), values="unique", operations=80, crash=0.05
    )
    score = _score(*valid, Kv)
    assert all(score.ways[way].tried > 5 for way in WAYS if way != "other-key")


def _trial(history, proof, model=CasRegister):
    columns = normalise(history, model(), None, keyed=False)
    table = KindTable(model(), None)
    for call in columns.kinds.calls:
        table.add(call)
    calls = columns.keys[0]
    numbers = {position: number for number, position in enumerate(calls.invokes)}
    order = [numbers[position] for position in proof["keys"][0]["order"]]
    replay = Replay(calls, order, columns.kinds, model(), None)
    trial = vacuity._Trial(
        history, [replay], table, random.Random(0), model=model(), initial=None, loose=False, key_named=False
    )
    return replay, trial


def _as_oracle_sees_it(replay, corrupted):
    """Return the corrupted key's calls as the brute-force oracle takes them."""
    ops = []
    for number, returned in enumerate(replay.calls.returns):
        call = corrupted.changed.get(number, replay.call(number))
        ops.append(
            {
                "f": call.f,
                "value": call.value,
                "result": call.result,
                "known": call.known,
                "applied": call.applied,
                "inv": replay.calls.invokes[number],
                "ret": None if returned == FOREVER else returned,
            }
        )
    return ops


def test_noticed_and_unnoticed_agree_with_brute_force_on_small_histories(small):
    rng = random.Random(8)
    seen = {True: 0, False: 0}
    for seed in range(150):
        functions = ("read", "read", "write", "cas")
        values = rng.choice([(1, 2), "unique"])
        history, proof = _valid(small, seed, functions=functions, values=values, operations=7, crash=0.2)
        if not proof["keys"]:
            continue
        replay, trial = _trial(history, proof)
        for way in ("stale", "lost", "repeated", "swapped"):
            pool = replay.mutators if way in ("lost", "repeated") else replay.observers
            found = replay.corrupt(way, rng, [replay]) if pool else None
            if found is None:
                continue
            outcome = trial._outcome(trial._views[0], found, Budget())
            assert isinstance(outcome, (Linearization, Refutation))
            possible = small.brute_force(_as_oracle_sees_it(replay, found))
            assert isinstance(outcome, Linearization) == possible, (found, replay.calls)
            seen[possible] += 1
    assert min(seen.values()) > 50


@pytest.mark.parametrize("reach", [3, 300])
def test_what_a_window_notices_is_noticed_in_the_whole(small, monkeypatch, reach):
    monkeypatch.setattr(corruption, "REACH", reach)
    rng = random.Random(9)
    noticed = 0
    for seed in range(60):
        values = rng.choice([(1, 2, 3), "unique"])
        profile = {"functions": ("read", "write", "cas"), "values": values, "processes": rng.choice((2, 5))}
        history, proof = _valid(small, seed, operations=40, crash=0.03, **profile)
        replay, trial = _trial(history, proof)
        for way in ("stale", "lost", "repeated", "swapped") * 3:
            pool = replay.mutators if way in ("lost", "repeated") else replay.observers
            found = replay.corrupt(way, rng, [replay]) if pool else None
            if found is None or not found.changed:
                continue
            with monkeypatch.context() as narrow:
                narrow.setattr(lookout, "NARROW", 0)
                narrow.setattr(lookout, "MARGIN", rng.choice((1, 4)))
                through = trial._outcome(trial._views[0], found, Budget())
            if isinstance(through, Refutation):
                noticed += 1
                assert isinstance(trial._outcome(trial._views[0], found, Budget()), Refutation), found
    assert noticed > 20


def test_what_is_noticed_where_the_bug_was_not_followed_to_its_end_is_noticed_where_it_was(
    small, monkeypatch
):
    followed_less = noticed = 0
    for seed in range(200):
        profile = {"functions": ("read", "write", "cas"), "values": (1, 2), "processes": 2}
        history, proof = _valid(small, seed, operations=14, crash=0.1, **profile)
        replay, trial = _trial(history, proof)
        for call in replay.mutators:
            place, told = replay.places[call], ("lost", call, "")
            monkeypatch.setattr(corruption, "REACH", 2)
            short = replay._from(place + 1, replay.states[place], *told)
            monkeypatch.setattr(corruption, "REACH", 300)
            long = replay._from(place + 1, replay.states[place], *told)
            if not short or not long or not short.changed:
                continue
            followed_less += short.until is not None
            if isinstance(trial._outcome(trial._views[0], short, Budget()), Refutation):
                noticed += short.until is not None
                assert isinstance(trial._outcome(trial._views[0], long, Budget()), Refutation)
    assert followed_less > 20
    assert noticed > 5


def test_a_long_history_is_cut_off_behind_what_fits(small, monkeypatch):
    valid = _valid(small, 3, operations=300, **UNIQUE)
    whole = _score(*valid)
    monkeypatch.setattr(vacuity, "LONGEST", 100)
    score = _score(*valid)
    assert (whole.operations, score.operations) == (300, 100)
    assert score.share > 0.7


def test_a_score_ends_with_the_budget_of_the_check(small):
    history = build_history(small.sequence(("write", 1), ("read", 1)))
    proof = check_linearizable(history, CasRegister).certificate
    spent = Budget(timeout=0)
    score = measure_vacuity(history, CasRegister(), proof, random.Random(1), budget=spent)
    assert not score.complete
    assert score.corruptions == 0
