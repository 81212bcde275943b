"""Where nodes live, seen from the runner: one protocol for real processes and simulation alike.

The runner is single-threaded and polls. Everything that takes time (a restart, a probe) is asked
for with `perform`, which returns at once with a ticket; its outcome comes back from `poll` as
`ActionDone`. So the same runner and the same nemesis drive a cluster of processes and, later, a
simulated world whose `now` is virtual.

Times are integer nanoseconds since the run began.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CLIENTS = "clients"
"""The name that stands for all clients as one end of a link."""


# Actions: what can be done to a cluster. Each is idempotent.


@dataclass(frozen=True)
class LinkPolicy:
    """What happens to whole protocol lines on a directed link, in this order.

    `cut` drops every line; `loss` and `duplicate` are probabilities per line; `delay` and `jitter`
    (uniform) are seconds; `rate` is bytes a second; `hold` keeps lines until it is lifted. `reorder` is
    the probability that a line may overtake or be overtaken: only the simulator has that.
    """

    cut: bool = False
    hold: bool = False
    loss: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    rate: float | None = None
    reorder: float = 0.0


NO_POLICY = LinkPolicy()


def combine(policies: Iterable[LinkPolicy]) -> LinkPolicy:
    """Return the one policy that acts like all of them together.

    It cuts if any cuts and holds if any holds; loss, duplication and reordering happen independently
    (1 - (1-p)(1-q)), delays and jitters add, the lowest rate wins.
    """
    kept = tuple(policies)
    if not kept:
        return NO_POLICY
    return LinkPolicy(
        cut=any(policy.cut for policy in kept),
        hold=any(policy.hold for policy in kept),
        loss=1.0 - prod(1.0 - policy.loss for policy in kept),
        duplicate=1.0 - prod(1.0 - policy.duplicate for policy in kept),
        delay=sum(policy.delay for policy in kept),
        jitter=sum(policy.jitter for policy in kept),
        rate=min((policy.rate for policy in kept if policy.rate is not None), default=None),
        reorder=1.0 - prod(1.0 - policy.reorder for policy in kept),
    )


@dataclass(frozen=True)
class SetLinks:
    """Lay a policy on each directed link (source, destination), under the name of a fault.

    Policies of several faults on one link add up; those of one fault replace each other.
    """

    fault: str
    links: Mapping[tuple[str, str], LinkPolicy]


@dataclass(frozen=True)
class ClearLinks:
    """Take all policies of that fault off. Outcome: {"links": n}."""

    fault: str


@dataclass(frozen=True)
class Kill:
    """SIGKILL; unsynced writes survive, as they do in a page cache. Outcome: {"pid": old}."""

    node: str


@dataclass(frozen=True)
class PowerCut:
    """SIGKILL, and of the unsynced bytes only a seeded prefix survives.

    `tear` asks that the kept prefix end inside a record where there is one to tear. Outcome:
    {"pid": old, "unsynced": bytes, "kept": bytes, "torn": bool}.
    """

    node: str
    seed: int
    tear: bool | None = None


@dataclass(frozen=True)
class Restart:
    """Start a dead node again and wait until it is ready. Outcome: {"pid": new}."""

    node: str


@dataclass(frozen=True)
class Pause:
    """SIGSTOP, and wait until the process is seen stopped. Outcome: {"pid": pid, "stopped": true}."""

    node: str


@dataclass(frozen=True)
class Resume:
    """SIGCONT, and wait until the process runs. Outcome: {"pid": pid, "stopped": false}."""

    node: str


@dataclass(frozen=True)
class Arm:
    """Have the node stop right after the `skip + 1`-th note that matches, before its next effect.

    The stop shows as `Triggered`; the node goes on at `Release`, or dies by what is done to it.
    """

    node: str
    trigger: str
    kind: str
    where: Mapping[str, Any] = field(default_factory=dict)
    skip: int = 0


@dataclass(frozen=True)
class Disarm:
    """Forget the trigger of that name on the node."""

    node: str
    trigger: str


@dataclass(frozen=True)
class Release:
    """Let a node that a trigger stopped go on."""

    node: str


@dataclass(frozen=True)
class Probe:
    """Send one probe line over the directed link. Outcome: {"arrived": bool, "seconds": s or null}.

    It takes the same way as a protocol message, through the same policies; it has not arrived
    when `within` seconds have passed.
    """

    source: str
    destination: str
    within: float = 0.5


@dataclass(frozen=True)
class LinkCounters:
    """Count whole lines over all links so far.

    Outcome: {"lines", "dropped", "lost", "duplicated", "delayed", "held", "reordered"}.
    """


@dataclass(frozen=True)
class SetClock:
    """Let a node's clocks run at `rate` (1: as they do by themselves), its wall clock `offset` seconds ahead.

    The steady reading never jumps; both readings drift. Outcome: {"rate", "offset"} as they are now.
    """

    node: str
    rate: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class SetDisk:
    """Let a node's disk lie or dawdle from now on.

    With `lose_syncs` it reports as durable what a power cut will still take; each sync takes `delay`
    seconds more. Outcome: {"lose_syncs", "delay"} as they are now.
    """

    node: str
    lose_syncs: bool = False
    delay: float = 0.0


@dataclass(frozen=True)
class SpoilDisk:
    """Spoil the disk of a node that is down: `how` is "bit-rot" (one synced record) or "wipe" (all).

    Outcome: {"records": how many were there, "spoiled": how many are gone or unreadable}.
    """

    node: str
    how: str
    seed: int = 0


@dataclass(frozen=True)
class Request:
    """Ask a node as its administrator would: a client session of its own, one request, one answer.

    Outcome: {"answer": the body of the reply, or null if none came `within` seconds}.
    """

    node: str
    body: Mapping[str, Any]
    within: float = 1.0


Action: TypeAlias = (
    SetLinks
    | ClearLinks
    | Kill
    | PowerCut
    | Restart
    | Pause
    | Resume
    | Arm
    | Disarm
    | Release
    | Probe
    | LinkCounters
    | SetClock
    | SetDisk
    | SpoilDisk
    | Request
)


# Events: what `poll` returns.


class ClientMessage(NamedTuple):
    """A reply for the client session of that name."""

    client: str
    src: str
    body: Mapping[str, Any]


class ClientUnreachable(NamedTuple):
    """A message of `client` to `node`, the one of that `msg_id`, was definitely not delivered."""

    client: str
    node: str
    msg_id: int | None = None


class ClientDisconnected(NamedTuple):
    """The connection from `client` to `node` broke."""

    client: str
    node: str


class NodeNoted(NamedTuple):
    """A watched note of a node, as it was emitted (`watch` names the kinds)."""

    node: str
    kind: str
    fields: Mapping[str, Any]


class NodeUp(NamedTuple):
    """A node became ready under that pid."""

    node: str
    pid: int


class NodeExited(NamedTuple):
    """A node's process ended by itself, outside any fault: a CRASH. `log` is the end of its log."""

    node: str
    status: str
    log: str


class Triggered(NamedTuple):
    """A node stopped at an armed trigger and waits."""

    node: str
    trigger: str
    kind: str
    fields: Mapping[str, Any]


class ActionDone(NamedTuple):
    """The action of that ticket is complete. `error` is a sentence where it failed."""

    ticket: int
    outcome: Mapping[str, Any]
    error: str | None


BackendEvent: TypeAlias = (
    ClientMessage
    | ClientUnreachable
    | ClientDisconnected
    | NodeNoted
    | NodeUp
    | NodeExited
    | Triggered
    | ActionDone
)


class Backend(Protocol):
    """A deployed cluster."""

    nodes: Sequence[str]

    def open(self) -> None:
        """Deploy and wait until every node is ready.

        Raises:
            HarnessError: a node did not come up; the sentence holds the end of its log, and
                everything is torn down.
        """
        ...

    def now(self) -> int:
        """Return nanoseconds since `open` returned (monotonic)."""
        ...

    def send(self, client: str, dest: str, body: Mapping[str, Any]) -> None:
        """Send a client's message on its own connection, opening it if need be. Never blocks."""
        ...

    def retire(self, client: str) -> None:
        """Close the connections of a client session that will not be heard of again."""
        ...

    def perform(self, action: Action) -> int:
        """Begin an action and return its ticket. Never blocks."""
        ...

    def poll(self, until: int) -> list[BackendEvent]:
        """Wait until something happened or `now() >= until`, and return what happened, in order."""
        ...

    def close(self) -> None:
        """Tear everything down: no process and no port outlives it. Idempotent."""
        ...
