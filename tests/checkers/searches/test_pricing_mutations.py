"""Each rule of priced supply and of its verifier is needed: with one broken, some small history shows it."""

import inspect
import random
import sys
import types
from dataclasses import replace

import pytest

from splitbrain.checkers.budget import Budget
from splitbrain.checkers.lanes import ascent, guided, pricing, relaxation, tariff
from splitbrain.checkers.lanes.canonical import canonical_kinds
from splitbrain.checkers.lanes.transitions import Transitions
from splitbrain.checkers.models import CasRegister, MultiRegister
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.outcome import Linearization, Refutation, Undecided
from splitbrain.checkers.verification import prices
from splitbrain.checkers.verification.claim import Claim, task
from splitbrain.checkers.verification.verification import RejectedError
from splitbrain.histories import build_history

LANES = (relaxation, tariff, ascent, guided, pricing)
MUTANTS = {
    "a use pays for its own limit alone": (
        tariff,
        "later = list(accumulate(reversed(row)))",
        "later = list(reversed(row))",
    ),
    "a use is priced as if one more was invoked": (
        tariff,
        "(units[number][invoked], group.kind",
        "(units[number][min(invoked + 1, len(group.calls))], group.kind",
    ),
    "crashed calls lead on before they are invoked": (
        relaxation,
        "            if invoked\n",
        "            if True\n",
    ),
    "all runs of the cheapest price": (tariff, "if fare.epoch != epoch:", "if epoch < 0:"),
    "what there is is worth less": (tariff, "price * (place + 1)", "price * place"),
    "one more may be used than there are": (tariff, "used - place for", "used - place - 1 for"),
    "supply is not counted": (tariff, "used - place for", "-1 for"),
    "uses count from the next invocation on": (
        tariff,
        "uses[number][invoked[number]] += 1",
        "uses[number][min(invoked[number] + 1, len(uses[number]) - 1)] += 1",
    ),
    "a path that costs what there is refutes": (
        pricing,
        "if cost > rates.worth:\n            return self._refute",
        "if cost >= rates.worth:\n            return self._refute",
    ),
    "only demanded when illegal": (
        relaxation,
        "if after not in (IMPOSSIBLE, alone):",
        "if alone == IMPOSSIBLE and after != IMPOSSIBLE:",
    ),
    "never demanded": (relaxation, "if after not in (IMPOSSIBLE, alone):", "if False:"),
    "any call that changes nothing now is an observer": (
        relaxation,
        "if self._observer[kind]:",
        "if True:",
    ),
    "observers are linearized wherever they are legal or not": (
        relaxation,
        "if step(kind_of[bit], state) == state:",
        "if True:",
    ),
    "runs of one crashed call only": (
        relaxation,
        "                    pending.append(after)\n",
        "",
    ),
    "guided: uses are not counted": (guided, "and (available - after) & spare == spare", ""),
    "guided: any label dominates": (
        guided,
        "if any(((used | spare) - other) & spare == spare for other in others):",
        "if others:",
    ),
    "guided: what costs all there is goes": (guided, "            if left < 0:", "            if left <= 0:"),
    "guided: the way to go is forgotten": (
        guided,
        "tariff.worth - paid - to_go[target]",
        "tariff.worth - 2 * paid - to_go[target]",
    ),
}

VERIFIER = {
    "repetitions are free": (
        "extensions.append(((after, with_it), cost))",
        "extensions.append(((after, with_it), 0))",
    ),
    "repetitions cost double": (
        "extensions.append(((after, with_it), cost))",
        "extensions.append(((after, with_it), 2 * cost))",
    ),
    "the dearest of two that do the same counts": (
        "if price < self._optional",
        "if True or price < self._optional",
    ),
    "what is invoked later is of no use": ("self._runs.clear()", "pass"),
    "any way to a configuration counts": (
        "costs[configuration] = min(cost, costs.get(configuration, cost))",
        "costs[configuration] = max(cost, costs.get(configuration, cost))",
    ),
    "writes are reads": (
        "return all(\n            step.kind in",
        "return True or all(\n            step.kind in",
    ),
    "only demanded when illegal": (
        "if after is not None and after != alone:",
        "if after is not None and alone is None:",
    ),
    "no runs": ("if after is not None and after != alone:", "if False:"),
    "runs of one operation only": (
        "if after is not None and after not in reached:",
        "if after is not None and not cost:",
    ),
    "every price is one less": (
        "price = self._prices.get(optional.invoke, 0)",
        "price = max(0, self._prices.get(optional.invoke, 0) - 1)",
    ),
}


def _copy(module, old, new, before):
    """Return a copy of a module whose source is changed, importing from the given copies."""
    text = inspect.getsource(module)
    if old is not None:
        assert old in text, f"{module.__name__} no longer says {old!r}"
        text = text.replace(old, new)
    copy = types.ModuleType(module.__name__)
    copy.__file__ = module.__file__
    held = {name: sys.modules[name] for name in (*before, module.__name__)}
    sys.modules.update(before)
    sys.modules[module.__name__] = copy
    try:
        exec(compile(text, module.__file__, "exec"), copy.__dict__)
    finally:
        sys.modules.update(held)
    return copy


def _lane(changed=None, old=None, new=None):
    copies = {}
    for module in LANES:
        copies[module.__name__] = _copy(module, *((old, new) if module is changed else (None, None)), copies)
    return copies


def _drawn(small, count):
    yield from small.handmade
    for seed in range(count):
        yield small.starved_lines(random.Random(seed))


def _cells(*calls):
    """Return lines of transactions, each (crashed, actions), one after the other."""
    lines = []
    for process, (crashed, *actions) in enumerate(calls):
        asked = [[f, cell, None if f == "r" else value] for f, cell, value in actions]
        lines.append({"process": process, "type": "invoke", "f": "txn", "value": asked})
        if not crashed:
            lines.append({"process": process, "type": "ok", "f": "txn", "value": [*map(list, actions)]})
    return lines


BEFORE_ANOTHER = _cells(
    (True, ("w", "x", 1), ("w", "y", 1)), (False, ("w", "x", 2)), (False, ("r", "x", 2), ("r", "y", 1))
)
"""Valid, but only if the crashed transaction comes before one that is legal without it."""


def _goes_wrong(small, copies, count):
    cells, initial = MultiRegister().starting(None)
    columns = normalise(build_history(BEFORE_ANOTHER), cells, initial, keyed=False)
    try:
        outcome = copies[pricing.__name__].decide(
            columns.keys[0], columns.kinds, cells, initial, Budget(configurations=20_000)
        )
    except (AssertionError, KeyError):
        return True
    if isinstance(outcome, Refutation):
        return True
    for lines in _drawn(small, count):
        history = build_history(lines)
        columns = normalise(history, CasRegister(), None, keyed=False)
        calls, kinds, truth = columns.keys[0], columns.kinds, small.brute_force(small.calls_of(history))
        for decide in (_by_prices, _by_search):
            try:
                order = decide(copies, calls, kinds)
            except (AssertionError, KeyError, IndexError, ValueError, StopIteration, RuntimeError, TypeError):
                return True
            if order == "undecided":
                continue
            if (order is not None) != truth or (
                order is not None and not _holds(small, history, calls, order)
            ):
                return True
    return False


def _by_prices(copies, calls, kinds):
    budget = Budget(configurations=20_000)
    outcome = copies[pricing.__name__].decide(calls, kinds, CasRegister(), None, budget)
    if isinstance(outcome, Undecided):
        return "undecided"
    assert isinstance(outcome, Linearization) or outcome.rule != "counted", "prices prove it as well"
    return outcome.order if isinstance(outcome, Linearization) else None


def _by_search(copies, calls, kinds):
    transitions = Transitions(CasRegister(), kinds, None)
    relaxed = copies[relaxation.__name__].relax(
        canonical_kinds(calls, kinds)[0], kinds, transitions, Budget()
    )
    if relaxed.stuck is not None:
        return None
    search, rates = copies[guided.__name__], copies[tariff.__name__]
    points = copies[ascent.__name__].Ascent([len(group.calls) for group in relaxed.groups])
    answer = search.GuidedSearch(relaxed, Budget()).search(
        rates.make_tariff(relaxed, points.whole(points.mean)), 10_000
    )
    if isinstance(answer, search.Stopped):
        return "undecided"
    return rates.write_out(relaxed, answer.path) if isinstance(answer, search.Found) else None


def _holds(small, history, calls, order):
    by_position = {call["inv"]: call for call in small.calls_of(history)}
    placed = [by_position[calls.invokes[call]] for call in order]
    latest = -1
    for call in placed:
        latest = max(latest, call["inv"])
        if call["ret"] is not None and call["ret"] < latest:
            return False
    complete = sum(call["known"] for call in placed) == sum(call["known"] for call in by_position.values())
    return complete and small.replay(placed)


def test_the_unchanged_lane_is_right_on_the_histories_that_convict_the_mutants(small):
    assert not _goes_wrong(small, _lane(), 400)


@pytest.mark.parametrize("rule", MUTANTS)
def test_a_lane_with_a_rule_broken_is_wrong_about_some_small_history(small, rule):
    assert _goes_wrong(small, _lane(*MUTANTS[rule]), 3000), rule


CLAIM = Claim("cas-register", None, nil_reads_any=False, failed_cas_observed=False, keyed=False)


def _verifier_goes_wrong(small, verifier, count):
    """Compare with what is certain: prices never refute a valid history, and those of the lane always do."""
    cells = [task(replace(CLAIM, model="multi-register"), each) for each in build_history(BEFORE_ANOTHER)]
    if verifier.cheapest_order(cells, {"x": None, "y": None}, {0: 1}, 100_000).cost != 1:
        return True
    for seed, lines in enumerate(_drawn(small, count)):
        history = build_history(lines)
        columns = normalise(history, CasRegister(), None, keyed=False)
        calls = columns.keys[0]
        tasks = [task(CLAIM, operation) for operation in history]
        if small.brute_force(small.calls_of(history)):
            rng = random.Random(seed)
            crashed = [one.invoke for one in tasks if one.complete is None]
            given, refuted = {position: rng.randrange(1, 4) for position in crashed}, False
        else:
            outcome = pricing.decide(calls, columns.kinds, CasRegister(), None, Budget())
            assert isinstance(outcome, Refutation)
            given = {calls.invokes[call]: price for call, price in outcome.prices.items()}
            refuted = True
        try:
            bill = verifier.cheapest_order(tasks, {None: None}, given, 100_000)
        except (KeyError, ValueError, RejectedError):
            return True
        if not bill.finished or (bill.cost is None or bill.cost > sum(given.values())) != refuted:
            return True
    return False


def test_the_unchanged_verifier_is_right_on_the_histories_that_convict_the_mutants(small):
    assert not _verifier_goes_wrong(small, _copy(prices, None, None, {}), 400)


@pytest.mark.parametrize("rule", VERIFIER)
def test_a_verifier_with_a_rule_broken_is_wrong_about_some_small_history(small, rule):
    assert _verifier_goes_wrong(small, _copy(prices, *VERIFIER[rule], {}), 3000), rule
