"""Performs actions on a backend: those on one node in order, the others at once, each with a bound.

A restart takes its time; a kill that is decided meanwhile must not overtake it. So an action on a
node waits until the one before it on that node is complete.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from splitbrain.backend import LinkCounters, Probe, Request

if TYPE_CHECKING:
    from splitbrain.backend import Action, ActionDone, Backend

SECOND = 1_000_000_000
LIMIT = 30 * SECOND
"""An action that is not complete after this long is given up, with an error."""

UNORDERED = (Probe, LinkCounters, Request)
"""Actions that change no node, so that none has to wait for them."""

Done: TypeAlias = Callable[[Mapping[str, Any], str | None, int], None]
"""Called with the outcome, the error and the time once an action is complete."""


@dataclass(frozen=True)
class _Ordered:
    action: Action
    done: Done
    node: str | None
    give_up: int = 0


class Performer:
    """Hands actions to a backend and their outcomes to whoever asked for them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._open: dict[int, _Ordered] = {}
        self._late: set[int] = set()
        self._queues: dict[str, deque[_Ordered]] = {}

    @property
    def idle(self) -> bool:
        """Whether every action is complete."""
        return not self._open

    def next_wake(self) -> int | None:
        """Return when the first open action is to be given up: all have the same time, so the oldest one."""
        return next(iter(self._open.values())).give_up if self._open else None

    def submit(self, action: Action, done: Done, now: int) -> None:
        """Perform an action, after those on the same node that were submitted before."""
        node = None if isinstance(action, UNORDERED) else getattr(action, "node", None)
        ordered = _Ordered(action, done, node)
        if node is not None and node in self._queues:
            self._queues[node].append(ordered)
            return
        if node is not None:
            self._queues[node] = deque()
        self._perform(ordered, now)

    def deliver(self, event: ActionDone, now: int) -> None:
        """Pass an outcome on; that of an action which was given up is dropped."""
        ordered = self._open.pop(event.ticket, None)
        if ordered is not None:
            self._complete(ordered, event.outcome, event.error, now)

    def advance(self, now: int) -> None:
        """Give up what took too long, when it was late already at the last look at the backend.

        After the controller itself stood still everything is late, but the answers lie waiting.
        """
        overdue = {ticket for ticket, ordered in self._open.items() if ordered.give_up <= now}
        late = sorted(overdue & self._late)
        self._late = overdue.difference(late)
        for ticket in late:
            ordered = self._open.pop(ticket)
            name = type(ordered.action).__name__
            where = f" of {ordered.node}" if ordered.node else ""
            self._complete(ordered, {}, f"{name}{where} was not complete after {LIMIT // SECOND} s.", now)

    def _perform(self, ordered: _Ordered, now: int) -> None:
        ticket = self._backend.perform(ordered.action)
        self._open[ticket] = _Ordered(ordered.action, ordered.done, ordered.node, now + LIMIT)

    def _complete(self, ordered: _Ordered, outcome: Mapping[str, Any], error: str | None, now: int) -> None:
        if ordered.node is not None:
            queue = self._queues[ordered.node]
            if queue:
                self._perform(queue.popleft(), now)
            else:
                del self._queues[ordered.node]
        ordered.done(outcome, error, now)
