"""What the verifier lets go from a queue or stack: whole values, and removals that took none that stay."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from splitbrain.checkers.verification import verify

VALUES = st.sampled_from([1, 2])
STACK = st.one_of(
    st.tuples(st.just("push"), VALUES, st.none()),
    st.tuples(st.just("push"), VALUES, st.none()),
    st.tuples(st.just("pop"), st.none(), st.sampled_from([None, 1, 2])),
    st.tuples(st.just("peek"), st.none(), st.sampled_from([None, 1, 2])),
)
WORDS = {"stack": ("push", "pop"), "fifo-queue": ("enqueue", "dequeue"), "priority-queue": ("insert", "poll")}
BOUNDED = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def refused(written, refuted_by):
    def check(kept, *lines, model="stack", **options):
        verification = verify(refuted_by(kept, model=model, initial=[], **options), written(*lines))
        assert not verification.holds
        return verification.reason

    return check


def calls(*entries):
    """Return lines of calls one after the other: (f, value asked for, result or "crash")."""
    lines = []
    for process, (f, value, result) in enumerate(entries):
        lines.append((process, "invoke", f, value))
        lines.append((process, "info", f, value) if result == "crash" else (process, "ok", f, result))
    return lines


def test_a_value_goes_with_all_its_operations(written, refuted_by):
    lines = calls(("push", 1, 1), ("push", 2, 2), ("pop", None, 2), ("push", 3, 3), ("pop", None, 1))
    certificate = refuted_by([0, 6, 8], model="stack", initial=[])
    assert verify(certificate, written(*lines)).holds is True


def test_the_push_of_a_value_that_is_still_looked_at_may_not_go(refused):
    assert "is about it" in refused([2], *calls(("push", 1, 1), ("peek", None, 1)))


def test_the_pop_of_a_value_that_is_still_pushed_may_not_go(refused):
    lines = calls(("push", 1, 1), ("push", 2, 2), ("pop", None, 2), ("pop", None, 1))
    assert "is about it" in refused([0, 2, 6], *lines)


def test_a_pop_of_unknown_outcome_may_not_go_if_it_may_have_taken_what_stays(refused):
    lines = calls(("push", 1, 1), ("push", 2, 2), ("pop", None, "crash"), ("pop", None, 1))
    assert "may have taken" in refused([0, 2, 6], *lines)


def test_a_pop_of_unknown_outcome_goes_if_others_took_what_stays(written, refuted_by):
    lines = calls(("push", 1, 1), ("pop", None, "crash"), ("pop", None, 1), ("pop", None, 1))
    assert verify(refuted_by([0, 4, 6], model="stack", initial=[]), written(*lines)).holds is True


def test_a_value_that_is_in_at_first_goes_with_its_operations(written, refuted_by):
    lines = calls(("pop", None, 9), ("push", 1, 1), ("peek", None, None))
    assert verify(refuted_by([2, 4], model="stack", initial=[9]), written(*lines)).holds is True
    kept = verify(refuted_by([0, 4], model="stack", initial=[8, 9]), written(*lines))
    assert kept.holds is True, "8 was in at first and nobody took it"


@st.composite
def histories(draw, most=4):
    size = draw(st.integers(2, most))
    operations = [draw(STACK) for _ in range(size)]
    ends = [draw(st.sampled_from(["ok", "ok", "ok", "info"])) for _ in range(size)]
    lines, begun = [], set()
    for number in draw(st.permutations([*range(size), *range(size)])):
        f, value, result = operations[number]
        if number not in begun:
            begun.add(number)
            lines.append((number, "invoke", f, value))
        else:
            lines.append(
                (number, ends[number], f, value if f == "push" or ends[number] == "info" else result)
            )
    return lines


def _renamed(lines, model):
    put, take = WORDS[model]
    names = {"push": put, "pop": take, "peek": "peek"}
    return [(process, kind, names[f], value) for process, kind, f, value in lines]


def _linearizable(history, order_of, model, initial):
    positions = [each.invoke for each in history]
    orders = (order for size in range(len(positions) + 1) for order in permutations(positions, size))
    return any(
        verify(order_of((None, list(order)), model=model, initial=initial), history).holds for order in orders
    )


@BOUNDED
@example([(0, "invoke", "push", 1), (0, "ok", "push", 1), (1, "invoke", "push", 2), (1, "ok", "push", 2),
          (2, "invoke", "pop", None), (2, "info", "pop", None), (3, "invoke", "pop", None),
          (3, "ok", "pop", 1)], "stack", [], 9)  # fmt: skip
@given(histories(), st.sampled_from(list(WORDS)), st.sampled_from([[], [1], [2, 1]]), st.integers(0, 8))
def test_no_relaxation_of_a_linearizable_queue_or_stack_is_refuted(  # noqa: PLR0917 - fixtures, then draws
    written, refuted_by, order_of, lines, model, initial, future
):
    history = written(*_renamed(lines, model))
    if not _linearizable(history, order_of, model, initial):
        return
    positions = [each.invoke for each in history]
    for choice in product(("kept", "crashed", None), repeat=len(positions)):
        kept = [position for position, how in zip(positions, choice, strict=True) if how == "kept"]
        crashed = [position for position, how in zip(positions, choice, strict=True) if how == "crashed"]
        for end in (None, future):
            certificate = refuted_by(kept, crashed, model=model, initial=initial, future=end)
            assert verify(certificate, history).holds is False, certificate
