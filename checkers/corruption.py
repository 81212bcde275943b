"""Plausible corruptions of a valid history: what its clients would have seen, had the object had a bug.

A valid history comes with an order of its calls (a linearization). Replaying that order through the model
says what the object was between any two calls. A bug is put into the replay at one call, and the answers of
the calls behind it are worked out anew, until the object is again as it really was:

- *stale*: an observer answers from an earlier state;
- *lost*: an acknowledged call has no effect (a dequeue whose effect is lost hands its element out twice);
- *repeated*: a call's effect comes again, a little later (a retried request is applied twice);
- *other-key*: an observer answers with what the same operation found on another key;
- *swapped*: two neighbouring answers to the same question come in the wrong order.

Calls that keep to their answers in the faulty state keep them; the others get one that the model allows
there. What it could be is guessed (the state itself, the opposite, an answer given nearby) and then tried, so
this works for any model. If nothing fits, there is no such corruption. Where it stops mattering before the
end is known, `until` says from where on in the order nothing was worked out any more.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.evidence.values import show
from splitbrain.checkers.models import ILLEGAL
from splitbrain.checkers.normalise import FOREVER, NONE
from splitbrain.checkers.values import same

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from splitbrain.checkers.models import Call, Model
    from splitbrain.checkers.normalise import Calls, Kinds

WAYS = ("stale", "lost", "repeated", "other-key", "swapped")
REACH = 300
"""So many calls behind a bug are answered anew at most."""
LONGEST = 2_000
"""Of a key whose states are more than one value, so many calls at the beginning of its order are used."""
NEARBY = 8
"""How many neighbours' answers are tried; and how many calls later an effect comes again at most."""
FURTHEST_BACK = 16
"""How many changes back a stale answer comes from at most."""
_PAIR, _TRIPLE = 2, 3


class Corruption(NamedTuple):
    """One corrupted key: the calls (indices within the key) whose answers differ, and what they are.

    `call` is where the bug is; `told` says what it did, in words that follow its name. Nothing was worked
    out from the place `until` of the order on (None: it is complete).
    """

    way: str
    call: int
    changed: Mapping[int, Call]
    told: str
    until: int | None = None


class Replay:
    """The calls of one key in their order, with the object's states between them."""

    def __init__(self, calls: Calls, order: Sequence[int], kinds: Kinds, model: Model, initial: Any) -> None:
        self.calls = calls
        self.model = model
        self._kinds = kinds
        flat = all(map(kinds.flat.__getitem__, calls.kinds))
        self.whole = flat or len(order) <= LONGEST
        self.everything = order
        """The whole order."""
        self.order = list(order if self.whole else order[:LONGEST])
        """The calls in order, or as many as are used."""
        self.places = {call: place for place, call in enumerate(self.order)}
        self.states = self._flat_states(initial) if flat else self._states(initial)
        """The state in front of each call of the order, and behind the last."""
        self.changes = [
            place for place in range(len(self.order)) if not same(self.states[place], self.states[place + 1])
        ]
        """The places at which the state changes."""
        completed = [call for call in self.order if calls.returns[call] != FOREVER]
        self.observers = [call for call in completed if kinds.observer[calls.kinds[call]]]
        changing = set(self.changes)
        self.mutators = [call for call in completed if self.places[call] in changing]
        self._alike: dict[tuple[str, str], list[int]] = {}
        for call in completed:
            self._alike.setdefault(self._question(call), []).append(call)

    def call(self, number: int) -> Call:
        """Return a call as the model sees it."""
        return self._kinds.calls[self.calls.kinds[number]]

    def _question(self, number: int) -> tuple[str, str]:
        call = self.call(number)
        return call.f, repr(call.value)

    def _flat_states(self, initial: Any) -> list[Any]:
        states, values, writes = [initial], self._kinds.values, self._kinds.writes
        for call in self.order:
            written = writes[self.calls.kinds[call]]
            states.append(states[-1] if written == NONE else values[written])
        return states

    def _states(self, initial: Any) -> list[Any]:
        states = [initial]
        for call in self.order:
            states.append(self.model.step(states[-1], self.call(call)))
        return states

    def corrupt(self, way: str, random: Random, others: Sequence[Replay]) -> Corruption | None:
        """Draw one corruption; None if the draw led to none."""
        if way == "stale":
            return self._stale(random)
        if way == "lost":
            return self._lost(random)
        if way == "repeated":
            return self._repeated(random)
        if way == "swapped":
            return self._swapped(random)
        return self._other_key(random, others)

    def _stale(self, random: Random) -> Corruption | None:
        call = random.choice(self.observers)
        before = bisect_left(self.changes, self.places[call])
        changes = self.changes[max(0, before - FURTHEST_BACK) : before]
        if not changes:
            return None
        state = self.states[random.choice(changes)]
        answer = self._answer(call, state)
        if answer is None or answer == self.call(call) or not self.model.is_observer(answer):
            return None
        return Corruption("stale", call, {call: answer}, f"had {_said(answer)}, from an earlier state")

    def _lost(self, random: Random) -> Corruption | None:
        call = random.choice(self.mutators)
        place = self.places[call]
        return self._from(place + 1, self.states[place], "lost", call, "had been acknowledged and lost")

    def _repeated(self, random: Random) -> Corruption | None:
        call = random.choice(self.mutators)
        place = min(self.places[call] + 1 + random.randrange(NEARBY), len(self.order))
        state = self.states[place]
        # The request comes again; what it is answered, nobody hears.
        after = self.model.step(state, self.call(call)._replace(result=None, known=False, applied=True))
        if after is ILLEGAL or same(after, state):
            return None
        return self._from(place, after, "repeated", call, "had taken effect a second time")

    def _swapped(self, random: Random) -> Corruption | None:
        call = random.choice(self.order)
        alike = self._alike.get(self._question(call), [])
        if call not in alike:
            return None
        at = self._place_among(alike, call)
        one = self.call(call)
        for other in alike[at + 1 : at + 1 + NEARBY]:
            two = self.call(other)
            if not same(one.result, two.result):
                changed = {call: one._replace(result=two.result), other: two._replace(result=one.result)}
                if all(self.model.complaint(each) is None for each in changed.values()):
                    answers = f"{show(two.result)} and {show(one.result)}"
                    told = f"and a later one had been answered the other way round, {answers}"
                    return Corruption("swapped", call, changed, told)
                return None
        return None

    def _other_key(self, random: Random, others: Sequence[Replay]) -> Corruption | None:
        call = random.choice(self.observers)
        elsewhere = random.choice(others)
        one = self.call(call)
        if elsewhere is self or not elsewhere.observers:
            return None
        found = elsewhere.call(random.choice(elsewhere.observers))
        if found.f != one.f or found.applied != one.applied or same(found.result, one.result):
            return None
        answer = one._replace(result=found.result)
        if self.model.complaint(answer) is not None:
            return None
        told = f"had {_said(answer)}, which another key held"
        return Corruption("other-key", call, {call: answer}, told)

    def _from(self, place: int, state: Any, way: str, call: int, told: str) -> Corruption | None:
        """Answer the calls from a place on anew, beginning with another state than there was."""
        changed: dict[int, Call] = {}
        end = min(place + REACH, len(self.order))
        for at in range(place, end):
            if same(state, self.states[at]):
                return Corruption(way, call, changed, told)
            number = self.order[at]
            completed = self.calls.returns[number] != FOREVER
            answer = self._answer(number, state) if completed else self.call(number)
            if answer is None:
                return None
            after = self.model.step(state, answer)
            if after is not ILLEGAL:  # a crashed call that has become impossible did nothing
                state = after
            if answer != self.call(number):
                changed[number] = answer
        complete = end == len(self.order) and self.whole
        return Corruption(way, call, changed, told, None if complete else end)

    def _place_among(self, calls: Sequence[int], call: int) -> int:
        return bisect_left(calls, self.places[call], key=self.places.__getitem__)

    def _answer(self, number: int, state: Any) -> Call | None:
        """Return the call as it would have been answered in a state; as it was, if that is possible."""
        for answer in self._answers(number, state):
            if self.model.complaint(answer) is None and self.model.step(state, answer) is not ILLEGAL:
                return answer
        return None

    def _answers(self, number: int, state: Any) -> Iterator[Call]:
        call = self.call(number)
        yield call
        for result in _held(state, call):
            yield call._replace(result=result)
        yield call._replace(applied=not call.applied)
        for result in _opposites(call.result):
            yield call._replace(result=result)
        alike = self._alike[self._question(number)]
        at = self._place_among(alike, number)
        for distance in range(1, NEARBY + 1):
            for near in (at + distance, at - distance):
                if 0 <= near < len(alike):
                    yield call._replace(result=self.call(alike[near]).result)
        yield call._replace(result=None)


def _held(state: Any, call: Call) -> Iterator[Any]:
    """Yield the state as answers may show it: itself, a list of what it holds, a transaction's reads."""
    if isinstance(state, (set, frozenset)):
        yield sorted(state, key=repr)
    elif isinstance(state, tuple):
        yield list(state)
    elif isinstance(state, Mapping) and isinstance(call.value, (list, tuple)):
        yield _filled_in(state, call.value)
    yield state


def _filled_in(cells: Mapping[Any, Any], actions: Sequence[Any]) -> list[Any]:
    """Return a transaction with its reads filled in from some cells."""
    held, filled = dict(cells), []
    for action in actions:
        if not isinstance(action, (list, tuple)) or len(action) != _TRIPLE:
            return list(actions)
        f, cell, value = action
        if f in ("write", "w"):
            held[cell] = value
        filled.append([f, cell, held.get(cell)])
    return filled


def _opposites(result: Any) -> Iterator[Any]:
    if isinstance(result, bool):
        yield not result
    elif isinstance(result, (list, tuple)) and len(result) == _PAIR and isinstance(result[1], bool):
        yield [result[0], not result[1]]


def _said(answer: Call) -> str:
    return f"answered {show(answer.result)}" if answer.applied else "compared unequal"
