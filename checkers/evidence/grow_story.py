"""The contradictions that the lane of growing sets names, in sentences.

*Lost* and *stale* are Jepsen's words: an element that was known to be in is lost if no read has it any more,
and stale where a later read has it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.evidence.values import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.normalise import Calls
    from splitbrain.checkers.outcome import Refutation
    from splitbrain.histories.operation import Operation

RULES = frozenset(
    {
        "named-twice",
        "never-added",
        "initially-there",
        "lost",
        "stale",
        "added-later",
        "added-out-of-order",
        "incomparable",
    }
)


class _Told(NamedTuple):
    """The contradiction in one clause, and step by step."""

    headline: str
    sentences: list[str]


def elements_found(operation: Operation) -> str:
    """Say how many elements a read found: "of 41 elements"."""
    count = len(operation.result)
    return f"of {count} element{'' if count == 1 else 's'}"


def _read(operation: Operation) -> str:
    return f"read {elements_found(operation)}"


class Growing:
    """Tells what the calls of one witness say about one or two elements."""

    def __init__(self, calls: Calls, operations: Sequence[Operation]) -> None:
        self._calls = calls
        self._operations = operations

    def headline(self, refutation: Refutation) -> str:
        """Return the contradiction in one clause."""
        return _tell(_Teller(self._calls, self._operations, refutation), refutation.rule).headline

    def sentences(self, refutation: Refutation) -> list[str]:
        """Return the contradiction step by step."""
        told = _tell(_Teller(self._calls, self._operations, refutation), refutation.rule).sentences
        return [sentence[:1].upper() + sentence[1:] for sentence in told]


def _tell(told: _Teller, rule: str) -> _Told:
    return {
        "named-twice": told.named_twice,
        "never-added": told.never_added,
        "initially-there": told.initially_there,
        "added-later": told.added_later,
        "added-out-of-order": told.added_out_of_order,
        "incomparable": told.incomparable,
    }.get(rule, told.missed)()


class _Teller:
    """Names the calls of one witness by what they say of one or two elements."""

    def __init__(self, calls: Calls, operations: Sequence[Operation], refutation: Refutation) -> None:
        self._calls = calls
        self._operations = operations
        self._core = refutation.core
        self._rule = refutation.rule
        self._elements = [show(element) for element in refutation.elements or ()]

    def _name(self, number: int) -> str:
        """Return a call in words, such as "process 3's read of 2 elements (position 12)"."""
        operation = self._operations[number]
        what = _read(operation) if operation.f == "read" else f"add of {show(operation.value)}"
        return f"process {operation.process}'s {what} (position {operation.invoke})"

    def _returned(self, number: int) -> str:
        return f"had returned at position {self._calls.returns[number]}"

    def named_twice(self) -> _Told:
        """Tell of a read that names an element twice."""
        read, element = self._name(self._core[0]), self._elements[0]
        return _Told(
            f"{read} names {element} twice",
            [f"{read} names {element} more than once.", "A set has each element once."],
        )

    def never_added(self) -> _Told:
        """Tell of a read that has what nobody adds."""
        read, element = self._name(self._core[0]), self._elements[0]
        return _Told(
            f"{read} has {element}, which no operation adds",
            [f"{read} has {element}.", "It was not there at first, and no operation adds it."],
        )

    def initially_there(self) -> _Told:
        """Tell of a read without what was there from the start."""
        read, element = self._name(self._core[0]), self._elements[0]
        return _Told(
            f"{read} is without {element}, which was there at first",
            [f"{element} was there at first.", f"{read} is without it.", "Nothing ever leaves the set."],
        )

    def missed(self) -> _Told:
        """Tell of a read without what was in when it began."""
        late, early = self._core[:2]
        element, process = self._elements[0], self._operations[late].process
        added = self._operations[early].f == "add"
        says = "" if added else f" has {element} and"
        fate = "and no later read has it" if self._rule == "lost" else "though a later read has it"
        return _Told(
            f"{self._name(early)}{says} had returned before process {process} began to read"
            f" (position {self._operations[late].invoke}), yet its {_read(self._operations[late])}"
            f" is without {element}: {self._rule}",
            [
                f"{self._name(early)}{says} {self._returned(early)}, so {element} was in from then on.",
                f"{self._name(late)} was invoked after that, and is without {element}, {fate}.",
                "Nothing ever leaves the set.",
            ],
        )

    def added_later(self) -> _Told:
        """Tell of a read that has what nobody had asked to add."""
        read, add = self._core[:2]
        element, operation = self._elements[0], self._operations[add]
        return _Told(
            f"{self._name(read)} has {element}, but had returned before process {operation.process}, the"
            f" first to do so, began to add {element} (position {operation.invoke})",
            [
                f"{self._name(read)} has {element} and {self._returned(read)}.",
                f"{element} was not there at first: {self._name(add)} is the first of it, invoked later.",
            ],
        )

    def added_out_of_order(self) -> _Told:
        """Tell of a read that has what was added later, and not what was added before that."""
        read, early, late = self._core[:3]
        missed, seen = self._elements
        operation = self._operations[late]
        return _Told(
            f"{self._name(early)} had returned before process {operation.process}, the first to do so, began"
            f" to add {seen} (position {operation.invoke}), yet {self._name(read)} has {seen} and is without"
            f" {missed}",
            [
                f"{self._name(early)} {self._returned(early)}.",
                f"{self._name(late)} is the first of {seen}, and was invoked after that.",
                f"{self._name(read)} has {seen} and is without {missed}.",
                f"Whenever {seen} is in, {missed} is.",
            ],
        )

    def incomparable(self) -> _Told:
        """Tell of two reads of which neither can come first."""
        one, other = self._core[:2]
        first, second = self._elements
        return _Told(
            f"{self._name(one)} has {first} and not {second}, and {self._name(other)} has {second} and not"
            f" {first}, so neither can have come first",
            [
                f"{self._name(one)} has {first} and is without {second}.",
                f"{self._name(other)} has {second} and is without {first}.",
                "Nothing ever leaves the set, so whichever came first, the other has all that it has.",
            ],
        )
