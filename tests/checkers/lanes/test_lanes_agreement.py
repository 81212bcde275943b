"""The lanes of data types say what trying all orders says, prove it, and seldom say nothing."""

import json

import pytest

from splitbrain.checkers.lanes.dispatch import LANES
from splitbrain.checkers.outcome import Linearization, Refutation, Undecided
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification import verify

CONDITIONS = ("a value is inserted twice", "different numbers are added")
MODELS = ("set", "fifo-queue", "queue", "stack", "priority-queue", "mutex", "owned-mutex", "counter")


def _judge(drawn, model, seed):
    """Return (outcome, truth), having checked a linearization and the core of a refutation."""
    operations, initial = drawn.draw(model, seed)
    calls, kinds = drawn.columns(operations, model, initial)
    outcome = LANES[drawn.models[model].discipline](calls, kinds)
    truth = drawn.linearizable(model, operations, initial)
    if isinstance(outcome, Linearization):
        assert drawn.legal_order(model, operations, outcome.order, initial), (seed, operations)
    elif isinstance(outcome, Refutation):
        assert not truth, (seed, operations)
        core = [operations[call] for call in sorted(outcome.core)]
        assert len(set(outcome.core)) == len(core)
        assert not drawn.linearizable(model, core, initial), (seed, operations, outcome)
    return outcome, truth


@pytest.mark.parametrize("model", MODELS)
def test_each_lane_agrees_with_brute_force_where_it_answers(drawn, model):
    silent = refuted = 0
    for seed in range(1500):
        outcome, truth = _judge(drawn, model, seed)
        silent += isinstance(outcome, Undecided) and outcome.reason not in CONDITIONS
        refuted += not truth
    assert refuted > 50
    assert silent < (225 if "mutex" in model else 10)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("model", MODELS)
def test_each_lane_agrees_with_brute_force_on_a_million_histories(drawn, model):
    for seed in range(1_000_000, 2_000_000):
        _judge(drawn, model, seed)


@pytest.mark.parametrize("model", ["set", "fifo-queue", "queue", "stack", "priority-queue"])
def test_without_crashed_removals_a_lane_always_answers(drawn, model):
    for seed in range(4000, 4800):
        operations, initial = drawn.draw(model, seed)
        sure = [each for each in operations if each.known or each.f in ("enqueue", "push", "insert", "add")]
        calls, kinds = drawn.columns(sure, model, initial)
        outcome = LANES[drawn.models[model].discipline](calls, kinds)
        if outcome == Undecided("a value is inserted twice"):
            continue
        assert not isinstance(outcome, Undecided), (seed, sure)
        assert isinstance(outcome, Linearization) == drawn.linearizable(model, sure, initial), (seed, sure)


@pytest.mark.parametrize("model", MODELS)
def test_every_verdict_has_a_certificate_that_the_verifier_accepts_and_a_story(drawn, model):
    for seed in range(6000, 6250):
        operations, initial = drawn.draw(model, seed)
        history = drawn.history(operations)
        if not any(each.known for each in operations):
            continue
        start = None if "mutex" in model else initial[0] if model == "counter" else list(initial)
        result = check_linearizable(history, drawn.models[model], initial=start)
        assert result.valid is drawn.linearizable(model, operations, initial), (seed, operations)
        verification = verify(json.loads(json.dumps(result.certificate)), history)
        assert verification.holds is True, (seed, verification.reason)
        for violation in result.violations:
            json.dumps(violation.to_json())
            assert violation.evidence["story"]
