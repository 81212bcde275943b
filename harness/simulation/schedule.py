"""How long everything takes: messages, syncs, boots. Nothing of it is decided by what came before.

A message's fate is drawn at its address (`deviations.Address`); only the order of its link couples it
to others: it arrives no earlier than the one before, unless it may overtake. A deviation replaces
the whole fate. With `record` on, every fate is written down as the deviation that would repeat it, so
that a run under any environment can be had again under `CALM`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from splitbrain.generators.streams import GOLDEN, WORD, draw
from splitbrain.simulation.deviations import DISK, Address, Deviation
from splitbrain.simulation.streams import below, fraction, stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splitbrain.simulation.environment import Environment

SLOTS: Final = 8
"""Numbers that belong to one message under a key: the first is its latency, and these are for policies."""
POLICY_LOSS, POLICY_DUPLICATE, POLICY_JITTER, POLICY_REORDER = range(4, SLOTS)

SHARE: Final = 1 << 16
"""A message's fate is one number; each sixteenth part of a word decides one thing."""


class Order:
    """When the newest message of a link arrives: the next one comes no earlier."""

    __slots__ = ("latest",)

    def __init__(self) -> None:
        self.latest = 0


class Lane:
    """The messages of one type on one link: the keys of their numbers, and how many there were.

    A `wild` link may double and reorder. `deviations` are those of the lane by ordinal, if it has any.
    """

    __slots__ = ("count", "deviations", "fates", "key", "order", "wild")

    def __init__(
        self, key: int, order: Order, deviations: Mapping[int, Deviation] | None, *, wild: bool
    ) -> None:
        self.key = key
        self.fates = key ^ WORD
        self.count = 0
        self.order = order
        self.deviations = deviations
        self.wild = wild

    def chance(self, slot: int) -> float:
        """Return the number, from 0 to 1, of the newest message in a slot."""
        return fraction(self.key, (self.count - 1) * SLOTS + slot)


class Schedule:
    """Draws the fates of one run."""

    def __init__(
        self,
        seed: int,
        environment: Environment,
        deviations: Sequence[Deviation],
        *,
        peers: Sequence[str] = (),
        record: bool = False,
    ) -> None:
        network = environment.network
        self._seed = seed
        self._peers = frozenset(peers)
        self._network = network
        self._latency, self._spread = network.latency, network.spread
        self._rough = bool(network.loss or network.duplicate or network.reorder or network.tail)
        self._shares = (
            round(network.loss * SHARE),
            round(network.tail * SHARE),
            round(network.reorder * SHARE),
            round(network.duplicate * SHARE),
        )
        self._disk = environment.disk
        self._boot = environment.boot
        self._deviations: dict[tuple[str, str, str], dict[int, Deviation]] = {}
        for each in deviations:
            self._deviations.setdefault(each.message[:3], {})[each.message.ordinal] = each
        self._lanes: dict[tuple[str, str, str], Lane] = {}
        self._orders: dict[tuple[str, str], Order] = {}
        self.recorded: list[Deviation] | None = [] if record else None
        self.plain = not self._rough and not deviations and not record
        """Whether a message simply takes its time: then `arrival` does what `message` would."""

    @property
    def messages(self) -> int:
        """How many messages were sent so far."""
        return sum(lane.count for lane in self._lanes.values())

    def lane(self, source: str, destination: str, kind: str) -> Lane:
        """Return the lane of a type of message on a link."""
        lane = self._lanes.get((source, destination, kind))
        if lane is None:
            lane = Lane(
                stream(self._seed, "network", source, destination, kind),
                self._orders.setdefault((source, destination), Order()),
                self._deviations.get((source, destination, kind)),
                # A client has a connection, which keeps the order and doubles nothing: it may count answers.
                wild=source in self._peers and destination in self._peers,
            )
            self._lanes[source, destination, kind] = lane
        return lane

    def arrival(self, source: str, destination: str, kind: str, now: int) -> int:
        """Return when a message sent now arrives, where `plain` holds: the hottest path there is."""
        lane = self._lanes.get((source, destination, kind)) or self.lane(source, destination, kind)
        ordinal = lane.count
        lane.count = ordinal + 1
        at = now + self._latency
        if self._spread:
            at += (draw((lane.key + ordinal * SLOTS * GOLDEN) & WORD) * self._spread) >> 64
        order = lane.order
        if at < order.latest:
            return order.latest
        order.latest = at
        return at

    def message(self, source: str, destination: str, kind: str, now: int) -> tuple[int, ...]:
        """Return when a message sent now arrives: nothing if it is lost, two times if it is doubled."""
        lane = self._lanes.get((source, destination, kind)) or self.lane(source, destination, kind)
        ordinal = lane.count
        lane.count = ordinal + 1
        if lane.deviations is not None and ordinal in lane.deviations:
            return self._deviate(lane.deviations[ordinal], now)
        at = now + self._latency
        if self._spread:
            at += (draw((lane.key + ordinal * SLOTS * GOLDEN) & WORD) * self._spread) >> 64
        fate = draw((lane.fates + ordinal * GOLDEN) & WORD) if self._rough else WORD
        loss, tail, reorder, duplicate = self._shares
        if fate & 0xFFFF < loss:
            if self.recorded is not None:
                self._keep(Address(source, destination, kind, ordinal), None)
            return ()
        if fate >> 16 & 0xFFFF < tail:
            at += below(lane.key ^ 2, ordinal, self._network.tail_latency + 1)
        order = lane.order
        if not (lane.wild and fate >> 32 & 0xFFFF < reorder):
            at = max(at, order.latest)
            order.latest = at
        copy = None
        if lane.wild and fate >> 48 < duplicate:
            copy = at - now + below(lane.key ^ 3, ordinal, 20 * self._latency + 1)
        if self.recorded is not None:
            self._keep(Address(source, destination, kind, ordinal), at - now, copy)
        return (at,) if copy is None else (at, now + copy)

    def sync(self, node: str, ordinal: int) -> int:
        """Return how long the sync of that ordinal takes on a node's disk."""
        if self._deviations:
            deviation = self._deviations.get((node, DISK, "sync"), {}).get(ordinal)
            if deviation is not None and deviation.delay is not None:
                return deviation.delay
        disk = self._disk
        delay = disk.sync
        if disk.spread:
            delay += below(self.lane(node, DISK, "sync").key, ordinal, disk.spread)
        if self.recorded is not None:
            self._keep(Address(node, DISK, "sync", ordinal), delay)
        return delay

    def boot(self, node: str, life: int) -> int:
        """Return how long a node takes to start for the `life`-th time."""
        if not self._disk.spread:
            return self._boot
        # A spread of half the usual time: nodes that were killed together don't come back as one.
        return self._boot + below(stream(self._seed, "boot", node), life, self._boot // 2 + 1)

    def _deviate(self, deviation: Deviation, now: int) -> tuple[int, ...]:
        if self.recorded is not None:
            self.recorded.append(deviation)
        if deviation.delay is None:
            return ()
        if deviation.copy is None:
            return (now + deviation.delay,)
        return (now + deviation.delay, now + deviation.copy)

    def _keep(self, address: Address, delay: int | None, copy: int | None = None) -> None:
        assert self.recorded is not None
        self.recorded.append(Deviation(address, delay, copy))
