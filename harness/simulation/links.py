"""The policies that faults lay on simulated links, and what they did to messages so far.

Policies are kept by fault, and put together as on the local cluster (`splitbrain.backend.combine`). A cut
drops what is in flight too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.backend import CLIENTS, combine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splitbrain.backend import LinkPolicy

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

    @property
    def strained(self) -> frozenset[Link]:
        """The links that lose or slow messages, and deliver the others."""
        policies = self.policies
        return frozenset(link for link in self.impaired if not (policies[link].cut or policies[link].hold))

    def _combine(self) -> None:
        laid: dict[Link, list[LinkPolicy]] = {}
        for policies in self._by_fault.values():
            for link, policy in policies.items():
                laid.setdefault(link, []).append(policy)
        # One alone stays as it is: 1 - (1 - p) is not always p, and a draw may lie between them.
        self.policies = {link: on[0] if len(on) == 1 else combine(on) for link, on in laid.items()}


def end(name: str, nodes: Mapping[str, object]) -> str:
    """Return what stands for an end of a link in policies: a node's name, or that of all clients."""
    return name if name in nodes else CLIENTS
