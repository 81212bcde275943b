"""Transactions seen by one key: what refutes them so is refuted, and proved."""

import itertools
import random

import pytest
from sequential_types import TYPES
from small_histories import calls_of, drawn, linearizable, lines_of

from splitbrain.checkers.budget import Budget
from splitbrain.checkers.lanes import single_key
from splitbrain.checkers.models import CasRegister, ListAppend, MultiRegister, RwRegister
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.outcome import Refutation
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification.verify import verify
from splitbrain.histories import build_history

NAMES = [
    name for name, each in TYPES.items() if each.model in ("list-append", "rw-register", "multi-register")
]
MODELS = {model.name: model for model in (ListAppend, MultiRegister, RwRegister)}


def columns_of(history, model):
    model, state = model().starting(None)
    normalised = normalise(history, model, state, keyed=False)
    return normalised, model, state


@pytest.mark.parametrize("name", NAMES)
def test_what_is_refuted_by_one_key_is_refuted(name, monkeypatch):
    monkeypatch.setattr(single_key, "MANY", 0)
    told = 0
    for seed in range(1500):
        history = build_history(lines_of(TYPES[name], drawn(f"{name} {seed}"), reuse=False), keyed="no")
        calls = calls_of(history)
        if not any(call.known for call in calls):
            continue
        normalised, model, state = columns_of(history, MODELS[TYPES[name].model])
        seen = single_key.refuted(normalised.keys[0], normalised.kinds, model, state, Budget())
        if seen is None:
            continue
        told += 1
        assert isinstance(seen.outcome, Refutation)
        assert not linearizable(TYPES[name], calls), seed
        result = check_linearizable(history, type(model), keyed="no")
        assert result.valid is False
        assert result.method == "single-key"
        assert result.certificate["keys"] == [seen.view.key]
        assert result.certificate.get("elements") == seen.view.elements
        assert verify(result.certificate, history).holds is True, seed
    assert told > 50


def test_a_view_that_forgets_something_else_would_be_found_out(monkeypatch):
    """If reads lost their answers' last elements, histories without a fault would be refuted."""
    monkeypatch.setattr(single_key, "MANY", 0)

    def forgetful(self, call, key):
        return call._replace(value=call.value[:1], result=call.value[:1])

    monkeypatch.setattr(ListAppend, "seen_by", forgetful)
    wrong = 0
    for seed in range(300):
        history = build_history(lines_of(TYPES["list-append"], drawn(f"x {seed}"), reuse=False), keyed="no")
        normalised, model, state = columns_of(history, ListAppend)
        if normalised.keys and linearizable(TYPES["list-append"], calls_of(history)):
            wrong += bool(single_key.refuted(normalised.keys[0], normalised.kinds, model, state, Budget()))
    assert wrong > 0


def crowd(seed, transactions=200, clients=20):
    """Return lines of so many transactions of busy clients on two keys, and then a read of the past."""
    rng = random.Random(seed)
    lines, running, lists = [], {}, {"x": [], "y": []}
    begun = 0
    while begun < transactions or running:
        client = rng.randrange(clients)
        if client not in running and begun < transactions:
            begun += 1
            running[client] = [["append", "x", begun], ["r", "y", None], ["append", "y", begun]]
            lines.append({"process": client, "type": "invoke", "f": "txn", "value": running[client]})
        elif (client in running and len(running) > clients - 3) or begun == transactions:
            if client not in running:
                continue
            done = []
            for kind, key, value in running.pop(client):
                if kind == "append":
                    lists[key].append(value)
                done.append([kind, key, value if kind == "append" else list(lists[key])])
            lines.append({"process": client, "type": "ok", "f": "txn", "value": done})
    stale = [["r", "x", lists["x"][:50]]]
    lines.append({"process": 0, "type": "invoke", "f": "txn", "value": [["r", "x", None]]})
    lines.append({"process": 0, "type": "ok", "f": "txn", "value": stale})
    return lines


def test_a_stale_read_among_many_open_transactions_is_refuted_by_its_key():
    history = build_history(crowd(1), keyed="no")
    result = check_linearizable(history, ListAppend, keyed="no", timeout=60)
    assert result.valid is False
    assert result.method == "single-key"
    assert "seen by key" in result.violations[0].summary
    assert verify(result.certificate, history).holds is True


def certificate(**changes):
    """Return (history, certificate) of two keys of which x is refuted, with changes."""
    lines = []
    for done in ([["append", "x", 1], ["append", "y", 1]], [["r", "x", None], ["r", "y", [1]]]):
        asked = [[kind, key, None if kind == "r" else value] for kind, key, value in done]
        lines.append({"process": 0, "type": "invoke", "f": "txn", "value": asked})
        lines.append({"process": 0, "type": "ok", "f": "txn", "value": done})
    history = build_history(lines, keyed="no")
    result = check_linearizable(history, ListAppend, keyed="no")
    return history, {**result.certificate, **changes}


def test_the_verifier_looks_at_the_keys_that_are_named_only():
    assert verify(*reversed(certificate(keys=["x"]))).holds is True
    assert verify(*reversed(certificate())).holds is True
    told = verify(*reversed(certificate(keys=["y"])))
    assert told.holds is False
    assert "legal order" in told.reason


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [({"keys": "x"}, "must be a list"), ({"keys": ["x"], "model": "bank"}, "looks at some keys only")],
)
def test_keys_that_make_no_sense_are_refused(changes, complaint):
    told = verify(*reversed(certificate(**changes)))
    assert told.holds is False
    assert complaint in told.reason


def test_a_history_of_few_transactions_is_walked_over_as_it_is():
    history, _ = certificate()
    assert check_linearizable(history, ListAppend, keyed="no").method == "configurations"


def test_only_so_many_calls_are_shown_element_by_element(monkeypatch):
    """Then the key as a whole is what is refuted, by as many transactions as it takes."""
    monkeypatch.setattr(single_key, "MANY", 0)
    history, _ = certificate()
    normalised, model, state = columns_of(history, ListAppend)
    key = (normalised.keys[0], normalised.kinds, model, state)
    assert single_key.refuted(*key, Budget()).view.elements == [1]
    monkeypatch.setattr(single_key, "SHOWN", 1)
    assert single_key.refuted(*key, Budget()).view.elements is None


def test_a_deadline_that_passes_while_keys_are_looked_at_is_told_so(monkeypatch):
    monkeypatch.setattr(single_key, "MANY", 0)
    history, _ = certificate()
    ticks = itertools.count()
    reasons = set()
    for seconds in range(2, 12):
        ticks = itertools.count()
        result = check_linearizable(
            history, ListAppend, keyed="no", timeout=seconds, clock=lambda ticks=ticks: next(ticks)
        )
        reasons.add(result.reason)
    assert any("while it was seen by one key after the other" in reason for reason in reasons), reasons


def test_other_models_are_not_looked_at_by_keys(monkeypatch):
    """A register's calls touch nothing but the register; to ask each of a million costs a second."""
    monkeypatch.setattr(single_key, "MANY", 0)
    monkeypatch.setattr(single_key, "_Keys", None)
    lines = [{"process": 0, "type": kind, "f": "write", "value": 1} for kind in ("invoke", "ok")]
    normalised, model, state = columns_of(build_history(lines), CasRegister)
    assert single_key.refuted(normalised.keys[0], normalised.kinds, model, state, Budget()) is None


def test_no_view_of_a_linearizable_history_is_accepted_as_a_refutation():
    """Whatever is looked at of all operations, the verifier finds an order of it."""
    rng = random.Random(1)
    looked = 0
    for seed in range(400):
        history = build_history(lines_of(TYPES["list-append"], drawn(f"v {seed}"), reuse=False), keyed="no")
        calls = calls_of(history)
        if not any(call.known for call in calls) or not linearizable(TYPES["list-append"], calls):
            continue
        appended = sorted({part[2] for call in calls for part in call.value if part[0] == "append"})
        keys = rng.choice([None, ["x"], ["y"], ["x", "y"]])
        elements = rng.choice([None, rng.sample(appended, rng.randrange(len(appended) + 1))])
        claim = {
            "kind": "refutation",
            "model": "list-append",
            "initial": None,
            "nil_reads": "exact",
            "failed_cas": "ignored",
            "keyed": False,
            "key": None,
            "past": None,
            "future": None,
            "operations": [
                {"position": each.invoke, "as": "kept"}
                for each in history
                if each.status != "fail" and touches(each.value, keys, elements)
            ],
            "keys": keys,
            "elements": elements,
        }
        assert verify(claim, history).holds is not True, (seed, claim)
        looked += elements is not None and elements != appended
    assert looked > 50


def touches(actions, keys, elements):
    """Tell whether something of a transaction remains where only these keys and elements are looked at."""
    return any(
        (keys is None or key in keys) and (kind == "r" or elements is None or value in elements)
        for kind, key, value in actions
    )
