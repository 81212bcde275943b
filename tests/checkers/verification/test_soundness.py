"""Every certificate that the verifier accepts is true: compared with an oracle over small histories.

For each history drawn *all* certificates over its operations are tried: every order for validity, and every
choice of kept, crashed or dropped for each operation, also without the past in front of each operation and
without the future. An unsound relaxation rule shows as an accepted refutation of a linearizable history.
"""

from __future__ import annotations

from itertools import permutations, product

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from splitbrain.checkers.verification import verify
from splitbrain.checkers.verification.claim import read_claim, registers_of, task
from splitbrain.checkers.verification.exhaustion import brute_force, plain_walk

NUMBERS = st.sampled_from([1, 2])
REGISTER = st.one_of(
    st.tuples(st.just("write"), NUMBERS, st.none()),
    st.tuples(st.just("read"), st.none(), st.sampled_from([None, 1, 2])),
    st.tuples(st.just("cas"), st.tuples(NUMBERS, NUMBERS).map(list), st.booleans()),
)
KV = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(["a", "b"]), st.none()),
    st.tuples(st.just("append"), st.sampled_from(["a", "b", ""]), st.none()),
    st.tuples(st.just("delete"), st.none(), st.none()),
    st.tuples(st.just("get"), st.none(), st.sampled_from([None, "a", "b", "ab"])),
    st.tuples(st.just("cas"), st.sampled_from([["a", "b"], [None, "b"], ["a", "a"]]), st.booleans()),
)
BOUNDED = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def histories(draw, operation, most=4):
    """Draw the lines of a history: operations, how they ended, and how their ends interleave."""
    size = draw(st.integers(2, most))
    operations = [draw(operation) for _ in range(size)]
    ends = [draw(st.sampled_from(["ok", "ok", "ok", "info", "fail"])) for _ in range(size)]
    lines, begun = [], set()
    for number in draw(st.permutations([*range(size), *range(size)])):
        f, value, result = operations[number]
        if number not in begun:
            begun.add(number)
            lines.append((number, "invoke", f, value))
        elif f == "cas":
            fields = {"applied": False} if ends[number] == "ok" and not result else {}
            lines.append((number, ends[number], f, value, fields))
        else:
            lines.append((number, ends[number], f, result if ends[number] == "ok" else value))
    return lines


def every_refutation(history, refuted_by, model, **options):
    positions = [each.invoke for each in history if each.status != "fail"]
    for choice in product(("kept", "crashed", None), repeat=len(positions)):
        kept = [position for position, how in zip(positions, choice, strict=True) if how == "kept"]
        crashed = [position for position, how in zip(positions, choice, strict=True) if how == "crashed"]
        yield refuted_by(kept, crashed, model=model, **options)


def every_window(history, refuted_by, model, future):
    for past in [None, *(each.invoke for each in history)]:
        for end in (None, future):
            yield from every_refutation(history, refuted_by, model, past=past, future=end)


def check_all(history, model, refuted_by, order_of, linearizable):
    truth = linearizable(history)
    for certificate in every_refutation(history, refuted_by, model):
        verification = verify(certificate, history)
        assert verification.holds in (True, False)
        assert not (verification.holds and truth), (certificate, verification.reason)
    whole = refuted_by([each.invoke for each in history if each.status != "fail"], model=model)
    assert verify(whole, history).holds is not truth
    positions = [each.invoke for each in history]
    orders = (order for size in range(len(positions) + 1) for order in permutations(positions, size))
    accepted = any(verify(order_of((None, list(order)), model=model), history).holds for order in orders)
    assert accepted is truth


@BOUNDED
@example([(0, "invoke", "write", 1), (0, "ok", "write", 1), (0, "invoke", "write", 2), (0, "ok", "write", 2),
          (0, "invoke", "cas", [1, 2]), (0, "ok", "cas", [1, 2], {"applied": False})])  # fmt: skip
@example([(0, "invoke", "write", 1), (0, "ok", "write", 1), (1, "invoke", "cas", [1, 2]),
          (1, "info", "cas", [1, 2]), (0, "invoke", "read", None), (0, "ok", "read", 2)])  # fmt: skip
@given(histories(REGISTER))
def test_whatever_is_accepted_about_a_register_is_true(written, refuted_by, order_of, linearizable, lines):
    check_all(written(*lines), "cas-register", refuted_by, order_of, linearizable)


@BOUNDED
@example([(0, "invoke", "append", "a"), (0, "ok", "append", None), (0, "invoke", "append", "b"),
          (0, "ok", "append", None), (0, "invoke", "get", None), (0, "ok", "get", "ab")])  # fmt: skip
@example([(0, "invoke", "put", "a"), (0, "ok", "put", None), (0, "invoke", "append", "b"),
          (0, "ok", "append", None), (0, "invoke", "get", None), (0, "ok", "get", "ab")])  # fmt: skip
@given(histories(KV))
def test_whatever_is_accepted_about_a_key_value_store_is_true(
    written, refuted_by, order_of, linearizable, lines
):
    check_all(written(*lines), "kv", refuted_by, order_of, linearizable)


@BOUNDED
@given(histories(REGISTER), st.integers(0, 7))
def test_no_window_on_a_linearizable_register_is_refuted(written, refuted_by, linearizable, lines, future):
    history = written(*lines)
    if linearizable(history):
        for certificate in every_window(history, refuted_by, "cas-register", future):
            assert verify(certificate, history).holds is False, certificate


@BOUNDED
@given(histories(KV), st.integers(0, 7))
def test_no_window_on_a_linearizable_key_is_refuted(written, refuted_by, linearizable, lines, future):
    history = written(*lines)
    if linearizable(history):
        for certificate in every_window(history, refuted_by, "kv", future):
            assert verify(certificate, history).holds is False, certificate


@BOUNDED
@given(histories(KV, most=7))
def test_brute_force_and_the_plain_walk_agree(written, order_of, lines):
    claim = read_claim(order_of(model="kv"))
    tasks = [task(claim, each) for each in written(*lines) if each.status != "fail"]
    numbers = registers_of(tasks)
    start = claim.start(numbers)
    small = brute_force(tasks, start, numbers, 10**6)
    assert plain_walk(tasks, start, numbers, 10**6).linearizable is small.linearizable
