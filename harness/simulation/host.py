"""One simulated machine: its disk, its clock, and the life of the node on it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from splitbrain.simulation.disk import SimulatedDisk
from splitbrain.systems.runtime.triggers import Triggers

if TYPE_CHECKING:
    from splitbrain.simulation.clock import SimulatedClock
    from splitbrain.systems.contract import Effect, Node, Note, Reply, Send


@dataclass(slots=True)
class Host:
    """Where a node lives.

    `node` is None while it is down. `life` counts its lives. `waiting` are effects that wait for
    a persist, `held` those behind a trigger or a crash point that stopped the node in mid-step, `inbox`
    what arrived while it was stopped. `timers` maps names to true times.
    """

    name: str
    clock: SimulatedClock
    disk: SimulatedDisk = field(default_factory=SimulatedDisk)
    node: Node | None = None
    life: int = 0
    pid: int = 0
    timers: dict[str, int] = field(default_factory=dict)
    persisted: int = -1
    durable: int = -1
    syncing: bool = False
    syncs: int = 0
    waiting: deque[Send | Reply | Note] = field(default_factory=deque)
    held: deque[Effect] = field(default_factory=deque)
    inbox: deque[tuple[Any, ...]] = field(default_factory=deque)
    paused: bool = False
    blocked: bool = False
    returning: bool = False
    triggers: Triggers = field(default_factory=Triggers)

    @property
    def running(self) -> bool:
        """Whether it takes events now."""
        return self.node is not None and not self.paused and not self.blocked

    def die(self) -> None:
        """Lose everything that was in memory."""
        self.node = None
        self.timers = {}
        self.persisted = self.durable = -1
        self.syncing = self.paused = self.blocked = False
        self.waiting.clear()
        self.held.clear()
        self.inbox.clear()
