"""The time axis of a run: which faults were on when, and what operations were tried meanwhile.

Between two changes (a fault began, ended, or was cleared) lies a stretch in which the same nodes are
lost. A system that claims to recover within some seconds of each change can be held to it in a
stretch that is at least as long, if it claims to serve without those nodes at all.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from splitbrain.faults.record import FaultRecord
    from splitbrain.histories import History

SECOND = 1_000_000_000
FOREVER = 2**63 - 1
CHANCE = 0.01
"""What is less probable than this is not put down to chance."""


class Stretch(NamedTuple):
    """From `start` to `end` (nanoseconds) the faults `active` are on and the nodes `lost` are missing."""

    start: int
    end: int
    active: frozenset[str]
    lost: frozenset[str]


def stretches(records: Sequence[FaultRecord], end: int) -> list[Stretch]:
    """Cut the run into stretches, up to `end`. Until a fault is cleared its nodes count as lost."""
    times = {0, end}
    for record in records:
        times.update(t for t in (record.began, record.ended, record.cleared) if t is not None and t < end)
    result = []
    for start, stop in pairwise(sorted(times)):
        on = [
            record
            for record in records
            if record.began is not None
            and record.began <= start
            and (record.cleared is None or record.cleared > start)
        ]
        lost = frozenset(node for record in on for node in record.lost)
        result.append(Stretch(start, stop, frozenset(record.id for record in on), lost))
    return result


def claims(availability: str, lost: int, nodes: int) -> bool:
    """Tell whether a system that is available with "majority", "all" or "any" serves without `lost` nodes."""
    if availability == "all":
        return lost == 0
    if availability == "any":
        return lost < nodes
    return 2 * (nodes - lost) > nodes


class Attempts:
    """The operations of one kind, ready to be asked about a span of time."""

    def __init__(self, spans: Iterable[tuple[int, int, bool]]) -> None:
        """Take (invoked, completed or `FOREVER`, ok) of each operation, in nanoseconds."""
        ordered = sorted(spans)
        self._invoked = [invoked for invoked, _, _ in ordered]
        self._ended = sorted(end for _, end, _ in ordered)
        self._succeeded = [(invoked, end) for invoked, end, ok in ordered if ok]

    def __len__(self) -> int:
        return len(self._invoked)

    def open_during(self, start: int, end: int) -> int:
        """Count the operations that were under way at some time of the span."""
        return bisect_right(self._invoked, end) - bisect_left(self._ended, start)

    def outcomes(self, start: int, end: int) -> tuple[int, int]:
        """Count the operations that were invoked within the span, and those of them that were ok."""
        invoked = bisect_right(self._invoked, end) - bisect_left(self._invoked, start)
        first, last = bisect_left(self._succeeded, (start, 0)), bisect_right(self._succeeded, (end, FOREVER))
        return invoked, last - first

    def succeeded_during(self, start: int, end: int) -> int:
        """Count the operations that were invoked and were ok within the span."""
        first, last = bisect_left(self._succeeded, (start, 0)), bisect_right(self._succeeded, (end, FOREVER))
        return sum(ended <= end for _, ended in self._succeeded[first:last])


def unseen(kinds: Mapping[str, Attempts], counts: Mapping[str, int]) -> list[str]:
    """Return the kinds of which `counts` has none, unless so few were counted that it may be chance.

    A kind that makes a share p of the run is missing from n operations by chance with probability
    (1 - p)^n. That is no excuse where nothing was counted, or for a kind that the run never attempted.
    """
    total = sum(map(len, kinds.values()))
    seen = sum(counts.values())
    return [
        kind
        for kind, each in kinds.items()
        if counts[kind] == 0 and (seen == 0 or not each or (1 - len(each) / total) ** seen < CHANCE)
    ]


def attempts(history: History, functions: Sequence[str]) -> dict[str, Attempts]:
    """Sort the operations of a run by kind; those without times are left out."""
    spans: dict[str, list[tuple[int, int, bool]]] = {function: [] for function in functions}
    for operation in history:
        if operation.time is not None and operation.f in spans:
            end = FOREVER if operation.end_time is None else operation.end_time
            spans[operation.f].append((operation.time, end, operation.status == "ok"))
    return {function: Attempts(each) for function, each in spans.items()}
