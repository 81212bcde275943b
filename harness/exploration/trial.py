"""Trying cases: does this one still show the same kind of violation? In one process or in several.

Candidates are tried in order and the first that fails counts. Several processes try the next ones ahead of
time; what is accepted, and how many runs are counted, is the same however many there are.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from multiprocessing import connection
from typing import TYPE_CHECKING, Self

from splitbrain.errors import HarnessError, UsageError
from splitbrain.exploration.assess import assess
from splitbrain.exploration.repeat import check_case
from splitbrain.exploration.simulate import resolve, simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection
    from types import TracebackType

    from splitbrain.exploration.case import Case
    from splitbrain.exploration.simulate import Resolved


class BudgetSpentError(Exception):
    """The runs or the time are used up."""


def fails(case: Case, resolved: Resolved, kind: str) -> bool:
    """Tell whether a case shows a violation of that kind; one that can't be run does not."""
    try:
        check_case(case, resolved)
        outcome = simulate(case, resolved)
        return kind in assess(resolved, outcome).kinds
    except (UsageError, HarnessError):
        return False


class Trier:
    """Tries cases that name the same things as `origin`.

    Args:
        origin: whose names are resolved; candidates name no others.
        kind: the violation to look for.
        limit: after how many runs `BudgetSpentError` is raised; None is never.
        spent: tells whether the time is used up.
        workers: how many processes try ahead; with 0 this one does it all.
    """

    def __init__(
        self,
        origin: Case,
        resolved: Resolved,
        kind: str,
        *,
        limit: int | None,
        spent: Callable[[], bool],
        workers: int = 0,
    ) -> None:
        self.runs = 0
        self._resolved = resolved
        self._kind = kind
        self._limit = limit
        self._spent = spent
        self._known: dict[str, bool] = {}
        self._counted: set[str] = set()
        context = multiprocessing.get_context("spawn")
        self._idle: list[Connection] = []
        self._working: dict[Connection, str] = {}
        self._processes = []
        for _ in range(workers):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, origin, kind), daemon=True)
            process.start()
            there.close()
            self._idle.append(here)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
            process.join()
        for each in (*self._idle, *self._working):
            each.close()

    def first(self, cases: Iterable[Case]) -> tuple[int, Case] | None:
        """Return the index of the first case that fails, and the case.

        Raises:
            BudgetSpentError: runs or time are used up.
        """
        for number, (case, key) in enumerate(self._ahead(cases)):
            if self._spent():
                raise BudgetSpentError
            if key not in self._counted:
                if self._limit is not None and self.runs >= self._limit:
                    raise BudgetSpentError
                self.runs += 1
                self._counted.add(key)
            if self._answer(case, key):
                return number, case
        return None

    def _ahead(self, cases: Iterable[Case]) -> Iterator[tuple[Case, str]]:
        """Yield cases in order, with their keys, while idle processes begin with the next ones."""
        waiting: deque[tuple[Case, str]] = deque()
        source = iter(cases)
        while True:
            # One more than there are processes: none is idle while an answer is looked at.
            while len(waiting) <= len(self._processes):
                case = next(source, None)
                if case is None:
                    break
                waiting.append((case, repr(case)))
            self._collect(wait=False)
            for case, key in waiting:
                if self._idle and key not in self._known and key not in self._working.values():
                    worker = self._idle.pop()
                    worker.send(case)
                    self._working[worker] = key
            if not waiting:
                return
            yield waiting.popleft()

    def _answer(self, case: Case, key: str) -> bool:
        if not self._processes and key not in self._known:
            self._known[key] = fails(case, self._resolved, self._kind)
        while key not in self._known:
            if key not in self._working.values() and self._idle:
                worker = self._idle.pop()
                worker.send(case)
                self._working[worker] = key
            self._collect(wait=True)
        return self._known[key]

    def _collect(self, *, wait: bool) -> None:
        """Take in the answers that are there; wait for one if there is none.

        Raises:
            HarnessError: a process died.
        """
        for ready in connection.wait(list(self._working), None if wait else 0):
            worker = next(each for each in self._working if each is ready)
            try:
                self._known[self._working.pop(worker)] = worker.recv()
            except (EOFError, ConnectionResetError) as error:
                raise HarnessError(
                    "A process that tried smaller cases died; was it killed, or out of memory?"
                ) from error
            self._idle.append(worker)


def _serve(pipe: Connection, origin: Case, kind: str) -> None:
    """Answer cases with whether they fail, until the other end goes away; interrupts are its business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resolved = resolve(origin)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            pipe.send(fails(pipe.recv(), resolved, kind))
