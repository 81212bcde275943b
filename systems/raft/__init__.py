"""Raft (Ongaro & Ousterhout 2014): the core of consensus with a key-value state machine.

Read `node.py` first (what a node takes and tells), then `election.py` and `replication.py`.
"""

from .system import RaftSystem

__all__ = ["RaftSystem"]
