"""Numbered tasks over all cores: one process a core, results as they come.

A worker takes a handful of numbers at a time and sends each result when it has it. So the parent always
knows which number a worker was at when it died, or for how long it has been at it. Workers are
started afresh and not forked: each has hash seeds of its own, and what a result depends on is the task alone.
Interrupts are the parent's business; its workers don't hear of them and are ended by it.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import traceback
from collections import deque
from itertools import islice
from multiprocessing import connection
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from splitbrain.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

HANDFUL = 8
"""Numbers that a worker gets at a time."""

LONGEST_TASK = 300.0
"""Seconds after which a task that has not ended is taken for one that never will."""


class Job(Protocol):
    """What a worker does: plain data that can be pickled."""

    def prepare(self) -> Callable[[int], Any]:
        """Build, in the worker, what all tasks share; return the function from a number to its result."""
        ...


def results(job: Job, numbers: Iterable[int], jobs: int) -> Generator[tuple[int, Any], None, None]:
    """Yield (number, result) as they come; closing the iterator ends the workers.

    With one job everything runs in this process, in order.

    Raises:
        HarnessError: a task failed, its worker died, or it does not end; the sentence names the number.
    """
    if jobs == 1:
        task = job.prepare()
        for number in numbers:
            yield number, task(number)
        return
    context = multiprocessing.get_context("spawn")
    workers = [_Worker(context, job) for _ in range(jobs)]
    try:
        yield from _results(workers, iter(numbers))
    finally:
        for worker in workers:
            worker.end()


def cores() -> int:
    """Return how many processes this one may use at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """A process, the pipe to it, and the numbers that it has yet to answer for."""

    def __init__(self, context: Any, job: Job) -> None:
        self.pipe: Connection
        self.pipe, there = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(there, job), daemon=True)
        self.process.start()
        there.close()
        self.open: deque[int] = deque()
        self.since = monotonic()

    def give(self, numbers: Iterator[int]) -> None:
        """Hand out the next few numbers, if there are any."""
        handful = list(islice(numbers, HANDFUL))
        self.open.extend(handful)
        self.since = monotonic()
        if handful:
            with contextlib.suppress(BrokenPipeError):  # it died, which shows when it is read from
                self.pipe.send(handful)

    def take(self) -> tuple[int, Any]:
        """Receive a result.

        Raises:
            HarnessError: the worker died, or its task failed.
        """
        try:
            failure, result = self.pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            self.process.join(timeout=5.0)
            raise HarnessError(
                f"The process that was to run number {self.open[0]} died (exit code {self.process.exitcode})."
            ) from error
        number = self.open.popleft()
        self.since = monotonic()
        if failure is not None:
            raise HarnessError(f"Number {number} could not be run: {failure}")
        return number, result

    def end(self) -> None:
        """End the process, whatever it is at."""
        self.pipe.close()
        self.process.terminate()
        self.process.join()


def _results(workers: list[_Worker], numbers: Iterator[int]) -> Iterator[tuple[int, Any]]:
    for worker in workers:
        worker.give(numbers)
    while busy := {worker.pipe: worker for worker in workers if worker.open}:
        for pipe in connection.wait(list(busy), timeout=1.0):
            worker = busy[pipe]  # type: ignore[index]  # these very pipes were waited for
            yield worker.take()
            if not worker.open:
                worker.give(numbers)
        for worker in busy.values():
            if worker.open and monotonic() - worker.since > LONGEST_TASK:
                raise HarnessError(
                    f"Number {worker.open[0]} has not ended after {LONGEST_TASK:g} s of real time: "
                    "a node that sets a timer of no delay for ever, perhaps."
                )


def _work(pipe: Connection, job: Job) -> None:
    """Serve the parent until it closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    task: Callable[[int], Any] | None = None
    # A run makes objects by the hundred thousand and hardly a cycle: collecting meanwhile finds nothing.
    gc.disable()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            numbers = pipe.recv()
            gc.collect()
            for number in numbers:
                try:
                    if task is None:
                        task = job.prepare()
                        gc.freeze()
                    result = task(number)
                except HarnessError as error:
                    pipe.send((str(error), None))
                except Exception as error:  # noqa: BLE001  whatever it is, the parent must hear of it
                    trace = "".join(traceback.format_exception(error)[-4:])
                    pipe.send((f"{type(error).__name__}: {error}.\n{trace}", None))
                else:
                    pipe.send((None, result))
