"""The contract between a node and whatever drives it.

A node is a deterministic value: `step(event, now)` changes the node's own state and
returns effects; it reads no clock, no file, no socket and no unseeded randomness, starts
no thread, and iterates over no set when it decides. The process runtime and the simulator
drive the same node, and a crash is simply the loss of the object.

Persistence is structure, not discipline. `Persist` appends a record and carries an id of
the node's choosing, rising by one; the driver answers `Persisted(id)` once that record *and
every earlier one* is durable. A send, reply or note names in `after` the persist that it
waits for, so "write before you answer" cannot be forgotten at run time: it can only be
left out of the code, which is exactly what a seeded bug does. Effects that wait keep their
order among themselves; an effect with `after=None` may overtake them.

Events and effects are named tuples: immutable, cheap to make by the million, and plain data.
Bodies are JSON-native values and are never changed after they are sent. Times are integer
nanoseconds.

The shape follows the sans-IO cores of h11 and etcd's raft (entries to persist and messages
to send come out as data).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json: TypeAlias = Any
"""A JSON-native value: null, boolean, number, string, list or string-keyed dict."""

Body: TypeAlias = "Mapping[str, Json]"
"""A message body: `type`, and `msg_id` or `in_reply_to` where a reply is expected or given."""

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000


class Now(NamedTuple):
    """The two readings of a node's clock, in nanoseconds. Clock faults move them apart."""

    steady: int
    wall: int


# Events: what a driver tells a node.


class Started(NamedTuple):
    """The first event after the process came up.

    `records` are those that survived, oldest first. `torn` is the text of a last record that
    was only partly written, which recovery left out of `records`: a node must not use it as
    data. `seed` feeds all randomness of this life of the node.
    """

    records: Sequence[Json]
    torn: str | None
    seed: int


class Received(NamedTuple):
    """A message from a peer or a client. `src` is its name."""

    src: str
    body: Body


class TimerFired(NamedTuple):
    """The timer of that name ran out; it is no longer set."""

    name: str


class Persisted(NamedTuple):
    """The record persisted under `id`, and every earlier one, is durable."""

    id: int


Event: TypeAlias = Started | Received | TimerFired | Persisted


# Effects: what a node asks of its driver. `after` names the persist that an effect waits for.


class Send(NamedTuple):
    """Send `body` to the peer (or client) named `dest`; it may be lost, late or doubled."""

    dest: str
    body: Body
    after: int | None = None


class Reply(NamedTuple):
    """Answer the request `msg_id` of `dest`; the driver fills in `in_reply_to`."""

    dest: str
    msg_id: int
    body: Body
    after: int | None = None


class SetTimer(NamedTuple):
    """Fire `TimerFired(name)` after `delay` nanoseconds; setting it again moves it."""

    name: str
    delay: int


class CancelTimer(NamedTuple):
    """Forget the timer of that name, if it is set."""

    name: str


class Persist(NamedTuple):
    """Append one JSON-native record to the node's log under `id`."""

    id: int
    record: Json


class Replace(NamedTuple):
    """Replace the whole log by `records`, atomically: a crash leaves the old log or the new."""

    id: int
    records: Sequence[Json]


class Note(NamedTuple):
    """Tell the outside what the node believes; it has no meaning to the protocol.

    Notes are the vocabulary of targets ("the leader"), gates ("an election happened"),
    invariant checkers, coverage and triggered faults. Each system documents its kinds.
    """

    kind: str
    fields: Mapping[str, Json]
    after: int | None = None


Effect: TypeAlias = Send | Reply | SetTimer | CancelTimer | Persist | Replace | Note


class Node(ABC):
    """One node of a system under test.

    Subclasses take exactly these arguments, so that any driver can build any node.
    """

    def __init__(self, name: str, peers: Sequence[str], settings: Mapping[str, Json]) -> None:
        """Name the node, its peers (without itself, in a fixed order) and its settings."""
        self.name = name
        self.peers = tuple(peers)
        self.settings = settings

    @abstractmethod
    def step(self, event: Event, now: Now) -> list[Effect]:
        """Take one event, change this node's state and return the effects, in order."""


# Clients are sans-IO too: the same client runs against processes and in simulation.


class Invoke(NamedTuple):
    """Begin one operation. It must be completed by `deadline` (steady nanoseconds)."""

    f: str
    key: Json
    value: Json
    deadline: int


class Unreachable(NamedTuple):
    """A message to `dest` definitely was not delivered (the connection was refused).

    `msg_id` is that of the message, where the driver knows it: the news may come late, when the session
    has sent another one over a new connection.
    """

    dest: str
    msg_id: int | None = None


class Disconnected(NamedTuple):
    """The connection to `dest` broke; what was sent on it may or may not have arrived."""

    dest: str


ClientEvent: TypeAlias = Invoke | Received | TimerFired | Unreachable | Disconnected


class Complete(NamedTuple):
    """End the open operation.

    `type` is "ok" (it happened, and `value` is what it returned), "fail" (it definitely did
    not happen) or "info" (it may or may not happen, at any later time). `fields` go into the
    history line as they are, such as `{"applied": False}` for a cas that compared unequal.
    """

    type: str
    value: Json = None
    error: Json = None
    fields: Mapping[str, Json] = {}


ClientEffect: TypeAlias = Send | SetTimer | CancelTimer | Complete


class Client(ABC):
    """One client session: its name is the `src` of every request it sends.

    One operation is open at a time. The driver that retires a session (after an info) drops
    the object; late replies to it are discarded.
    """

    def __init__(self, name: str, nodes: Sequence[str], preferred: str, settings: Mapping[str, Json]) -> None:
        """Name the session, the nodes it may talk to and the one it tries first."""
        self.name = name
        self.nodes = tuple(nodes)
        self.preferred = preferred
        self.settings = settings

    @abstractmethod
    def step(self, event: ClientEvent, now: int) -> list[ClientEffect]:
        """Take one event at steady time `now` and return the effects, in order."""
