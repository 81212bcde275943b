"""Small random histories of containers, sets and locks, and an oracle that tries every order."""

import random
from typing import Any, NamedTuple

import pytest

from splitbrain.checkers.models import (
    Call,
    Counter,
    FifoQueue,
    Mutex,
    OwnedMutex,
    PriorityQueue,
    Queue,
    Set,
    Stack,
)
from splitbrain.checkers.normalise import FOREVER, Calls, Kinds
from splitbrain.histories import build_history


class Operation(NamedTuple):
    """One operation; `complete` is None if it crashed."""

    f: str
    value: Any
    result: Any
    known: bool
    invoke: int
    complete: int | None
    process: int


MODELS = {
    model.name: model for model in (Set, FifoQueue, Queue, Stack, PriorityQueue, Mutex, OwnedMutex, Counter)
}
PUTS, LOOKS = ("enqueue", "push", "insert"), ("peek",)


def effect(model, state, operation):  # noqa: C901, PLR0911 - one branch and return a case of the table of operations
    """Return (legal, state afterwards), from the table of operations alone. States are tuples."""
    f, value, result, known = operation.f, operation.value, operation.result, operation.known
    if model == "counter":
        return (True, (state[0] + value,)) if f == "add" else (not known or state[0] == result, state)
    if f in PUTS:
        return True, (*state, value)
    if f in ("add", "remove", "contains"):
        there = value in state
        changes = f != "contains" and there is (f == "remove")
        told = there if f == "contains" else changes
        if known and result[1] is not told:
            return False, state
        if not changes:
            return True, state
        return True, (*state, value) if f == "add" else tuple(each for each in state if each != value)
    if f == "acquire":
        return not state or not known, state or (operation.process,)
    if f == "release":
        mine = bool(state) and (model == "mutex" or state[0] == operation.process)
        return mine or not known, () if mine else state
    place = {"fifo-queue": 0, "stack": len(state) - 1}.get(model)
    if state and model == "queue":
        place = state.index(result) if result in state else 0
    if state and model == "priority-queue":
        place = state.index(max(state))
    found = state[place] if state else None
    if known and result != found:
        return False, state
    if f in LOOKS or not state:
        return True, state
    return True, state[:place] + state[place + 1 :]


def effects(model, state, operation):
    """Return all states afterwards; only a crashed dequeue of a queue without order has a choice."""
    if model == "queue" and operation.f == "dequeue" and not operation.known and state:
        return [state[:place] + state[place + 1 :] for place in range(len(state))]
    legal, after = effect(model, state, operation)
    return [after] if legal else []


def linearizable(model, operations, initial=()):
    """Decide by trying every order that keeps real time; crashed operations may be left out."""
    seen = set()

    def search(state, left):
        if (state, left) in seen:
            return False
        seen.add((state, left))
        horizon = min((operations[each].complete for each in left if operations[each].known), default=None)
        if horizon is None:
            return True
        for each in left:
            if operations[each].invoke < horizon and any(
                search(after, left - {each}) for after in effects(model, state, operations[each])
            ):
                return True
        return False

    return search(tuple(initial), frozenset(range(len(operations))))


def legal_order(model, operations, order, initial=()):
    """Tell whether an order (of places in `operations`) is a linearization."""
    if len(set(order)) < len(order) or not {i for i, each in enumerate(operations) if each.known} <= set(
        order
    ):
        return False
    states, latest = {tuple(initial)}, -1
    for each in order:
        latest = max(latest, operations[each].invoke)
        states = {after for state in states for after in effects(model, state, operations[each])}
        if not states or (operations[each].known and operations[each].complete < latest):
            return False
    return True


FUNCTIONS = {
    "set": ("add", "remove", "contains"),
    "fifo-queue": ("enqueue", "dequeue", "peek"),
    "queue": ("enqueue", "dequeue", "peek"),
    "stack": ("push", "pop", "peek"),
    "priority-queue": ("insert", "poll", "peek"),
    "mutex": ("acquire", "release"),
    "owned-mutex": ("acquire", "release"),
    "counter": ("add", "read"),
}


def random_operations(rng, model):  # noqa: C901, PLR0912 - a whole little system, told in order
    """Return a small history whose operations took effect at some instant, or nearly so, by invocation."""
    count, processes = rng.choice((3, 4, 5, 6, 7, 8)), rng.choice((2, 3, 4, 7))
    crash, corrupt = rng.choice((0, 0, 0.15, 0.4)), rng.choice((0, 0.1, 0.3))
    weights = [rng.choice((1, 2, 3)), rng.choice((1, 2, 3)), rng.choice((0, 1, 2))]
    functions = FUNCTIONS[model]
    values = list(range(1, 20))
    rng.shuffle(values)
    if model == "set":
        values = [1] * 20
    initial = tuple(values.pop() for _ in range(rng.choice((0, 0, 0, 1, 2)))) if "mutex" not in model else ()
    initial = tuple(dict.fromkeys(initial))
    if model == "counter":
        initial, amount = (rng.choice((0, 0, 7)),), rng.choice((1, 1, 2, -1))
        values = [rng.choice((amount,) * 9 + (0,)) for _ in range(20)] + [3] * (rng.random() < 0.05)
    state, seen = initial, [None, *initial]
    running, done, position, started = {}, [], 0, 0
    numbers = list(range(processes))
    eager = rng.choice((0.3, 0.7))
    while started < count or running:
        slot = rng.randrange(processes)
        call = running.get(slot)
        if call is None:
            if started == count:
                continue
            started += 1
            f = rng.choices(functions, weights[: len(functions)])[0]
            if "mutex" in model and rng.random() < 0.96:
                mine = [each for each in done if each["process"] == numbers[slot]]
                f = "release" if mine and mine[-1]["f"] == "acquire" else "acquire"
            value = values.pop() if f in (*PUTS, "add") or model == "set" else None
            if f in PUTS and len(seen) > 1 and rng.random() < 0.03:
                value = rng.choice(seen[1:])
            if f in PUTS:
                seen.append(value)
            running[slot] = {
                "f": f,
                "value": value,
                "invoke": position,
                "process": numbers[slot],
                "result": None,
            }
            running[slot]["happened"] = False
            position += 1
        elif not call["happened"]:
            if rng.random() < eager:
                if call["f"] == "acquire" and rng.random() < corrupt:
                    state = ()
                state = _happen(model, state, call)
            elif rng.random() < crash:
                done.append({**running.pop(slot), "known": False, "complete": None})
                numbers[slot] += processes
        elif rng.random() < 0.6:
            del running[slot]
            call["known"] = rng.random() >= crash and call["happened"] != "impossible"
            call["complete"] = position
            position += 1
            if call["known"] and rng.random() < corrupt:
                _corrupt(rng, model, call, seen)
            done.append(call)
            if not call["known"]:
                numbers[slot] += processes
    if rng.random() < 0.4:
        _swap(rng, done)
    done.sort(key=lambda each: each["invoke"])
    operations = [
        Operation(
            each["f"],
            each["value"],
            each["result"] if each["known"] else None,
            each["known"],
            each["invoke"],
            each["complete"] if each["known"] else None,
            each["process"],
        )
        for each in done
        if each["known"] or each["f"] not in ("peek", "contains", "read")
    ]
    return operations, initial


def _happen(model, state, call):
    """Let a call take effect: find its result, and return the state afterwards."""
    call["happened"] = True
    for result in (None, [call["value"], True], [call["value"], False], *state):
        if model == "set" and not isinstance(result, list):
            continue
        trial = Operation(call["f"], call["value"], result, True, 0, 0, call["process"])
        legal, after = effect(model, state, trial)
        if legal:
            call["result"] = result
            return after
    call["happened"] = "impossible"
    return state


def _swap(rng, done):
    """Let two operations that looked or took change their results: wrong in ways that look right."""
    found = [each for each in done if each["known"] and each["value"] is None and each["result"] is not None]
    if len(found) > 1:
        one, other = rng.sample(found, 2)
        one["result"], other["result"] = other["result"], one["result"]


def _corrupt(rng, model, call, seen):
    if model == "set":
        call["result"] = [call["value"], rng.random() < 0.5]
    elif model == "counter":
        call["result"] = call["result"] if call["f"] == "add" else call["result"] + rng.choice((-1, 1, 1, 2))
    elif call["f"] not in PUTS and "mutex" not in model:
        call["result"] = rng.choice(seen) if rng.random() < 0.95 else 99


def columns(operations, model, initial=()):
    """Return (calls, kinds) of operations, each with a kind of its own."""
    by_process = MODELS[model].by_process
    described = [
        Call(each.f, each.value, each.result, each.known, True, each.process if by_process else None)
        for each in operations
    ]
    count = len(described)
    observer = [MODELS[model]().is_observer(call) for call in described]
    none, flat = [-1] * count, [False] * count
    start = "free" if "mutex" in model else initial[0] if model == "counter" else list(initial)
    kinds = Kinds(described, observer, flat, none, none, none, [start], 0)
    calls = Calls(
        None,
        list(range(count)),
        [each.invoke for each in operations],
        [each.complete if each.known else FOREVER for each in operations],
        list(range(count)),
    )
    return calls, kinds


def written(operations):
    """Return the history of operations."""
    events = []
    for each in operations:
        line = {"process": each.process, "f": each.f}
        events.append((each.invoke, {**line, "type": "invoke", "value": each.value}))
        if each.known:
            result = each.value if each.f in PUTS or each.result is None else each.result
            events.append((each.complete, {**line, "type": "ok", "value": result}))
    return build_history([line for _, line in sorted(events, key=lambda event: event[0])])


class Drawn:
    """What the tests of the lanes draw and compare with."""

    models = MODELS
    operation = Operation
    linearizable = staticmethod(linearizable)
    legal_order = staticmethod(legal_order)
    columns = staticmethod(columns)
    history = staticmethod(written)

    @staticmethod
    def draw(model, seed):
        """Return (operations, initial) of the random history with that seed."""
        return random_operations(random.Random(f"{model} {seed}"), model)


@pytest.fixture(scope="session")
def drawn():
    return Drawn
