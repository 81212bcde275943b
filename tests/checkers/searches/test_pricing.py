"""Priced supply says what trying all orders says, in both directions, and proves it."""

import json
import random

import pytest

from splitbrain.checkers import portfolio
from splitbrain.checkers.budget import Budget
from splitbrain.checkers.evidence.reduction import Reduction
from splitbrain.checkers.lanes import configurations, dispatch, pricing
from splitbrain.checkers.lanes.ascent import Ascent
from splitbrain.checkers.lanes.canonical import canonical_kinds
from splitbrain.checkers.lanes.guided import Exhausted, Found, GuidedSearch
from splitbrain.checkers.lanes.relaxation import relax
from splitbrain.checkers.lanes.tariff import make_tariff, write_out
from splitbrain.checkers.lanes.transitions import Transitions
from splitbrain.checkers.models import BUILT_IN, ILLEGAL, CasRegister, Model
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.outcome import Linearization, Refutation, Undecided
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification.verify import verify
from splitbrain.histories import build_history

MODELS = {model.name: model for model in BUILT_IN}


def _columns(lines, model=CasRegister):
    normalised = normalise(build_history(lines), model(), None, keyed=False)
    return normalised.kinds, normalised.keys[0] if normalised.keys else None


def _is_linearization(small, lines, calls, order):
    history = build_history(lines)
    by_position = {call["inv"]: call for call in small.calls_of(history)}
    placed = [by_position[calls.invokes[call]] for call in order]
    latest = -1
    for call in placed:
        latest = max(latest, call["inv"])
        if call["ret"] is not None and call["ret"] < latest:
            return False
    completed = sum(call["known"] for call in by_position.values())
    return sum(call["known"] for call in placed) == completed and small.replay(placed)


def _agrees(small, seeds):
    rules = dict.fromkeys(("supply", "prices"), 0)
    for seed in seeds:
        lines = small.starved_lines(random.Random(seed))
        kinds, calls = _columns(lines)
        outcome = pricing.decide(calls, kinds, CasRegister(), None, Budget(configurations=200_000))
        truth = small.brute_force(small.calls_of(build_history(lines)))
        assert isinstance(outcome, Linearization) == truth, (seed, lines)
        if isinstance(outcome, Linearization):
            assert _is_linearization(small, lines, calls, outcome.order), seed
        else:
            rules[outcome.rule] += 1
    return rules


def test_prices_agree_with_brute_force_where_crashed_calls_are_scarce(small):
    rules = _agrees(small, range(1500))
    assert rules["prices"] > 50
    assert rules["supply"] > 50


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_prices_agree_with_brute_force_on_many_more_histories(small):
    _agrees(small, range(10_000, 200_000))


@pytest.mark.parametrize("profile", range(10))
def test_prices_agree_with_the_exact_walk_on_histories_of_every_profile(small, profile):
    decided = 0
    for seed in range(profile + 40_000, 42_000, 10):
        name, lines = small.draw(seed)
        kinds, calls = _columns(lines, MODELS[name])
        if calls is None:
            continue
        outcome = pricing.decide(calls, kinds, MODELS[name](), None, Budget(configurations=200_000))
        if isinstance(outcome, Undecided):
            assert "states" in outcome.reason
            continue
        decided += 1
        exact = configurations.decide(calls, kinds, MODELS[name](), None, Budget())
        assert isinstance(outcome, Linearization) == isinstance(exact, Linearization), (seed, lines)
    assert decided > 50


def test_the_guided_search_alone_agrees_with_brute_force(small):
    found = exhausted = 0
    for seed in range(1500):
        lines = small.starved_lines(random.Random(seed))
        kinds, calls = _columns(lines)
        transitions = Transitions(CasRegister(), kinds, None)
        relaxed = relax(canonical_kinds(calls, kinds)[0], kinds, transitions, Budget())
        if relaxed.stuck is not None:
            continue
        ascent = Ascent([len(group.calls) for group in relaxed.groups])
        answer = GuidedSearch(relaxed, Budget()).search(
            make_tariff(relaxed, ascent.whole(ascent.mean)), 10**6
        )
        truth = small.brute_force(small.calls_of(build_history(lines)))
        if isinstance(answer, Found):
            assert truth, (seed, lines)
            assert _is_linearization(small, lines, calls, write_out(relaxed, answer.path)), seed
            found += 1
        else:
            assert isinstance(answer, Exhausted)
            assert not truth, (seed, lines)
            exhausted += 1
    assert found > 300
    assert exhausted > 50


def test_every_verdict_by_prices_carries_a_certificate_that_the_verifier_accepts(small):
    proved = 0
    for seed in range(600):
        history = build_history(small.starved_lines(random.Random(seed)))
        result = check_linearizable(history, CasRegister, method="priced")
        assert result.valid is small.brute_force(small.calls_of(history)), seed
        json.dumps([violation.to_json() for violation in result.violations])
        verification = verify(json.loads(json.dumps(result.certificate)), history)
        assert verification.holds is True, (seed, verification.reason)
        proved += result.method == "priced"
    assert proved > 300


def test_the_prices_of_whole_histories_are_accepted_and_without_them_nothing_is_proved(small):
    """Without a smaller witness: everything up to the cut, with the prices as the lane found them."""
    proved = 0
    for seed in range(600):
        lines = small.starved_lines(random.Random(seed))
        history = build_history(lines)
        kinds, calls = _columns(lines)
        outcome = pricing.decide(calls, kinds, CasRegister(), None, Budget())
        if not isinstance(outcome, Refutation):
            continue
        witness = Reduction(calls, kinds, CasRegister(), None, Budget())._cut_short(outcome, "priced")
        certificate = {
            "model": "cas-register",
            "initial": None,
            "nil_reads": "exact",
            "failed_cas": "ignored",
            "keyed": False,
            **portfolio._refuted_operations(history, witness),
        }
        assert verify(certificate, history).holds is True, seed
        if outcome.rule == "prices":
            proved += 1
            assert verify(certificate | {"prices": []}, history).holds is False
    assert proved > 20


def test_one_crashed_write_can_not_be_read_on_both_sides_of_another_write(small):
    lines = small.sequence(("write", 1, "crash"), ("read", 1), ("write", 2), ("read", 1))
    result = check_linearizable(build_history(lines), CasRegister, method="priced")
    kinds, calls = _columns(lines)
    refutation = pricing.decide(calls, kinds, CasRegister(), None, Budget())
    assert (refutation.rule, refutation.prices, refutation.cost) == ("prices", {0: 1}, 2)
    assert refutation.cut.stuck == 3
    assert refutation.cut.states == (2,)
    assert result.valid is False


def test_a_second_crashed_write_must_have_been_invoked_in_time(small):
    late = (("write", 1, "crash"), ("read", 1), ("write", 2), ("read", 1), ("write", 1, "crash"))
    early = (("write", 1, "crash"), ("write", 1, "crash"), ("read", 1), ("write", 2), ("read", 1))
    verdicts = [
        check_linearizable(build_history(small.sequence(*calls)), CasRegister, method="priced").valid
        for calls in (late, early)
    ]
    assert verdicts == [False, True]


def test_a_shortage_is_told_by_how_many_would_be_needed():
    lines = [{"process": 9 + extra, "type": "invoke", "f": "write", "value": 1} for extra in range(3)]
    for turn in range(8):
        f, value = ("read", 1) if turn % 2 == 0 else ("write", 2)
        lines.append({"process": 0, "type": "invoke", "f": f, "value": None if f == "read" else value})
        lines.append({"process": 0, "type": "ok", "f": f, "value": value})
    kinds, calls = _columns(lines)
    refutation = pricing.decide(calls, kinds, CasRegister(), None, Budget())
    assert (set(refutation.prices.values()), len(refutation.prices), refutation.cost) == ({1}, 3, 4)


class _Growing(Model):
    name = "growing"
    functions = ("add", "read")
    initial = 0
    observers = frozenset({"read"})

    def step(self, state, call):
        if call.f == "add":
            return state + call.value
        return state if call.result == state else ILLEGAL


class _Bounded(_Growing):
    name = "bounded"

    def step(self, state, call):
        if call.f == "add" and state + call.value > 3:
            return ILLEGAL
        return super().step(state, call)


def _counted(*reads, adds=2):
    lines = [{"process": 9 + extra, "type": "invoke", "f": "add", "value": 1} for extra in range(adds)]
    for value in reads:
        lines.append({"process": 0, "type": "invoke", "f": "read", "value": None})
        lines.append({"process": 0, "type": "ok", "f": "read", "value": value})
    return lines


def test_any_model_with_few_states_can_be_priced():
    for reads, right in (((1, 2), True), ((1, 3), False), ((2, 1), False), ((0, 2), True)):
        kinds, calls = _columns(_counted(*reads), _Bounded)
        outcome = pricing.decide(calls, kinds, _Bounded(), 0, Budget())
        assert isinstance(outcome, Linearization) is right, reads
        assert isinstance(outcome, Refutation) is not right


def test_a_model_with_unboundedly_many_states_is_left_to_the_exact_walk():
    kinds, calls = _columns(_counted(1, 3), _Growing)
    outcome = pricing.decide(calls, kinds, _Growing(), 0, Budget())
    assert isinstance(outcome, Undecided)
    assert "more than 64 states" in outcome.reason
    decided = dispatch.decide(calls, kinds, _Growing(), 0, Budget())
    assert (type(decided.outcome), decided.lane) == (Refutation, "configurations")


def test_pricing_stops_within_its_budget_and_says_how_far_it_came(small):
    kinds, calls = _columns(small.starved_lines(random.Random(1), begun=200))
    outcome = pricing.decide(calls, kinds, CasRegister(), None, Budget(configurations=20))
    assert isinstance(outcome, Undecided)
    assert (
        outcome.reason == "the budget of 20 configurations ran out in round 0 of pricing crashed operations"
    )


def test_a_key_on_which_counting_explodes_is_decided_by_prices():
    """Eleven kinds of crashed calls, each of which may have been used or not: two thousand ways to go on."""
    rng = random.Random(7)
    lines = []
    for extra in range(40):
        value = rng.sample(range(1, 6), 2) if extra % 2 else rng.randrange(1, 6)
        f = "cas" if extra % 2 else "write"
        lines.append({"process": 100 + extra, "type": "invoke", "f": f, "value": value})
    for _ in range(150):
        f = rng.choice(("read", "read", "write"))
        value = rng.randrange(1, 6)
        lines.append({"process": 0, "type": "invoke", "f": f, "value": None if f == "read" else value})
        lines.append({"process": 0, "type": "ok", "f": f, "value": value})
    history = build_history(lines)
    result = check_linearizable(history, CasRegister)
    assert (result.valid, result.method) == (False, "priced")
    assert verify(result.certificate, history).holds is True
