"""Generators that choose among others: mix, any_of, flip_flop."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from .base import (
    EXHAUSTED,
    Answer,
    Context,
    Event,
    Generator,
    GeneratorError,
    Invocation,
    Liftable,
    Pending,
    lift,
    sooner,
)
from .streams import advance, draw_below, new_stream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


def _first_ready(
    generators: tuple[Generator, ...], start: int, context: Context
) -> tuple[Invocation | Pending | None, int, tuple[Generator, ...]]:
    """Ask the generators in a circle from `start` on until one has an operation.

    Return the answer, the position of the one that gave it, and all generators as they are now.
    """
    waiting: Pending | None = None
    count = len(generators)
    for step in range(count):
        position = (start + step) % count
        asked = generators[position]
        answer, following = asked.op(context)
        if following is not asked:
            generators = (*generators[:position], following, *generators[position + 1 :])
        if isinstance(answer, Invocation):
            return answer, position, generators
        if answer is not None:
            waiting = answer if waiting is None else sooner(waiting, answer)
    return waiting, start, generators


def _update_all(generators: tuple[Generator, ...], context: Context, event: Event) -> tuple[Generator, ...]:
    changed: list[Generator] | None = None
    for position, generator in enumerate(generators):
        following = generator.update(context, event)
        if following is not generator:
            changed = changed or list(generators)
            changed[position] = following
    return generators if changed is None else tuple(changed)


@dataclass(frozen=True, slots=True)
class Mix(Generator):
    """Each operation from a random one of the generators.

    `bounds` are the running sums of their weights. The stream's present state decides whose turn
    it is; a generator that has nothing to do now cedes its turn to the next that has.
    """

    generators: tuple[Generator, ...]
    bounds: tuple[int, ...]
    stream: int

    def op(self, context: Context) -> Answer:
        """Return an operation of the generator whose turn it is."""
        mark = draw_below(self.stream, self.bounds[-1])
        start = 0
        while self.bounds[start] <= mark:
            start += 1
        asked = self.generators[start]
        answer, following = asked.op(context)
        if isinstance(answer, Invocation):
            generators = self.generators
            if following is not asked:
                generators = (*generators[:start], following, *generators[start + 1 :])
            return answer, Mix(generators, self.bounds, advance(self.stream))
        if answer is None:
            return self._without(start).op(context)
        answer, _, generators = _first_ready(self.generators, start, context)
        if isinstance(answer, Invocation):
            return answer, Mix(generators, self.bounds, advance(self.stream))
        return answer, self if generators is self.generators else Mix(generators, self.bounds, self.stream)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell all of them."""
        generators = _update_all(self.generators, context, event)
        return self if generators is self.generators else Mix(generators, self.bounds, self.stream)

    def _without(self, position: int) -> Generator:
        if len(self.generators) == 1:
            return lift(None)
        weights = [high - low for low, high in zip((0, *self.bounds), self.bounds, strict=False)]
        del weights[position]
        generators = (*self.generators[:position], *self.generators[position + 1 :])
        return Mix(generators, tuple(accumulate(weights)), advance(self.stream))


@dataclass(frozen=True, slots=True)
class AnyOf(Generator):
    """Whichever generator has an operation first; ties are broken in turn, beginning at `start`."""

    generators: tuple[Generator, ...]
    start: int

    def op(self, context: Context) -> Answer:
        """Return an operation of the first that has one."""
        answer, position, generators = _first_ready(self.generators, self.start, context)
        if answer is None:
            return EXHAUSTED
        start = (position + 1) % len(generators) if isinstance(answer, Invocation) else self.start
        if generators is self.generators and start == self.start:
            return answer, self
        return answer, AnyOf(generators, start)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell all of them."""
        generators = _update_all(self.generators, context, event)
        return self if generators is self.generators else AnyOf(generators, self.start)


@dataclass(frozen=True, slots=True)
class FlipFlop(Generator):
    """One operation from each generator in turn, until the one whose turn it is has none."""

    generators: tuple[Generator, ...]
    turn: int

    def op(self, context: Context) -> Answer:
        """Return the operation of the one whose turn it is."""
        asked = self.generators[self.turn]
        answer, following = asked.op(context)
        if answer is None:
            return EXHAUSTED
        generators = (*self.generators[: self.turn], following, *self.generators[self.turn + 1 :])
        turn = (self.turn + 1) % len(generators) if isinstance(answer, Invocation) else self.turn
        return answer, FlipFlop(generators, turn)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell all of them."""
        generators = _update_all(self.generators, context, event)
        return self if generators is self.generators else FlipFlop(generators, self.turn)


def mix(generators: Sequence[Liftable], random: Random, weights: Sequence[int] | None = None) -> Generator:
    """Take each operation from a random one of the generators until all are exhausted.

    Raises:
        GeneratorError: `weights` are not one positive whole number for each generator.
    """
    shares = tuple(weights) if weights is not None else (1,) * len(generators)
    if len(shares) != len(generators) or any(share < 1 for share in shares):
        raise GeneratorError(f"mix needs one weight of at least 1 for each of {len(generators)} generators.")
    if not generators:
        return lift(None)
    return Mix(tuple(lift(each) for each in generators), tuple(accumulate(shares)), new_stream(random))


def any_of(*generators: Liftable) -> Generator:
    """Take operations from whichever of the generators has one, until all are exhausted."""
    return AnyOf(tuple(lift(each) for each in generators), 0) if generators else lift(None)


def flip_flop(one: Liftable, other: Liftable) -> Generator:
    """Alternate between two generators until either is exhausted."""
    return FlipFlop((lift(one), lift(other)), 0)
