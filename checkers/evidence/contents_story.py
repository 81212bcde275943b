"""The contradictions that the lanes of queues, stacks and priority queues name, in sentences."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.evidence.values import listed, show
from splitbrain.checkers.lanes.containers import WORDS
from splitbrain.checkers.values import freeze

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from splitbrain.checkers.evidence.names import Names
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Refutation

RULES = frozenset(
    {
        "never-inserted",
        "removed-twice",
        "removed-from-the-future",
        "peeked-after-removal",
        "found-empty",
        "queue-order",
        "stack-order",
        "priority",
    }
)
_INSERTS = frozenset(words.insert for words in WORDS.values())
_REMOVES = frozenset(words.remove for words in WORDS.values())


class _Value(NamedTuple):
    """What the calls of a witness say of one value."""

    value: Any
    shown: str
    calls: list[int]
    insertion: int | None
    removal: int | None
    initially: bool


class Contents:
    """Tells what the calls of one witness say about values."""

    def __init__(self, calls: Calls, kinds: Kinds, names: Names) -> None:
        self._calls = calls
        self._names = names
        self._values: dict[Hashable, _Value] = {}
        self._lost = False
        for value in kinds.values[kinds.initial] or ():
            self._values[freeze(value)] = _Value(value, show(value), [], None, None, initially=True)
        for number, kind in enumerate(calls.kinds):
            call = kinds.calls[kind]
            value = call.value if call.f in _INSERTS else call.result
            if value is None:
                self._lost |= not call.known
                continue
            new = _Value(value, show(value), [], None, None, initially=False)
            told = self._values.setdefault(freeze(value), new)
            told.calls.append(number)
            if call.f in _INSERTS:
                self._values[freeze(value)] = told._replace(insertion=number)
            elif call.f in _REMOVES:
                self._values[freeze(value)] = told._replace(removal=number)

    def headline(self, refutation: Refutation) -> str:
        """Return the contradiction in one clause."""
        name, core = self._names.name, refutation.core
        shown = listed([value.shown for value in self._values.values()] or ["nothing"])
        pair = self._pair(refutation.rule)
        if pair is not None:
            return pair.headline(name)
        return {
            "never-inserted": lambda: f"{name(core[0])} returned what nobody had put in by then",
            "removed-twice": lambda: f"{name(core[-2])} and {name(core[-1])} both took what was put in once",
            "removed-from-the-future": lambda: (
                f"{name(core[0])} had returned before {name(core[1])} was invoked"
            ),
            "peeked-after-removal": lambda: f"{name(core[-1])} saw what {name(core[-2])} had taken before",
            "found-empty": lambda: f"{name(core[-1])} found nothing, but {shown} must have been in",
            "queue-order": lambda: f"{shown} can be put in and taken in no order that is the same for both",
            "stack-order": lambda: f"none of {shown} can have been below the others",
            "priority": lambda: f"{shown} can't have been taken the largest first",
        }[refutation.rule]()

    def sentences(self, refutation: Refutation) -> list[str]:
        """Return the contradiction step by step."""
        name, core = self._names.name, refutation.core
        pair = self._pair(refutation.rule)
        if refutation.rule == "never-inserted":
            return ["It was not there at first either."]
        if refutation.rule == "removed-twice":
            return ["It was there only once, so for one of them it was gone."]
        if refutation.rule == "removed-from-the-future":
            return ["Nobody else puts that value in."]
        if refutation.rule == "peeked-after-removal":
            return [f"{name(core[-2])} had returned before {name(core[-1])} was invoked."]
        told = self._initially()
        if pair is not None:
            told += pair.sentences(name)
        else:
            told += self._precedences() if refutation.rule == "queue-order" else self._stays()
            told += self._precedences() if refutation.rule == "stack-order" else []
        if self._lost and pair is None:
            told.append("The removals that never returned don't explain it either.")
        return [*told, (_ENDINGS if pair is None else _ENDINGS_OF_PAIRS)[refutation.rule]]

    def _pair(self, rule: str) -> _Pair | None:
        """Return two values, if they are all, and the call that got one although the other was in its way."""
        values = [*self._values.values()]
        if rule not in _ENDINGS_OF_PAIRS or len(values) != _PAIR:
            return None
        found = (self._got(rule, one, other) for one, other in (values, values[::-1]))
        return next((pair for pair in found if pair is not None), None)

    def _got(self, rule: str, got: _Value, waiting: _Value) -> _Pair | None:
        """Return a call that got a value while the other one was surely in, and should have gone first."""
        if not self._goes_first(rule, waiting, got):
            return None
        invokes, returns = self._calls.invokes, self._calls.returns
        for call in got.calls:
            others = [other for other in waiting.calls if returns[other] < invokes[call]]
            later = [other for other in waiting.calls if returns[call] < invokes[other]]
            there = waiting.initially or others or rule == "queue-order"
            # A crashed removal may have taken what nobody saw later.
            stays = later or (waiting.removal is None and not self._lost)
            if call != got.insertion and there and stays:
                return _Pair(rule, got, waiting, call, others[:1], later[:1])
        return None

    def _goes_first(self, rule: str, first: _Value, then: _Value) -> bool:
        """Tell whether the discipline takes one of two values that are both in before the other."""
        if rule == "priority":
            numbers = all(isinstance(each.value, int | float) for each in (first, then))
            return numbers and bool(first.value > then.value)
        early, late = (first, then) if rule == "queue-order" else (then, first)
        if late.insertion is None or early.initially or early.insertion is None:
            return early.initially and late.insertion is not None
        return self._calls.returns[early.insertion] < self._calls.invokes[late.insertion]

    def _initially(self) -> list[str]:
        """Say what was in at first."""
        return [f"{value.shown} was in at first." for value in self._values.values() if value.initially]

    def _stays(self) -> list[str]:
        """Say when each value was in for certain."""
        invokes, returns, short = self._calls.invokes, self._calls.returns, self._names.short
        told = []
        for value in self._values.values():
            since, first = f"{value.shown} was in for certain", -1
            if not value.initially:
                earliest = min(value.calls, key=returns.__getitem__)
                first = returns[earliest]
                since += f" from position {first}, when {short(earliest)} had returned"
            if value.removal is None:
                told.append(f"{since}; nobody is known to have taken it.")
                continue
            latest = max(value.calls, key=invokes.__getitem__)
            if first < invokes[latest]:
                told.append(f"{since}, until position {invokes[latest]}, when {short(latest)} was invoked.")
        return told

    def _precedences(self) -> list[str]:
        """Say which insertions, and which other calls, came one before the other in real time."""
        values = self._values.values()
        insertions = [value.insertion for value in values if value.insertion is not None]
        others = [call for value in values for call in value.calls if call not in insertions]
        told = []
        for group in (insertions, others):
            group.sort(key=self._calls.invokes.__getitem__)
            for early, late in pairwise(group):
                if self._calls.returns[early] < self._calls.invokes[late]:
                    one, other = self._names.name(early), self._names.name(late)
                    told.append(f"{one} had returned before {other} was invoked.")
        staying = (value for value in values if value.removal is None)
        return [*told, *(f"Nobody is known to have taken {value.shown} by then." for value in staying)]


class _Pair(NamedTuple):
    """A call that `got` a value before one that was `waiting` and goes first.

    `others` are calls about the waiting value that had returned before it, `later` such as began after it.
    """

    rule: str
    got: _Value
    waiting: _Value
    call: int
    others: list[int]
    later: list[int]

    def headline(self, name: Callable[[int], str]) -> str:
        """Return the contradiction in one clause."""
        got, waiting = self.got.shown, self.waiting.shown
        came = f"{name(self.call)} got {got}"
        return {
            "queue-order": f"{came} while {waiting}, which had been put in earlier, was still in",
            "stack-order": f"{came} while {waiting} lay on it",
            "priority": f"{came} while {waiting}, which goes before it, was in",
        }[self.rule]

    def sentences(self, name: Callable[[int], str]) -> list[str]:
        """Say in which order the values came, and that the other one was in."""
        told = []
        one, other = self.got.insertion, self.waiting.insertion
        if self.rule == "queue-order":
            one, other = other, one
        if self.rule != "priority" and one is not None and other is not None:
            told.append(f"{name(one)} had returned before {name(other)} was invoked.")
        others = [] if self.rule == "queue-order" else self.others
        told += [f"{name(each)} had returned before {name(self.call)} was invoked." for each in others]
        told += [f"{name(self.call)} had returned before {name(each)} was invoked." for each in self.later]
        if not self.later:
            told.append(f"Nobody is known to have taken {self.waiting.shown}.")
        return told


_PAIR = 2
_ENDINGS_OF_PAIRS = {
    "queue-order": "First in, first out.",
    "stack-order": "Last in, first out.",
    "priority": "The largest goes first.",
}
_ENDINGS = {
    "found-empty": "So something was in at every moment of that call.",
    "queue-order": "First in, first out: what is put in earlier must be taken earlier, so no order fits.",
    "stack-order": "Something was in all the time, so one lay at the bottom: put in before all others, taken"
    " after them, and seen only while nothing lay on it. None of them can be that one.",
    "priority": "So at every moment of some call something larger than what it returned was in.",
}
