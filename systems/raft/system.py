"""Raft as a system under test."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..client import SessionClient
from ..description import Bug, NotePattern, Role, System
from .bugs import BUGS
from .node import RaftNode
from .settings import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contract import Client, Json, Node


class RaftSystem(System):
    """A replicated key-value store: linearizable while a majority of its nodes is up and connected."""

    name: ClassVar[str] = "raft"
    summary: ClassVar[str] = "Raft: a replicated key-value store (Ongaro & Ousterhout 2014)"
    node: ClassVar[type[Node]] = RaftNode
    client: ClassVar[type[Client]] = SessionClient
    workloads: ClassVar[tuple[str, ...]] = ("register", "kv")
    nodes: ClassVar[int] = 5
    smallest: ClassVar[int] = 1
    settings: ClassVar[Mapping[str, Json]] = DEFAULTS
    availability: ClassVar[str] = "majority"
    recovery: ClassVar[float] = 3.0
    one_sided: ClassVar[bool] = True
    roles: ClassVar[Mapping[str, Role]] = {
        "leader": Role(NotePattern("role", {"role": "leader"}), rank_by="term")
    }
    progress: ClassVar[tuple[NotePattern, ...]] = (NotePattern("elected"), NotePattern("committed"))
    invariants: ClassVar[tuple[str, ...]] = ("raft-invariants",)
    consistency: ClassVar[str] = "linearizable"
    bugs: ClassVar[tuple[Bug, ...]] = BUGS
