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
}


@dataclass(frozen=True)
class Settings:
    """A node's settings: times in nanoseconds, `batch` in entries."""

    heartbeat: int
    election_minimum: int
    election_maximum: int
    batch: int


def read_settings(settings: Mapping[str, Json]) -> Settings:
    """Return the settings of a node, with the defaults where `settings` says nothing.

    Raises:
        ValueError: the election interval is empty or no longer than a heartbeat, or the batch is.
    """
    merged = {**DEFAULTS, **settings}
    low, high = merged["election"]
    read = Settings(
        heartbeat=int(merged["heartbeat"] * SECOND),
        election_minimum=int(low * SECOND),
        election_maximum=int(high * SECOND),
        batch=int(merged["batch"]),
    )
    if not 0 < read.heartbeat < read.election_minimum < read.election_maximum:
        raise ValueError(
            f"Raft needs 0 < heartbeat < election[0] < election[1], not {merged['heartbeat']} and "
            f"[{low}, {high}]; make the election timeout longer or the heartbeat shorter."
        )
    if read.batch < 1:
        raise ValueError(f"Raft's `batch` must be at least 1 entry, not {read.batch}.")
    return read
