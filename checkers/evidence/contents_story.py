"""The contradictions that the lanes of queues, stacks and priority queues name, in sentences."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

from splitbrain.checkers.evidence.values import listed, show
from splitbrain.checkers.lanes.containers import WORDS
from splitbrain.checkers.values import freeze

if TYPE_CHECKING:
    from collections.abc import Hashable

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


class Names(Protocol):
    """What names calls in sentences."""

    def name(self, number: int) -> str:
        """Return a call in words, with its process and position."""
        ...

    def short(self, number: int) -> str:
        """Return what a call did."""
        ...


class _Value(NamedTuple):
    """What the calls of a witness say of one value."""

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
            self._values[freeze(value)] = _Value(show(value), [], None, None, initially=True)
        for number, kind in enumerate(calls.kinds):
            call = kinds.calls[kind]
            value = call.value if call.f in _INSERTS else call.result
            if value is None:
                self._lost |= not call.known
                continue
            new = _Value(show(value), [], None, None, initially=False)
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
        return {
            "never-inserted": lambda: f"{name(core[0])} returned what nobody had put in by then",
            "removed-twice": lambda: f"{name(core[-2])} and {name(core[-1])} both took what was put in once",
            "removed-from-the-future": lambda: (
                f"{name(core[0])} had returned before {name(core[1])} was invoked"
            ),
            "peeked-after-removal": lambda: (
                f"{name(core[-1])} was invoked after {name(core[-2])} had returned"
            ),
            "found-empty": lambda: f"{name(core[-1])} found nothing, but {shown} must have been in",
            "queue-order": lambda: f"{shown} can be put in and taken in no order that is the same for both",
            "stack-order": lambda: f"none of {shown} can have been below the others",
            "priority": lambda: f"{shown} can't have been taken the largest first",
        }[refutation.rule]()

    def sentences(self, refutation: Refutation) -> list[str]:
        """Return the contradiction step by step."""
        name, core = self._names.name, refutation.core
        if refutation.rule == "never-inserted":
            return [
                f"{name(core[0])} returned a value.",
                "Nobody had put it in by then, and it was not there at first.",
            ]
        if refutation.rule == "removed-twice":
            return [
                f"{next(iter(self._values.values())).shown} was there only once.",
                f"{name(core[-2])} took it.",
                f"{name(core[-1])} took it as well: for one of them it was gone.",
            ]
        if refutation.rule == "removed-from-the-future":
            return [
                f"{name(core[0])} had returned before {name(core[1])} was invoked.",
                "Nobody else puts that value in.",
            ]
        if refutation.rule == "peeked-after-removal":
            return [f"{name(core[-2])} took the value.", f"{name(core[-1])}, invoked later, still saw it."]
        told = self._initially()
        told += self._precedences() if refutation.rule == "queue-order" else self._stays()
        if refutation.rule == "stack-order":
            told += self._precedences()
        if self._lost:
            told.append("The removals that never returned came too late to have taken what is missing.")
        return [*told, _ENDINGS[refutation.rule]]

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


_ENDINGS = {
    "found-empty": "So at no moment of that call nothing was in.",
    "queue-order": "First in, first out: what is put in earlier must be taken earlier, so no order fits.",
    "stack-order": "Something was in all the time, so one lay at the bottom: put in before all others, taken"
    " after them, and seen only while nothing lay on it. None of them can be that one.",
    "priority": "So at every moment of some call something larger than what it returned was in.",
}
