"""Client sessions: each operation takes effect once, however often it is sent (thesis 6.3; paper, 8).

A client that hears nothing sends its operation again, perhaps to another leader, though the
first copy may be in the log. The state machine therefore remembers the answer to each session's
last operation. That table is part of the replicated state: every node builds it from the same
entries. A session has one operation open at a time and numbers them upwards, so one answer is enough;
a lower number is a late copy of an operation that its client has long completed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..machine import NOT_SUPPORTED, error_body
from .compaction import Compaction
from .configuration import is_configuration
from .state import APPLY

if TYPE_CHECKING:
    from ..contract import Body, Json

MUTATORS = frozenset({"write", "cas", "append", "delete"})

APPLY_LIMIT = 1_000
"""Entries applied in one step: a node that comes back with a long log must not miss its heartbeats."""


class Sessions(Compaction):
    """The rules of sessions, and the application of entries."""

    def on_mutator(self, client: str, msg_id: int, body: Body) -> None:
        """Append an operation to the log, or answer it if it was applied before (5.3; thesis 6.3).

        A copy of one that is in the log but not applied is appended again: it will be recognised.
        """
        led = self.leadership
        if led is None:
            self.refuse(client, msg_id)
        elif self.was_executed(client, msg_id):
            self.note("retried", {"client": client, "msg_id": msg_id})
            self.answer_again(client, msg_id)
        elif body["type"] in MUTATORS:
            operation = {name: value for name, value in body.items() if name != "msg_id"}
            led.clients[self.log.append(self.term, [client, msg_id, operation])] = (client, msg_id)
            self.schedule_flush()
        else:
            self.reply(client, msg_id, error_body(NOT_SUPPORTED, f"there is no operation {body['type']!r}"))

    def was_executed(self, client: str, msg_id: int) -> bool:
        """Recognise an operation that was applied before, so that it isn't again (thesis 6.3)."""
        executed = self.sessions.get(client)
        return executed is not None and msg_id <= executed[0]

    def answer_again(self, client: str, msg_id: int) -> None:
        """Repeat the answer to a session's last operation; older ones nobody waits for (thesis 6.3)."""
        last, answer = self.sessions[client]
        if last == msg_id:
            self.answer(client, msg_id, answer)

    def apply_committed(self) -> None:
        """Apply committed entries in the order of the log, and answer who waits for them (5.3)."""
        first, last = self.applied_index + 1, min(self.commit_index, self.applied_index + APPLY_LIMIT)
        if first > last:
            return
        waiting = self.leadership.clients if self.leadership is not None else {}
        answered: list[tuple[str, int]] = []
        for index in range(first, last + 1):
            self.execute(self.log.command_at(index))
            if index in waiting:
                answered.append(waiting.pop(index))
        self.applied_index = last
        self.note("applied", {"first": first, "digests": self.log.digests(first, last), "term": self.term})
        for client, msg_id in answered:
            self.answer_again(client, msg_id)
        self.compact_log()
        if last < self.commit_index:
            self.set_timer(APPLY, 0)

    def execute(self, command: Json) -> None:
        """Apply one command to the state machine, unless it was before (thesis 6.3)."""
        if command is None or is_configuration(command):
            return
        client, msg_id, operation = command
        if self.was_executed(client, msg_id):
            self.note("retried", {"client": client, "msg_id": msg_id})
        else:
            self.sessions[client] = (msg_id, self.machine.apply(operation))

    def answer(self, client: str, msg_id: int, body: Body) -> None:
        """Answer a mutator."""
        self.reply(client, msg_id, body)
        self.note("answered", {"client": client, "msg_id": msg_id, "type": body["type"]})
