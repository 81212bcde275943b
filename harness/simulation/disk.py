"""The disk of a simulated node: a log of records, some of them not yet synced.

What is pending is lost in part when the power fails: a seeded prefix survives, and the first record
after it may be torn, which leaves the beginning of its text. A process that is merely killed loses
nothing, since the page cache outlives it. `Replace` is atomic: it survives whole or not at all.

A disk that loses syncs says that records are durable and keeps them pending in truth. Bit rot makes
one synced record unreadable: the last one looks like a torn one then, and is dropped; with any other
the node can't start, as recovery in the process runtime refuses (`systems/runtime/log.py`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.simulation.streams import below, stream

if TYPE_CHECKING:
    from collections.abc import Sequence

ROTTEN: Any = object()
"""Stands for a record that can't be read any more."""


class Cut(NamedTuple):
    """What a power cut did, in records: pending before, kept of them, and whether one was torn."""

    unsynced: int
    kept: int
    torn: bool


class _Write(NamedTuple):
    id: int
    replaces: bool
    content: Any


class SimulatedDisk:
    """The records of one node. `torn` is the text of a last record that was partly written."""

    __slots__ = ("delay", "lose_syncs", "pending", "records", "torn")

    def __init__(self) -> None:
        self.records: list[Any] = []
        self.pending: list[_Write] = []
        self.torn: str | None = None
        self.lose_syncs = False
        self.delay = 0

    def append(self, identity: int, record: Any) -> None:
        """Let a record wait for the next sync."""
        self.pending.append(_Write(identity, replaces=False, content=record))

    def replace(self, identity: int, records: Sequence[Any]) -> None:
        """Let a new log wait for the next sync."""
        self.pending.append(_Write(identity, replaces=True, content=tuple(records)))

    def sync(self, identity: int) -> None:
        """Make everything up to that id durable, unless this disk lies."""
        if self.lose_syncs:
            return
        done = 0
        for write in self.pending:
            if write.id > identity:
                break
            self._apply(write)
            done += 1
        del self.pending[:done]

    def kill(self) -> None:
        """Settle what a dead process leaves: all that it wrote."""
        for write in self.pending:
            self._apply(write)
        self.pending.clear()

    def cut(self, seed: int, tear: bool | None) -> Cut:  # noqa: FBT001  as the action has it
        """Settle what a power failure leaves; `tear` as in `splitbrain.backend.PowerCut`."""
        pending, self.pending = self.pending, []
        key = stream(seed, "cut")
        kept = below(key, 0, len(pending) + 1)
        if tear is True and pending:
            tearable = [at for at, write in enumerate(pending) if not write.replaces]
            kept = tearable[below(key, 3, len(tearable))] if tearable else kept
        for write in pending[:kept]:
            self._apply(write)
        torn = False
        if kept < len(pending) and not pending[kept].replaces and tear is not False:
            text = json.dumps(pending[kept].content, separators=(",", ":"))
            if tear or below(key, 1, 2):
                self.torn = text[: 1 + below(key, 2, len(text) - 1)]
                torn = True
        return Cut(len(pending), kept, torn)

    def spoil(self, how: str, seed: int) -> int:
        """Let a record rot, or lose all of them; return how many are gone."""
        if not self.records:
            return 0
        if how == "wipe":
            gone = len(self.records)
            self.records, self.torn = [], None
            return gone
        self.records[below(stream(seed, "rot"), 0, len(self.records))] = ROTTEN
        return 1

    def recover(self) -> tuple[tuple[Any, ...], str | None] | None:
        """Return the surviving records and the torn text, which is then gone; None if recovery refuses."""
        torn, self.torn = self.torn, None
        if self.records and self.records[-1] is ROTTEN:
            self.records.pop()
            torn = torn or "\ufffd"
        if ROTTEN in self.records:
            return None
        return tuple(self.records), torn

    def _apply(self, write: _Write) -> None:
        if write.replaces:
            self.records = list(write.content)
        else:
            self.records.append(write.content)
