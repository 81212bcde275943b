"""The histories and the oracle of `small_histories`, for millions of them.

What a data type says is remembered, so a history is drawn and decided in tens of microseconds. The oracle is
the same: it tries every order, and knows nothing of the checker. That both oracles agree is tested.
"""

from random import Random
from typing import Any, NamedTuple

from sequential_types import DataType
from small_histories import CLIENTS, CRASH, MOST, NEVER, RETURN, WEIGHTS, lines_of

SHARD = 10_000
"""So many histories come from one seed, one after the other."""
_ROOM = 300_000
"""More answers than that are forgotten."""
_CLIENT = bytes(number % CLIENTS for number in range(256))
_ACTION = bytes(WEIGHTS[number % len(WEIGHTS)] for number in range(256))
_SURE = _ACTION.replace(bytes([CRASH]), bytes([RETURN]))
_CHOICE = bytes(number % 20 for number in range(256))
_END = [(client, RETURN, 0) for _ in range(3) for client in range(CLIENTS)]
"""Whatever still can return does."""
_ENDS, _SURELY = range(1, 3)
"""What a history is like: any; its calls return in the end; and nothing crashes before either."""


class Remembered(DataType):
    """A data type that is asked only once for each thing."""

    def __init__(self, data_type):
        self.model, self.initial, self.options = data_type.model, data_type.initial, data_type.options
        self.operations, self.in_turns = data_type.operations, data_type.in_turns
        self.by_process = data_type.by_process
        self.lies, self.matches, self.beginnings = data_type.lies, data_type.matches, data_type.beginnings
        self._ask = data_type.outcomes
        self._answers = {}

    def outcomes(self, state, f, value, process):
        question = (state, f, repr(value), process if self.by_process else 0)
        answer = self._answers.get(question)
        if answer is None:
            if len(self._answers) > _ROOM:
                self._answers.clear()
            answer = self._answers[question] = self._ask(state, f, value, process)
        return answer


class Taken(NamedTuple):
    """A call that may have taken effect: what it is, by number, and the completed calls before it."""

    kind: int
    bit: int
    before: int
    invoked: int
    returned: int


class Drawn(NamedTuple):
    """A history: events to shrink, lines for the checker, calls for the oracle.

    `shape` is equal for histories that differ in nothing that any lane looks at.
    """

    events: Any
    reuse: bool
    lines: Any
    calls: list
    required: int
    shape: int


class Histories:
    """Draws histories of one data type and decides them."""

    def __init__(self, data_type):
        self.data_type = Remembered(data_type)
        self._opens_anyhow = type(data_type).beginnings is not DataType.beginnings
        self._kinds = {}
        self._steps = []
        self._known = 0
        self._descriptions = []

    def draw(self, shard, name):
        """Yield the histories of a shard."""
        random = Random(f"{name} {shard}")
        for number in range(SHARD):
            size = random.randrange(4, 3 * MOST)
            some = random.randbytes(3 * size)
            like = random.randrange(_SURELY + 1)
            events = list(
                zip(
                    some[:size].translate(_CLIENT),
                    some[size : 2 * size].translate(_SURE if like == _SURELY else _ACTION),
                    some[2 * size :].translate(_CHOICE),
                    strict=True,
                )
            )
            if like >= _ENDS:
                events += _END
            yield self.play(events, reuse=bool(number % 2))

    def play(self, events, *, reuse):
        """Return the history that events make."""
        lines = lines_of(self.data_type, events, reuse=reuse)
        running, found, done = {}, [], 0
        for position, line in enumerate(lines):
            kind, process = line["type"], line["process"]
            if kind == "invoke":
                running[process] = len(found)
                found.append([line["f"], line["value"], None, False, True, process, done, position, NEVER])
                continue
            number = running.pop(process)
            if kind == "ok":
                call = found[number]
                call[2], call[3], call[4] = line["value"], True, line.get("applied", True)
                call[8] = position
                done |= 1 << number
            elif kind == "fail":
                found[number] = None
        calls = [
            Taken(self._kind(_Seen(*call[:6])), 1 << number, *call[6:])
            for number, call in enumerate(found)
            if call is not None
        ]
        order = []
        for call in calls:
            order.append((call.invoked, call.kind))
            if call.returned != NEVER:
                order.append((call.returned, -call.bit))
        shape = hash(tuple(entry for _, entry in sorted(order)))
        return Drawn(events, reuse, lines, calls, done, shape)

    def _kind(self, seen):
        """Return the number of calls that say the same."""
        process = seen.process if self.data_type.by_process else 0
        name = (seen.f, repr(seen.value), repr(seen.result), seen.known, seen.applied, process)
        kind = self._kinds.get(name)
        if kind is None:
            kind = self._kinds[name] = len(self._steps)
            self._steps.append({})
            self._descriptions.append(seen)
        return kind

    def _after(self, kind, state):
        """Return the states behind a call in a state."""
        f, value, result, known, applied, process = self._descriptions[kind]
        states = {
            outcome.state
            for outcome in self.data_type.outcomes(state, f, value, process)
            if not known or (outcome.applied is applied and self.data_type.matches(result, outcome))
        }
        self._known += 1
        if self._known > _ROOM:
            self._known = 0
            for steps in self._steps:
                steps.clear()
        after = self._steps[kind][state] = tuple(states)
        return after

    def linearizable(self, drawn):
        """Decide by trying every order, from every state in which the history may begin."""
        candidates = [
            (call.bit, call.before, self._steps[call.kind], call.kind)
            for call in sorted(drawn.calls, key=_by_return, reverse=True)
        ]
        required, begin = drawn.required, self._beginnings(drawn)
        waiting = [(0, start) for start in begin]
        seen = set(waiting)
        while waiting:
            placed, state = waiting.pop()
            if placed & required == required:
                return True
            for bit, before, steps, kind in candidates:
                if not placed & bit and placed & before == before:
                    states = steps.get(state)
                    if states is None:
                        states = self._after(kind, state)
                    for each in states:
                        further = (placed | bit, each)
                        if further not in seen:
                            seen.add(further)
                            waiting.append(further)
        return False

    def _beginnings(self, drawn):
        if not self._opens_anyhow:
            return [self.data_type.initial]
        return self.data_type.beginnings([self._descriptions[call.kind] for call in drawn.calls])

    def explains(self, drawn, order):
        """Tell whether calls in this order, by the positions of their invocations, are a linearization."""
        by_position = {call.invoked: call for call in drawn.calls}
        states, placed = set(self._beginnings(drawn)), 0
        for position in order:
            call = by_position[position]
            if placed & call.bit or placed & call.before != call.before:
                return False
            placed |= call.bit
            steps = self._steps[call.kind]
            following = set()
            for state in states:
                after = steps.get(state)
                following.update(self._after(call.kind, state) if after is None else after)
            states = following
        return bool(states) and placed & drawn.required == drawn.required


class _Seen(NamedTuple):
    """What a call says, whenever it says it."""

    f: str
    value: Any
    result: Any
    known: bool
    applied: bool
    process: int


def _by_return(call):
    return call.returned
