"""The lane over columns says what the lane over lists says, and both what trying all orders says."""

import inspect
import itertools
import json
import random
import re
import subprocess
import sys
import types

import pytest

from splitbrain.checkers.budget import Budget
from splitbrain.checkers.lanes import columns, dispatch
from splitbrain.checkers.lanes.columns import accesses, identities, necessary, zones
from splitbrain.checkers.lanes.columns import settle as settling
from splitbrain.checkers.lanes.columns.settle import settle
from splitbrain.checkers.models import BUILT_IN, ILLEGAL, CasRegister, ModelMismatch, Register
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.outcome import Linearization, Refutation, Undecided
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification.verify import verify
from splitbrain.histories import build_history

MODELS = {model.name: model for model in BUILT_IN}
CAS = ("read", "read", "write", "cas")
PROFILES = (
    ("register", {"functions": ("read", "write"), "corrupt": 6}),
    ("register", {"functions": ("read", "read", "write"), "crash": 0.4, "corrupt": 6}),
    ("cas-register", {"functions": CAS, "crash": 0.3}),
    ("cas-register", {"functions": ("read", "cas"), "corrupt": 3}),
    ("cas-register", {"functions": ("cas", "cas", "read", "write"), "crash": 0.5, "corrupt": 1}),
    ("cas-register", {"functions": ("cas", "cas", "read"), "corrupt": 0.5}),
    ("cas-register", {"functions": CAS, "values": (1, 2, 3), "crash": 0.3}),
    ("kv", {"functions": ("get", "get", "put", "cas", "delete"), "corrupt": 3}),
    ("kv", {"functions": ("get", "put", "delete"), "crash": 0.4, "corrupt": 6}),
    ("kv", {"functions": ("get", "get", "put", "put", "append"), "values": ("a", "b", "ab")}),
    ("cas-register", None),
)
ODD = (1, True, 1.0, "1", [1], [True], [[1]], {"1": 1}, False, 0, "", [], 2**63, 2**70, -5, 1e300, 0.0, "k")
"""Values of which Python holds many to be equal, or can't hash them, or finds them too long for 64 bits."""

LOOKALIKES = {"1": True, "true": 1, "1.0": 1, "[1]": [True], "[true]": [1], "false": 0, "0": False, "2": 2.0}
"""By their JSON: what a careless store, or a careless checker, takes for the same."""


def unique(rng):
    """Return a source of values that never come twice: near integers, distant ones, texts, or odd ones."""
    numbers = itertools.count(1)
    kind = rng.randrange(4)
    if kind == 3:
        rest = iter(rng.sample(ODD, len(ODD)))
        return lambda: next(rest, None) or next(numbers) + 100
    shown = (lambda n: n, lambda n: n * 10**15, str)[kind]
    return lambda: shown(next(numbers))


def from_nowhere(rng):
    """Return lines of one key in which each value has one writer, and what calls found comes from nowhere."""
    values = list(range(1, rng.randrange(2, 6)))
    found = [None, *values]
    calls = [
        ("cas", [rng.choice(found), value]) if rng.random() < 0.7 else ("write", value) for value in values
    ]
    calls += [("read", rng.choice(found)) for _ in range(rng.randrange(1, 4))]
    rng.shuffle(calls)
    lines, running = [], []
    while calls or running:
        if calls and (not running or rng.random() < 0.6):
            f, value = calls.pop()
            line = {"process": len(calls), "f": f, "value": value}
            running.append(line)
            lines.append({**line, "type": "invoke", "value": None if f == "read" else value})
        else:
            line = running.pop(rng.randrange(len(running)))
            lines.append({**line, "type": "info" if rng.random() < 0.1 else "ok"})
    return lines


def draw(small, seed):
    """Return (model name, lines with one to three keys) of a random history."""
    rng = random.Random(seed)
    name, profile = PROFILES[seed % len(PROFILES)]
    if profile is None:
        return name, [{**line, "key": 0} for line in from_nowhere(rng)]
    keys = rng.choice((1, 1, 2, 3))
    shared = unique(rng)
    queues = []
    for key in range(keys):
        values = profile.get("values") or (shared if rng.random() < 0.5 else unique(rng))
        processes = rng.choice((2, 3, 4))
        operations = rng.randrange(1, 8 if semantics(seed, name)["keyed"] else 7 // keys)
        options = {**profile, "values": values, "processes": processes, "operations": operations}
        lines = small.random_lines(rng, **options)
        queues.append([{**line, "process": line["process"] * keys + key, "key": key} for line in lines])
    merged = []
    while any(queues):
        merged.append(rng.choice([queue for queue in queues if queue]).pop(0))
    for line in merged:
        if (
            line["type"] == "ok"
            and line["f"] == "cas"
            and line.get("applied") is False
            and rng.random() < 0.3
        ):
            line["type"] = "fail"
            del line["applied"]
        elif line["type"] == "ok" and line["f"] in ("write", "put", "cas") and rng.random() < 0.2:
            line["value"] = None
        elif line["type"] == "ok" and line["f"] in ("read", "get") and rng.random() < 0.05:
            line["value"] = LOOKALIKES.get(json.dumps(line["value"]), line["value"])
    return name, merged


def semantics(seed, model):
    """Draw how a history is understood; a store as a whole is not one register but left to its keys."""
    return {
        "keyed": seed % 7 != 0 or model == "kv",
        "nil_reads": "any" if seed % 5 == 0 else "exact",
        "failed_cas": "observed" if seed % 3 == 0 else "ignored",
    }


def calls_by_key(small, history, asked):
    """Return the calls of each key, as the oracle takes them."""
    keys = {}
    for operation, key in zip(history, history.key, strict=True):
        observed = operation.f == "cas" and asked["failed_cas"] == "observed"
        known = operation.status == "ok" or (operation.status == "fail" and observed)
        if operation.status == "fail" and not known:
            continue
        result = operation.result
        if asked["nil_reads"] == "any" and result is None and operation.f in ("read", "get"):
            result = small.wild
        keys.setdefault(key if asked["keyed"] else 0, []).append(
            {
                "f": operation.f,
                "value": operation.value,
                "result": result,
                "known": known,
                "applied": operation.applied and operation.status == "ok",
                "inv": operation.invoke,
                "ret": operation.complete if known else None,
            }
        )
    return keys


def is_linearization(small, calls, positions):
    """Replay an order: in real time, legal, and with every completed call once."""
    by_position = {call["inv"]: call for call in calls}
    if not by_position.keys() >= set(positions):
        return False
    order = [by_position[position] for position in positions]
    latest = -1
    for call in order:
        latest = max(latest, call["inv"])
        if call["ret"] is not None and call["ret"] < latest:
            return False
    completed = {call["inv"] for call in calls if call["known"]}
    return len(set(positions)) == len(positions) and completed <= set(positions) and small.replay(order)


def mistake(small, history, asked, settled):
    """Return a key about which the lane is wrong, or None."""
    calls = calls_by_key(small, history, asked)
    for each in settled.refuted:
        if small.brute_force(calls[each.key]):
            return each.key
    names = {json.dumps(key): number for number, key in enumerate(history.keys)} if asked["keyed"] else {}
    orders = {names.get(json.dumps(each["key"]), 0): each["order"] for each in settled.orders}
    for key, those in calls.items():
        decided = not settled.refuted and not settled.left[key] and any(call["known"] for call in those)
        if decided and (key not in orders or not is_linearization(small, those, orders[key])):
            return key
    return None


@pytest.mark.parametrize("profile", range(len(PROFILES)))
def test_each_key_is_settled_as_over_lists_and_rightly(small, profile):
    counts = {"ordered": 0, "refuted": 0, "left": 0}
    for seed in range(profile, 20000, len(PROFILES)):
        name, lines = draw(small, seed)
        history, asked, model = build_history(lines), semantics(seed, name), MODELS[name]()
        settled = settle(history, model, None, Budget(), **asked)
        assert mistake(small, history, asked, settled) is None, (seed, lines)
        normalised = normalise(history, model, None, **asked)
        assert settled.completed == normalised.completed
        refuted = {each.key: each.rule for each in settled.refuted}
        for calls in normalised.keys:
            key = history.key[calls.indices[0]] if asked["keyed"] else 0
            outcome = dispatch.decide(calls, normalised.kinds, model, None, Budget(), method="zones").outcome
            if settled.left[key]:
                assert isinstance(outcome, Undecided), (seed, lines)
                counts["left"] += 1
            elif key in refuted:
                assert isinstance(outcome, Refutation), (seed, lines)
                counts["refuted"] += 1
            elif not refuted:
                assert isinstance(outcome, Linearization), (seed, lines)
                counts["ordered"] += 1
        if not refuted:
            assert len(settled.orders) == len(normalised.keys) - sum(settled.left.tolist()), (seed, lines)
    assert counts["ordered"] > 100, counts
    assert counts["refuted"] > 20, counts


def test_every_verdict_over_columns_has_a_certificate_that_the_verifier_accepts(small):
    for seed in range(50000, 53000):
        name, lines = draw(small, seed)
        history, asked = build_history(lines), semantics(seed, name)
        result = check_linearizable(history, MODELS[name], **asked, large=0)
        plain = check_linearizable(history, MODELS[name], **asked, large=10**9)
        assert result.valid == plain.valid, (seed, lines)
        if result.valid == "unknown":
            assert result.reason == plain.reason
            continue
        keys = calls_by_key(small, history, asked).values()
        assert result.valid is all(map(small.brute_force, keys)), (seed, lines)
        verification = verify(result.certificate, history)
        assert verification.holds is True, (seed, lines, verification.reason)
        if result.valid is False:
            assert len(result.violations[0].evidence["operations"]) <= 8


@pytest.mark.parametrize(
    ("f", "asked", "answered"),
    [
        ("write", 1, True),
        ("write", True, 1),
        ("write", [1, [2]], [1, [2.0]]),
        ("write", [1], [True]),
        ("cas", [None, 1], [None, 2]),
        ("cas", [None, 1], [None, 1.0]),
    ],
)
def test_a_mutator_that_completed_with_another_value_is_refused_over_columns(small, f, asked, answered):
    lines = small.sequence((f, asked))
    assert check_linearizable(build_history(lines), CasRegister, large=0).valid is True
    lines[-1]["value"] = answered
    with pytest.raises(ModelMismatch, match=r"was invoked with .* and completed with"):
        check_linearizable(build_history(lines), CasRegister, large=0)


@pytest.mark.parametrize("value", [5, [1], [1, 2, 3]])
def test_a_cas_without_a_pair_is_refused_over_columns_as_over_lists(small, value):
    history = build_history(small.sequence(("cas", value)))
    with pytest.raises(ModelMismatch, match=r"needs \[old, new\]"):
        check_linearizable(history, CasRegister, large=0)


def test_a_function_that_the_model_lacks_is_refused_over_columns(small):
    with pytest.raises(ModelMismatch, match="cas is not one of read, write"):
        check_linearizable(build_history(small.sequence(("cas", [None, 1]))), Register, large=0)


def test_a_model_of_ones_own_is_never_taken_for_the_one_that_it_changes(small):
    class Forgetful(Register):
        def access(self, call):
            return None

        def step(self, state, call):
            return call.value if call.f == "write" else state if call.result == state else ILLEGAL

    history = build_history(small.sequence(("write", 1), ("read", 1)))
    assert check_linearizable(history, Register, large=0).method == "zones"
    assert check_linearizable(history, Forgetful, large=0).method == "configurations"


def test_the_columns_look_at_the_budget(small):
    history = build_history(small.sequence(("write", 1), ("read", 1)))
    ticks = itertools.count()
    result = check_linearizable(history, Register, large=0, timeout=1, clock=lambda: next(ticks))
    assert result.valid == "unknown"
    assert "the time budget of 1 s ran out" in result.reason


def test_without_numpy_everything_is_decided_over_lists(small, monkeypatch):
    monkeypatch.setitem(sys.modules, "splitbrain.checkers.lanes.columns.settle", None)
    history = build_history(small.sequence(("write", 1), ("read", 1)))
    assert check_linearizable(history, Register, large=0).valid is True


def test_a_small_history_is_decided_without_importing_numpy(small):
    code = (
        "import sys\n"
        "from splitbrain.checkers.models import Register\n"
        "from splitbrain.checkers.portfolio import check_linearizable\n"
        "from splitbrain.histories import build_history\n"
        f"history = build_history({small.sequence(('write', 1), ('read', 1))})\n"
        "assert check_linearizable(history, Register).valid\n"
        "print('numpy' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_long_chain_of_cas_is_refuted_with_few_of_its_calls(small):
    """The values follow from one another, and a read comes much later than its value."""
    calls = [("cas", [value or None, value + 1]) for value in range(400)]
    result = check_linearizable(build_history(small.sequence(*calls, ("read", 200))), CasRegister, large=0)
    assert result.valid is False
    assert len(result.certificate["operations"]) <= 3
    assert verify(result.certificate, build_history(small.sequence(*calls, ("read", 200)))).holds is True


MUTANTS = {
    "identities: true is 1": (identities, "if kinds <= {int, _NULL}:", "if kinds <= {int, bool, _NULL}:"),
    "identities: values are the same if Python says so": (
        identities,
        "column if kinds <= _PLAIN else",
        "column if kinds <= _PLAIN | {bool, float} else",
    ),
    "identities: null is the least integer": (identities, "numbers[null] = 0", "numbers[null] = 1"),
    "accesses: each cas found what it compared with": (
        accesses,
        "equal = applied[cas]",
        "equal = np.ones(len(cas), np.bool_)",
    ),
    "accesses: an unequal cas found what it compared with": (
        accesses,
        "np.where(equal, old, NONE), np",
        "old, np",
    ),
    "accesses: null reads are exact": (accesses, "if loose:", "if False:"),
    "accesses: fails are evidence": (accesses, "if observe_fails:", "if True:"),
    "accesses: fails are none": (accesses, "if observe_fails:", "if False:"),
    "accesses: a failed cas was applied": (accesses, "applied & ~unequal)", "applied)"),
    "accesses: keys share their values": (accesses, "numbers + key * limit,", "numbers + 0,"),
    "accesses: a value is its key's though others have it": (
        accesses,
        "if (owner[own] == key).all():",
        "if True:",
    ),
    "accesses: keys share the initial value": (
        accesses,
        "np.where(numbers == initial, limit + key, numbers)",
        "numbers",
    ),
    "accesses: crashed calls return": (
        accesses,
        "np.where(known, _column(history.complete), FOREVER)",
        "np.where(_column(history.complete) >= 0, _column(history.complete), FOREVER)",
    ),
    "accesses: appends are writes": (accesses, '"append": _MORE', '"append": _WRITE'),
    "necessary: the initial value needs a writer": (necessary, "value != calls.initial[key]", "value >= 0"),
    "necessary: the initial value isn't there once": (settling, "writers[everything.initial] += 1", ""),
    "necessary: two cas from a value with several writers": (
        necessary,
        " & (writers[value] == 1)",
        "",
    ),
    "necessary: any other writer was too late": (
        necessary,
        "found[values[::-1]] = calls[::-1]",
        "found[values] = calls",
    ),
    "necessary: crashed cas have found something": (necessary, " & (calls.returns != FOREVER)", ""),
    "necessary: the writer may come later": (
        necessary,
        "calls.returns[needing] < calls.invokes[writer]",
        "calls.returns[needing] < -1",
    ),
    "zones: crashed cas observe nothing, even observed ones": (
        zones,
        "pending = [written for written in sources if observed[written]]",
        "pending = []",
    ),
    "zones: crashed cas are observations": (zones, "reading & ~crashed]] = True", "reading]] = True"),
    "zones: several writers of an observed value": (settling, "left |= unclear", ""),
    "zones: what is unclear is decided": (settling, "_without(calls, unclear)", "calls"),
    "zones: crashed writers are left out": (zones, "(completed | observed[calls.writes])", "completed"),
    "zones: crashed writers are all there": (
        zones,
        "mutating & (completed | observed[calls.writes])",
        "mutating",
    ),
    "zones: the initial value isn't there first": (zones, "earliest[:keys] = _BEFORE_EVERYTHING", ""),
    "zones: a cluster ends with its writer": (
        zones,
        "np.minimum.at(earliest, of_call[members], calls.returns[members])",
        "np.minimum.at(earliest, of_call[writer], calls.returns[writer])",
    ),
    "zones: two cas from one value": (
        zones,
        "for position in np.flatnonzero(one[source] != target).tolist():",
        "own = one[source] == target\n    source, target = source[own], target[own]\n    for position in ():",
    ),
    "zones: circles of cas": (zones, "preceded[chains.clusters] = False", "preceded[:] = False"),
    "zones: no order inside a chain": (zones, "earliest[chains.clusters] < begun", "earliest[:0] < 0"),
    "zones: a chain is ordered across its ends": (
        zones,
        "_greatest_before(clusters.latest[chains.clusters], chains.number)",
        "_greatest_before(clusters.latest[chains.clusters], chains.number * 0)",
    ),
    "zones: keys are ordered among each other": (
        zones,
        "latest = _greatest_before(blocks.latest[ranked], key)",
        "latest = _greatest_before(blocks.latest[ranked], key * 0)",
    ),
    "zones: a block returns with its first cluster": (
        zones,
        "np.minimum.at(earliest, head, clusters.earliest[chains.clusters])",
        "",
    ),
    "zones: a block is invoked with its first cluster": (
        zones,
        "np.maximum.at(latest, head, clusters.latest[chains.clusters])",
        "",
    ),
    "zones: chained clusters are blocks too": (
        zones,
        "chains.rank > 0]] = False",
        "chains.rank > 9]] = False",
    ),
    "zones: the conflict reversed": (zones, "earliest[ranked] < latest", "earliest[ranked] > latest"),
    "zones: no conflict between blocks": (
        zones,
        "np.flatnonzero(blocks.earliest[ranked] < latest)",
        "np.flatnonzero([])",
    ),
    "zones: order blocks by earliest return alone": (
        zones,
        "place = np.minimum(blocks.earliest, blocks.latest)",
        "place = np.minimum(blocks.earliest, 10**6)",
    ),
    "zones: order blocks by latest invocation alone": (
        zones,
        "place = np.minimum(blocks.earliest, blocks.latest)",
        "place = blocks.latest",
    ),
    "zones: readers stand before their writer": (zones, "+ reads, kind", "- reads, kind"),
    "zones: chains are written out backwards": (zones, "]] + chains.rank", "]] - chains.rank"),
    "zones: observers that hold in many states are left out": (
        settling,
        "np.unique(calls.key[zoned.aside]).tolist()",
        "()",
    ),
    "zones: an observer without a place is left out": (
        settling,
        "return None if complete is None",
        "return order.tolist() if complete is None",
    ),
}


def mutated(module, old, new, sparse=None):
    """Return the `settle` of copies of the lane's modules in which one module's source is changed.

    `sparse` says when values are taken to be far apart: with 0 always.
    """
    source = inspect.getsource(module)
    assert old in source, f"{module.__name__} no longer says {old!r}"
    copies = {}
    held = {each.__name__: each for each in (identities, accesses, necessary, zones, settling)}
    try:
        for name, original in held.items():
            copies[name] = sys.modules[name] = types.ModuleType(name)
            copies[name].__file__ = original.__file__
            text = inspect.getsource(original)
            text = text.replace(old, new) if original is module else text
            text = re.sub(r"(?m)^_SPARSE = .*", f"_SPARSE = {sparse}", text) if sparse is not None else text
            exec(compile(text, original.__file__, "exec"), copies[name].__dict__)
            setattr(columns, name.rpartition(".")[2], copies[name])
    finally:
        sys.modules.update(held)
        for name, original in held.items():
            setattr(columns, name.rpartition(".")[2], original)
    return copies[settling.__name__].settle


def is_convicted(small, deciding, seeds):
    for seed in seeds:
        name, lines = draw(small, seed)
        history, asked = build_history(lines), semantics(seed, name)
        try:
            settled = deciding(history, MODELS[name](), None, Budget(), **asked)
        except (AssertionError, KeyError, IndexError, ValueError, TypeError):
            return True
        if settled is None or mistake(small, history, asked, settled) is not None:
            return True
    return False


def test_the_unchanged_lane_is_right_on_the_histories_that_convict_the_mutants(small):
    for sparse in (None, 0):
        assert not is_convicted(small, mutated(zones, "return", "return", sparse), range(2000))


@pytest.mark.parametrize("rule", MUTANTS)
def test_the_lane_with_a_rule_broken_is_wrong_about_some_small_history(small, rule):
    changed = [mutated(*MUTANTS[rule], sparse) for sparse in (None, 0)]
    seeds = [range(start, start + 500) for start in range(0, 20000, 500)]
    assert any(is_convicted(small, deciding, some) for some in seeds for deciding in changed), rule
