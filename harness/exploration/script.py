"""A generator that says exactly which operations there are: those of a shrunk case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from splitbrain.generators import Answer, Context, Event, Generator, Invocation, Pending

if TYPE_CHECKING:
    from collections.abc import Iterable

    from splitbrain.exploration.case import Operation


@dataclass(frozen=True, slots=True)
class Script(Generator):
    """What each thread still has to do, in order; each begins at its time, or when its thread is free."""

    threads: tuple[tuple[Operation, ...], ...]

    def op(self, context: Context) -> Answer:
        """Return the first operation that is due on a free thread."""
        soonest: int | None = None
        left = False
        for thread, operations in enumerate(self.threads):
            if not operations:
                continue
            left = True
            if not context.free >> thread & 1:
                continue
            first = operations[0]
            if first.at <= context.time:
                threads = (*self.threads[:thread], operations[1:], *self.threads[thread + 1 :])
                process = context.processes[thread]
                return Invocation(first.f, first.key, first.value, process, context.time), Script(threads)
            soonest = first.at if soonest is None else min(soonest, first.at)
        return (Pending(soonest), self) if left else (None, self)

    def update(self, context: Context, event: Event) -> Generator:
        """Learn nothing."""
        del context, event
        return self


def script(operations: Iterable[Operation], concurrency: int) -> Script:
    """Return the generator of these operations."""
    ordered = sorted(operations, key=lambda each: each.at)
    return Script(
        tuple(tuple(each for each in ordered if each.thread == thread) for thread in range(concurrency))
    )
