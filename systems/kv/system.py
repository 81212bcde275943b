"""What KV says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..client import SessionClient
from ..description import Bug, NotePattern, System
from .bugs import BUGS
from .node import KvNode

if TYPE_CHECKING:
    from ..contract import Client, Node


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
    bugs: ClassVar[tuple[Bug, ...]] = BUGS
