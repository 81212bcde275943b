"""Queues and stacks: they differ in what may be taken out of what was put in.

Taking out or peeking returns null exactly if nothing is in, so null itself can't be put in. A take that
never returned took what one would have taken then, or found nothing; it has no choice, except from
the unordered queue.

*A crashed dequeue of the unordered queue* may have taken any element, but the model lets it take the first in
an order of its own. Just as many histories are linearizable so. Take a linearization in which crashed
dequeues choose freely, and one of them, which took v. Other operations want elements to be there, save a
dequeue or peek that found nothing. If none such comes later, leave the crashed dequeue out: v stays to the
end, which bothers nobody. Otherwise move it directly in front of the next of them: v stays until then. After
this, crashed dequeues stand in runs that leave the queue empty, and how they share out what is there
makes no difference.

*The priority queue* gives the largest number first. 1 and 1.0 are two JSON values; of these the latter
counts as larger, and 0.0 as larger than -0.0, so that there is one order.
"""

from __future__ import annotations

from math import copysign, isfinite
from typing import Any, ClassVar

from splitbrain.checkers.models.base import ILLEGAL, Call, Model, ModelMismatch
from splitbrain.checkers.models.sets import in_order
from splitbrain.checkers.models.shapes import changed_complaint, items_of, unapplied_complaint
from splitbrain.checkers.values import same, show


class Buffer(Model):
    """What queues and stacks share: put, take and look by three names, and a tuple as the state."""

    put: ClassVar[str]
    take: ClassVar[str]
    look: ClassVar[str] = "peek"
    initial: Any = ()
    observers: frozenset[str] = frozenset({"peek"})

    def complaint(self, call: Call) -> str | None:
        """Refuse to hold null."""
        problem = super().complaint(call) or unapplied_complaint(call) or changed_complaint(call, (self.put,))
        if problem is None and call.f == self.put and call.value is None:
            return f"can't put null, which {self.take} returns for empty"
        return problem

    def is_observer(self, call: Call) -> bool:
        """Name a peek, and a take that found nothing."""
        return call.f == self.look or (call.f == self.take and call.known and call.result is None)

    def starting(self, initial: Any) -> tuple[Model, Any]:
        """Ask for a list of what is in, the oldest first."""
        items: tuple[Any, ...] = ()
        for item in items_of(self.name, initial):
            items = self.with_item(items, item)
        return self, items

    def loosen(self, call: Call) -> Call:
        """Return the call: null says that it is empty."""
        return call

    def step(self, state: Any, call: Call) -> Any:
        """Return what is in afterwards."""
        if call.f == self.put:
            return self.with_item(state, call.value)
        if not state:
            return state if not call.known or call.result is None else ILLEGAL
        place = self.place(state, call.result) if call.known else self.next(state)
        if place is None:
            return ILLEGAL
        return state if call.f == self.look else state[:place] + state[place + 1 :]

    def with_item(self, items: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
        """Return the items with one more."""
        return (*items, value)

    def next(self, items: tuple[Any, ...]) -> int:
        """Return the place of the one that is taken next."""
        raise NotImplementedError

    def place(self, items: tuple[Any, ...], value: Any) -> int | None:
        """Return the place at which that value may be taken now, or None."""
        place = self.next(items)
        return place if same(items[place], value) else None


class FifoQueue(Buffer):
    """First in, first out."""

    name: ClassVar[str] = "fifo-queue"
    summary: ClassVar[str] = "first in, first out: enqueue v, dequeue, peek; null when empty"
    functions: ClassVar[tuple[str, ...]] = ("enqueue", "dequeue", "peek")
    discipline: ClassVar[str] = "fifo-queue"
    put: ClassVar[str] = "enqueue"
    take: ClassVar[str] = "dequeue"

    def next(self, items: tuple[Any, ...]) -> int:
        """Return the place of the oldest."""
        del items
        return 0


class Queue(FifoQueue):
    """A queue that gives its elements in any order."""

    name: ClassVar[str] = "queue"
    summary: ClassVar[str] = "a queue without order: enqueue v, dequeue any, peek at any; null when empty"
    discipline: ClassVar[str] = "queue"

    def with_item(self, items: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
        """Return the items with one more, in the order of their own."""
        return in_order((*items, value))

    def place(self, items: tuple[Any, ...], value: Any) -> int | None:
        """Return the place of such a value."""
        return next((place for place, item in enumerate(items) if same(item, value)), None)


class Stack(Buffer):
    """Last in, first out."""

    name: ClassVar[str] = "stack"
    summary: ClassVar[str] = "last in, first out: push v, pop, peek; null when empty"
    functions: ClassVar[tuple[str, ...]] = ("push", "pop", "peek")
    discipline: ClassVar[str] = "stack"
    put: ClassVar[str] = "push"
    take: ClassVar[str] = "pop"

    def next(self, items: tuple[Any, ...]) -> int:
        """Return the place of the youngest."""
        return len(items) - 1


class PriorityQueue(Buffer):
    """The largest number first."""

    name: ClassVar[str] = "priority-queue"
    summary: ClassVar[str] = "the largest first: insert n, poll, peek; null when empty"
    functions: ClassVar[tuple[str, ...]] = ("insert", "poll", "peek")
    discipline: ClassVar[str] = "priority-queue"
    put: ClassVar[str] = "insert"
    take: ClassVar[str] = "poll"

    def complaint(self, call: Call) -> str | None:
        """Ask for numbers."""
        problem = super().complaint(call)
        if problem is None and call.f == self.put and not _is_number(call.value):
            return f"needs a number, not {show(call.value)}"
        return problem

    def starting(self, initial: Any) -> tuple[Model, Any]:
        """Ask for a list of numbers."""
        strange = [item for item in items_of(self.name, initial) if not _is_number(item)]
        if strange:
            raise ModelMismatch(
                f"The model {self.name} holds numbers, and can't begin with {show(strange[0])}."
            )
        return super().starting(initial)

    def with_item(self, items: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
        """Return the numbers with one more, the largest last."""
        return tuple(sorted((*items, value), key=priority))

    def next(self, items: tuple[Any, ...]) -> int:
        """Return the place of the largest, the last."""
        return len(items) - 1


def priority(value: float) -> tuple[float, bool, bool]:
    """Return what numbers in a priority queue are ordered by; no two have the same."""
    return value, isinstance(value, float), not (value == 0 and copysign(1, value) < 0)


def _is_number(value: Any) -> bool:
    return type(value) is int or (isinstance(value, float) and isfinite(value))
