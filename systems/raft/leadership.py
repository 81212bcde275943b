"""What a node holds only while it leads: volatile state that is dropped as one when it steps down.

The paper keeps `nextIndex` and `matchIndex` for each server (Ongaro & Ousterhout 2014, figure 2).
The rest serves ReadIndex (thesis, section 6.4) and the answers to clients.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..contract import Body


@dataclass(slots=True)
class Progress:
    """What the leader knows about one follower. Times are steady nanoseconds.

    `match`: highest index known to be durable there, `next`: where the next message begins.
    `flight` is the last index of the entries under way (0 = none: at most one message of entries
    is), sent at `flight_time` in round `flight_round`. `round` is the newest round answered,
    `heard` the time of the newest answer.
    """

    next: int
    heard: int
    match: int = 0
    flight: int = 0
    flight_round: int = 0
    flight_time: int = 0
    round: int = 0


class PendingRead(NamedTuple):
    """A read that waits: for `round` to be confirmed, and for `read_index` to be applied."""

    client: str
    msg_id: int
    body: Body
    read_index: int
    round: int


@dataclass(slots=True)
class Leadership:
    """A leader's volatile state.

    `start` is the index at which its own term begins in its log. `round` counts its broadcasts.
    `clients` says who waits for the entry at an index. `unsaved` is the first index that no
    persist covers yet. `flushing` tells whether a broadcast is due at the end of this turn.
    """

    start: int
    unsaved: int
    followers: dict[str, Progress]
    round: int = 0
    clients: dict[int, tuple[str, int]] = field(default_factory=dict)
    reads: deque[PendingRead] = field(default_factory=deque)
    flushing: bool = False
