"""The interpreter's threads: which process and which client session each of them is at the moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from splitbrain.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from splitbrain.generators import Invocation
    from splitbrain.systems.contract import Client

NEVER = 1 << 63
"""Later than any time."""


@dataclass(slots=True)
class Session:
    """A thread as one process with one client session; `deadline` is that of its open operation."""

    thread: int
    process: int
    name: str
    client: Client
    invocation: Invocation | None = None
    deadline: int = NEVER
    timers: dict[str, int] = field(default_factory=dict)


class Sessions:
    """All threads. Thread i is process i at first and prefers node i mod n for good.

    Raises:
        UsageError: there are no threads.
        HarnessError: a client session can't be made (also from `replace`).
    """

    def __init__(self, concurrency: int, nodes: Sequence[str], client: Callable[[str, str], Client]) -> None:
        if concurrency < 1:
            raise UsageError(f"A run needs a concurrency of at least 1, not {concurrency}.")
        self.concurrency = concurrency
        self.processes = tuple(range(concurrency))
        self._nodes = tuple(nodes)
        self._client = client
        self._threads = [self._make(thread, thread) for thread in range(concurrency)]
        self._by_name = {session.name: session for session in self._threads}

    def of(self, process: int) -> Session:
        """Return the session of the thread that is, or was, that process."""
        return self._threads[process % self.concurrency]

    def named(self, name: str) -> Session | None:
        """Return the live session of that name."""
        return self._by_name.get(name)

    @property
    def open(self) -> tuple[Session, ...]:
        """Those with an operation open, by thread."""
        return tuple(session for session in self._threads if session.invocation is not None)

    def replace(self, session: Session) -> None:
        """Let the thread go on as its next process, with a new session."""
        thread = session.thread
        successor = self._make(thread, session.process + self.concurrency)
        del self._by_name[session.name]
        self._by_name[successor.name] = successor
        self._threads[thread] = successor
        self.processes = (*self.processes[:thread], successor.process, *self.processes[thread + 1 :])

    def due(self, now: int) -> list[tuple[int, Session, str]]:
        """Return the timers that have run out, as (time, session, timer), in order of time, then thread."""
        due = [
            (at, session.thread, name)
            for session in self._threads
            for name, at in session.timers.items()
            if at <= now
        ]
        return [(at, self._threads[thread], name) for at, thread, name in sorted(due)]

    def next_instant(self) -> int:
        """Return the first of all timers and deadlines, or `NEVER`."""
        instants = [session.deadline for session in self._threads]
        instants.extend(at for session in self._threads for at in session.timers.values())
        return min(instants)

    def _make(self, thread: int, process: int) -> Session:
        name = f"c{process}"
        try:
            client = self._client(name, self._nodes[thread % len(self._nodes)])
        except Exception as error:
            raise HarnessError(
                f"The client session {name} can't be made: {type(error).__name__}: {error}."
            ) from error
        return Session(thread, process, name, client)
