"""Generators that look at the clock. Arguments are seconds; inside, all is nanoseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import EXHAUSTED, Answer, Context, Event, Generator, Invocation, Liftable, Pending, lift
from .streams import advance, draw_below, new_stream

if TYPE_CHECKING:
    from random import Random

NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Paced(Generator):
    """Operations of `inner` at a mean distance of `interval` nanoseconds.

    `stream` draws each distance uniformly from [0, 2 * interval); without it every distance is
    `interval`. The schedule is absolute, so that waking late doesn't lower the rate; but what lies
    more than two intervals back is forgiven, so that a stall isn't followed by a burst.
    """

    interval: int
    inner: Generator
    stream: int | None
    due: int | None

    def op(self, context: Context) -> Answer:
        """Return the next operation once it is due."""
        now, due = context.time, self.due
        if due is not None and now < due:
            return Pending(due), self
        answer, inner = self.inner.op(context)
        if isinstance(answer, Invocation):
            scheduled = now if due is None else max(due, now - 2 * self.interval)
            if self.stream is None:
                return answer, Paced(self.interval, inner, None, scheduled + self.interval)
            stream = advance(self.stream)
            return answer, Paced(
                self.interval, inner, stream, scheduled + draw_below(stream, 2 * self.interval)
            )
        if answer is None:
            return EXHAUSTED
        return answer, self if inner is self.inner else Paced(self.interval, inner, self.stream, due)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell the inner generator."""
        inner = self.inner.update(context, event)
        return self if inner is self.inner else Paced(self.interval, inner, self.stream, self.due)


@dataclass(frozen=True, slots=True)
class TimeLimit(Generator):
    """`inner` for `duration` nanoseconds, counted from the first question."""

    duration: int
    inner: Generator
    deadline: int | None

    def op(self, context: Context) -> Answer:
        """Return the operation of the inner generator while there is time."""
        deadline = self.deadline if self.deadline is not None else context.time + self.duration
        if context.time >= deadline:
            return EXHAUSTED
        answer, inner = self.inner.op(context)
        if answer is None:
            return EXHAUSTED
        if isinstance(answer, Pending) and (answer.until is None or answer.until > deadline):
            answer = Pending(deadline)
        if inner is self.inner and deadline == self.deadline:
            return answer, self
        return answer, TimeLimit(self.duration, inner, deadline)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell the inner generator."""
        inner = self.inner.update(context, event)
        return self if inner is self.inner else TimeLimit(self.duration, inner, self.deadline)


@dataclass(frozen=True, slots=True)
class Sleep(Generator):
    """No operation for `duration` nanoseconds from the first question on, then exhausted."""

    duration: int
    end: int | None

    def op(self, context: Context) -> Answer:
        """Wait."""
        end = self.end if self.end is not None else context.time + self.duration
        if context.time >= end:
            return EXHAUSTED
        return Pending(end), self if self.end is not None else Sleep(self.duration, end)


def stagger(seconds: float, generator: Liftable, random: Random) -> Generator:
    """Spread operations at random, `seconds` apart on average, over all threads together."""
    return Paced(round(seconds * NANOSECONDS), lift(generator), new_stream(random), None)


def delay(seconds: float, generator: Liftable) -> Generator:
    """Spread operations evenly, `seconds` apart, over all threads together."""
    return Paced(round(seconds * NANOSECONDS), lift(generator), None, None)


def time_limit(seconds: float, generator: Liftable) -> Generator:
    """End the generator `seconds` after it was first asked."""
    return TimeLimit(round(seconds * NANOSECONDS), lift(generator), None)


def sleep(seconds: float) -> Generator:
    """Do nothing for `seconds` in a list of generators."""
    return Sleep(round(seconds * NANOSECONDS), None)
