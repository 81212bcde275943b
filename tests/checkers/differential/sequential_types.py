"""What each data type does when calls come one at a time, as the oracle sees it.

A type answers one question: how may a call go in a state? Each answer is an outcome: the result, whether it
was applied, and the state afterwards. Where a type has a choice (which element, which token, which opening
balance), every choice is an answer; models, which must choose one, are compared with this. States are
hashable; values in them are JSON texts, in which 1, 1.0, true and "1" are four.
"""

import json
from typing import Any, ClassVar, NamedTuple

FRESH = object()
"""In an operation's value: a number that no other operation has."""


class Outcome(NamedTuple):
    result: Any
    state: Any
    applied: bool = True


def text(value):
    return json.dumps(value, sort_keys=True)


class DataType:
    """Calls to draw from, their outcomes, and results to lie with."""

    model = ""
    initial = None
    options: ClassVar = {}
    """How `check_linearizable` is to be called."""
    by_process = False
    """Whether it matters who calls."""
    in_turns = False
    """Whether a client begins its operations one after the other, as they stand, not by chance."""
    operations = ()

    def operation(self, choice, turn):
        """Return the operation that a client begins next, its function and value."""
        return self.operations[(turn if self.in_turns else choice) % len(self.operations)]

    def outcomes(self, state, f, value, process):
        raise NotImplementedError

    def lies(self, f, value):
        """Return results, with whether it was applied, that a call of that name might claim."""
        raise NotImplementedError

    def matches(self, told, outcome):
        return text(told) == text(outcome.result)

    def beginnings(self, calls):
        """Return the states in which the history of these calls may begin."""
        del calls
        return [self.initial]


class Register(DataType):
    model = "register"
    initial = "null"

    def __init__(self, *values):
        self.values = values
        self.operations = self._operations()

    def _operations(self):
        return (("read", None), ("read", None), *(("write", value) for value in self.values))

    def outcomes(self, state, f, value, process):
        del process
        if f in ("read", "get"):
            return [Outcome(json.loads(state), state)]
        if f in ("write", "put"):
            return [Outcome(value, text(value))]
        if f == "delete":
            return [Outcome(None, "null")]
        if f == "append":
            held = json.loads(state)
            return (
                []
                if not (held is None or isinstance(held, str))
                else [Outcome(value, text((held or "") + value))]
            )
        old, new = map(text, value)
        return [Outcome(value, new)] if old == state else [Outcome(value, state, applied=False)]

    def lies(self, f, value):
        if f in ("read", "get"):
            seen = [each for each in self.values if each is not FRESH] or [1, 2, 3]
            return [(each, True) for each in (*seen, None)]
        return [(value, True), (value, False)] if f == "cas" else [(value, True)]


class CasRegister(Register):
    model = "cas-register"

    def _operations(self):
        values = self.values
        pairs = [(old, new) for old in (*values, None) for new in values]
        if values == (FRESH,):
            pairs = [(1, FRESH), (2, FRESH), (None, FRESH), (3, FRESH)]
        return (*super()._operations(), *(("cas", list(pair)) for pair in pairs))


class Kv(Register):
    model = "kv"

    def _operations(self):
        puts = [("put", value) for value in self.values]
        pairs = [("cas", [old, new]) for old in (*self.values, None) for new in self.values[:2]]
        pieces = [("append", value) for value in self.values if isinstance(value, str)]
        return (("get", None), ("get", None), *puts, *pieces, *pairs, ("delete", None))


class Set(DataType):
    model = "set"
    initial = frozenset()
    operations = tuple((f, value) for f in ("add", "remove", "contains") for value in (1, 1, True, "1"))

    def outcomes(self, state, f, value, process):
        del process
        element = text(value)
        present = element in state
        if f == "contains":
            return [Outcome([value, present], state)]
        after = state | {element} if f == "add" else state - {element}
        return [Outcome([value, after != state], after)]

    def lies(self, f, value):
        del f
        return [([value, True], True), ([value, False], True)]


class UniqueSet(Set):
    operations = (
        ("add", FRESH),
        *((f, value) for f in ("remove", "contains", "contains") for value in (1, 2, 3)),
    )


class GrowSet(DataType):
    model = "grow-set"
    initial = ()
    operations = (("add", 1), ("add", 2), ("add", True), ("read", None), ("read", None))

    def outcomes(self, state, f, value, process):
        del process
        if f == "read":
            return [Outcome([json.loads(each) for each in state], state)]
        return [Outcome(value, tuple(sorted({*state, text(value)})))]

    def lies(self, f, value):
        if f == "add":
            return [(value, True)]
        return [(told, True) for told in ([], [2, 1], [1], [2], [True, 1], [1, 1])]

    def matches(self, told, outcome):
        if not isinstance(told, list):
            return super().matches(told, outcome)
        return sorted(map(text, told)) == sorted(map(text, outcome.result))


class UniqueGrowSet(GrowSet):
    operations = (*[("add", FRESH)] * 3, ("read", None), ("read", None))


class SetFull(GrowSet):
    """One of three elements is there at first."""

    model = "set-full"
    options: ClassVar = {"initial": [2]}
    initial = ("2",)


class Counter(DataType):
    model = "counter"
    initial = 0

    def __init__(self, *amounts):
        self.amounts = amounts
        self.operations = (*(("add", amount) for amount in amounts), *[("read", None)] * 4)

    def outcomes(self, state, f, value, process):
        del process
        return [Outcome(state, state)] if f == "read" else [Outcome(value, state + value)]

    def lies(self, f, value):
        sums = (0, 1, 2, 3, -1, -2, -4) if -2 in self.amounts else (0, 1, 2, 3, -1)
        return [(told, True) for told in sums] if f == "read" else [(value, True)]


class Buffer(DataType):
    """Queues and stacks, by what may be taken out: a list of places."""

    initial = ()
    names = ("enqueue", "dequeue")

    def __init__(self, *values):
        put, take = self.names
        self.values = values
        self.operations = (*((put, value) for value in values), *[(take, None)] * 3, ("peek", None))
        if len(values) == 1:
            self.operations = (*[(put, values[0])] * 3, *[(take, None)] * 3, ("peek", None))

    def places(self, state):
        raise NotImplementedError

    def outcomes(self, state, f, value, process):
        del process
        if f == self.names[0]:
            return [Outcome(value, (*state, text(value)))]
        if not state:
            return [Outcome(None, state)]
        return [
            Outcome(json.loads(state[place]), state if f == "peek" else state[:place] + state[place + 1 :])
            for place in self.places(state)
        ]

    def lies(self, f, value):
        if f == self.names[0]:
            return [(value, True)]
        seen = [each for each in self.values if each is not FRESH] or [1, 2, 3]
        return [(told, True) for told in (None, *seen)]


class FifoQueue(Buffer):
    model = "fifo-queue"

    def places(self, state):
        return [0]


class Queue(Buffer):
    model = "queue"

    def places(self, state):
        return range(len(state))


class Stack(Buffer):
    model = "stack"
    names = ("push", "pop")

    def places(self, state):
        return [len(state) - 1]


class PriorityQueue(Buffer):
    model = "priority-queue"
    names = ("insert", "poll")

    def places(self, state):
        numbers = [json.loads(each) for each in state]
        largest = max((number, isinstance(number, float)) for number in numbers)[0]
        best = [place for place, number in enumerate(numbers) if number == largest]
        fractions = [place for place in best if "." in state[place]]
        return (fractions or best)[:1]


class Mutex(DataType):
    """State: who holds it, or None. Who may release is left to the kinds of it."""

    model = "mutex"
    by_process = True
    operations = (("acquire", None), ("release", None))

    def __init__(self, *, in_turns=False):
        self.in_turns = in_turns

    def holder(self, process):
        del process
        return "held"

    def outcomes(self, state, f, value, process):
        del value
        if f == "acquire":
            return [Outcome(None, self.holder(process))] if state is None else []
        return [Outcome(None, None)] if state == self.holder(process) else []

    def lies(self, f, value):
        del f, value
        return [(None, True)]


class OwnedMutex(Mutex):
    model = "owned-mutex"

    def holder(self, process):
        return process


class ReentrantLock(Mutex):
    model = "reentrant-lock"

    def outcomes(self, state, f, value, process):
        del value
        holder, count = state or (process, 0)
        count += 1 if f == "acquire" else -1
        if holder != process or count < 0:
            return []
        return [Outcome(None, (process, count) if count else None)]


class FencedLock(Mutex):
    """State: the holder and the last token. Eight that nobody learned fit below the least, and above 5.

    Drawn is one of 0 to 5, or the next: those stand first, so often that any choice is among them.
    """

    model = "fenced-lock"
    initial = (None, None)

    def outcomes(self, state, f, value, process):
        del value
        holder, last = state
        if f == "release":
            return [Outcome(None, (None, last))] if holder == process else []
        if holder is not None:
            return []
        start = -8 if last is None else last + 1
        least = max(start, 0)
        told = [*[*range(least, max(6, least + 1))] * 20, *range(6, 14)]
        learned = [Outcome(token, (process, token)) for token in told if token >= start]
        unknown = [Outcome(None, (process, token)) for token in range(start, 14)]
        return [*learned, *unknown]

    def lies(self, f, value):
        del value
        return [(token, True) for token in (None, 0, 1, 2, 3)] if f == "acquire" else [(None, True)]


class Bank(DataType):
    model = "bank"
    opening: ClassVar = {"a": 2, "b": 1}
    lowest = 0
    amounts = (1, 2)
    options: ClassVar = {"initial": opening}
    initial = (2, 1)

    def __init__(self):
        moves = [(source, target) for source, target in (("a", "b"), ("b", "a"), ("a", "a"))]
        self.operations = (
            *(
                ("transfer", {"from": source, "to": target, "amount": amount})
                for source, target in moves
                for amount in self.amounts
            ),
            *[("read", None)] * 5,
        )

    def outcomes(self, state, f, value, process):
        del process
        balances = dict(zip("ab", state, strict=True))
        if f == "read":
            return [Outcome(balances, state)]
        if self.lowest is not None and balances[value["from"]] - value["amount"] < self.lowest:
            return []
        balances[value["from"]] -= value["amount"]
        balances[value["to"]] += value["amount"]
        return [Outcome(value, (balances["a"], balances["b"]))]

    def lies(self, f, value):
        if f == "transfer":
            return [(value, True)]
        return [({"a": a, "b": b}, True) for a, b in ((2, 1), (1, 2), (0, 3), (3, 0), (4, -1), (1, 1))]


class OverdraftBank(Bank):
    model = "overdraft-bank"
    lowest = None


class UnopenedBank(Bank):
    """The opening balances are unknown: any that some read might have begun with."""

    options: ClassVar = {}
    amounts = (1,)

    def beginnings(self, calls):
        most = sum(call.f == "transfer" for call in calls)
        seen = [call.result for call in calls if call.f == "read" and call.known] or [{"a": 0, "b": 0}]
        tops = [max(0, *(told[name] for told in seen)) + most + 1 for name in "ab"]
        return [(a, b) for a in range(tops[0]) for b in range(tops[1])]


class Transactions(DataType):
    initial = ()
    write = "w"

    def __init__(self, model, write, options=None):
        self.model, self.write, self.read = model, write, "read" if write == "write" else "r"
        self.options = options or {}
        value = FRESH if write == "append" else 1
        one, other = [[write, key, value] for key in ("x", "y")]
        read_x, read_y = [[self.read, key, None] for key in ("x", "y")]
        bodies = [
            [one],
            [other],
            [read_x],
            [read_y],
            [read_x, read_y],
            [one, other],
            [read_x, other],
            [one, read_x],
        ]
        if write != "append":
            bodies += [[[write, "x", 2]], [read_y, [write, "y", 2]]]
        self.operations = tuple(("txn", body) for body in bodies)

    def outcomes(self, state, f, value, process):
        del f, process
        cells, told = dict(state), []
        for kind, key, each in value:
            if kind == self.read:
                told.append([kind, key, json.loads(cells.get(key, "null"))])
                continue
            held = json.loads(cells.get(key, "[]")) if kind == "append" else None
            cells[key] = text([*held, each] if kind == "append" else each)
            told.append([kind, key, each])
        return [Outcome(told, tuple(sorted(cells.items())))]

    def lies(self, f, value):
        del f
        found = (None, [1], [2], [1, 2], [2, 1], []) if self.write == "append" else (None, 1, 2)
        return [
            ([[kind, key, told if kind == self.read else each] for kind, key, each in value], True)
            for told in found
        ]

    def matches(self, told, outcome):
        return text(_nulls(told)) == text(_nulls(outcome.result))


def _nulls(actions):
    """A list to which nothing was appended reads as null or as []."""
    return [[kind, key, None if each == [] else each] for kind, key, each in actions]


TYPES = {
    "register": Register(1, 2),
    "register, unique values": Register(FRESH),
    "cas-register": CasRegister(1, 2),
    "cas-register, types of JSON": CasRegister(1, True),
    "cas-register, unique values": CasRegister(FRESH),
    "kv": Kv(1, "a"),
    "kv, strings": Kv("a", "b", "ab"),
    "set": Set(),
    "set, unique values": UniqueSet(),
    "grow-set": GrowSet(),
    "grow-set, unique values": UniqueGrowSet(),
    "set-full, one there at first": SetFull(),
    "counter": Counter(1, 1, 2, -1, 0),
    "counter, one number": Counter(-2, -2, -2, 0),
    "fifo-queue": FifoQueue(1, 2),
    "fifo-queue, unique values": FifoQueue(FRESH),
    "queue": Queue(1, True, 2),
    "queue, unique values": Queue(FRESH),
    "stack": Stack(1, 2),
    "stack, unique values": Stack(FRESH),
    "priority-queue": PriorityQueue(1, 1.0, 2),
    "priority-queue, unique values": PriorityQueue(FRESH),
    "mutex": Mutex(),
    "mutex, in turns": Mutex(in_turns=True),
    "owned-mutex": OwnedMutex(),
    "owned-mutex, in turns": OwnedMutex(in_turns=True),
    "reentrant-lock": ReentrantLock(),
    "fenced-lock": FencedLock(),
    "bank": Bank(),
    "bank, unknown opening": UnopenedBank(),
    "overdraft-bank": OverdraftBank(),
    "list-append": Transactions("list-append", "append"),
    "rw-register": Transactions("rw-register", "w"),
    "multi-register": Transactions("multi-register", "write"),
}
"""The data types, each with a name for its kind of values."""
