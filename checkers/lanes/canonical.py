"""One key's calls with those as one kind that no linearization tells apart, and the model's transitions.

What the walks (`configurations.py`, `depth_first.py`) and the pricing of crashed calls share: pruning 6 of
the walk, as it is explained there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.lanes.transitions import Transitions
from splitbrain.checkers.normalise import FOREVER, NONE

if TYPE_CHECKING:
    from collections.abc import Hashable

    from splitbrain.checkers.models import Model
    from splitbrain.checkers.models.base import Lens
    from splitbrain.checkers.normalise import Calls, Kinds


class Canonical(NamedTuple):
    """A key as it is walked over; `flat`: all its calls are accesses to one register."""

    calls: Calls
    transitions: Transitions
    flat: bool


def canonical(calls: Calls, kinds: Kinds, model: Model, initial: Any) -> Canonical:
    """Merge the kinds of a key's calls, by their accesses or by the model's lens."""
    merged, flat = canonical_kinds(calls, kinds)
    lens = None if flat else model.lens(kinds.calls[kind] for kind in dict.fromkeys(calls.kinds))
    if lens is not None:
        merged = merge_crashed(calls, kinds, lens)
    return Canonical(merged, Transitions(model, kinds, initial, lens), flat)


def canonical_kinds(calls: Calls, kinds: Kinds) -> tuple[Calls, bool]:
    """Give calls that do the same to a register one kind; tell whether all calls are accesses to one.

    Values that no call reads, compares with or excludes are one value (pruning 6); whether a call crashed is
    no longer part of its kind.
    """
    if not all(map(kinds.flat.__getitem__, calls.kinds)):
        return calls, False
    reads, writes, differs = kinds.reads, kinds.writes, kinds.differs
    named = {reads[kind] for kind in calls.kinds} | {differs[kind] for kind in calls.kinds} | {NONE}
    representatives: dict[tuple[int, int | None, int], int] = {}
    renamed: list[int] = []
    for kind in calls.kinds:
        identity = (reads[kind], writes[kind] if writes[kind] in named else None, differs[kind])
        renamed.append(representatives.setdefault(identity, kind))
    return calls._replace(kinds=renamed), True


def merge_crashed(calls: Calls, kinds: Kinds, lens: Lens) -> Calls:
    """Give crashed calls that the lens doesn't tell apart one kind (pruning 6 beyond registers)."""
    representatives: dict[Hashable, int] = {}
    renamed = [
        representatives.setdefault(lens.call(kinds.calls[kind]), kind) if returned == FOREVER else kind
        for kind, returned in zip(calls.kinds, calls.returns, strict=True)
    ]
    return calls._replace(kinds=renamed)
