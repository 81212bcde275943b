"""Checks a real run while it goes, in a process of its own, for `--fail-fast`.

The controller's thread has requests to send, so the lookout reads what the run writes down anyway: its
history and its nodes' notes, line by line as they are appended. It looks again when three times as long
has passed as the last look took, so it takes a quarter of a core at most. The run is stopped at what it
finds (`examiner.py`): the verdict on what was recorded until then, by the checks of any run, is the same.

A lookout that fails or is killed stops nothing and hides nothing: the run goes on and is judged at its end.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

import orjson

from splitbrain import registry
from splitbrain.checkers.invariants.notes import read_notes
from splitbrain.runner.examiner import Examiner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path
    from types import TracebackType

    from splitbrain.checkers.verdict import NodeNote
    from splitbrain.store import RunDirectory

SHORTEST_WAIT = 0.25
"""Seconds between two looks at least."""

SHARE = 3
"""A look is followed by a wait that is this many times longer."""

LONGEST_LOOK = 5.0
"""Seconds that deciding one object may take; one that takes longer is left to the check afterwards."""


class Lookout:
    """A process that watches a run directory; `violation` says what it found, if anything.

    Args:
        directory: where the run writes.
        system, workload: their references, as `test.json` has them.
    """

    def __init__(self, directory: RunDirectory, system: str, workload: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(
            target=_watch, args=(there, directory.path, system, workload), daemon=True
        )
        self._process.start()
        there.close()
        self._found: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def violation(self) -> str | None:
        """Return the summary of the first violation that was found so far."""
        if self._found is None:
            with contextlib.suppress(EOFError, OSError):
                if self._pipe.poll():
                    self._found = self._pipe.recv()
        return self._found


def _watch(pipe: Connection, directory: Path, system: str, workload: str) -> None:
    """Look until something is found or the parent goes away; interrupts are its business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    look = watcher(directory, system, workload)
    wait = SHORTEST_WAIT
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        # The parent sends nothing: the pipe is ready only when it was closed.
        while not pipe.poll(wait):
            began = monotonic()
            found = look()
            if found is not None:
                pipe.send(found)
                return
            wait = max(SHORTEST_WAIT, SHARE * (monotonic() - began))


def watcher(directory: Path, system: str, workload: str) -> Callable[[], str | None]:
    """Return a function that reads what was appended since its last call and tells the first violation."""
    described = registry.find("systems", system).value
    load = registry.find("workloads", workload, beside=described).value
    model = registry.find("models", load.model, beside=load).make()
    checkers = [registry.find("checkers", name, beside=described).make() for name in described.invariants]
    examiner = Examiner(model, checkers, timeout=LONGEST_LOOK)
    lines = _appended(directory / "history.jsonl")

    def look() -> str | None:
        examiner.add(next(lines))
        return examiner.look(notes)

    def notes() -> dict[str, Sequence[NodeNote]]:
        return {
            each.name: read_notes(each.name, each / "events.jsonl")
            for each in sorted((directory / "nodes").iterdir())
            if each.is_dir()
        }

    return look


def _appended(path: Path) -> Iterator[Sequence[dict[str, Any]]]:
    """Yield, again and again, the whole lines that were appended to a file since the last time."""
    rest = b""
    with path.open("rb") as file:
        while True:
            *whole, rest = (rest + file.read()).split(b"\n")
            yield [orjson.loads(line) for line in whole]
