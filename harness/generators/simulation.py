"""A pure driver: what a generator would do against clients that are a function.

No client, no cluster and no clock: time jumps from event to event. It keeps the same rules as the
interpreter (`splitbrain.runner.interpreter`) for threads and processes, so that a workload can be
tested in a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import TypeAlias

from .base import Completion, Context, Event, GeneratorError, Invocation, Liftable, lift
from .streams import advance, draw

Responder: TypeAlias = Callable[[Invocation, int], Completion]
"""Completes an invocation, helped by a 64-bit random number; `time` says when."""

LATENCY = 10
"""Nanoseconds that the responders below take."""


def perfect(invocation: Invocation, number: int) -> Completion:
    """Answer ok after ten nanoseconds."""
    del number
    return Completion(invocation, "ok", invocation.value, invocation.time + LATENCY)


def quick(invocation: Invocation, number: int) -> Completion:
    """Answer ok at the very same instant."""
    del number
    return Completion(invocation, "ok", invocation.value, invocation.time)


def crashing(invocation: Invocation, number: int) -> Completion:
    """Answer info after ten nanoseconds: every operation costs a process."""
    del number
    return Completion(invocation, "info", None, invocation.time + LATENCY, "crashed")


def imperfect(invocation: Invocation, number: int) -> Completion:
    """Answer ok, fail or info, each as likely, after 10 to 19 nanoseconds."""
    kind = ("ok", "fail", "info")[number % 3]
    return Completion(invocation, kind, invocation.value, invocation.time + LATENCY + (number >> 8) % 10)


def simulate(
    generator: Liftable,
    responder: Responder = perfect,
    *,
    concurrency: int = 2,
    seed: int = 0,
    limit: int = 10_000,
) -> list[Event]:
    """Run a generator to its end, or through `limit` invocations; return all events in order.

    Raises:
        GeneratorError: it waits for an event although no operation is open, or it asks for a
            process that is not free.
    """
    current = lift(generator)
    context = Context.start(concurrency, draw(seed))
    stream = seed
    events: list[Event] = []
    open_operations: list[tuple[int, int, Completion]] = []
    invoked = 0
    exhausted = False
    while True:
        until: int | None = None
        if context.free and not exhausted:
            stream = advance(stream)
            context = context._replace(draw=draw(stream))
            answer, current = current.op(context)
            if isinstance(answer, Invocation):
                context = _begin(context, answer)
                events.append(answer)
                current = current.update(context, answer)
                invoked += 1
                completion = responder(answer, draw(stream ^ 1))
                heappush(open_operations, (completion.time, invoked, completion))
                exhausted = invoked >= limit
                continue
            exhausted = answer is None
            until = answer.until if answer is not None else None
        if open_operations and (until is None or open_operations[0][0] <= until):
            time, _, completion = heappop(open_operations)
            context = _finish(context._replace(time=max(time, context.time)), completion)
            events.append(completion)
            current = current.update(context, completion)
        elif exhausted:
            return events
        elif until is None:
            raise GeneratorError(
                "The generator waits for an event, but no operation is open: it waits forever."
            )
        else:
            context = context._replace(time=until)


def _begin(context: Context, invocation: Invocation) -> Context:
    thread = context.thread_of(invocation.process)
    if not context.free >> thread & 1 or context.processes[thread] != invocation.process:
        raise GeneratorError(f"The generator asked for process {invocation.process}, which is not free.")
    return context._replace(free=context.free & ~(1 << thread))


def _finish(context: Context, completion: Completion) -> Context:
    thread = context.thread_of(completion.process)
    processes = context.processes
    if completion.type == "info":
        successor = completion.process + len(processes)
        processes = (*processes[:thread], successor, *processes[thread + 1 :])
    return context._replace(free=context.free | 1 << thread, processes=processes)
