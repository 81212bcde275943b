"""Snapshots as values: what one holds, its text, and the parts of one that arrive (paper 7; thesis 5).

A snapshot stands for the log up to an index. It holds the state that applying that prefix led to, the
table of client sessions included (thesis 6.3), and what replication needs of the prefix: index and term
of its last entry for the consistency check, its digest for the chain, the configuration at it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .configuration import Configuration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contract import Body, Json

_text = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state up to `index`, whose entry is of `term` and whose log prefix has `digest`."""

    index: int
    term: int
    digest: str
    configuration: Configuration
    machine: Mapping[str, Json]
    sessions: Mapping[str, tuple[int, Body]]

    def content(self) -> dict[str, Json]:
        """Return it as a JSON object."""
        return {
            "index": self.index,
            "term": self.term,
            "digest": self.digest,
            "configuration": [
                self.configuration.index,
                self.configuration.term,
                list(self.configuration.members),
            ],
            "machine": self.machine,
            "sessions": {client: list(last) for client, last in self.sessions.items()},
        }

    def text(self) -> str:
        """Return it as JSON text in ASCII: equal for equal snapshots, so parts from two senders fit."""
        return _text(self.content())


def from_content(content: Mapping[str, Json]) -> Snapshot:
    """Return the snapshot of which `content` is the JSON object."""
    index, term, members = content["configuration"]
    return Snapshot(
        content["index"],
        content["term"],
        content["digest"],
        Configuration(index, term, tuple(members)),
        content["machine"],
        {client: (msg_id, answer) for client, (msg_id, answer) in content["sessions"].items()},
    )


def from_text(text: str) -> Snapshot:
    """Return the snapshot of which `text` is the JSON text."""
    return from_content(json.loads(text))


@dataclass(frozen=True, slots=True)
class Incoming:
    """The part of a snapshot that has arrived: from which leader, in which term, up to which index."""

    leader: str
    term: int
    index: int
    text: str = ""

    def with_part(self, offset: int, data: str) -> Incoming:
        """Add what continues the text; what is there already, or leaves a gap, changes nothing."""
        return replace(self, text=self.text + data) if offset == len(self.text) else self
