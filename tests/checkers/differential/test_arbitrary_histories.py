"""Whatever stands in a history, for any data type: a verdict that is true and proved, or a refusal.

Two kinds of histories are drawn. *Strange* ones have any JSON value anywhere, any function's name, keys of
any type, marks where none belong. *Near* ones are small histories of a data type in which a few lines were
changed; where the model still takes them and every call is one that the data type knows, trying all orders
says what the verdict must be.
"""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sequential_types import TYPES
from small_histories import calls_of, events, linearizable, lines_of

from splitbrain.checkers.models import BUILT_IN, ModelMismatch, choose
from splitbrain.checkers.portfolio import UNSET, check_linearizable
from splitbrain.checkers.verification.verify import verify
from splitbrain.cli.check import check
from splitbrain.histories import HistoryError, build_history
from splitbrain.render.dot import render_dot
from splitbrain.render.explanation import paragraph, render_explanation
from splitbrain.render.page import render_page
from splitbrain.render.verdict import render_verdict

MODELS = {model.name: model for model in BUILT_IN}
METHODS = next(each.type.choices for each in check.params if each.name == "method")
NAMES = sorted({f for model in BUILT_IN for f in model.functions})
FEW = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
MANY = settings(FEW, max_examples=2000, derandomize=False)

SCALARS = st.one_of(
    st.sampled_from([None, True, False, 0, 1, 2, 1.0, 0.0, -0.0, "", "a", "1", "\x00\x1b\n\u202e</script>"]),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab1"), inner, max_size=2),
    max_leaves=5,
)
KEYS = st.one_of(st.just("x"), SCALARS, st.lists(SCALARS, max_size=2))
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["r", "w", "append", "read"]), st.sampled_from(["x", 1, True]), SCALARS).map(
        list
    ),
    max_size=3,
)
ASKED = st.one_of(
    VALUES,
    st.sampled_from([1, 2]),
    st.lists(st.sampled_from([1, 2, None]), min_size=2, max_size=2),
    ACTIONS,
    st.fixed_dictionaries(
        {"from": st.sampled_from(["a", 1]), "to": st.just("b"), "amount": st.sampled_from([0, 1, 1.5])}
    ),
)


@st.composite
def strange_lines(draw, names):
    """Draw the lines of a history whose processes alternate, and nothing else is sure."""
    function, lines, running = st.sampled_from(names) | st.just("\n"), [], {}
    for process in draw(st.lists(st.integers(0, 3), max_size=12)):
        line = running.pop(process, None)
        if line is None:
            line = {"process": process, "type": "invoke", "f": draw(function), "value": draw(ASKED)}
            running[process] = line | draw(st.just({}) | st.fixed_dictionaries({"key": KEYS}))
            lines.append(running[process])
            continue
        told = draw(st.sampled_from([line["value"], None, [line["value"], True]]) | ASKED)
        marks = draw(st.sampled_from([{}, {}, {}, {"applied": False}, {"error": "\x1b[2J"}, {"time": 1e300}]))
        kind = draw(st.sampled_from(["ok", "ok", "ok", "info", "fail"]))
        lines.append({**line, "type": kind, "value": told, **marks})
    return lines


def decided(history, model, **options):
    """Decide, verify and draw a history; return the verdict, or None if the model doesn't take it."""
    try:
        result = check_linearizable(history, model, **options)
    except ModelMismatch as mismatch:
        assert str(mismatch).isprintable()  # noqa: PT017 - a mismatch is one right answer of two
        assert len(str(mismatch)) < 1000  # noqa: PT017 - the same
        return None
    if result.valid != "unknown":
        proof = json.loads(json.dumps(result.certificate, allow_nan=False))
        verification = verify(proof, history)
        assert verification.holds is True, verification.reason
    if options.get("method", "auto") == "auto":
        drawn(history, model, result)
    return result.valid


def drawn(history, model, result):
    """Tell and draw a verdict in every form."""
    verdict = {
        "file": "history",
        "model": model.name,
        "valid": result.valid,
        "reason": result.reason,
        "operations": result.operations,
        "seconds": result.seconds,
        "method": result.method,
        "checks": [],
        "violations": [each.to_json() for each in result.violations],
        "gates": [],
        "measurements": {},
        "coverage": {},
        "replay": None,
    }
    json.dumps(verdict, allow_nan=False)
    paragraph(verdict)
    for text in (render_verdict(verdict), render_explanation(verdict, history, result.certificate)):
        assert all(each.isprintable() for each in text.split("\n"))
    render_dot(verdict)
    page = render_page(verdict, history, result.certificate)
    assert page.count("<script") == page.count("</script")


def answers(lines, model, keyed, initial):
    """Hold every method to what is promised of a history of these lines; all that decide must agree."""
    try:
        history = build_history(lines, keyed=keyed)
    except HistoryError as error:
        assert str(error).isprintable()  # noqa: PT017 - a refusal is one right answer of two
        return
    try:
        assert choose(history) in MODELS
    except ModelMismatch as mismatch:
        assert str(mismatch).isprintable()  # noqa: PT017 - the same
    options = {"initial": initial, "keyed": keyed}
    verdicts = {decided(history, model, method=method, **options) for method in METHODS}
    assert len(verdicts - {"unknown"}) <= 1
    decided(history, model, nil_reads="any", failed_cas="observed", **options)


@pytest.mark.parametrize("name", MODELS)
def test_a_strange_history_is_refused_or_decided_and_proved(name):
    strange_histories(MODELS[name], FEW)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", MODELS)
def test_a_strange_history_is_refused_or_decided_and_proved_all_night(name):
    strange_histories(MODELS[name], MANY)


def strange_histories(model, amount):
    @amount
    @given(
        strange_lines(list(model.functions)) | strange_lines(NAMES),
        st.sampled_from(["auto", "yes", "no"]),
        st.just(UNSET) | VALUES,
    )
    def hold(lines, keyed, initial):
        answers(lines, model, keyed, initial)

    hold()


def changed(lines, changes):
    """Return the lines with a few values, types or marks changed."""
    lines = [dict(line) for line in lines]
    for place, name, value in changes:
        if lines:
            lines[place % len(lines)][name] = value
    return lines


OBSERVING = ("read", "get", "dequeue", "pop", "poll", "peek", "contains", "txn")
"""Functions whose results the models compare; of others they ignore what came back."""
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 99), st.just("value"), VALUES),
        st.tuples(st.integers(0, 99), st.just("type"), st.sampled_from(["ok", "info", "fail", "invoke"])),
        st.tuples(st.integers(0, 99), st.just("applied"), st.booleans()),
    ),
    max_size=2,
)


def near_histories(data_type, amount):
    @amount
    @given(events, CHANGES, st.booleans())
    def hold(some, changes, reuse):
        lines = changed(lines_of(data_type, some, reuse=reuse), changes)
        try:
            history = build_history(lines, keyed="no")
        except HistoryError:
            return
        told = decided(history, MODELS[data_type.model], keyed="no", **data_type.options)
        if told is None:
            return
        calls = calls_of(history)
        if not any(call.known for call in calls):
            assert told == "unknown"
        elif all(known(data_type, call) for call in calls):
            assert told is linearizable(data_type, calls)

    hold()


def known(data_type, call):
    """Tell whether the oracle knows such a call, as it was asked and by what it was told."""
    if not any(call.f == f and alike(call.value, value) for f, value in data_type.operations):
        return False
    if not call.known or json.dumps(call.result) == json.dumps(call.value):
        return True
    if call.f == "acquire":
        return data_type.model == "fenced-lock" and call.result in range(4)
    if "bank" in data_type.model:
        balances = call.result
        return call.f == "read" and set(balances) == set("ab") and all(abs(balances[n]) < 5 for n in "ab")
    return call.f in OBSERVING or (data_type.model == "set" and call.f in ("add", "remove"))


def alike(value, pattern):
    """Tell whether a value is the one of an operation, where a fresh number may be any whole one."""
    if type(pattern) is object:
        return type(value) is int
    if isinstance(pattern, list):
        return isinstance(value, list) and len(value) == len(pattern) and all(map(alike, value, pattern))
    return json.dumps(value) == json.dumps(pattern)


@pytest.mark.parametrize("name", TYPES)
def test_a_history_that_was_changed_here_and_there_gets_the_oracles_verdict(name):
    near_histories(TYPES[name], FEW)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", TYPES)
def test_a_history_that_was_changed_here_and_there_gets_the_oracles_verdict_all_night(name):
    near_histories(TYPES[name], MANY)
