"""Links that work badly: slow, lossy, duplicating, reordering. Each acts on whole protocol lines.

The target names nodes: the links to and from them are hit. Without a target all links are.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from splitbrain.backend import ClearLinks, LinkCounters, LinkPolicy, SetLinks
from splitbrain.errors import UsageError
from splitbrain.faults.base import Draw, Fault, Injection, number_parameter, only_parameters
from splitbrain.faults.evidence import Evidence, counter_rose, fast_again, links_alive, slower_than
from splitbrain.faults.targets import draw_target, resolve
from splitbrain.faults.topology import links_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from splitbrain.faults.base import ClusterView, Room
    from splitbrain.plan import PlannedFault

DELAY = 0.1
"""Seconds of delay when the plan names none: longer than a heartbeat, shorter than an election."""
LOSS = 0.2
DUPLICATE = 0.3
REORDER = 0.3
PROBE_SLACK = 0.5
"""Seconds that a probe over a slow link may take on top of the delay."""


class _BadLinks(Fault):
    """What they have in common."""

    minimum_nodes = 2

    def _hit(self, entry: PlannedFault, view: ClusterView, random: Random) -> tuple[str, ...]:
        return resolve(entry, view, random, default=len(view.nodes))

    def _injection(
        self,
        entry: PlannedFault,
        view: ClusterView,
        random: Random,
        policy: LinkPolicy,
        evidence: tuple[Evidence, Evidence],
    ) -> Injection:
        """Lay the policy; `evidence` lacks the links, which are filled in here."""
        nodes = self._hit(entry, view, random)
        links = sorted(links_of(nodes, view.nodes))
        candidates = tuple(random.sample(links, len(links)))
        bites, heals = (Evidence(each.judge, candidates, each.within, each.counters) for each in evidence)
        # The counters are read before the policy is laid: what rises from there is this fault's.
        counters = (LinkCounters(),) if bites.counters else ()
        return Injection(
            nodes=nodes,
            lost=nodes,
            begin=(*counters, SetLinks(entry.id, dict.fromkeys(links, policy))),
            end=(ClearLinks(entry.id),),
            bites=bites,
            heals=heals,
        )


class Slow(_BadLinks):
    """Delay every line on the links by `delay` seconds and up to `jitter` more (uniform)."""

    name = "slow"
    summary = "delay lines on links: delay and jitter in seconds"

    def draw(self, random: Random, room: Room) -> Draw:
        """Draw a delay from a tenth of an election to about one."""
        target, lost = draw_target(random, room)
        delay = round(random.uniform(0.03, 0.2), 3)
        return Draw(target, {"delay": delay, "jitter": round(delay * random.uniform(0, 0.5), 3)}, lost)

    def check(self, entry: PlannedFault, nodes: Sequence[str], roles: Sequence[str]) -> None:
        """Check the delays."""
        del nodes, roles
        only_parameters(entry, ("delay", "jitter"))
        if number_parameter(entry, "delay", DELAY) == 0:
            raise UsageError(f"{entry.id}: `delay` must be more than 0, or nothing is slow.")
        number_parameter(entry, "jitter", 0.0)

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Delay the links; probes over them tell by how much."""
        delay = number_parameter(entry, "delay", DELAY)
        jitter = number_parameter(entry, "jitter", 0.0)
        within = delay + jitter + PROBE_SLACK
        evidence = Evidence(slower_than(delay), within=within), Evidence(fast_again(delay), within=within)
        return self._injection(entry, view, random, LinkPolicy(delay=delay, jitter=jitter), evidence)


class Lossy(_BadLinks):
    """Lose each line on the links with probability `loss`."""

    name = "lossy"
    summary = "lose lines on links, each with a probability: loss"

    def draw(self, random: Random, room: Room) -> Draw:
        """Draw a loss that leaves some lines to arrive."""
        target, lost = draw_target(random, room)
        return Draw(target, {"loss": round(random.uniform(0.1, 0.5), 2)}, lost)

    def check(self, entry: PlannedFault, nodes: Sequence[str], roles: Sequence[str]) -> None:
        """Check the probability."""
        del nodes, roles
        _only_probability(entry, "loss", LOSS)

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Lose lines on the links; the counters tell that some were lost."""
        policy = LinkPolicy(loss=number_parameter(entry, "loss", LOSS))
        evidence = Evidence(counter_rose("lost"), counters=True), Evidence(links_alive)
        return self._injection(entry, view, random, policy, evidence)


class _Borne(_BadLinks):
    """What a system on an asynchronous network has to bear without losing anything, so it costs none.

    Each line on the links is hit with probability `probability`.
    """

    usual: ClassVar[float]
    """The probability when the plan names none."""
    counter: ClassVar[str]
    """The counter that rises when it happens."""

    @abstractmethod
    def policy(self, probability: float) -> LinkPolicy:
        """Return what is laid on the links."""

    def draw(self, random: Random, room: Room) -> Draw:
        """Draw a probability; every link is hit."""
        del room
        return Draw("all", {"probability": round(random.uniform(0.1, 0.9), 2)}, 0)

    def check(self, entry: PlannedFault, nodes: Sequence[str], roles: Sequence[str]) -> None:
        """Check the probability."""
        del nodes, roles
        _only_probability(entry, "probability", self.usual)

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Lay the policy on the links; the counters tell that some lines were hit."""
        policy = self.policy(number_parameter(entry, "probability", self.usual))
        evidence = Evidence(counter_rose(self.counter), counters=True), Evidence(links_alive)
        return replace(self._injection(entry, view, random, policy, evidence), lost=())


class Duplicate(_Borne):
    """Deliver each line on the links twice with probability `probability`."""

    name = "duplicate"
    summary = "deliver lines on links twice, each with a probability"
    usual = DUPLICATE
    counter = "duplicated"

    def policy(self, probability: float) -> LinkPolicy:
        """Return a duplicating policy."""
        return LinkPolicy(duplicate=probability)


class Reorder(_Borne):
    """Let each line on the links overtake, or be overtaken, with probability `probability`.

    Between real processes a link is a TCP stream, which keeps its order whatever the network does.
    """

    name = "reorder"
    summary = "let lines on links overtake each other, each with a probability"
    backends = ("sim",)
    usual = REORDER
    counter = "reordered"

    def policy(self, probability: float) -> LinkPolicy:
        """Return a reordering policy."""
        return LinkPolicy(reorder=probability)


def _only_probability(entry: PlannedFault, name: str, default: float) -> None:
    only_parameters(entry, (name,))
    if number_parameter(entry, name, default, most=1.0) == 0:
        raise UsageError(f"{entry.id}: `{name}` must be more than 0, or nothing happens.")
