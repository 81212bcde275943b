"""The checker as its callers see it: verdicts, reasons, evidence, options, budgets."""

import itertools
import json
import subprocess
import sys

import pytest

from splitbrain.checkers.budget import Budget, BudgetExceeded
from splitbrain.checkers.evidence.graph import witness_graph
from splitbrain.checkers.models import (
    ILLEGAL,
    CasRegister,
    Kv,
    Model,
    ModelError,
    ModelMismatch,
    MultiRegister,
    Register,
)
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories import build_history


@pytest.fixture
def check(small):
    def check(*calls, model=CasRegister, **options):
        return check_linearizable(build_history(small.sequence(*calls)), model, **options)

    return check


def _positions(result):
    return [operation["position"] for operation in result.violations[0].evidence["operations"]]


def test_a_read_of_an_overwritten_value_is_told_with_the_three_operations_it_needs(check):
    result = check(("write", 7), ("read", 7), ("write", 9), ("read", 9), ("read", 7), ("write", 4))
    assert result.valid is False
    assert result.method == "zones"
    assert _positions(result) == [0, 4, 8]
    story = " ".join(result.violations[0].evidence["story"])
    assert "write 7 had returned when write 9 was invoked." in story
    assert "write 9 had returned when read 7 was invoked." in story
    edges = {(edge["from"], edge["to"], edge["why"]) for edge in result.violations[0].evidence["edges"]}
    assert edges == {(0, 4, "real-time"), (4, 8, "real-time"), (0, 8, "reads"), (8, 4, "value")}


def test_a_read_of_a_never_written_value_stands_alone(check):
    result = check(("write", 1), ("read", 5))
    assert result.method == "necessary"
    assert _positions(result) == [2]
    assert "observed 5, which no operation writes" in result.reason
    assert result.violations[0].evidence["story"] == ["The initial value is null, so 5 was never there."]


def test_two_cas_from_one_value_are_named_with_its_writer(check):
    result = check(("write", 1), ("cas", [1, 2]), ("cas", [1, 3]))
    assert result.method == "necessary"
    assert _positions(result) == [0, 2, 4]
    assert "both replaced 1, which was there only once" in result.reason
    assert "Only write 1 (process 0, position 0) writes it." in result.violations[0].evidence["story"]


def test_a_lost_write_in_a_small_domain_is_told_by_the_last_cut(check):
    result = check(("write", 1), ("write", 2), ("write", 1), ("write", 2), ("read", 1))
    assert result.method == "configurations"
    cut = result.violations[0].evidence["cut"]
    assert (cut["stuck"], cut["states"]) == (8, [2])


def test_a_witness_is_a_graph_whose_edges_say_why(check):
    evidence = check(("write", 7), ("write", 9), ("read", 7)).violations[0].evidence
    graph = witness_graph(json.loads(json.dumps(evidence)))
    assert sorted(graph.nodes) == [0, 2, 4]
    assert graph.edges[0, 4]["why"] == "reads"
    assert graph.nodes[4]["f"] == "read"


def test_a_history_in_which_nothing_completed_is_unknown(check):
    for calls in ((), (("write", 1, "info"),), (("write", 1, "fail"), ("read", None, "crash"))):
        result = check(*calls)
        assert result.valid == "unknown"
        assert result.reason.startswith("nothing was tested")
        assert result.certificate is None


def test_a_fail_is_no_evidence_unless_the_log_says_so(check):
    calls = (("write", 1), ("cas", [1, 2], "fail"), ("read", 1))
    assert check(*calls).valid is True
    observed = check(*calls, failed_cas="observed")
    assert observed.valid is False
    assert observed.certificate["failed_cas"] == "observed"


def test_a_null_read_is_exact_unless_any_state_may_explain_it(check):
    calls = (("write", 1), ("read", None), ("read", 1))
    assert check(*calls).valid is False
    assert check(*calls, nil_reads="any").valid is True


def test_the_initial_value_is_the_models_unless_given(check):
    assert check(("read", 0)).valid is False
    assert check(("read", 0), initial=0).valid is True
    assert check(("read", None)).valid is True


@pytest.mark.parametrize(
    ("written", "read"), [(1, True), (1, 1.0), (0, False), ([1], [True]), ({"a": 1}, {"a": 1.0})]
)
def test_values_that_python_calls_equal_but_json_does_not_are_told_apart(check, written, read):
    assert check(("write", written), ("read", written)).valid is True
    assert check(("write", written), ("read", read)).valid is False


def test_keys_are_decided_one_by_one_and_every_invalid_one_is_named():
    lines = []
    for process, (key, f, value) in enumerate(
        [
            ("x", "write", 1),
            ("y", "write", 1),
            ("z", "write", 1),
            ("x", "read", 1),
            ("y", "read", 2),
            ("z", "read", 3),
        ]
    ):
        line = {"process": process, "f": f, "key": key, "value": None if f == "read" else value}
        lines += [{**line, "type": "invoke"}, {**line, "type": "ok", "value": value}]
    result = check_linearizable(build_history(lines), Kv)
    assert [violation.evidence["key"] for violation in result.violations] == ["y", "z"]
    assert result.certificate["key"] == "y"
    assert 'Key "y"' in result.reason
    assert check_linearizable(build_history(lines), Kv, keyed="no").certificate["key"] is None


def test_a_model_that_does_not_fit_is_refused_with_the_position_and_those_that_would(check):
    with pytest.raises(
        ModelMismatch, match=r"position 2 doesn't fit the model register: cas .* cas-register, kv"
    ):
        check(("write", 1), ("cas", [1, 2]), model=Register)
    with pytest.raises(ModelMismatch, match=r"needs \[old, new\], not 5; none of the built-in models"):
        check(("cas", 5))


def test_a_model_of_ones_own_takes_ten_lines(check):
    class Counter(Model):
        name = "counter"
        initial = 0
        observers = frozenset({"read"})

        def step(self, state, call):
            if call.f == "add":
                return state + call.value
            return state if call.result == state else ILLEGAL

    assert check(("add", 2), ("add", 3), ("read", 5), model=Counter).valid is True
    assert check(("add", 2), ("add", 3, "info"), ("read", 2), ("read", 5), model=Counter).valid is True
    refuted = check(("add", 2), ("add", 3, "info"), ("read", 5), ("read", 2), model=Counter)
    assert refuted.valid is False
    assert refuted.violations[0].evidence["cut"]["states"] == [5]


def test_a_model_whose_observer_changes_the_state_is_found_out(check):
    class Liar(Model):
        name = "liar"
        initial = 0
        observers = frozenset({"read"})

        def step(self, state, call):
            return state + 1

    with pytest.raises(ModelError, match="names read an observer"):
        check(("read", 1), model=Liar)


def test_transactions_over_several_registers_are_atomic(check):
    def txn(value, result, model=MultiRegister):
        lines = [
            {"process": p, "type": t, "f": "txn", "value": v}
            for p, (v, r) in enumerate(zip(value, result, strict=True))
            for t, v in (("invoke", v), ("ok", r))
        ]
        return check_linearizable(build_history(lines), model, initial={"x": 0, "y": 0}, nil_reads="any")

    both = [["write", "x", 1], ["write", "y", 1]]
    look = [["read", "x", None], ["read", "y", None]]
    assert txn([both, look], [both, [["read", "x", 1], ["read", "y", 1]]]).valid is True
    assert txn([both, look], [both, [["read", "x", 1], ["read", "y", 0]]]).valid is False
    assert txn([both, look], [both, [["read", "x", None], ["read", "y", 1]]]).valid is True


def _many_orders(width):
    """Return concurrent writes and an impossible read: every subset in every state is a configuration."""
    lines = [{"process": p, "type": "invoke", "f": "write", "value": p % 5} for p in range(width)]
    lines += [{"process": p, "type": "ok", "f": "write", "value": p % 5} for p in range(width)]
    return [
        *lines,
        {"process": 99, "type": "invoke", "f": "read"},
        {"process": 99, "type": "ok", "f": "read", "value": 9},
    ]


def test_a_search_out_of_time_is_unknown_and_says_how_far_it_came():
    ticks = itertools.count()
    result = check_linearizable(
        build_history(_many_orders(26)),
        CasRegister,
        timeout=50,
        method="configurations",
        clock=lambda: next(ticks),
    )
    assert result.valid == "unknown"
    assert "the time budget of 50 s ran out after" in result.reason
    assert "of 27 completed operations" in result.reason


def test_a_search_out_of_memory_is_unknown():
    result = check_linearizable(
        build_history(_many_orders(26)), CasRegister, max_memory_mb=1, method="configurations"
    )
    assert result.valid == "unknown"
    assert "the memory budget of 1 MB" in result.reason


def test_a_budget_is_looked_at_while_configurations_are_made():
    budget = Budget(configurations=10)
    for _ in range(9):
        budget.spend()
    with pytest.raises(BudgetExceeded, match="10 configurations"):
        budget.spend()


def test_the_same_history_gives_the_same_result(small):
    for seed in range(300):
        name, lines = small.draw(seed)
        model = Kv if name == "kv" else CasRegister
        first, second = (check_linearizable(build_history(lines), model, clock=lambda: 0.0) for _ in range(2))
        assert first == second


def test_crashed_operations_of_unobserved_values_cost_nothing(check):
    crashed = [("write", value, "info") for value in range(100, 140)]
    assert check(*crashed, ("write", 1), ("read", 1)).method == "zones"
    result = check(*crashed, ("write", 1), ("write", 1), ("read", 1), ("cas", [1, 3], False), ("read", 2))
    assert result.valid is False


def test_deciding_imports_no_graph_library():
    code = "import sys, splitbrain.checkers.portfolio; print('networkx' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "False\n"
    )


def test_large_values_end_a_check_in_time_too():
    lines = [
        {"process": 0, "type": kind, "f": "write", "value": [number] * 10}
        for number in range(300)
        for kind in ("invoke", "ok")
    ]
    ticks = iter(range(10_000))
    result = check_linearizable(build_history(lines), Register, timeout=1, clock=lambda: next(ticks))
    assert result.valid == "unknown"
    assert "while its values were compared" in result.reason


def test_an_unknown_says_what_each_lane_said_before_it():
    crashed = [{"process": 200, "type": "invoke", "f": "cas", "value": [7, 9]}]
    crashed += [
        {"process": process, "type": "invoke", "f": "cas", "value": [process % 5, (process + 1) % 5]}
        for process in range(201, 230)
    ]
    history = build_history([*crashed, *_many_orders(12)])
    reasons = []
    for ticks in range(40, 80, 8):
        clock = itertools.count()
        result = check_linearizable(history, CasRegister, timeout=ticks, clock=lambda: next(clock))  # noqa: B023 - used up at once
        reasons.append(result.reason)
        if result.valid != "unknown":
            break
    late = [reason for reason in reasons if "configurations (the budget of " in reason]
    assert late
    for reason in late:
        assert reason.startswith(
            "the history (43 operations, 30 of them crashed and open to the end) is undecided"
        )
        assert "; tried before: zones (a value was observed that nobody wrote), configurations (" in reason
        assert "of 13 completed operations" in reason
        assert reason.endswith(" configurations alive).")
        assert len(reason) < 500


def test_the_memory_is_looked_at_again_a_hundredth_of_a_second_later():
    time = [0.0]
    budget = Budget(max_memory_mb=1e9, clock=lambda: time[0])
    budget.check()
    budget.max_memory_mb = 1
    budget.check()
    time[0] = 0.011
    with pytest.raises(BudgetExceeded, match="the memory budget of 1 MB"):
        budget.check()
    assert budget.ended


def test_a_sooner_budget_ends_with_the_first_of_both():
    time = [0.0]
    budget = Budget(timeout=10, clock=lambda: time[0])
    soon, late = budget.sooner(5), budget.sooner(50)
    time[0] = 6.0
    assert (soon.ended, late.ended, budget.ended) == (True, False, False)
    time[0] = 10.0
    with pytest.raises(BudgetExceeded, match="the time budget of 10 s"):
        late.check()
