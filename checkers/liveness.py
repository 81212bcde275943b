"""Liveness: while enough of the cluster is calm, whoever keeps asking is served within a bound.

"Eventually" can't be refuted by a finite history, so the promise has a number: in a span in which a large
enough set of nodes was up, running, mutually connected and reachable by clients, some operation completes
ok in every stretch as long as `bound` in whose second half somebody is always waiting. The first half is
the time to notice a fault's end and to elect; the second is what a client that asks then must be given.
It breaks in a *stall*, from a to b inside the span:

- a is the span's start, or an operation completed ok at a; none did after a and before b, at least
  `bound` later. An operation from before the span that is ok within half the bound says nothing either way:
  its answer may have been under way already. Later, or if it was invoked in the span, it was served.
- From bound / 2 before b to b there is always an operation open, but for pauses of at most bound / 20,
  such as a client makes between two operations. So a load that ended is not taken for a system that did.
  Operations that were refused, or whose client gave up, have waited until then.

Times are nanoseconds on the clock of the history. That the nodes were calm can't be seen in a history: it
is the caller's knowledge, certain only in simulation, and what the certificate takes for granted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.verdict import CheckResult, Violation
from splitbrain.histories.history import NEVER, NO_TIME, OK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from splitbrain.histories.history import History

CHECKER = "liveness"
METHOD = "calm"
KIND = "LIVE"
PAUSE = 20
"""A pause of a bound's twentieth between two operations is no end of the load."""
LISTED = 16
"""Waiting operations that the evidence describes; their positions it has all."""
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Calm:
    """From `start` to `end` (nanoseconds) these nodes had no excuse not to serve."""

    start: int
    end: int
    nodes: tuple[str, ...]


class _Asked(NamedTuple):
    """The `number`-th operation of the history, open from `begin` to `end` (None: to the end of the run)."""

    number: int
    begin: int
    end: int | None
    ok: bool


class _Stall(NamedTuple):
    """From `start` to `end` in a calm span these operations waited and none was served."""

    calm: Calm
    start: int
    end: int
    waiting: tuple[int, ...]


def check_liveness(
    calms: Iterable[Calm], history: History, bound: int, waits: Sequence[str] = ()
) -> CheckResult:
    """Decide whether operations were served within `bound` nanoseconds wherever the nodes were calm.

    `waits` are sentences that tell who waits for whom; they are repeated in the evidence. Unknown where
    nothing was served and nobody waited for long enough: then nothing was tested.

    Raises:
        ValueError: the bound is not positive.
    """
    if bound <= 0:
        raise ValueError(f"The bound within which a calm cluster serves must be positive, not {bound} ns.")
    spans = [calm for calm in calms if calm.start < calm.end]
    asked = _asked(history)
    served = [_served(calm, asked, bound) for calm in spans]
    stalls = _distinct(
        stall
        for calm, answers in zip(spans, served, strict=True)
        for stall in _stalls(calm, answers, asked, bound)
    )
    if stalls:
        violations = [_violation(stall, history, bound, waits) for stall in stalls]
        return CheckResult(
            CHECKER,
            valid=False,
            method=METHOD,
            reason=violations[0].summary,
            violations=violations,
            certificate=violations[0].evidence["certificate"],
            operations=len(history),
        )
    answered = {answer.number for answers in served for answer in answers}
    if not answered:
        return CheckResult(CHECKER, "unknown", METHOD, _untested(spans, bound), operations=len(history))
    spoken = "1 operation was" if len(answered) == 1 else f"{len(answered)} operations were"
    return CheckResult(
        CHECKER,
        valid=True,
        method=METHOD,
        reason=f"{spoken} served while enough nodes were calm,"
        f" and nobody waited for {_seconds(bound)} in vain.",
        certificate={
            "kind": "progress",
            "bound": bound,
            "calms": [
                {**_as_json(calm), "served": len(answers)}
                for calm, answers in zip(spans, served, strict=True)
            ],
        },
        operations=len(history),
    )


def _asked(history: History) -> list[_Asked]:
    """Return the operations whose times are known, by invocation."""
    found: list[_Asked] = []
    rows = zip(history.status, history.complete, history.time, history.end_time, strict=True)
    for index, (status, complete, time, end) in enumerate(rows):
        if time != NO_TIME and (complete == NEVER or end != NO_TIME):
            found.append(_Asked(index, time, None if complete == NEVER else end, status == OK))
    return sorted(found, key=lambda each: each.begin)


def _served(calm: Calm, asked: Sequence[_Asked], bound: int) -> list[_Asked]:
    """Return the operations whose ok shows that the nodes served in the span, by completion."""
    settled = calm.start + bound // 2
    answers = [
        each
        for each in asked
        if each.ok
        and each.end is not None
        and each.end <= calm.end
        and (each.begin >= calm.start or each.end >= settled)
    ]
    return sorted(answers, key=lambda each: (each.end, each.number))


def _stalls(calm: Calm, answers: Sequence[_Asked], asked: Sequence[_Asked], bound: int) -> Iterator[_Stall]:
    """Yield each stretch between two answers in which somebody waited for too long."""
    marks = [calm.start, *(each.end for each in answers if each.end is not None), calm.end]
    for start, end in pairwise(marks):
        if end - start < bound:
            continue
        waiting = [
            each
            for each in asked
            if each.begin < end
            and (each.end is None or each.end > start)
            and not (each.ok and each.end is not None and each.end < end)
        ]
        for first, last, members in _loads(waiting, start, end, bound // PAUSE):
            if last - start >= bound and first <= last - bound // 2:
                yield _Stall(calm, start, last, members)
                break


def _loads(
    waiting: Sequence[_Asked], start: int, end: int, pause: int
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield the unbroken loads in a stretch: when each began and ended, and its operations."""
    first, last = start, start
    members: list[int] = []
    for each in waiting:
        begin = max(each.begin, start)
        if members and begin > last + pause:
            yield first, last, tuple(members)
            members = []
        if not members:
            first = last = begin
        members.append(each.number)
        last = max(last, end if each.end is None else min(each.end, end))
    if members:
        yield first, last, tuple(members)


def _distinct(stalls: Iterable[_Stall]) -> list[_Stall]:
    """Leave out the stalls that lie within another, as several sets of nodes may be calm at a time."""
    kept: list[_Stall] = []
    for stall in sorted(stalls, key=lambda each: (each.start, -each.end)):
        if not any(other.start <= stall.start and stall.end <= other.end for other in kept):
            kept.append(stall)
    return kept


def _violation(stall: _Stall, history: History, bound: int, waits: Sequence[str]) -> Violation:
    count, nodes = len(stall.waiting), stall.calm.nodes
    positions = [history.invoke[index] for index in stall.waiting]
    summary = (
        f"For {_seconds(stall.end - stall.start)} from {_seconds(stall.start)} on {', '.join(nodes)}"
        f" {'was' if len(nodes) == 1 else 'were'} up and connected,"
        f" {count} {'operation' if count == 1 else 'operations'} waited, none was served."
    )
    certificate = {
        "kind": "stall",
        "bound": bound,
        "calm": _as_json(stall.calm),
        "from": stall.start,
        "to": stall.end,
        "operations": positions,
    }
    evidence = {
        "calm": _as_json(stall.calm),
        "from": stall.start,
        "to": stall.end,
        "bound": bound,
        "waiting": positions,
        "operations": [_described(history, index) for index in stall.waiting[:LISTED]],
        "waits": list(waits),
        "story": list(waits),
        "certificate": certificate,
    }
    return Violation(KIND, summary, evidence)


def _described(history: History, index: int) -> dict[str, Any]:
    operation = history[index]
    return {
        "position": operation.invoke,
        "process": operation.process,
        "f": operation.f,
        "key": operation.key,
        "value": operation.value,
        "result": operation.result,
        "status": operation.status,
        "invoke": operation.invoke,
        "complete": operation.complete,
        "applied": operation.applied,
    }


def _untested(spans: Sequence[Calm], bound: int) -> str:
    """Say why nothing was tested."""
    if not spans:
        return "Enough nodes were never calm at one time, so nothing is known about liveness."
    longest = max(calm.end - calm.start for calm in spans)
    if longest < bound:
        return (
            f"Enough nodes were calm for {_seconds(longest)} at most, and within that nothing was served;"
            f" they have {_seconds(bound)}, so nothing is known about liveness."
        )
    return "While enough nodes were calm nobody asked for long enough, so nothing is known about liveness."


def _as_json(calm: Calm) -> dict[str, Any]:
    return {"start": calm.start, "end": calm.end, "nodes": list(calm.nodes)}


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / SECOND:.1f} s"
