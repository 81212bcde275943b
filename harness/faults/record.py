"""What became of a planned fault: what was done, and what was seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class FaultRecord:
    """One planned fault after the run. Times are nanoseconds since the run began, None = never.

    `began` and `ended` bound the time in which it was wholly on; `cleared` is when everything it did
    was undone. `lost` are the nodes that the system had to do without. `bit` and `healed` are what
    was observed, None where nothing could be. `evidence` holds the observations, `triggered_by` the
    node and the note that set a triggered fault off.
    """

    id: str
    fault: str
    nodes: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    triggered: bool = False
    began: int | None = None
    ended: int | None = None
    cleared: int | None = None
    bit: bool | None = None
    healed: bool | None = None
    evidence: tuple[Mapping[str, Any], ...] = ()
    triggered_by: Mapping[str, Any] | None = None
    error: str | None = None

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Self:
        """Build a record from its JSON form, which `dataclasses.asdict` gives."""
        lists = {name: tuple(entry[name]) for name in ("nodes", "lost", "evidence")}
        return cls(**{**entry, **lists})
