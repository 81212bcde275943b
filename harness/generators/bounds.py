"""Generators that say how often: limit, once, repeat, cycle, until_ok, process_limit."""

from __future__ import annotations

from dataclasses import dataclass

from .base import EXHAUSTED, Answer, Completion, Context, Event, Generator, Invocation, Liftable, lift


@dataclass(frozen=True, slots=True)
class Limit(Generator):
    """At most `remaining` more operations."""

    remaining: int
    inner: Generator

    def op(self, context: Context) -> Answer:
        """Return the next operation and count it."""
        if self.remaining <= 0:
            return EXHAUSTED
        answer, inner = self.inner.op(context)
        if isinstance(answer, Invocation):
            return answer, Limit(self.remaining - 1, inner)
        if answer is None:
            return EXHAUSTED
        return answer, self if inner is self.inner else Limit(self.remaining, inner)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell the inner generator."""
        inner = self.inner.update(context, event)
        return self if inner is self.inner else Limit(self.remaining, inner)


@dataclass(frozen=True, slots=True)
class Repeat(Generator):
    """The next operation of `inner`, again and again: `inner` itself never advances.

    `remaining` counts down; None is for ever.
    """

    remaining: int | None
    inner: Generator

    def op(self, context: Context) -> Answer:
        """Return what the inner generator says, and stay where it was."""
        if self.remaining is not None and self.remaining <= 0:
            return EXHAUSTED
        answer, inner = self.inner.op(context)
        if answer is None:
            return EXHAUSTED
        if isinstance(answer, Invocation):
            return answer, self if self.remaining is None else Repeat(self.remaining - 1, self.inner)
        return answer, self if inner is self.inner else Repeat(self.remaining, inner)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell the inner generator."""
        inner = self.inner.update(context, event)
        return self if inner is self.inner else Repeat(self.remaining, inner)


@dataclass(frozen=True, slots=True)
class Cycle(Generator):
    """`original` from the beginning each time that it is exhausted."""

    remaining: int | None
    original: Generator
    current: Generator

    def op(self, context: Context) -> Answer:
        """Return the next operation, beginning anew where need be."""
        answer, current = self.current.op(context)
        remaining = self.remaining
        if answer is None:
            if remaining is not None:
                remaining -= 1
                if remaining <= 0:
                    return EXHAUSTED
            answer, current = self.original.op(context)
            if answer is None:
                return EXHAUSTED
        return answer, Cycle(remaining, self.original, current)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell the round that runs."""
        current = self.current.update(context, event)
        return self if current is self.current else Cycle(self.remaining, self.original, current)


@dataclass(frozen=True, slots=True)
class UntilOk(Generator):
    """`inner` until one of its own operations is ok. `open` are the processes that run one."""

    inner: Generator
    open: frozenset[int]
    succeeded: bool

    def op(self, context: Context) -> Answer:
        """Return the next operation unless one was ok."""
        if self.succeeded:
            return EXHAUSTED
        answer, inner = self.inner.op(context)
        if answer is None:
            return EXHAUSTED
        if isinstance(answer, Invocation):
            return answer, UntilOk(inner, self.open | {answer.process}, succeeded=False)
        return answer, self if inner is self.inner else UntilOk(inner, self.open, succeeded=False)

    def update(self, context: Context, event: Event) -> Generator:
        """Look for an ok of an operation that came from here, and tell the inner generator."""
        inner = self.inner.update(context, event)
        if isinstance(event, Completion) and event.process in self.open:
            succeeded = self.succeeded or event.type == "ok"
            return UntilOk(inner, self.open - {event.process}, succeeded)
        return self if inner is self.inner else UntilOk(inner, self.open, self.succeeded)


@dataclass(frozen=True, slots=True)
class ProcessLimit(Generator):
    """`inner` while it has used at most `limit` distinct processes."""

    limit: int
    inner: Generator
    seen: frozenset[int]

    def op(self, context: Context) -> Answer:
        """Return the next operation unless it would be of one process too many."""
        answer, inner = self.inner.op(context)
        if answer is None:
            return EXHAUSTED
        if isinstance(answer, Invocation) and answer.process not in self.seen:
            if len(self.seen) >= self.limit:
                return EXHAUSTED
            return answer, ProcessLimit(self.limit, inner, self.seen | {answer.process})
        return answer, self if inner is self.inner else ProcessLimit(self.limit, inner, self.seen)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell the inner generator."""
        inner = self.inner.update(context, event)
        return self if inner is self.inner else ProcessLimit(self.limit, inner, self.seen)


def limit(count: int, generator: Liftable) -> Generator:
    """End the generator after `count` operations."""
    return Limit(count, lift(generator))


def once(generator: Liftable) -> Generator:
    """Take one operation of the generator."""
    return Limit(1, lift(generator))


def repeat(generator: Liftable, count: int | None = None) -> Generator:
    """Do the generator's next operation `count` times (None: for ever) without advancing it.

    `repeat({"f": "read"})` reads for ever. A generator that changes with each operation doesn't
    change here: `cycle` runs it through.
    """
    return Repeat(count, lift(generator))


def cycle(generator: Liftable, count: int | None = None) -> Generator:
    """Run the generator through `count` times (None: for ever)."""
    lifted = lift(generator)
    return Cycle(count, lifted, lifted) if count is None or count > 0 else lift(None)


def until_ok(generator: Liftable) -> Generator:
    """Go on until one of the generator's operations is ok; others may still be open then."""
    return UntilOk(lift(generator), frozenset(), succeeded=False)


def process_limit(count: int, generator: Liftable) -> Generator:
    """End the generator before it uses more than `count` distinct processes.

    Since an info retires a process, this bounds how many operations stay open for ever, which is
    what makes a history hard to check.
    """
    return ProcessLimit(count, lift(generator), frozenset())
