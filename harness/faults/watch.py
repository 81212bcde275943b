"""Looks for evidence of one fault until its judge decides or time is up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from splitbrain.backend import LinkCounters, Probe
from splitbrain.faults.evidence import Evidence, Link, Observation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from splitbrain.backend import Action
    from splitbrain.faults.holds import Holds
    from splitbrain.faults.occurrence import Occurrence
    from splitbrain.faults.performer import Performer
    from splitbrain.faults.triggers import Triggers

SECOND = 1_000_000_000
INTERVAL = SECOND // 10
"""From one round of looks to the next."""

SAMPLE = 6
"""Probes a round."""


class Sight(NamedTuple):
    """What of the cluster can be probed at the moment.

    `links` filters candidates, best first. `state` maps a link to a value that changes when anything
    happens to its ends: a probe over a change is dropped. `others` tells whether other faults, which may
    hide the links, are under way.
    """

    links: Callable[[Sequence[Link]], Sequence[Link]]
    state: Callable[[Link], object]
    others: Callable[[], bool]


def sight_over(
    holds: Holds, triggers: Triggers, others: Callable[[], Sequence[Occurrence]], *, healing: bool
) -> Sight:
    """Return what one fault may probe, with `others` under way.

    Once it is healed, a link that others disturb says nothing of it.
    """

    def disturbed(link: Link) -> bool:
        return any(link in other.links for other in others())

    def usable(links: Sequence[Link]) -> Sequence[Link]:
        silent = holds.down | holds.paused | triggers.stopped
        live = [link for link in links if not silent.intersection(link)]
        clean = [link for link in live if not disturbed(link)]
        return clean if healing else [*clean, *(link for link in live if link not in clean)]

    def state(link: Link) -> object:
        ends = [(holds.changes(node), triggers.stops(node)) for node in link]
        return (*ends, disturbed(link))

    return Sight(usable, state, lambda: any(others()))


class Watch:
    """One stage ("bite" or "heal") of one fault.

    `observations` is the fault's own list, which grows here. `patience` is how long to go on, in
    nanoseconds, from the moment at which there is something to look at; None is without bound.
    """

    def __init__(
        self,
        stage: Literal["bite", "heal"],
        evidence: Evidence,
        observations: list[Observation],
        sight: Sight,
        performer: Performer,
        *,
        patience: int | None,
    ) -> None:
        self._stage = stage
        self._evidence = evidence
        self._observations = observations
        self._sight = sight
        self._performer = performer
        self._patience = patience
        self._until: int | None = None
        self._next = 0
        self._outstanding = 0
        self.decided = False
        self.verdict: bool | None = None

    def next_wake(self) -> int | None:
        """Return when `advance` has something to do; None while outcomes are awaited."""
        return None if self.decided or self._outstanding else self._next

    def stop(self) -> None:
        """Look no further: what is still under way comes too late to be evidence."""
        self.verdict = self._evidence.judge(self._observations)
        self.decided = True

    def advance(self, now: int) -> None:
        """Judge what there is, and look again if that does not decide it."""
        if self.decided or self._outstanding or now < self._next:
            return
        verdict = self._evidence.judge(self._observations)
        blind = not self._evidence.links and not self._evidence.counters
        if verdict is not None or blind or (self._until is not None and now >= self._until):
            self.verdict, self.decided = verdict, True
            return
        self._next = now + INTERVAL
        links = self._sight.links(self._evidence.links)[:SAMPLE]
        if self._until is None and self._patience is not None and (links or not self._sight.others()):
            self._until = now + self._patience
        actions: list[Action] = [Probe(*link, within=self._evidence.within) for link in links]
        if self._evidence.counters:
            actions.append(LinkCounters())
        self._outstanding = len(actions)
        for action in actions:
            self._performer.submit(action, partial(self._seen, action, self._state(action)), now)

    def _state(self, action: Action) -> object:
        return self._sight.state((action.source, action.destination)) if isinstance(action, Probe) else None

    def _seen(
        self, action: Action, state: object, outcome: Mapping[str, Any], error: str | None, _now: int
    ) -> None:
        self._outstanding -= 1
        if not self.decided and self._state(action) == state:
            self._observations.append(Observation(self._stage, action, outcome, error))
