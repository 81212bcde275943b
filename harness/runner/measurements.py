"""What a run measured: rates, latencies, availability, outages and recovery. It decides nothing.

Times in a history are for display, and so are these figures: real-time order comes from line
positions alone. An *outage* is a stretch of the run with no ok completion, its two ends counted
from the first and to the last line that has a time; so a system that never answered was out all
along. *Recovery* is how long after a fault began, and after it ended, the next ok operation that
was invoked after that instant completed: an operation that was already under way proves nothing
about the time after.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from splitbrain.histories.history import FAIL, INFO, NO_TIME, OK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splitbrain.histories import History

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
SLICE = SECOND // 10
"""Length of the time slices of which `served` is a share, in nanoseconds."""


def measure(history: History, windows: Sequence[tuple[int, int | None]]) -> dict[str, Any]:
    """Return the measurements of a run, JSON-native; what can't be measured is null.

    Args:
        history: the run's history, with times in nanoseconds since the run began.
        windows: begin and end of each fault in nanoseconds; an end of None is one that never came.

    Returns:
        `operations`; `seconds` (length of the run); `throughput` (ok operations a second); `p50`, `p95`,
        `p99`, `max` (milliseconds that ok operations took); `availability` (share of ok among all
        operations); `served` (share of 100 ms slices with an ok completion); `longest_outage` and
        `recovery` (seconds, the worst after any fault's begin or end, null if nothing succeeded after
        one had ended); `recoveries` (seconds, one entry a fault with `begin` and `end`); `functions`
        (outcomes by function).
    """
    starts, ends = _ok_times(history)
    first, last = _span(history)
    seconds = (last - first) / SECOND
    latencies = sorted(end - start for start, end in zip(starts, ends, strict=True))
    completions = sorted(ends)
    outcomes = _outcomes(history)
    ok = sum(counts["ok"] for counts in outcomes.values())
    recoveries = _recoveries(starts, ends, windows)
    known = [value for each in recoveries for value in each.values() if value is not None]
    return {
        "operations": len(history),
        "seconds": round(seconds, 3),
        "throughput": round(ok / seconds, 1) if seconds else None,
        "p50": _percentile(latencies, 50),
        "p95": _percentile(latencies, 95),
        "p99": _percentile(latencies, 99),
        "max": _percentile(latencies, 100),
        "availability": round(ok / len(history), 6) if len(history) else None,
        "served": _served(completions, first, last),
        "longest_outage": _longest_outage(completions, first, last),
        "recovery": max(known) if known and not _unrecovered(recoveries, windows) else None,
        "recoveries": recoveries,
        "functions": outcomes,
    }


def _ok_times(history: History) -> tuple[list[int], list[int]]:
    """Return invocation and completion times of the ok operations that have both."""
    starts, ends = [], []
    for status, start, end in zip(history.status, history.time, history.end_time, strict=True):
        if status == OK and NO_TIME not in (start, end):
            starts.append(start)
            ends.append(end)
    return starts, ends


def _span(history: History) -> tuple[int, int]:
    """Return the first and the last time in the history."""
    times = [time for column in (history.time, history.end_time) for time in column if time != NO_TIME]
    return (min(times), max(times)) if times else (0, 0)


def _percentile(ordered: Sequence[int], percent: int) -> float | None:
    """Return the smallest latency that that percentage of operations did not exceed, in milliseconds."""
    if not ordered:
        return None
    rank = -(-percent * len(ordered) // 100)
    return round(ordered[rank - 1] / MILLISECOND, 3)


def _outcomes(history: History) -> dict[str, dict[str, int]]:
    names = {OK: "ok", FAIL: "fail", INFO: "info"}
    outcomes = {function: {"ok": 0, "fail": 0, "info": 0} for function in history.functions}
    for function, status in zip(history.f, history.status, strict=True):
        outcomes[history.functions[function]][names[status]] += 1
    return {function: counts for function, counts in sorted(outcomes.items()) if any(counts.values())}


def _served(completions: Sequence[int], first: int, last: int) -> float | None:
    slices = -(-(last - first) // SLICE)
    if not slices:
        return None
    hit = {min((time - first) // SLICE, slices - 1) for time in completions}
    return round(len(hit) / slices, 6)


def _longest_outage(completions: Sequence[int], first: int, last: int) -> float | None:
    if first == last:
        return None
    return round(max(after - before for before, after in pairwise([first, *completions, last])) / SECOND, 3)


def _recoveries(
    starts: Sequence[int], ends: Sequence[int], windows: Sequence[tuple[int, int | None]]
) -> list[dict[str, float | None]]:
    """For each fault, find the seconds from its begin and its end to the next success."""
    order = sorted(range(len(starts)), key=starts.__getitem__)
    invoked = [starts[index] for index in order]
    # earliest[i]: the first completion among the operations invoked i-th or later.
    earliest: list[int] = [ends[index] for index in order]
    for position in range(len(earliest) - 2, -1, -1):
        earliest[position] = min(earliest[position], earliest[position + 1])

    def until_success(instant: int | None) -> float | None:
        if instant is None:
            return None
        position = bisect_left(invoked, instant)
        return round((earliest[position] - instant) / SECOND, 3) if position < len(earliest) else None

    return [{"begin": until_success(begin), "end": until_success(end)} for begin, end in windows]


def _unrecovered(
    recoveries: Sequence[Mapping[str, float | None]], windows: Sequence[tuple[int, int | None]]
) -> bool:
    """Tell whether nothing succeeded any more after some fault had ended."""
    return any(
        end is not None and recovery["end"] is None
        for recovery, (_, end) in zip(recoveries, windows, strict=True)
    )
