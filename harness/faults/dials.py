"""Clocks and disks as faults have set them: several faults on one node add up, as policies on links do.

Rates multiply, offsets and delays add, and a disk lies while any fault has it lie. A fault that is over
sets its share back to what changes nothing, and the shares of the others stay.
"""

from __future__ import annotations

from math import prod
from typing import TypeAlias

from splitbrain.backend import SetClock, SetDisk

Dial: TypeAlias = SetClock | SetDisk


class Dials:
    """The share of each fault in the setting of each node's clock and disk."""

    def __init__(self) -> None:
        self._shares: dict[tuple[type[Dial], str], dict[str, Dial]] = {}

    def turn(self, fault: str, action: Dial) -> Dial:
        """Let an action be the share of a fault; return what sets the sum of all shares."""
        shares = self._shares.setdefault((type(action), action.node), {})
        shares[fault] = action
        if isinstance(action, SetClock):
            clocks = [share for share in shares.values() if isinstance(share, SetClock)]
            return SetClock(
                action.node, prod(share.rate for share in clocks), sum(share.offset for share in clocks)
            )
        disks = [share for share in shares.values() if isinstance(share, SetDisk)]
        return SetDisk(
            action.node, any(share.lose_syncs for share in disks), sum(share.delay for share in disks)
        )
