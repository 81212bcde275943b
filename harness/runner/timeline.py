"""The time axis of a run: which faults were on when, and what operations were tried meanwhile.

Between two changes (a fault began, ended, or was cleared) lies a stretch in which the same nodes are
lost. A system that claims to recover within some seconds of each change can be held to it in a
stretch that is at least as long, if it claims to serve without those nodes at all.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from splitbrain.faults.record import FaultRecord
    from splitbrain.histories import History

SECOND = 1_000_000_000
FOREVER = 2**63 - 1


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
        self._last_end = list(accumulate((end for _, end, _ in ordered), max))
        succeeded = [(invoked, end) for invoked, end, ok in ordered if ok]
        self._succeeded = [invoked for invoked, _ in succeeded]
        self._first_end = list(accumulate((end for _, end in reversed(succeeded)), min))[::-1]

    def open_during(self, start: int, end: int) -> bool:
        """Tell whether an operation was under way at some time of the span."""
        before = bisect_right(self._invoked, end)
        return before > 0 and self._last_end[before - 1] >= start

    def succeeded_during(self, start: int, end: int) -> bool:
        """Tell whether an operation was invoked and was ok within the span."""
        after = bisect_left(self._succeeded, start)
        return after < len(self._succeeded) and self._first_end[after] <= end


def attempts(history: History, functions: Sequence[str]) -> dict[str, Attempts]:
    """Sort the operations of a run by kind; those without times are left out."""
    spans: dict[str, list[tuple[int, int, bool]]] = {function: [] for function in functions}
    for operation in history:
        if operation.time is not None and operation.f in spans:
            end = FOREVER if operation.end_time is None else operation.end_time
            spans[operation.f].append((operation.time, end, operation.status == "ok"))
    return {function: Attempts(each) for function, each in spans.items()}
