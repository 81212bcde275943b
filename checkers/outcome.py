"""What a lane says about the calls of one key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Linearization:
    """An order of calls (indices within the key): every completed one, and crashed ones that took effect."""

    order: Sequence[int]


class Passed(NamedTuple):
    """A return that the walk passed: the object's possible states, and the crashed calls needed for any."""

    call: int
    states: Sequence[Any]
    needed: Sequence[int]


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the configuration graph ended: the walk reached no state in which `stuck` could have returned.

    `states` are those the object could have been in just before, `open` the calls that were running then.
    `passed` are the returns before, of a history that is small enough to be told. `order` is one of the
    orders that came so far.
    """

    stuck: int
    states: Sequence[Any]
    open: Sequence[int]
    passed: Sequence[Passed] = ()
    order: Sequence[int] = ()


HELD_BY_TWO = "held-by-two"
"""The rule of two whole holds that are certain at one time: nothing else is needed to refute them."""


@dataclass(frozen=True, slots=True)
class Refutation:
    """There is no linearization. `core` are the calls (indices within the key) that contradict each other.

    `rule` names the contradiction: "never-written", "read-from-the-future", "two-cas", "zones",
    "cas-chain", "cas-cycle", or "configurations", "supply" or "prices" with their `cut`, where `core` is
    everything up to the cut. "supply": crashed calls don't explain the key, however often each took effect.
    "prices": they don't as often as they may have, which `prices` of theirs prove (`lanes/pricing.py`).
    The cheapest order costs `cost`. "counted": the same, found without such prices and without a cut.
    If `elements` are given, the core contradicts itself about these elements of a set, whatever else it says.
    """

    rule: str
    core: Sequence[int]
    cut: Cut | None = field(default=None)
    prices: Mapping[int, int] | None = None
    cost: int = 0
    elements: Sequence[Any] | None = None


@dataclass(frozen=True, slots=True)
class Undecided:
    """The lane doesn't apply, or it gave up; `reason` says why.

    `ended`: it gave up because the time or the memory for everything is spent, so that no other lane has any.
    """

    reason: str
    ended: bool = False


Outcome: TypeAlias = Linearization | Refutation | Undecided
