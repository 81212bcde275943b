"""Every lane says what trying all orders says, and proves it to the verifier."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitbrain.checkers.budget import Budget
from splitbrain.checkers.lanes import configurations, necessary, zones
from splitbrain.checkers.models import BUILT_IN, CasRegister
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.outcome import Linearization, Refutation
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification.verify import verify
from splitbrain.checkers.watch import Watch
from splitbrain.histories import build_history

MODELS = {model.name: model for model in BUILT_IN}


def _columns(history, model):
    normalised = normalise(history, model(), None, keyed=False)
    return normalised.kinds, normalised.keys[0] if normalised.keys else None


@pytest.mark.parametrize("profile", range(10))
def test_the_configuration_graph_agrees_with_brute_force(small, profile):
    refuted = 0
    for seed in range(profile, 3000, 10):
        name, lines = small.draw(seed)
        history = build_history(lines)
        kinds, calls = _columns(history, MODELS[name])
        if calls is None:
            continue
        outcome = configurations.decide(calls, kinds, MODELS[name](), None, Budget())
        truth = small.brute_force(small.calls_of(history))
        assert isinstance(outcome, Linearization) == truth, (seed, lines)
        refuted += not truth
    assert refuted >= 5


@pytest.mark.parametrize("profile", range(7))
def test_zones_and_the_necessary_conditions_agree_with_brute_force_where_they_answer(small, profile):
    answered = 0
    for seed in range(profile + 10000, 16000, 10):
        name, lines = small.draw(seed)
        history = build_history(lines)
        kinds, calls = _columns(history, MODELS[name])
        if calls is None:
            continue
        truth = small.brute_force(small.calls_of(history))
        outcome = zones.decide(calls, kinds, Watch(Budget()))
        if isinstance(outcome, Linearization | Refutation):
            answered += 1
            assert isinstance(outcome, Linearization) == truth, (seed, lines)
        assert not (truth and necessary.refute(calls, kinds, Watch(Budget()))), (seed, lines)
    assert answered > 60


@pytest.mark.parametrize("nil_reads", ["exact", "any"])
def test_every_verdict_carries_a_certificate_that_the_verifier_accepts(small, nil_reads):
    for seed in range(20000, 21500):
        name, lines = small.draw(seed)
        history = build_history(lines)
        calls = small.calls_of(history)
        for call in calls:
            if nil_reads == "any" and call["f"] in ("read", "get") and call["result"] is None:
                call["result"] = small.wild
        result = check_linearizable(history, MODELS[name], nil_reads=nil_reads)
        if not any(call["known"] for call in calls):
            assert result.valid == "unknown"
            assert "nothing was tested" in result.reason
            continue
        assert result.valid is small.brute_force(calls), (seed, lines)
        json.dumps([violation.to_json() for violation in result.violations])
        verification = verify(json.loads(json.dumps(result.certificate)), history)
        assert verification.holds is True, (seed, verification.reason)


_event = st.tuples(
    st.integers(0, 3), st.sampled_from(("read", "write", "cas")), st.integers(0, 2), st.integers(0, 3)
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(_event, min_size=2, max_size=14))
def test_arbitrary_results_are_judged_as_brute_force_judges_them(small, events):
    """Results here come from nowhere: most histories are wrong, in ways that no simulation produces."""
    lines, running, begun = [], {}, 0
    for process, f, value, end in events:
        if process in running:
            function, asked = running.pop(process)
            kind = ("ok", "ok", "ok", "info")[end]
            line = {"process": process, "type": kind, "f": function, "value": asked}
            if function == "read":
                line["value"] = value or None
            elif function == "cas" and end == 1:
                line["applied"] = False
            lines.append(line)
        elif begun < 7:
            begun += 1
            asked = None if f == "read" else value + 1 if f == "write" else [value or None, end]
            running[process] = (f, asked)
            lines.append({"process": process, "type": "invoke", "f": f, "value": asked})
    if not lines:
        return
    history = build_history(lines)
    calls = small.calls_of(history)
    if any(call["known"] for call in calls):
        assert check_linearizable(history, CasRegister).valid is small.brute_force(calls)
