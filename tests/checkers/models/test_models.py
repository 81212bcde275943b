"""What each model asks of the shapes of operations, takes for observers, and begins with.

What the steps do is compared with an oracle in `tests/checkers/differential`.
"""

import json
from importlib.metadata import entry_points

import pytest

from splitbrain.checkers.models import (
    BUILT_IN,
    ILLEGAL,
    Bank,
    Call,
    CasRegister,
    Counter,
    FencedLock,
    FifoQueue,
    GrowSet,
    ListAppend,
    Model,
    ModelMismatch,
    MultiRegister,
    Mutex,
    OverdraftBank,
    OwnedMutex,
    PriorityQueue,
    Queue,
    ReentrantLock,
    RwRegister,
    Set,
    Stack,
)
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification.sequential import MODELS as TWINS
from splitbrain.checkers.verification.verify import verify
from splitbrain.histories import build_history

TRANSFER = {"from": "a", "to": "b", "amount": 1}


def lines(*calls):
    """Return lines of calls one after the other: (f, value, result[, process])."""
    written = []
    for f, value, result, *process in calls:
        who = {"process": process[0] if process else 0, "f": f}
        written += [{**who, "type": "invoke", "value": value}, {**who, "type": "ok", "value": result}]
    return written


def check(model, *calls, **options):
    return check_linearizable(build_history(lines(*calls), keyed="no"), model, **options)


def test_every_model_is_registered_and_has_a_twin_in_the_verifier():
    registered = {point.name: point.load() for point in entry_points(group="splitbrain.models")}
    assert {model.name: model for model in BUILT_IN} == registered
    assert set(registered) == set(TWINS)


@pytest.mark.parametrize(
    ("model", "call", "words"),
    [
        (Set, Call("add", 1, 1), "[1, true or false]"),
        (Set, Call("add", 1, [2, True]), "[1, true or false]"),
        (Set, Call("add", True, [1, True]), "[true, true or false]"),
        (Set, Call("contains", 1, [1, 1]), "[1, true or false]"),
        (Set, Call("read", None, []), "is not one of add, remove, contains"),
        (GrowSet, Call("read", None, 3), "a list"),
        (GrowSet, Call("read", None, None), "a list"),
        (GrowSet, Call("add", 1, 2), "completed with 2"),
        (Counter, Call("add", "1"), "a whole number"),
        (Counter, Call("add", True), "a whole number"),
        (Counter, Call("add", 0.5), "a whole number"),
        (Counter, Call("read", None, "3"), "a whole number"),
        (FifoQueue, Call("enqueue", None), "can't put null, which dequeue returns"),
        (Stack, Call("push", 1, 2), "completed with 2"),
        (Stack, Call("pop", None, 1, applied=False), "only a cas can be"),
        (PriorityQueue, Call("insert", "2"), "a number"),
        (PriorityQueue, Call("insert", True), "a number"),
        (PriorityQueue, Call("insert", float("nan")), "a number"),
        (FencedLock, Call("acquire", None, "t1"), "a whole number or null"),
        (Mutex, Call("acquire", applied=False), "only a cas can be"),
        (Bank, Call("transfer", {"from": "a", "to": "b"}), '"amount": whole number'),
        (Bank, Call("transfer", TRANSFER | {"amount": -1}), '"amount": whole number'),
        (Bank, Call("transfer", TRANSFER, TRANSFER | {"amount": 2}), "completed with"),
        (Bank, Call("transfer", TRANSFER, TRANSFER, applied=False), "only a cas can be"),
        (Bank, Call("read", None, {"a": "1"}), "{account: whole number}"),
        (ListAppend, Call("txn", [["w", "x", 1]], [["w", "x", 1]]), '"append", cell, value'),
        (ListAppend, Call("txn", [["r", "x", None]], [["r", "x", 3]]), "a list for each of its reads"),
        (ListAppend, Call("txn", [["r", "x", None]], []), "completed with"),
        (RwRegister, Call("txn", [["r", "x", None]], [["r", "y", 1]]), "completed with"),
        (RwRegister, Call("txn", [["w", "x", 1]], [["w", "x", 2]]), "completed with"),
        (MultiRegister, Call("txn", [["w", True, 1]], known=False), '"write", cell, value'),
    ],
)
def test_a_wrong_shape_is_named(model, call, words):
    assert words in model().complaint(call)


@pytest.mark.parametrize(
    ("model", "observers", "others"),
    [
        (
            Set,
            [Call("contains", 1, [1, True]), Call("add", 1, [1, False]), Call("remove", 1, [1, False])],
            [Call("add", 1, [1, True]), Call("remove", 1, [1, True]), Call("add", 1, known=False)],
        ),
        (GrowSet, [Call("read", None, [])], [Call("add", 1)]),
        (Counter, [Call("read", None, 1), Call("add", 0)], [Call("add", 1)]),
        (
            Stack,
            [Call("peek", None, 1), Call("peek"), Call("pop", None, None)],
            [Call("push", 1), Call("pop", None, 1), Call("pop", known=False)],
        ),
        (
            Bank,
            [Call("read", None, {}), Call("transfer", TRANSFER | {"to": "a"})],
            [Call("transfer", TRANSFER), Call("transfer", TRANSFER, known=False)],
        ),
        (
            ListAppend,
            [Call("txn", [["r", "x", None]], [["r", "x", []]])],
            [Call("txn", [["append", "x", 1]])],
        ),
        (Mutex, [], [Call("acquire"), Call("release")]),
    ],
)
def test_observers_are_the_calls_that_change_no_state_in_which_they_are_legal(model, observers, others):
    assert all(map(model().is_observer, observers))
    assert not any(map(model().is_observer, others))


@pytest.mark.parametrize(
    ("model", "initial", "state"),
    [
        (Set, None, ()),
        (Set, [2, 1], (1, 2)),
        (FifoQueue, [2, 1], (2, 1)),
        (PriorityQueue, [1, 3, 2], (1, 2, 3)),
        (Queue, [2, 1], (1, 2)),
        (Counter, None, 0),
        (Mutex, None, "free"),
        (Mutex, "held", "held"),
        (Bank, {"a": 1}, {"a": 1}),
        (OverdraftBank, {"a": -1}, {"a": -1}),
        (ListAppend, None, {}),
        (MultiRegister, None, {}),
    ],
)
def test_null_and_lists_are_brought_into_the_models_own_form(model, initial, state):
    assert model().starting(initial)[1] == state


@pytest.mark.parametrize(
    ("model", "initial"),
    [
        (Set, 3),
        (Stack, {"a": 1}),
        (PriorityQueue, ["a"]),
        (Counter, "0"),
        (Mutex, 1),
        (OwnedMutex, "held"),
        (Bank, {"a": -1}),
        (Bank, [1]),
        (ListAppend, {"x": 1}),
        (MultiRegister, 5),
    ],
)
def test_a_state_that_an_object_cannot_begin_in_is_refused(model, initial):
    with pytest.raises(ModelMismatch, match=model.name):
        check(model, ("nothing", None, None), initial=initial)


def test_an_initial_state_counts():
    assert check(FifoQueue, ("dequeue", None, 2), ("dequeue", None, 1), initial=[2, 1]).valid is True
    assert check(Stack, ("pop", None, 2), ("pop", None, 1), initial=[2, 1]).valid is False
    assert check(Set, ("remove", 1, [1, True]), ("contains", 2, [2, True]), initial=[1, 2]).valid is True
    assert check(Mutex, ("release", None, None), initial="held").valid is True


def test_a_read_of_cells_that_were_null_at_first_is_an_observer():
    """The state was null, and became an empty object: a change that no call had made."""
    body = [["read", "x", None]]
    assert check(MultiRegister, ("txn", body, body)).valid is True


def test_values_are_told_apart_as_json_tells_them_apart():
    assert check(FifoQueue, ("enqueue", 1, 1), ("dequeue", None, True)).valid is False
    assert check(Set, ("add", 1, [1, True]), ("contains", True, [True, True])).valid is False
    assert check(PriorityQueue, ("insert", 1, 1), ("insert", 1.0, 1.0), ("poll", None, 1.0)).valid is True


def test_a_set_read_twice_the_same_element_is_none():
    assert check(GrowSet, ("add", 1, 1), ("read", None, [1, 1])).valid is False
    assert check(GrowSet, ("add", 2, 2), ("add", 1, 1), ("read", None, [2, 1])).valid is True


def test_whoever_releases_a_mutex_frees_it_and_an_owned_one_only_its_holder():
    calls = [("acquire", None, None, 0), ("release", None, None, 1), ("acquire", None, None, 2)]
    assert check(Mutex, *calls).valid is True
    assert check(OwnedMutex, *calls).valid is False
    assert check(ReentrantLock, *calls).valid is False
    assert check(FencedLock, *calls).valid is False


def test_only_a_reentrant_lock_is_acquired_again_by_its_holder():
    calls = [("acquire", None, None), ("acquire", None, None), ("release", None, None)]
    assert check(ReentrantLock, *calls).valid is True
    assert check(ReentrantLock, *calls, ("acquire", None, None, 1)).valid is False
    assert check(ReentrantLock, *calls, ("release", None, None), ("acquire", None, None, 1)).valid is True
    assert check(OwnedMutex, *calls).valid is False


def test_tokens_increase_and_a_lost_one_takes_its_place():
    lost = [{"process": 7, "type": "invoke", "f": "acquire", "value": None}]
    held = lines(("acquire", None, 5), ("release", None, None), ("acquire", None, 7))
    back = lines(("acquire", None, 5), ("release", None, None), ("acquire", None, 5))
    assert check_linearizable(build_history(held), FencedLock).valid is True
    assert check_linearizable(build_history(back), FencedLock).valid is False
    # The lost acquire has to come before the release by its own process, and takes token 6 then.
    freed = [
        *lines(("acquire", None, 5), ("release", None, None)),
        *lost,
        {"process": 7, "type": "info", "f": "acquire", "value": None},
        *lines(("release", None, None, 7), ("acquire", None, 6)),
    ]
    assert check_linearizable(build_history(freed), FencedLock).valid is False
    freed[-1]["value"] = 7
    assert check_linearizable(build_history(freed), FencedLock).valid is True


def test_a_process_that_goes_on_after_a_crashed_acquire_may_hold_the_lock():
    acquired = [
        {"process": 0, "type": "invoke", "f": "acquire", "value": None},
        {"process": 0, "type": "info", "f": "acquire", "value": None},
    ]
    reused = build_history([*acquired, *lines(("release", None, None, 0))])
    other = build_history([*acquired, *lines(("release", None, None, 1))])
    assert check_linearizable(reused, OwnedMutex).valid is True
    assert check_linearizable(other, OwnedMutex).valid is False
    assert check_linearizable(other, Mutex).valid is True


def test_a_balance_may_be_negative_only_where_that_is_stated():
    calls = [("transfer", TRANSFER, TRANSFER), ("read", None, {"a": -1, "b": 1})]
    assert check(Bank, *calls, initial={"a": 0, "b": 0}).valid is False
    assert check(OverdraftBank, *calls, initial={"a": 0, "b": 0}).valid is True
    assert check(Bank, *calls).valid is False
    assert check(OverdraftBank, *calls).valid is True


def test_an_unknown_opening_is_one_opening():
    calls = [("transfer", TRANSFER, TRANSFER), ("read", None, {"a": 0, "b": 1})]
    assert check(Bank, *calls).valid is True
    assert check(Bank, *calls, ("read", None, {"a": 1, "b": 0})).valid is False
    assert check(Bank, *calls, ("read", None, {"b": 1})).valid is True
    number = {"from": 6, "to": "7", "amount": 1}
    assert check(Bank, ("transfer", number, number), ("read", None, {"6": 0, "7": 1})).valid is True


def test_elements_of_a_set_are_decided_one_by_one_and_their_orders_merged():
    mixed = [(f, value, [value, True]) for value in range(40) for f in ("add", "contains")]
    history = build_history(lines(*mixed), keyed="no")
    result = check_linearizable(history, Set)
    (order,) = result.certificate["keys"]
    assert order["order"] == [each.invoke for each in history]
    assert verify(json.loads(json.dumps(result.certificate)), history).holds is True
    assert "keys" not in result.reason


def test_calls_of_different_processes_are_one_kind_unless_the_model_looks_at_them():
    seen = []

    class Watching(CasRegister):
        def complaint(self, call):
            seen.append(call.process)

    class Looking(Watching):
        by_process = True

    calls = [("write", 1, 1, 0), ("write", 1, 1, 1)]
    check(Watching, *calls)
    assert seen == [None]
    seen.clear()
    check(Looking, *calls)
    assert seen == [0, 1]


def test_a_model_of_ones_own_is_never_verified_as_one_of_ours_of_the_same_name():
    class Mine(Model):
        name = "counter"

        def step(self, state, call):
            return ILLEGAL if call.result == "wrong" else state

    result = check(Mine, ("add", 1, 1))
    assert result.certificate["model"].endswith("Mine")
    assert verify(result.certificate, build_history(lines(("add", 1, 1)))).holds is False


def test_null_reads_of_counters_and_grow_sets_may_mean_nothing():
    for model in (Counter, GrowSet):
        assert check(model, ("read", None, None), nil_reads="any").valid is True
        with pytest.raises(ModelMismatch):
            check(model, ("read", None, None))
    assert check(Stack, ("push", 1, 1), ("peek", None, None), nil_reads="any").valid is False


def test_zeroes_in_a_priority_queue_leave_in_one_order_whatever_the_order_they_came_in():
    for zeroes in ((-0.0, 0, 0.0), (0.0, -0.0, 0), (0, 0.0, -0.0)):
        puts = [("insert", zero, None) for zero in zeroes]
        for method in ("auto", "configurations"):
            for takes, valid in (((0.0, -0.0, 0), True), ((-0.0, 0.0, 0), False)):
                calls = [*puts, *(("poll", None, zero) for zero in takes)]
                result = check(PriorityQueue, *calls, method=method)
                assert result.valid is valid
                assert verify(result.certificate, build_history(lines(*calls))).holds is True
