"""Re-check `stall` and `progress`: was nobody served in a calm span, or was there no such stretch?

Written without the checker's code, from the rule alone. That the named nodes were calm in the named spans
is what a certificate takes for granted: no history shows it. In a span from s on, with a bound L:

- an ok operation *counts* if it completed by the span's end, and was invoked at s or later, or completed
  L/2 or more after s;
- a *stall* from a to b lies inside the span, b is at least L after a, no operation that counts completed
  between a and b, and at each instant of the last L/2 an operation was open that was not ok before b, but
  for gaps of at most L/20.

A progress certificate holds if no stall begins at a span's start or at the completion of an operation
that counts, wherever it ends. Then none exists, since a stall may be begun earlier as long as nothing that
counts is passed.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.verification.values import show
from splitbrain.checkers.verification.verification import RejectedError, Verification

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from splitbrain.histories.history import History
    from splitbrain.histories.operation import Operation


class _Span(NamedTuple):
    start: int
    end: int


def verify_stall(certificate: Mapping[str, Any], history: History) -> Verification:
    """Confirm that the named operations waited throughout the named stretch and that nobody was served.

    Raises:
        RejectedError: the certificate is malformed, or one of the two is not so.
    """
    bound, span = _bound(certificate), _span(certificate.get("calm"))
    start, end = _time(certificate, "from"), _time(certificate, "to")
    if not span.start <= start or not end <= span.end or end - start < bound:
        raise RejectedError(
            f"The stretch from {start} to {end} is shorter than the bound {bound}, or not within the span."
        )
    waiting = [_named(position, history) for position in _positions(certificate)]
    for operation in waiting:
        if _ok_by(operation, end - 1) or not _open(operation, start, end):
            raise RejectedError(f"Operation {operation.invoke} did not wait from {start} to {end}.")
    for operation in history:
        if _counts(operation, span, bound) and start < _completion(operation) < end:
            raise RejectedError(f"Operation {operation.invoke} was served between {start} and {end}.")
    if not _besieged(waiting, end - bound // 2, end, bound // 20):
        raise RejectedError(
            f"The named operations do not fill the last half of the bound before {end}; maybe nobody asked."
        )
    return Verification(
        holds=True,
        reason=f"If {_nodes(certificate.get('calm'))} were calm, none of {len(waiting)} waiting operations"
        f" was served for {end - start} ns, where {bound} ns are allowed.",
        checked=len(waiting),
    )


def verify_progress(certificate: Mapping[str, Any], history: History) -> Verification:
    """Confirm that as many operations were served in each span as is said, and that none stalled.

    Raises:
        RejectedError: the certificate is malformed, counts otherwise, or there is a stall.
    """
    bound, calms = _bound(certificate), certificate.get("calms")
    if not isinstance(calms, list) or not calms:
        raise RejectedError("`calms` must be a list of at least one span.")
    operations = list(history)
    total = 0
    for calm in calms:
        span = _span(calm)
        served = [each for each in operations if _counts(each, span, bound)]
        if calm.get("served") != len(served):
            raise RejectedError(
                f"The certificate counts {show(calm.get('served'))} operations served from {span.start} to"
                f" {span.end}; there are {len(served)}."
            )
        total += len(served)
        ends = sorted(_completion(each) for each in served)
        for start, end in zip([span.start, *ends], [*ends, span.end], strict=True):
            stalled = _stalled(operations, start, end, bound)
            if stalled is not None:
                raise RejectedError(f"Nobody was served from {start} to {stalled}, though operations waited.")
    if not total:
        raise RejectedError("Nothing was served in any span, so nothing was tested.")
    return Verification(
        holds=True,
        reason=f"Calm spans: {len(calms)}. In none of them anybody waited for {bound} ns in vain.",
        checked=total,
    )


def _stalled(operations: Iterable[Operation], start: int, end: int, bound: int) -> int | None:
    """Return when a stall that begins at `start` was complete, or None."""
    if end - start < bound:
        return None
    waiting = [each for each in operations if _open(each, start, end) and not _ok_by(each, end - 1)]
    for until in sorted({end, *(min(_completion(each), end) for each in waiting if _completed(each))}):
        if until - start >= bound and _besieged(waiting, until - bound // 2, until, bound // 20):
            return until
    return None


def _besieged(waiting: Sequence[Operation], start: int, end: int, gap: int) -> bool:
    """Tell whether somebody waited at `start` and from then to `end`, but for gaps."""
    reached = _reach(waiting, start)
    while reached is not None and reached < end:
        further = _reach(waiting, reached + gap)
        if further is None or further <= reached:
            return False
        reached = further
    return reached is not None


def _reach(waiting: Iterable[Operation], time: float) -> float | None:
    """Return until when somebody waits of those who began to by `time`, or None if nobody did."""
    begun = (each for each in waiting if each.time is not None and each.time <= time)
    return max((_completion(each) if _completed(each) else inf for each in begun), default=None)


def _counts(operation: Operation, span: _Span, bound: int) -> bool:
    if operation.status != "ok" or operation.time is None or operation.end_time is None:
        return False
    if operation.end_time > span.end:
        return False
    return operation.time >= span.start or operation.end_time >= span.start + bound // 2


def _open(operation: Operation, start: int, end: int) -> bool:
    """Whether the operation was open at some time after `start` and by `end`, and its times are known."""
    if operation.time is None or operation.time > end:
        return False
    return not _completed(operation) or (operation.end_time is not None and operation.end_time > start)


def _ok_by(operation: Operation, time: int) -> bool:
    return operation.status == "ok" and operation.end_time is not None and operation.end_time <= time


def _completed(operation: Operation) -> bool:
    return operation.complete is not None


def _completion(operation: Operation) -> int:
    assert operation.end_time is not None
    return operation.end_time


def _named(position: Any, history: History) -> Operation:
    found = next((each for each in history if each.invoke == position), None)
    if found is None:
        raise RejectedError(f"There is no operation at position {show(position)}.")
    return found


def _positions(certificate: Mapping[str, Any]) -> list[int]:
    positions = certificate.get("operations")
    if not isinstance(positions, list) or not all(type(each) is int for each in positions):
        raise RejectedError("`operations` must be a list of positions.")
    return positions


def _bound(certificate: Mapping[str, Any]) -> int:
    bound = _time(certificate, "bound")
    if bound <= 0:
        raise RejectedError(f"`bound` must be positive, not {bound}.")
    return bound


def _span(calm: Any) -> _Span:
    if not isinstance(calm, dict):
        raise RejectedError(f"A calm span is an object with `start`, `end` and `nodes`, not {show(calm)}.")
    _nodes(calm)
    return _Span(_time(calm, "start"), _time(calm, "end"))


def _nodes(calm: Any) -> str:
    nodes = calm.get("nodes")
    if not isinstance(nodes, list) or not all(isinstance(node, str) for node in nodes):
        raise RejectedError(f"The `nodes` of a calm span must be a list of names, not {show(nodes)}.")
    return ", ".join(nodes)


def _time(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int:
        raise RejectedError(f"`{name}` must be a number of nanoseconds, not {show(value)}.")
    return value
