"""Triggers inside nodes: armed where a note is waited for, and the nodes that stand at one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from splitbrain.backend import Arm, Disarm, Release

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from splitbrain.backend import Action
    from splitbrain.faults.holds import Holds
    from splitbrain.plan import Trigger


class Triggers:
    """Arms, disarms and releases; each is done by `perform(action, now)`, whose outcome nobody needs."""

    def __init__(self, nodes: Sequence[str], holds: Holds, perform: Callable[[Action, int], None]) -> None:
        self._nodes = tuple(nodes)
        self._holds = holds
        self._perform = perform
        self._stops: Counter[str] = Counter()

    @property
    def stopped(self) -> frozenset[str]:
        """The nodes that stand at a trigger."""
        return frozenset(node for node, count in self._stops.items() if count)

    def stops(self, node: str) -> int:
        """Return at how many triggers a node stands; an observation over a change proves nothing."""
        return self._stops[node]

    def watched(self, when: Trigger) -> tuple[str, ...]:
        """Return the nodes on which a trigger is armed: for a role all, since it may move any time."""
        return (when.node,) if when.node in self._nodes else self._nodes

    def arm(self, name: str, when: Trigger, now: int) -> None:
        """Arm a trigger on every watched node that runs; the others are armed when they are up."""
        for node in self.watched(when):
            if node not in self._holds.down:
                self._perform(Arm(node, name, when.note, when.where, when.skip), now)

    def arm_again(self, name: str, when: Trigger, node: str, now: int) -> None:
        """Arm a trigger on a node that came up: a process forgets its triggers when it dies."""
        if node in self.watched(when):
            self._perform(Arm(node, name, when.note, when.where, when.skip), now)

    def pass_over(self, name: str, when: Trigger, node: str, now: int) -> None:
        """Let a node that stopped for nothing go on, armed again first: no note in between is missed."""
        self._perform(Arm(node, name, when.note, when.where), now)
        self.release(node, now)

    def disarm(self, name: str, when: Trigger, now: int, *, but: str | None = None) -> None:
        """Disarm a trigger on every watched node that runs, but for one."""
        for node in self.watched(when):
            if node != but and node not in self._holds.down:
                self._perform(Disarm(node, name), now)

    def stop(self, node: str) -> None:
        """A node stopped at a trigger."""
        self._stops[node] += 1

    def release(self, node: str, now: int) -> None:
        """Let a node that a trigger stopped go on; one that was killed meanwhile needs nothing."""
        if self._stops[node] > 0:
            self._stops[node] -= 1
            self._perform(Release(node), now)

    def forget(self, node: str) -> None:
        """A node's process ended, and with it what it stood at."""
        del self._stops[node]
