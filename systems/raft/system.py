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
    milestones: ClassVar[Mapping[str, NotePattern]] = {
        "election": NotePattern("elected"),
        "truncation": NotePattern("truncated"),
        "snapshot": NotePattern("snapshot-taken"),
        "snapshot installed": NotePattern("snapshot-installed"),
        "retry": NotePattern("retried"),
        "membership change": NotePattern("configured", {"role": "leader"}),
    }
    variations: ClassVar[Mapping[str, tuple[Json, ...]]] = {
        "attempt_timeout": (0.1,),
        "batch": (1, 3),
        "election": ([0.15, 0.3], [0.25, 0.5], [0.3, 0.36]),
        "reads": ("index", "lease"),
        "snapshot_after": (3, 8, 30),
        "snapshot_chunk": (64, 512),
    }
    bears: ClassVar[tuple[str, ...]] = (*System.bears, "reorder", "clock-skew", "membership")
    clock_bound: ClassVar[float] = DEFAULTS["clock_bound"]
    membership: ClassVar[bool] = True
    bugs: ClassVar[tuple[Bug, ...]] = BUGS
