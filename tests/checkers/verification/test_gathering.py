"""What the verifier lets go from a set that grows: all but some elements, and adds that explain nothing."""

import random
from itertools import combinations, product

import pytest
from sequential_types import TYPES
from small_histories import calls_of, drawn, linearizable, lines_of

from splitbrain.checkers.verification import verify
from splitbrain.histories import build_history

GROWING = [name for name, data_type in TYPES.items() if data_type.model in ("grow-set", "set-full")]


@pytest.fixture
def judged(written, refuted_by):
    """Verify a refutation that keeps the operations at some positions; return the verification."""

    def check(kept, *lines, model="grow-set", crashed=(), initial=(), **options):
        certificate = refuted_by(kept, crashed, model=model, initial=list(initial), **options)
        return verify(certificate, written(*lines))

    return check


def calls(*entries):
    """Return lines of calls one after the other: (f, value asked for, result or "crash")."""
    lines = []
    for process, (f, value, result) in enumerate(entries):
        lines.append((process, "invoke", f, value))
        lines.append((process, "info", f, value) if result == "crash" else (process, "ok", f, result))
    return lines


LOST = calls(("add", 1, 1), ("add", 2, 2), ("add", 3, 3), ("read", None, [2, 3]))


def test_adds_of_elements_that_are_not_looked_at_may_go(judged):
    verification = judged([0, 6], *LOST, elements=[1])
    assert verification.holds is True
    assert "looked at for 1 of its elements" in verification.reason


def test_without_the_filter_they_may_not(judged):
    verification = judged([0, 6], *LOST)
    assert verification.holds is False
    assert "has that element" in verification.reason


def test_the_filter_is_applied_to_every_read(judged):
    lines = calls(("add", 1, 1), ("add", 2, 2), ("read", None, [1, 2]), ("read", None, [1, 2]))
    for elements in ([1], [2], [], [3]):
        kept = [0, 4, 6] if elements == [1] else [2, 4, 6]
        assert "have a legal order" in judged(kept, *lines, elements=elements).reason


def test_the_filter_is_applied_to_what_is_there_at_first(judged):
    lines = calls(("read", None, [1]), ("read", None, [1, 9]))
    assert judged([0], *lines, initial=[1, 9], elements=[9]).holds is True
    assert "have a legal order" in judged([0, 2], *lines, initial=[1, 9], elements=[1]).reason


def test_what_is_named_twice_stays_so_if_it_is_looked_at(judged):
    lines = calls(("add", 1, 1), ("add", 2, 2), ("read", None, [1, 2, 1]))
    assert judged([0, 4], *lines, elements=[1]).holds is True
    assert "have a legal order" in judged([2, 4], *lines, elements=[2]).reason


@pytest.mark.parametrize("element", [1.0, True, "1"])
def test_elements_are_those_of_json(element, judged):
    """The certificate looks at another element than the one that is lost."""
    assert "have a legal order" in judged([0, 6], *LOST, elements=[element]).reason


def test_the_only_add_of_what_a_read_has_may_not_go(judged):
    lines = calls(("add", 1, 1), ("read", None, [1]))
    assert "has that element" in judged([2], *lines, elements=[1]).reason
    crashed = calls(("add", 1, "crash"), ("read", None, [1]))
    assert "has that element" in judged([2], *crashed, elements=[1]).reason


def test_an_add_may_go_if_one_that_was_invoked_earlier_stays(judged):
    lines = calls(("add", 1, 1), ("add", 1, 1), ("read", None, [1]), ("read", None, []))
    assert judged([0, 4, 6], *lines, elements=[1]).holds is True
    assert judged([4, 6], *lines, crashed=[0], elements=[1]).holds is True
    assert "has that element" in judged([2, 4, 6], *lines, elements=[1]).reason


def test_of_several_adds_that_stay_the_first_one_counts(judged):
    lines = calls(("add", 1, 1), ("add", 1, 1), ("add", 1, 1), ("read", None, [1]), ("read", None, []))
    for kept in ([0, 4, 6, 8], [4, 0, 6, 8]):
        assert judged(kept, *lines).holds is True


def test_an_earlier_add_may_not_go_though_a_later_one_stays(judged):
    lines = calls(("add", 1, "crash"), ("read", None, [1]), ("add", 1, 1))
    assert "has that element" in judged([2, 4], *lines, elements=[1]).reason


def test_adds_of_what_no_read_has_or_was_there_at_first_may_go(judged):
    lines = calls(("add", 1, 1), ("add", 1, 1), ("read", None, []))
    assert judged([2, 4], *lines).holds is True
    lines = calls(("add", 1, 1), ("read", None, [1]), ("read", None, []))
    assert judged([2, 4], *lines, initial=[1]).holds is True


@pytest.mark.parametrize("elements", [1, "x", {"a": 1}, True])
def test_malformed_elements_are_rejected(elements, judged):
    assert "must be a list" in judged([0, 6], *LOST, elements=elements).reason


@pytest.mark.parametrize("model", ["set", "fifo-queue", "queue", "register", "counter"])
def test_no_other_model_may_be_looked_at_for_some_elements(model, judged):
    initial = None if model in ("register", "counter") else []
    verification = judged([0, 6], *LOST, model=model, elements=[1], initial=initial or [])
    assert verification.holds is False
    assert f"the model {model} does not allow" in verification.reason


def test_of_an_order_nothing_is_left_out(written, order_of):
    """A linearization must explain every element, whatever its certificate says of some."""
    certificate = order_of((None, [0, 2, 4, 6]), model="grow-set", initial=[], elements=[2])
    verification = verify(certificate, written(*LOST))
    assert verification.holds is False
    assert "it finds [1, 2, 3]" in verification.reason


def _certificates(data_type, history, rng):
    """Yield certificates of every choice of operations, each with some choice of elements and of a future."""
    positions = [each.invoke for each in history if each.status != "fail"]
    values = [1, 2, 3, True]
    subsets = [None, *(list(some) for size in range(3) for some in combinations(values, size))]
    for choice in product(("kept", "crashed", None), repeat=len(positions)):
        entries = [
            {"position": position, "as": how} for position, how in zip(positions, choice, strict=True) if how
        ]
        for elements in rng.sample(subsets, 4):
            yield {
                "kind": "refutation",
                "model": data_type.model,
                "initial": data_type.options.get("initial", []),
                "nil_reads": "exact",
                "failed_cas": "ignored",
                "keyed": False,
                "key": None,
                "future": rng.choice((None, None, rng.randrange(2 * len(positions) + 1))),
                "operations": entries,
                "elements": elements,
            }


@pytest.mark.parametrize("name", GROWING)
def test_no_filtered_refutation_of_a_linearizable_history_is_accepted(name):
    data_type, rng = TYPES[name], random.Random(name)
    accepted = looked_at = seed = 0
    for truth, wanted in ((True, 40), (False, 4)):
        found = 0
        while found < wanted:
            seed += 1
            lines = lines_of(data_type, drawn(f"{name} {seed}")[:14], reuse=bool(seed % 2))
            history = build_history(lines, keyed="no")
            some = calls_of(history)
            if not 2 <= len(some) <= 4 or not any(call.known for call in some):
                continue
            if linearizable(data_type, some) is not truth:
                continue
            found += 1
            for certificate in _certificates(data_type, history, rng):
                holds = verify(certificate, history).holds
                assert not (holds and truth), (seed, certificate)
                accepted += holds
                looked_at += holds and certificate["elements"] is not None
    assert accepted > looked_at > 0
