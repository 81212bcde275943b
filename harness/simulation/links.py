"""The policies that faults lay on simulated links, and what they did to messages so far.

The rules are those of the local cluster's links: policies are kept by fault; together they cut if any
cuts and hold if any holds, loss, duplication and reordering happen independently, delays and jitters
add, the lowest rate wins. A cut drops what is in flight too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.backend import CLIENTS, LinkPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

Link = tuple[str, str]


class Links:
    """All links. `policies` holds those on which anything lies, put together."""

    def __init__(self) -> None:
        self.policies: dict[Link, LinkPolicy] = {}
        self._by_fault: dict[str, Mapping[Link, LinkPolicy]] = {}
        self.counters = dict.fromkeys(("dropped", "lost", "duplicated", "delayed", "held", "reordered"), 0)

    def lay(self, fault: str, links: Mapping[Link, LinkPolicy]) -> None:
        """Lay a fault's policies, in place of its earlier ones."""
        self._by_fault[fault] = dict(links)
        self._combine()

    def lift(self, fault: str) -> int:
        """Take a fault's policies off; return on how many links they lay."""
        lifted = len(self._by_fault.pop(fault, {}))
        self._combine()
        return lifted

    def cut(self, source: str, destination: str) -> bool:
        """Tell whether a link is cut."""
        policy = self.policies.get((source, destination))
        return policy is not None and policy.cut

    @property
    def impaired(self) -> frozenset[Link]:
        """The links that lose, hold or slow messages."""
        return frozenset(
            link
            for link, policy in self.policies.items()
            if policy.cut or policy.hold or policy.loss or policy.delay or policy.jitter or policy.rate
        )

    def _combine(self) -> None:
        combined: dict[Link, LinkPolicy] = {}
        for policies in self._by_fault.values():
            for link, policy in policies.items():
                combined[link] = add(combined[link], policy) if link in combined else policy
        self.policies = combined


def add(one: LinkPolicy, other: LinkPolicy) -> LinkPolicy:
    """Return what two policies do together."""
    rates = [rate for rate in (one.rate, other.rate) if rate is not None]
    return LinkPolicy(
        cut=one.cut or other.cut,
        hold=one.hold or other.hold,
        loss=1 - (1 - one.loss) * (1 - other.loss),
        duplicate=1 - (1 - one.duplicate) * (1 - other.duplicate),
        delay=one.delay + other.delay,
        jitter=one.jitter + other.jitter,
        rate=min(rates) if rates else None,
        reorder=1 - (1 - one.reorder) * (1 - other.reorder),
    )


def end(name: str, nodes: Mapping[str, object]) -> str:
    """Return what stands for an end of a link in policies: a node's name, or that of all clients."""
    return name if name in nodes else CLIENTS
