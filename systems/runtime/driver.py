"""Steps the node and performs its effects: the part of the runtime that knows the contract.

- Effects without `after` are performed at once, in order.
- Effects that wait stand in one queue, released from its head as their persists become durable, so
  they keep their order among themselves.
- Persists wait for the end of the turn: `settle` then syncs them all at once (group commit), tells
  the node, and releases. That may make the node persist more, so it repeats until nothing waits.
- Timers are due by their instants. One set with delay 0 fires when the input of the turn has been
  taken, which lets a node gather a turn's requests into one batch.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ..contract import (
    CancelTimer,
    Note,
    Now,
    Persist,
    Persisted,
    Received,
    Replace,
    Reply,
    Send,
    SetTimer,
    Started,
    TimerFired,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..contract import Body, Effect, Event, Json, Node
    from .log import Log


class Driver:
    """One life of one node.

    `now()` reads the clock, `send(dest, body)` passes on a message, `note(kind, fields)` a note.
    """

    def __init__(
        self,
        node: Node,
        log: Log,
        now: Callable[[], Now],
        send: Callable[[str, Body], None],
        note: Callable[[str, Mapping[str, Json]], None],
    ) -> None:
        self._node = node
        self._log = log
        self._now = now
        self._send = send
        self._note = note
        self._timers: dict[str, int] = {}
        self._waiting: deque[Send | Reply | Note] = deque()
        self._to_itself: deque[Body] = deque()
        self._persisted = -1
        self._durable = -1

    def start(self, records: Sequence[Json], torn: str | None, seed: int) -> None:
        """Hand the node what survived."""
        self._step(Started(records, torn, seed))
        self.settle()

    def receive(self, src: str, body: Body) -> None:
        """Hand the node a message."""
        self._step(Received(src, body))

    def finish_turn(self) -> None:
        """Fire what is due, deliver what the node sent to itself, and make durable what it wrote."""
        now = self._now().steady
        due = sorted((instant, name) for name, instant in self._timers.items() if instant <= now)
        for instant, name in due:
            if self._timers.get(name) == instant:  # else an earlier one cancelled or moved it
                del self._timers[name]
                self._step(TimerFired(name))
        for _ in range(len(self._to_itself)):
            self._step(Received(self._node.name, self._to_itself.popleft()))
        self.settle()

    def settle(self) -> None:
        """Sync, tell the node and release, until nothing is unsynced."""
        while self._durable < self._persisted:
            if self._log.waiting:
                self._log.sync()
            self._durable = self._persisted
            self._step(Persisted(self._durable))
            self._release()

    def due(self) -> int | None:
        """Return the steady instant at which the next turn must come (None: when there is input)."""
        if self._to_itself:
            return 0
        return min(self._timers.values(), default=None)

    def _step(self, event: Event) -> None:
        now = self._now()
        for effect in self._node.step(event, now):
            kind = type(effect)
            if kind is Send or kind is Reply or kind is Note:
                if effect.after is None:  # type: ignore[union-attr]  # these three have it
                    self._perform(effect)  # type: ignore[arg-type]  # and are these three
                else:
                    self._wait(effect)  # type: ignore[arg-type]
            elif kind is SetTimer:
                self._timers[effect.name] = now.steady + effect.delay  # type: ignore[union-attr]
            elif kind is CancelTimer:
                self._timers.pop(effect.name, None)  # type: ignore[union-attr]
            else:
                self._write(effect)

    def _write(self, effect: Effect) -> None:
        """Append a record, or replace the log."""
        if not isinstance(effect, (Persist, Replace)):
            raise TypeError(
                f"Node {self._node.name} returned {effect!r}, which is no effect of the contract."
            )
        if effect.id <= self._persisted:
            raise ValueError(f"Node {self._node.name} persisted id {effect.id} after id {self._persisted}.")
        if isinstance(effect, Persist):
            self._log.append(effect.record)
        else:
            self._log.replace(effect.records)
        self._persisted = effect.id

    def _wait(self, effect: Send | Reply | Note) -> None:
        """Perform it now if nothing holds it back, else queue it."""
        assert effect.after is not None
        if not self._waiting and effect.after <= self._durable:
            self._perform(effect)
        else:
            self._waiting.append(effect)

    def _release(self) -> None:
        waiting = self._waiting
        while waiting and (waiting[0].after or 0) <= self._durable:
            self._perform(waiting.popleft())

    def _perform(self, effect: Send | Reply | Note) -> None:
        if isinstance(effect, Note):
            self._note(effect.kind, effect.fields)
        elif isinstance(effect, Reply):
            self._send(effect.dest, {**effect.body, "in_reply_to": effect.msg_id})
        elif effect.dest == self._node.name:
            self._to_itself.append(effect.body)
        else:
            self._send(effect.dest, effect.body)
