"""The kernel and the search depth first say what trying all orders says, prove it, and keep to budgets."""

import itertools
import os
import random
import subprocess
import sys

import pytest

from splitbrain.checkers.budget import Budget
from splitbrain.checkers.lanes import configurations, depth_first, general
from splitbrain.checkers.lanes.kernel import run
from splitbrain.checkers.models import BUILT_IN, ILLEGAL, CasRegister, Model
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.outcome import Linearization, Refutation, Undecided
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification.verify import verify
from splitbrain.histories import build_history

MODELS = {model.name: model for model in BUILT_IN}


class Counter(Model):
    """Counts to three and then begins anew: few states, and no register."""

    name = "counter"
    initial = 0
    observers = frozenset({"read"})

    def step(self, state, call):
        if call.f == "add":
            return self.sum(state, call.value)
        if call.f == "reset":
            return 0
        return state if call.result == state else ILLEGAL

    @staticmethod
    def sum(state, value):
        return (state + value) % 4


class Gauge(Counter):
    """Stops at nought and at three: there an add changes nothing, so it can be parked without being blind."""

    name = "gauge"

    @staticmethod
    def sum(state, value):
        return min(3, max(0, state + value - 2))


class Queue(Model):
    """Unboundedly many states, so the kernel leaves it alone."""

    name = "fifo"
    initial = ()

    def step(self, state, call):
        if call.f == "enqueue":
            return (*state, call.value)
        if not call.known:
            return state[1:]
        if call.result is None:
            return state if not state else ILLEGAL
        return state[1:] if state and state[0] == call.result else ILLEGAL


def _draw(small, seed):
    """Return (model, lines): the small profiles, and cas registers that are wide and crash much."""
    if seed % 2:
        name, lines = small.draw(seed // 2)
        return MODELS[name], lines
    rng = random.Random(seed)
    mixes = (("read", "write", "cas"), ("write", "cas"), ("read", "write"), ("cas", "cas", "read", "write"))
    return CasRegister, small.random_lines(
        rng,
        functions=rng.choice(mixes),
        values=rng.choice(((1,), (1, 2), (1, 2, 3))),
        operations=rng.randrange(3, 10),
        processes=rng.randrange(2, 6),
        crash=rng.choice((0, 0.2, 0.5)),
        corrupt=rng.choice((0, 1, 2)),
    )


def _agrees(small, lane, model, lines):
    """Compare one lane with brute force, order and all; return whether it refuted."""
    history = build_history(lines)
    columns = normalise(history, model(), None, keyed=False)
    if not columns.keys:
        return False
    calls = columns.keys[0]
    outcome = lane(calls, columns.kinds, model(), None, Budget())
    ops = small.calls_of(history)
    assert not isinstance(outcome, Undecided), outcome.reason
    assert isinstance(outcome, Linearization) == small.brute_force(ops)
    if isinstance(outcome, Linearization):
        by_position = {op["inv"]: op for op in ops}
        order = [by_position[calls.invokes[call]] for call in outcome.order]
        assert len(set(outcome.order)) == len(order)
        assert sum(op["known"] for op in order) == sum(op["known"] for op in ops)
        latest = -1
        for op in order:
            latest = max(latest, op["inv"])
            assert op["ret"] is None or op["ret"] > latest
        assert small.replay(order)
        return False
    plain = configurations.decide(calls, columns.kinds, model(), None, Budget())
    assert isinstance(plain, Refutation)
    assert (outcome.core, outcome.cut.stuck, outcome.cut.open) == (
        plain.core,
        plain.cut.stuck,
        plain.cut.open,
    )
    return True


@pytest.mark.parametrize("lane", [run.decide, depth_first.decide], ids=["kernel", "depth-first"])
@pytest.mark.parametrize("part", range(4))
def test_both_agree_with_brute_force_and_refute_where_the_plain_walk_does(small, lane, part):
    refuted = sum(
        _agrees(small, lane, *_draw(small, seed)) for seed in range(part * 2000, part * 2000 + 1500)
    )
    assert refuted > 50


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(20))
def test_both_agree_with_brute_force_on_very_many_histories(small, part):
    for seed in range(100_000 + part * 50_000, 150_000 + part * 50_000):
        model, lines = _draw(small, seed)
        _agrees(small, run.decide, model, lines)
        _agrees(small, depth_first.decide, model, lines)


def _counted(rng, model, operations):
    """Return lines of a counter whose reads may be wrong, told in order."""
    lines, running, state = [], {}, 0
    while operations or running:
        process = rng.randrange(4)
        if process in running:
            f, value, done = running[process]
            if not done:
                state = {"reset": 0, "read": state, "add": model.sum(state, value or 0)}[f]
                running[process] = (f, state if f == "read" else value, True)
                continue
            del running[process]
            kind = "info" if rng.random() < 0.3 else "ok"
            wrong = f == "read" and rng.random() < 0.2
            value = value + wrong if f == "read" else value
            lines.append({"process": process, "type": kind, "f": f, "value": value})
        elif operations:
            operations -= 1
            f = rng.choice(("read", "add", "add", "reset"))
            value = rng.randrange(1, 4) if f == "add" else None
            running[process] = (f, value, False)
            lines.append({"process": process, "type": "invoke", "f": f, "value": value})
    return lines


@pytest.mark.parametrize("model", [Counter, Gauge])
def test_any_model_with_few_states_is_walked_by_its_table(model):
    refuted = 0
    for seed in range(1500):
        history = build_history(_counted(random.Random(seed), model, 9))
        columns = normalise(history, model(), 0, keyed=False)
        for calls in columns.keys:
            outcomes = [
                lane(calls, columns.kinds, model(), 0, Budget())
                for lane in (run.decide, configurations.decide, depth_first.decide)
            ]
            assert len({type(outcome) for outcome in outcomes}) == 1
            refuted += isinstance(outcomes[0], Refutation)
            if isinstance(outcomes[0], Linearization):
                state = 0
                for call in outcomes[0].order:
                    state = model().step(state, columns.kinds.calls[calls.kinds[call]])
                    assert state is not ILLEGAL
    assert refuted > 100


def test_of_equal_calls_one_that_is_needed_goes_before_a_parked_one_though_it_returns_later():
    """At three the first add changes nothing; the second must be what leads from one to two."""
    lines = [{"process": 0, "type": "invoke", "f": "add", "value": 3}]
    lines += [{"process": p, "type": t, "f": "add", "value": 1} for p in (1, 2) for t in ("invoke", "ok")]
    lines += [{"process": 3, "type": "invoke", "f": "add", "value": 3}]
    read = [{"process": 4, "type": t, "f": "read", "value": 2} for t in ("invoke", "ok")]
    lines += [*read, *({"process": p, "type": "ok", "f": "add", "value": 3} for p in (0, 3)), *read]
    columns = normalise(build_history(lines), Gauge(), 3, keyed=False)
    outcome = run.decide(columns.keys[0], columns.kinds, Gauge(), 3, Budget())
    assert isinstance(outcome, Linearization)


def _queued(width, count):
    lines = []
    for start in range(0, count, width):
        batch = range(start, min(start + width, count))
        lines += [{"process": p, "type": "invoke", "f": "enqueue", "value": p} for p in batch]
        lines += [{"process": p, "type": "ok", "f": "enqueue", "value": p} for p in batch]
        lines += [{"process": p, "type": "invoke", "f": "dequeue"} for p in batch]
        lines += [{"process": p, "type": "ok", "f": "dequeue", "value": p} for p in reversed(batch)]
    return lines


def test_depth_first_finds_a_linearization_where_the_walk_has_too_many_configurations():
    result = check_linearizable(build_history(_queued(9, 18)), Queue)
    assert result.valid is True
    assert result.method == "depth-first"


def test_depth_first_refutes_with_the_cut_when_it_has_tried_every_order():
    lines = [*_queued(3, 6), {"process": 9, "type": "invoke", "f": "dequeue"}]
    history = build_history([*lines, {"process": 9, "type": "ok", "f": "dequeue", "value": 1}])
    columns = normalise(history, Queue(), (), keyed=False)
    outcome = depth_first.decide(columns.keys[0], columns.kinds, Queue(), (), Budget())
    assert isinstance(outcome, Refutation)
    assert (outcome.cut.stuck, outcome.cut.states, outcome.cut.open) == (12, ((),), (12,))


def busy_lines(rng, operations, clients, *, values=5, crashed=0, corrupt=0):
    """Return lines of a cas register under load: every client always has a call open, or nearly so."""
    when = sorted(rng.sample(range(operations), crashed + corrupt))
    rng.shuffle(when)
    crashes, wrong = set(when[:crashed]), set(when[crashed:])
    lines, running, state, begun = [], {}, 0, 0
    while begun < operations or running:
        process = rng.randrange(clients)
        if process not in running:
            if begun == operations:
                continue
            f = rng.choice(("read", "write", "cas"))
            new, old = rng.randrange(values), rng.randrange(values)
            value = {"read": None, "write": new, "cas": [old, new]}[f]
            running[process] = [begun, f, value, None, True]
            begun += 1
            lines.append({"process": process, "type": "invoke", "f": f, "value": value})
        elif running[process][3] is None:
            call = running[process]
            call[4] = call[1] != "cas" or call[2][0] == state
            if call[1] == "write":
                state = call[2]
            elif call[1] == "cas" and call[4]:
                state = call[2][1]
            call[3] = state if call[1] == "read" else call[2]
        else:
            number, f, value, result, applied = running.pop(process)
            if number in wrong and f == "read":
                result = (result + 1) % values
            line = {
                "process": process,
                "type": "info" if number in crashes else "ok",
                "f": f,
                "value": result,
            }
            if f == "cas" and not applied and number not in crashes:
                line["applied"] = False
            lines.append(line)
    return lines


@pytest.mark.parametrize("clients", [10, 30])
def test_many_clients_on_few_values_are_decided_and_proved(clients):
    for seed in range(3):
        history = build_history(busy_lines(random.Random(seed), 600, clients))
        result = check_linearizable(history, CasRegister, initial=0)
        assert result.valid is True
        assert verify(result.certificate, history).holds is True


def test_histories_too_wide_for_the_plain_walk_are_refuted_alike_by_kernel_and_depth_first():
    refuted = 0
    for seed in range(40):
        history = build_history(busy_lines(random.Random(seed), 60, 8, crashed=5, corrupt=3))
        columns = normalise(history, CasRegister(), 0, keyed=False)
        lanes = (run.decide, configurations.decide, depth_first.decide)
        outcomes = [lane(columns.keys[0], columns.kinds, CasRegister(), 0, Budget(10)) for lane in lanes]
        assert len({type(outcome) for outcome in outcomes}) == 1
        if isinstance(outcomes[0], Refutation):
            refuted += 1
            assert len({outcome.cut.stuck for outcome in outcomes}) == 1
            assert set(outcomes[0].cut.states) >= set(outcomes[1].cut.states)
    assert refuted > 5


def test_steps_that_led_nowhere_are_given_back(monkeypatch):
    """With room for few steps the trails are collected often, and the linearization is the same."""
    history = build_history(busy_lines(random.Random(1), 2000, 10))
    columns = normalise(history, CasRegister(), 0, keyed=False)
    roomy = run.decide(columns.keys[0], columns.kinds, CasRegister(), 0, Budget())
    monkeypatch.setattr(run, "_STEPS", 200)
    assert isinstance(roomy, Linearization)
    assert run.decide(columns.keys[0], columns.kinds, CasRegister(), 0, Budget()) == roomy


def test_what_does_not_fit_the_kernel_is_said():
    wide = [{"process": p, "type": "invoke", "f": "write", "value": p % 3} for p in range(70)]
    wide += [{"process": p, "type": "ok", "f": "write", "value": p % 3} for p in range(70)]
    crashes = [
        {"process": p, "type": t, "f": "write", "value": p % 3} for p in range(70) for t in ("invoke", "info")
    ]
    crashes += [
        {"process": 99, "type": t, "f": "read", "value": v} for v in range(3) for t in ("invoke", "ok")
    ]
    for lines, model, reason in (
        (wide, CasRegister, "more than 62 operations were open"),
        (crashes, CasRegister, "70 crashed operations are too many"),
        (_queued(3, 60), Queue, "too many states"),
    ):
        columns = normalise(build_history(lines), model(), (), keyed=False)
        outcome = run.decide(columns.keys[0], columns.kinds, model(), (), Budget())
        assert reason in outcome.reason


def test_too_many_open_operations_fall_through_to_the_plain_walk():
    lines = [
        {"process": p, "type": t, "f": "write", "value": p % 3} for t in ("invoke", "ok") for p in range(70)
    ]
    result = check_linearizable(build_history(lines), CasRegister, method="configurations", timeout=60)
    assert result.valid is True


def test_the_kernel_keeps_to_its_budgets_and_says_how_far_it_came():
    history = build_history(busy_lines(random.Random(3), 3000, 30))
    columns = normalise(history, CasRegister(), 0, keyed=False)
    ticks = itertools.count()
    for budget, reason in (
        (Budget(3, clock=lambda: next(ticks)), "the time budget of 3 s ran out after"),
        (Budget(None, 1), "the memory budget of 1 MB ran out after"),
        (Budget(configurations=1000), "the budget of 1000 configurations ran out after"),
    ):
        outcome = run.decide(columns.keys[0], columns.kinds, CasRegister(), 0, budget)
        assert isinstance(outcome, Undecided)
        assert reason in outcome.reason
        assert "of 3000 completed operations, with" in outcome.reason


def test_a_part_of_a_budget_counts_for_the_whole_and_is_bound_by_it():
    budget = Budget(configurations=100)
    share = budget.part(configurations=1000)
    share.spent = 40
    assert budget.absorb(share) is False
    assert budget.part(configurations=1000)._configurations == 60
    assert budget.absorb(budget.part(configurations=1)) is False
    share.spent = 60
    assert budget.absorb(share) is True


def test_a_small_history_is_decided_without_importing_numba_or_numpy():
    code = (
        "import sys; from splitbrain.checkers.portfolio import check_linearizable;"
        "from splitbrain.checkers.models import CasRegister; from splitbrain.histories import build_history;"
        "lines = [{'process': p, 'type': t, 'f': 'write', 'value': p % 3}"
        " for p in range(300) for t in ('invoke', 'ok')];"
        "assert check_linearizable(build_history(lines), CasRegister, method='configurations').valid;"
        "print('numba' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


_WITHOUT = """
import sys
if {missing}: sys.modules["numba"] = sys.modules["numpy"] = None
import random
from splitbrain.checkers.budget import Budget
from splitbrain.checkers.lanes import general
from splitbrain.checkers.models import CasRegister
from splitbrain.checkers.normalise import normalise
from splitbrain.histories import build_history
general.FIRST = 10
lines = []
for start in range(0, 240, 12):
    batch = range(start, start + 12)
    for kind in ("invoke", "ok"):
        lines += [dict(process=p, type=kind, f="write", value=p % 5) for p in batch]
lines += [dict(process=999, type=kind, f="read", value=4) for kind in ("invoke", "ok")]
columns = normalise(build_history(lines), CasRegister(), 0, keyed=False)
decided = general.decide(columns.keys[0], columns.kinds, CasRegister(), 0, Budget())
print(type(decided.outcome).__name__, decided.lane)
"""


@pytest.mark.parametrize("missing", [True, False], ids=["absent", "disabled"])
def test_where_numba_is_absent_or_disabled_the_same_kernel_is_interpreted(missing):
    environment = os.environ if missing else {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-W", "error", "-c", _WITHOUT.format(missing=missing)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "Linearization configurations\n"


def test_a_cache_that_cannot_be_written_costs_a_compilation_and_nothing_else(tmp_path):
    """The directory could be written when the kernel was loaded, and is gone when it is stored."""
    code = (
        "import numba.core.caching as caching; from splitbrain.checkers.lanes.kernel import trail\n"
        "def full(*_): raise OSError(28, 'No space left on device')\n"
        "caching.IndexDataCacheFile.save = full\n"
        "from splitbrain.checkers.lanes.kernel.jit import zeros\n"
        "core = zeros(100)\n"
        "print(trail.collect(core, zeros(9), zeros(9), zeros(9), zeros(1)))"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "None\n"


def test_a_long_history_goes_to_the_kernel(monkeypatch):
    monkeypatch.setattr(general, "LONG", 100)
    monkeypatch.setattr(configurations, "decide", None)
    history = build_history(busy_lines(random.Random(5), 300, 5))
    columns = normalise(history, CasRegister(), 0, keyed=False)
    decided = general.decide(columns.keys[0], columns.kinds, CasRegister(), 0, Budget())
    assert isinstance(decided.outcome, Linearization)
    assert decided.lane == "configurations"
