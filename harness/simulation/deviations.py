"""How a schedule departs from the default order, written so that it survives changes.

A deviation addresses what it changes by what that is, never by when it happened in one particular
run: the 7th `append_entries` on the link from n1 to n2, the 3rd sync of n2's disk, the 4th vote that
n3 sends. So it still means the same when other things were taken out of the run, or when the code
was mended, and one that addresses nothing any more does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from splitbrain.errors import UsageError

DISK = "disk"
"""The far end of the link on which a node's syncs are counted; their type is `sync`."""


class Address(NamedTuple):
    """One message: `ordinal` counts from 0 those of its `type` on its link."""

    source: str
    destination: str
    type: str
    ordinal: int


@dataclass(frozen=True)
class Deviation:
    """What the network or a disk did with one message instead of the usual.

    `delay` is how long it took in nanoseconds, None if it was lost; `copy` that of a second copy.
    Order on the link binds neither.
    """

    message: Address
    delay: int | None
    copy: int | None = None

    def to_json(self) -> list[Any]:
        """Return [source, destination, type, ordinal, delay, copy], the last left out if there is none."""
        return [*self.message, self.delay, *([] if self.copy is None else [self.copy])]


@dataclass(frozen=True)
class CrashPoint:
    """Crash a node right after one effect: the `ordinal`-th with that label over all of the node's lives.

    A label is "persist", "replace", "sync" (the disk is done, the node does not know yet), "send TYPE",
    "reply TYPE" or "note KIND". With `power` unsynced writes are lost but for a prefix drawn from
    `seed`. The node is down for `lasts` nanoseconds.
    """

    node: str
    label: str
    ordinal: int
    power: bool
    lasts: int
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the point as it stands in a case."""
        how = "power-cut" if self.power else "kill"
        return {
            "node": self.node,
            "after": self.label,
            "ordinal": self.ordinal,
            "fault": how,
            "for": self.lasts,
            "seed": self.seed,
        }


def deviation_from_json(entry: Any) -> Deviation:
    """Build a deviation from its JSON form.

    Raises:
        UsageError: it is malformed.
    """
    if isinstance(entry, list) and len(entry) in (5, 6):
        source, destination, kind, ordinal, delay, *copies = entry
        texts = all(isinstance(each, str) for each in (source, destination, kind))
        times = [each for each in (ordinal, delay, *copies) if each is not None]
        if texts and type(ordinal) is int and all(type(each) is int and each >= 0 for each in times):
            return Deviation(Address(source, destination, kind, ordinal), delay, *copies)
    raise UsageError(
        f"A deviation is [source, destination, type, ordinal, delay or null, delay of a copy], not {entry!r}."
    )


def crash_point_from_json(entry: Any) -> CrashPoint:
    """Build a crash point from its JSON form.

    Raises:
        UsageError: it is malformed.
    """
    try:
        node, label, how = entry["node"], entry["after"], entry["fault"]
        ordinal, lasts, seed = entry["ordinal"], entry["for"], entry.get("seed", 0)
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"The crash point {entry!r} lacks or garbles {error}.") from error
    texts = isinstance(node, str) and isinstance(label, str) and how in ("kill", "power-cut")
    if not texts or not all(type(each) is int and each >= 0 for each in (ordinal, lasts, seed)):
        raise UsageError(f"The crash point {entry!r} is malformed.")
    return CrashPoint(node, label, ordinal, how == "power-cut", lasts, seed)
