"""What the columns leave to the walks is what the lists would have said, call by call."""

import inspect
import random
import types

import numpy as np
import pytest

from splitbrain.checkers.budget import Budget
from splitbrain.checkers.lanes.columns import listing
from splitbrain.checkers.lanes.columns.settle import settle
from splitbrain.checkers.models import CasRegister, Kv
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.values import ANYTHING, freeze
from splitbrain.checkers.verification.verify import verify
from splitbrain.histories import build_history

FUNCTIONS = {"cas-register": ("read", "read", "write", "cas"), "kv": ("get", "put", "put", "cas", "delete")}
ASKED = [
    {"keyed": keyed, "nil_reads": nil_reads, "failed_cas": failed_cas}
    for keyed in (True, False)
    for nil_reads in ("exact", "any")
    for failed_cas in ("ignored", "observed")
]


def draw(small, seed):
    """Return (model, lines, how they are understood) of one to four keys whose values repeat."""
    rng = random.Random(seed)
    asked = ASKED[seed % len(ASKED)]
    model = rng.choice([CasRegister, Kv]) if asked["keyed"] else CasRegister
    values = rng.choice([(1, 2), (1, True, "1"), (1, 1.0, 2), (1, None), ("a", [1], [True])])
    queues = []
    for key in range(rng.choice((1, 1, 2, 4))):
        options = {"values": values, "processes": 3, "operations": rng.randrange(4, 12), "crash": 0.3}
        lines = small.random_lines(rng, functions=FUNCTIONS[model.name], **options)
        queues.append([{**line, "process": 4 * line["process"] + key, "key": key} for line in lines])
    merged = []
    while any(queues):
        line = rng.choice([queue for queue in queues if queue]).pop(0)
        if line["type"] == "ok" and line.get("applied") is False and rng.random() < 0.4:
            line = {name: line[name] for name in line if name != "applied"} | {"type": "fail"}
        merged.append(line)
    return model, merged, asked


def difference(small, seed, listed):
    """Say what of a history in lists differs between both ways, or None; False if columns say nothing."""
    model, lines, asked = draw(small, seed)
    history = build_history(lines)
    settled = settle(history, model(), None, Budget(), **asked)
    if settled is None or settled.repeating is None or not len(settled.repeating.key):
        return False
    understood = {name: asked[name] for name in ("keyed", "nil_reads")}
    ours = listed(history, model(), None, settled.repeating, **understood)
    left = [index for index, key in enumerate(history.key) if settled.left[key if asked["keyed"] else 0]]
    theirs = normalise(history, model(), None, **asked, among=left)
    if ours.completed != theirs.completed or len(ours.keys) != len(theirs.keys):
        return (
            f"{ours.completed} on {len(ours.keys)} keys instead of {theirs.completed} on {len(theirs.keys)}"
        )
    for one, other in zip(ours.keys, theirs.keys, strict=True):
        if (one.key, one.invokes, one.returns, one.indices) != (
            other.key,
            other.invokes,
            other.returns,
            other.indices,
        ):
            return "when calls ran"
        for mine, given in zip(one.kinds, other.kinds, strict=True):
            if described(ours.kinds, mine) != described(theirs.kinds, given):
                return f"{described(ours.kinds, mine)} instead of {described(theirs.kinds, given)}"
    if len({freeze(list(call)) for call in ours.kinds.calls}) < len(ours.kinds.calls):
        return "one kind twice"
    return None


def described(kinds, kind):
    """Describe a kind by values; an answer that only repeats what was asked may be left out."""
    call = kinds.calls[kind]
    result = None if call.f in ("write", "put", "delete", "cas") else call.result
    names = (kinds.reads[kind], kinds.writes[kind], kinds.differs[kind])
    return (
        (call.f, call.known, call.applied, freeze(call.value), result is ANYTHING or freeze(result)),
        kinds.observer[kind],
        kinds.flat[kind],
        [None if name < 0 else (freeze(kinds.values[name]),) for name in names],
    )


def test_calls_are_told_from_columns_as_they_are_from_lists(small):
    found = [difference(small, seed, listing.listed) for seed in range(4000)]
    assert [each for each in found if each] == []
    assert found.count(None) > 1000


MUTANTS = {
    "whether a call returned": (" + (calls.returns != FOREVER),", ","),
    "what was called": ("distinct(2 * functions", "distinct(0 * functions"),
    "the value": ("kinds.numbers * span + column + 1", "kinds.numbers * span"),
    "what an unequal cas would have written": ("if not len(unequal):", "if True:"),
    "the same call of another key": ("kind = identities.get(identity)", "kind = None"),
    "null reads": ('table.add(model.loosen(call) if nil_reads == "any" else call)', "table.add(call)"),
    "the first of its kind": ("names[order] = np.arange(len(order))", "names[order] = order"),
    "whose calls they are": ("np.searchsorted(np.sort(keys), names[1:])", "np.arange(1, len(names))"),
    "which key came first": ("np.argsort(places).tolist()", "range(len(places))"),
}


def mutated(old, new, sparse):
    """Return `listed` of a copy of the module with other source; `sparse`: when numbers are sorted."""
    source = inspect.getsource(listing)
    assert old in source, f"the module no longer says {old!r}"
    copy = types.ModuleType("splitbrain.checkers.lanes.columns.listing_copy")
    text = source.replace(old, new).replace("_SPARSE = 8", f"_SPARSE = {sparse}")
    exec(compile(text, listing.__file__, "exec"), copy.__dict__)
    return copy.listed


@pytest.mark.parametrize("sparse", [0, 8])
def test_numbers_that_lie_far_apart_are_sorted_to_the_same_end(small, sparse):
    assert not any(difference(small, seed, mutated("return", "return", sparse)) for seed in range(400))


@pytest.mark.parametrize("rule", MUTANTS)
def test_what_the_listing_tells_apart_is_needed(small, rule):
    listed = [mutated(*MUTANTS[rule], sparse) for sparse in (0, 8)]
    assert any(wrong(small, seed, each) for seed in range(2000) for each in listed), rule


def wrong(small, seed, listed):
    try:
        return bool(difference(small, seed, listed))
    except (IndexError, KeyError, ValueError, AttributeError):
        return True


def test_distinct_numbers_stand_in_the_order_in_which_they_first_occur():
    for limit in (10, 10**12):
        numbers, places = listing.distinct(np.array([7, 3, 7, 9, 3]), limit)
        assert numbers.tolist() == [0, 1, 0, 2, 1]
        assert places.tolist() == [0, 1, 3]


def test_verdicts_and_their_proofs_are_the_same_where_the_columns_leave_everything(small):
    verdicts = {True: 0, False: 0}
    for seed in range(300):
        model, lines, asked = draw(small, seed)
        history = build_history(lines)
        large, plain = (check_linearizable(history, model, **asked, large=size) for size in (0, 10**9))
        assert large.valid == plain.valid, seed
        if large.valid != "unknown":
            verdicts[large.valid] += 1
            assert verify(large.certificate, history).holds is True, seed
    assert min(verdicts.values()) > 30, verdicts
