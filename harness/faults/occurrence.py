"""One planned fault on its way from waiting to over: the nemesis's own bookkeeping."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from splitbrain.backend import SetLinks
from splitbrain.faults.evidence import observation_to_json
from splitbrain.faults.record import FaultRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splitbrain.faults.base import Fault, Injection
    from splitbrain.faults.evidence import Link, Observation
    from splitbrain.faults.watch import Watch
    from splitbrain.plan import PlannedFault

SECOND = 1_000_000_000


class Phase(Enum):
    """Where it stands. The first two and the last need nothing more to be done."""

    WAITING = "waiting"
    ARMED = "armed"
    BEGINNING = "beginning"
    ON = "on"
    ENDING = "ending"
    HEALING = "healing"
    OVER = "over"


BITING = (Phase.BEGINNING, Phase.ON, Phase.ENDING)
"""The phases in which a fault may have an effect on the cluster."""

IDLE = (Phase.WAITING, Phase.ARMED, Phase.OVER)
"""The phases in which nothing is under way."""


@dataclass
class Occurrence:
    """One entry of the plan. `wake` is when it next has to be looked at, `due` when it has to end."""

    entry: PlannedFault
    fault: Fault
    wake: int
    phase: Phase = Phase.WAITING
    injection: Injection | None = None
    observations: list[Observation] = field(default_factory=list)
    pending: int = 0
    due: int | None = None
    watch: Watch | None = None
    noter: str | None = None
    triggered_by: Mapping[str, Any] | None = None
    began: int | None = None
    ended: int | None = None
    cleared: int | None = None
    bit: bool | None = None
    healed: bool | None = None
    error: str | None = None

    @property
    def lasts(self) -> int:
        """How long it lasts, in nanoseconds."""
        return round(self.entry.lasts * SECOND)

    def ends(self, now: int) -> int:
        """Return when it is planned to end; a triggered one, which begins now, as much later as it lasts."""
        return (now if self.entry.at is None else round(self.entry.at * SECOND)) + self.lasts

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that it touches, once it has begun."""
        return self.injection.nodes if self.injection is not None else ()

    @property
    def links(self) -> frozenset[Link]:
        """The links on which it lays a policy."""
        begin = self.injection.begin if self.injection is not None else ()
        return frozenset(link for action in begin if isinstance(action, SetLinks) for link in action.links)

    def next_wake(self) -> int | None:
        """Return when it needs attention, None while it waits for an event or is over."""
        times: list[int | None] = []
        if self.phase is Phase.WAITING:
            times = [self.wake]
        elif self.phase is Phase.ON:
            times = [self.due, self.watch.next_wake() if self.watch else None]
        elif self.phase is Phase.HEALING and self.watch is not None:
            times = [self.watch.next_wake() if not self.watch.decided else 0]
        return min((time for time in times if time is not None), default=None)

    def record(self) -> FaultRecord:
        """Return what became of it so far; of repeated looks at one thing the last one counts."""
        last = {repr((each.stage, each.action)): each for each in self.observations}
        return FaultRecord(
            id=self.entry.id,
            fault=self.entry.fault,
            nodes=self.nodes,
            lost=self.injection.lost if self.injection is not None else (),
            triggered=self.entry.when is not None,
            began=self.began,
            ended=self.ended,
            cleared=self.cleared,
            bit=self.bit,
            healed=self.healed,
            evidence=tuple(observation_to_json(each) for each in last.values()),
            triggered_by=self.triggered_by,
            error=self.error,
        )
