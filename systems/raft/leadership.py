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


NEVER = -(1 << 62)
"""A steady time before all others."""


@dataclass(slots=True)
class Progress:
    """What the leader knows about one follower. Times are steady nanoseconds.

    `match`: highest index known to be durable there, `next`: where the next message begins.
    `flight` is the last index of the entries under way (0 = none: at most one message of entries
    is), sent at `flight_time` in round `flight_round`. `round` is the newest round answered,
    `heard` the time of the newest answer.
    `confirmed` is when that round was sent, if that matters (`leases.py`).
    `sending` is the index of the snapshot that is being sent, `offset` how much of its text arrived;
    `catching_up` lasts until the follower has all that was committed when it needed a snapshot.
    """

    next: int
    heard: int
    match: int = 0
    flight: int = 0
    flight_round: int = 0
    flight_time: int = 0
    round: int = 0
    confirmed: int = NEVER
    sending: int = 0
    offset: int = 0
    catching_up: bool = False


class PendingRead(NamedTuple):
    """A read that waits: for `round` to be confirmed, and for `read_index` to be applied."""

    client: str
    msg_id: int
    body: Body
    read_index: int
    round: int


class Request(NamedTuple):
    """An administrator's request to add or remove a server."""

    client: str
    msg_id: int
    type: str


class Newcomer(NamedTuple):
    """A server that is being caught up: its `round` ends at index `target` and began at `began`."""

    server: str
    request: Request
    target: int
    began: int
    round: int = 1


class Change(NamedTuple):
    """The configuration that this leader appended at `at`, and who waits for its commit."""

    at: int
    request: Request


@dataclass(slots=True)
class Leadership:
    """A leader's volatile state.

    `followers` are the servers that it replicates to, `voters` those of them that count: all but a
    `newcomer`. `start` is the index at which its own term begins in its log. `round` counts its
    broadcasts, and `sent` says when each of the newest ones began, if that matters. `clients` says who
    waits for the entry at an index. `unsaved` is the first index that no persist covers yet. `flushing`
    tells whether a broadcast is due at the end of this turn.
    """

    start: int
    unsaved: int
    followers: dict[str, Progress]
    voters: tuple[Progress, ...] = ()
    newcomer: Newcomer | None = None
    change: Change | None = None
    round: int = 0
    sent: dict[int, int] = field(default_factory=dict)
    clients: dict[int, tuple[str, int]] = field(default_factory=dict)
    reads: deque[PendingRead] = field(default_factory=deque)
    flushing: bool = False
