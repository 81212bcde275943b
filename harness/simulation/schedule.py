"""How long everything takes: messages, syncs, boots. Nothing of it is decided by what came before.

A message's fate is drawn at its address (`deviations.Address`); only the order of its link couples it
to others: it arrives no earlier than the one before, unless it may overtake. A deviation replaces
the whole fate. With `record` on, every fate is written down as the deviation that would repeat it, so
that a run under any environment can be had again under `CALM`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from splitbrain.generators.streams import WORD, draw
from splitbrain.simulation.deviations import DISK, Address, Deviation
from splitbrain.simulation.streams import GOLDEN, below, fraction, stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.simulation.environment import Environment

SLOTS: Final = 8
"""Numbers that belong to one message; the slots below say what for."""
DELAY, LOSS, DUPLICATE, REORDER, POLICY_LOSS, POLICY_DUPLICATE, POLICY_JITTER, POLICY_REORDER = range(SLOTS)


class Lane:
    """The messages of one type on one link: the key of their numbers, and how many there were."""

    __slots__ = ("count", "key")

    def __init__(self, key: int) -> None:
        self.key = key
        self.count = 0

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
        self._seed = seed
        self._peers = frozenset(peers)
        self._network = environment.network
        self._disk = environment.disk
        self._boot = environment.boot
        self._deviations = {each.message: each for each in deviations}
        self._lanes: dict[tuple[str, str, str], Lane] = {}
        self._latest: dict[tuple[str, str], int] = {}
        network = environment.network
        self._plain = not (network.loss or network.duplicate or network.reorder or network.tail)
        self.recorded: list[Deviation] | None = [] if record else None
        self.plain = self._plain and not self._deviations and not record
        """Whether a message simply takes its time: then `arrival` does what `message` would."""

    @property
    def messages(self) -> int:
        """How many messages were sent so far."""
        return sum(lane.count for lane in self._lanes.values())

    def lane(self, source: str, destination: str, kind: str) -> Lane:
        """Return the lane of a type of message on a link."""
        lane = self._lanes.get((source, destination, kind))
        if lane is None:
            lane = Lane(stream(self._seed, "network", source, destination, kind))
            self._lanes[source, destination, kind] = lane
        return lane

    def arrival(self, source: str, destination: str, kind: str, now: int) -> int:
        """Return when a message sent now arrives, where `plain` holds: the hottest path there is."""
        try:
            lane = self._lanes[source, destination, kind]
        except KeyError:
            lane = self.lane(source, destination, kind)
        ordinal = lane.count
        lane.count = ordinal + 1
        network = self._network
        at = now + network.latency
        if network.spread:
            at += (draw((lane.key + ordinal * SLOTS * GOLDEN) & WORD) * network.spread) >> 64
        link = (source, destination)
        latest = self._latest.get(link, 0)
        if at < latest:
            return latest
        self._latest[link] = at
        return at

    def message(self, source: str, destination: str, kind: str, now: int) -> tuple[int, ...]:
        """Return when a message sent now arrives: nothing if it is lost, two times if it is doubled."""
        lane = self._lanes.get((source, destination, kind)) or self.lane(source, destination, kind)
        ordinal = lane.count
        lane.count = ordinal + 1
        if self._deviations:
            deviation = self._deviations.get(Address(source, destination, kind, ordinal))
            if deviation is not None:
                return self._deviate(deviation, now)
        network = self._network
        at = now + network.latency
        if network.spread:
            at += (draw((lane.key + ordinal * SLOTS * GOLDEN) & WORD) * network.spread) >> 64
        link = (source, destination)
        if self._plain:
            latest = self._latest.get(link, 0)
            if at < latest:
                at = latest
            else:
                self._latest[link] = at
            if self.recorded is not None:
                self._keep(Address(source, destination, kind, ordinal), at - now)
            return (at,)
        return self._rough(lane, link, kind, at, now)

    def sync(self, node: str, ordinal: int) -> int:
        """Return how long the sync of that ordinal takes on a node's disk."""
        if self._deviations:
            deviation = self._deviations.get(Address(node, DISK, "sync", ordinal))
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

    def _rough(self, lane: Lane, link: tuple[str, str], kind: str, at: int, now: int) -> tuple[int, ...]:
        """Draw the fate of a message in a network that loses, doubles, reorders or dawdles."""
        network = self._network
        ordinal = lane.count - 1
        if network.tail and fraction(lane.key ^ 1, ordinal) < network.tail:
            at += below(lane.key ^ 2, ordinal, network.tail_latency + 1)
        if network.loss and lane.chance(LOSS) < network.loss:
            if self.recorded is not None:
                self._keep(Address(*link, kind, ordinal), None)
            return ()
        # A client has a connection, which keeps the order and doubles nothing: it may count answers.
        wild = link[0] in self._peers and link[1] in self._peers
        if not (wild and network.reorder and lane.chance(REORDER) < network.reorder):
            at = max(at, self._latest.get(link, 0))
            self._latest[link] = at
        copy = None
        if wild and network.duplicate and lane.chance(DUPLICATE) < network.duplicate:
            copy = at - now + below(lane.key ^ 3, ordinal, 20 * network.latency + 1)
        if self.recorded is not None:
            self._keep(Address(*link, kind, ordinal), at - now, copy)
        return (at,) if copy is None else (at, now + copy)

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
