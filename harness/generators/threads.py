"""Generators that care which thread does what, and when threads wait for each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .base import (
    EXHAUSTED,
    PENDING,
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Threads: TypeAlias = "Iterable[int] | Callable[[int], bool]"


@dataclass(frozen=True, slots=True)
class OnThreads(Generator):
    """`inner`, seeing and using only some threads.

    `mask` is None until the first question, if a predicate has to be asked about every thread.
    """

    belongs: Callable[[int], bool]
    inner: Generator
    mask: int | None

    def op(self, context: Context) -> Answer:
        """Return an operation for one of those threads."""
        mask = self.mask if self.mask is not None else _mask(self.belongs, context)
        narrowed = context.only(mask)
        if not narrowed.threads:
            return EXHAUSTED
        answer, inner = self.inner.op(narrowed)
        if answer is None:
            return EXHAUSTED
        if inner is self.inner and mask == self.mask:
            return answer, self
        return answer, OnThreads(self.belongs, inner, mask)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell the inner generator what happened on its own threads."""
        mask = self.mask if self.mask is not None else _mask(self.belongs, context)
        if not mask >> context.thread_of(event.process) & 1:
            return self
        inner = self.inner.update(context.only(mask), event)
        return self if inner is self.inner else OnThreads(self.belongs, inner, mask)


def _mask(belongs: Callable[[int], bool], context: Context) -> int:
    return sum(1 << thread for thread in range(len(context.processes)) if belongs(thread))


@dataclass(frozen=True, slots=True)
class Reserve(Generator):
    """Ranges of threads with a generator each; the last takes all threads that are left.

    `counts` are the sizes of the ranges; `masks` follow from them at the first question.
    """

    counts: tuple[int, ...]
    generators: tuple[Generator, ...]
    masks: tuple[int, ...] | None

    def op(self, context: Context) -> Answer:
        """Return an operation of the range of a randomly picked free thread, or of another one."""
        masks = self.masks if self.masks is not None else self._divide(context)
        generators = self.generators
        waiting: Pending | None = None
        for position in _ranges_in_turn(masks, context):
            narrowed = context.only(masks[position])
            if not narrowed.threads:
                continue
            asked = generators[position]
            answer, following = asked.op(narrowed)
            if following is not asked:
                generators = (*generators[:position], following, *generators[position + 1 :])
            if isinstance(answer, Invocation):
                return answer, Reserve(self.counts, generators, masks)
            if answer is not None:
                waiting = answer if waiting is None else sooner(waiting, answer)
        if waiting is None:
            return EXHAUSTED
        return waiting, Reserve(self.counts, generators, masks)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell the generator of the thread that it happened on."""
        masks = self.masks if self.masks is not None else self._divide(context)
        thread = context.thread_of(event.process)
        for position, mask in enumerate(masks):
            if mask >> thread & 1:
                following = self.generators[position].update(context.only(mask), event)
                if following is self.generators[position]:
                    return self
                generators = (*self.generators[:position], following, *self.generators[position + 1 :])
                return Reserve(self.counts, generators, masks)
        return self

    def _divide(self, context: Context) -> tuple[int, ...]:
        left = [1 << thread for thread in range(len(context.processes)) if context.threads >> thread & 1]
        wanted = sum(self.counts)
        if wanted > len(left):
            raise GeneratorError(f"reserve wants {wanted} threads, but there are only {len(left)}.")
        masks = []
        for count in self.counts:
            masks.append(sum(left[:count]))
            left = left[count:]
        return (*masks, sum(left))


def _ranges_in_turn(masks: tuple[int, ...], context: Context) -> list[int]:
    """Order the ranges so that a range comes first as often as its share of the free threads."""
    if not context.free:
        return list(range(len(masks)))
    thread = context.free_thread()
    first = next((position for position, mask in enumerate(masks) if mask >> thread & 1), 0)
    return [(first + step) % len(masks) for step in range(len(masks))]


@dataclass(frozen=True, slots=True)
class EachThread(Generator):
    """A copy of `original` for each thread, each seeing that thread alone."""

    original: Generator
    copies: tuple[Generator, ...]

    def op(self, context: Context) -> Answer:
        """Return an operation of the copy of a free thread."""
        copies = self.copies or (self.original,) * len(context.processes)
        waiting: Pending | None = PENDING if context.free != context.threads else None
        for thread in context.free_threads():
            asked = copies[thread]
            answer, following = asked.op(context.only(1 << thread))
            if following is not asked:
                copies = (*copies[:thread], following, *copies[thread + 1 :])
            if isinstance(answer, Invocation):
                return answer, EachThread(self.original, copies)
            if answer is not None:
                waiting = answer if waiting is None else sooner(waiting, answer)
        if waiting is None:
            return EXHAUSTED
        return waiting, EachThread(self.original, copies)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell the copy of the thread that it happened on."""
        copies = self.copies or (self.original,) * len(context.processes)
        thread = context.thread_of(event.process)
        following = copies[thread].update(context.only(1 << thread), event)
        if following is copies[thread]:
            return self
        return EachThread(self.original, (*copies[:thread], following, *copies[thread + 1 :]))


@dataclass(frozen=True, slots=True)
class Synchronize(Generator):
    """`inner`, which begins only when every thread is free."""

    inner: Generator

    def op(self, context: Context) -> Answer:
        """Wait for all threads, then become the inner generator."""
        if context.free != context.threads:
            return PENDING, self
        return self.inner.op(context)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell the inner generator."""
        inner = self.inner.update(context, event)
        return self if inner is self.inner else Synchronize(inner)


def on_threads(threads: Threads, generator: Liftable) -> Generator:
    """Run the generator on the given threads (numbers, or a predicate of one) only."""
    if callable(threads):
        return OnThreads(threads, lift(generator), None)
    chosen = frozenset(threads)
    return OnThreads(chosen.__contains__, lift(generator), sum(1 << thread for thread in chosen))


def clients(generator: Liftable) -> Generator:
    """Run the generator on the client threads, which are all threads.

    Where faults are operations too, this keeps a workload off the nemesis' thread. Faults are a
    plan here (docs/design.md, "Rejected"), so it only states the intent and costs nothing.
    """
    return lift(generator)


def reserve(*arguments: int | Liftable) -> Generator:
    """Run `reserve(5, writes, 2, cas, reads)`: five threads, two threads, and all the others.

    Raises:
        GeneratorError: the arguments are not pairs of a number and a generator with a last
            generator after them, or there are fewer threads than asked for.
    """
    counts = arguments[:-1:2]
    if len(arguments) % 2 == 0 or not all(isinstance(count, int) and count > 0 for count in counts):
        raise GeneratorError(
            "reserve takes pairs of a number of threads and a generator, and a last generator for the rest."
        )
    generators = (*arguments[1::2], arguments[-1])
    return Reserve(
        tuple(count for count in counts if isinstance(count, int)),
        tuple(lift(each) for each in generators if not isinstance(each, int)),
        None,
    )


def each_thread(generator: Liftable) -> Generator:
    """Run a copy of the generator on each thread."""
    return EachThread(lift(generator), ())


def synchronize(generator: Liftable) -> Generator:
    """Begin the generator when no operation is open on any thread."""
    return Synchronize(lift(generator))


def then(first: Liftable, second: Liftable) -> Generator:
    """Run `first`, wait until no operation is open, run `second`."""
    return lift([first, synchronize(second)])


def phases(*generators: Liftable) -> Generator:
    """Run the generators one after the other, each when no operation of the last is open."""
    return lift([synchronize(each) for each in generators])
