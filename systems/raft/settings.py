"""Raft's settings: seconds for people, integer nanoseconds for the node.

A broadcast must be much faster than the election timeout, and that much shorter than the time
between failures (Ongaro & Ousterhout 2014, section 5.6). The defaults leave room for a machine
whose two cores carry five nodes, their proxies and the load.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..contract import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contract import Json

DEFAULTS: Mapping[str, Json] = {
    "heartbeat": 0.05,  # seconds between a leader's heartbeats, and between a candidate's retries
    "election": [0.4, 0.8],  # seconds without a leader before an election: drawn from this interval
    "batch": 500,  # entries in one message
    "snapshot_after": 1000,  # entries applied since the last snapshot that make a node take the next
    "snapshot_chunk": 65536,  # characters of a snapshot's text in one message
    "reads": "index",  # "index" asks a majority before each read, "lease" relies on clocks
    # Leases hold if clocks run at 1 plus or minus this share of true time. Quartz is better by far; clocks
    # that are being put right, and those of machines that are stopped and moved, are not.
    "clock_bound": 0.2,
}


@dataclass(frozen=True)
class Settings:
    """A node's settings: times in nanoseconds, the rest as in `DEFAULTS`."""

    heartbeat: int
    election_minimum: int
    election_maximum: int
    batch: int
    snapshot_after: int
    snapshot_chunk: int
    leases: bool
    clock_bound: float


def read_settings(settings: Mapping[str, Json]) -> Settings:
    """Return the settings of a node, with the defaults where `settings` says nothing.

    Raises:
        ValueError: the election interval is no longer than a heartbeat, or a value is out of its range.
    """
    merged = {**DEFAULTS, **settings}
    low, high = merged["election"]
    read = Settings(
        heartbeat=int(merged["heartbeat"] * SECOND),
        election_minimum=int(low * SECOND),
        election_maximum=int(high * SECOND),
        batch=int(merged["batch"]),
        snapshot_after=int(merged["snapshot_after"]),
        snapshot_chunk=int(merged["snapshot_chunk"]),
        leases=merged["reads"] == "lease",
        clock_bound=float(merged["clock_bound"]),
    )
    if not 0 < read.heartbeat < read.election_minimum < read.election_maximum:
        raise ValueError(
            f"Raft needs 0 < heartbeat < election[0] < election[1], not {merged['heartbeat']} and "
            f"[{low}, {high}]; make the election timeout longer or the heartbeat shorter."
        )
    for name, unit in (("batch", "entry"), ("snapshot_after", "entry"), ("snapshot_chunk", "character")):
        if merged[name] < 1:
            raise ValueError(f"Raft's `{name}` must be at least 1 {unit}, not {merged[name]}.")
    if merged["reads"] not in ("index", "lease"):
        raise ValueError(f'Raft\'s `reads` must be "index" or "lease", not {merged["reads"]!r}.')
    if not 0 <= read.clock_bound < 1:
        raise ValueError(f"Raft's `clock_bound` must be a share from 0 to below 1, not {read.clock_bound}.")
    return read
