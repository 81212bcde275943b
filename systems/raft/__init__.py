"""Raft (Ongaro & Ousterhout 2014; Ongaro's thesis of the same year) with a key-value state machine.

Read `node.py` first (what a node takes and tells), then the rules, a part of the protocol a module:

- `prevote.py`, `election.py`: who leads. `replication.py`: the log, and what is committed.
- `sessions.py`, `reads.py`, `leases.py`: clients. `membership.py`, `quorums.py`: which servers count.
- `compaction.py`, `transfer.py`, `installation.py`: snapshots taken, sent and received.

What they share: `state.py`, `storage.py`, `log.py`, `leadership.py`, `messages.py`, `settings.py`.
"""

from .system import RaftSystem

__all__ = ["RaftSystem"]
