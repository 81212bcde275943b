"""What KV says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..client import SessionClient
from ..description import Bug, NotePattern, System
from .bugs import BUGS
from .node import KvNode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contract import Client, Json, Node


class KvSystem(System):
    """A single durable key-value node."""

    name: ClassVar[str] = "kv"
    summary: ClassVar[str] = "one durable key-value node: write-ahead log, sync before the answer"
    node: ClassVar[type[Node]] = KvNode
    client: ClassVar[type[Client]] = SessionClient
    workloads: ClassVar[tuple[str, ...]] = ("kv", "register")
    nodes: ClassVar[int] = 1
    smallest: ClassVar[int] = 1
    availability: ClassVar[str] = "all"
    recovery: ClassVar[float] = 2.0
    progress: ClassVar[tuple[NotePattern, ...]] = (NotePattern("appended"),)
    milestones: ClassVar[Mapping[str, NotePattern]] = {
        "write": NotePattern("appended"),
        "answer": NotePattern("answered"),
        "torn record": NotePattern("recovered", {"torn": True}),
    }
    variations: ClassVar[Mapping[str, tuple[Json, ...]]] = {"attempt_timeout": (0.05, 0.1, 1.5)}
    bears: ClassVar[tuple[str, ...]] = ("kill", "pause", "power-cut", "slow-disk")
    bugs: ClassVar[tuple[Bug, ...]] = BUGS
