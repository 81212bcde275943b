"""Passes that don't take anything out, but make what is left plainer and the run shorter."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from splitbrain.exploration.reshape import (
    SECOND,
    moments,
    moved_up,
    plain_values,
    with_faults,
    with_operations,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from splitbrain.exploration.case import Case, Operation
    from splitbrain.exploration.passes import Facts
    from splitbrain.exploration.reduction import Steps
    from splitbrain.plan import PlannedFault
    from splitbrain.simulation.deviations import CrashPoint

MILLISECOND = 1_000_000
ROUND = (SECOND, SECOND // 2, SECOND // 10, SECOND // 100, MILLISECOND)
"""Times are rounded to the coarsest of these that keeps the failure."""
SHORTEST_GAP = 50 * MILLISECOND
"""Gaps between operations and faults that are shorter than this are left alone."""


def settings(case: Case, facts: Facts) -> Steps:
    """Put settings back to their defaults, all at once or one by one."""
    del facts
    if not case.settings:
        return
    if (yield [replace(case, settings={})]) is not None:
        return
    for name in list(case.settings):
        fewer = {each: value for each, value in case.settings.items() if each != name}
        if (yield [replace(case, settings=fewer)]) is not None:
            case = replace(case, settings=fewer)


def numbers(case: Case, facts: Facts) -> Steps:
    """Put the numbers that explicit operations don't need back to plain ones."""
    del facts
    changes: list[dict[str, Any]] = [{"workload_options": {}}] if case.workload_options else []
    if case.operations is not None and case.rate != 0:
        changes.append({"rate": 0.0})
    if case.operation_timeout != 1.0:
        changes.append({"operation_timeout": 1.0})
    for change in changes:
        if (yield [replace(case, **change)]) is not None:
            case = replace(case, **change)


def gaps(case: Case, facts: Facts) -> Steps:
    """Let everything happen earlier: close the gaps between what happens, the longest first."""
    del facts
    while True:
        times = [0, *moments(case)]
        pauses = sorted(((later - earlier, later) for earlier, later in pairwise(times)), reverse=True)
        cases = [
            moved_up(case, start, by)
            for gap, start in pauses
            if gap > SHORTEST_GAP
            for by in (gap - MILLISECOND, gap * 3 // 4, gap // 2, gap // 4)
        ]
        found = yield cases
        if found is None:
            return
        case = cases[found]


def plain_faults(case: Case, facts: Facts) -> Steps:
    """Make each fault shorter, its trigger simpler, and its parameters fewer."""
    del facts
    for number in range(len(case.plan.faults)):
        progress = True
        while progress:
            fault = case.plan.faults[number]
            cases = [_with_fault(case, number, each) for each in _plainer(fault) if each != fault]
            found = yield cases
            progress = found is not None
            if found is not None:
                case = cases[found]


def _with_fault(case: Case, number: int, fault: PlannedFault) -> Case:
    faults = [*case.plan.faults]
    faults[number] = fault
    # The order of the plan is that of the instants, which none of these changes.
    return replace(case, plan=replace(case.plan, faults=tuple(faults)))


def _plainer(fault: PlannedFault) -> Iterator[PlannedFault]:
    for name in fault.parameters:
        fewer = {each: value for each, value in fault.parameters.items() if each != name}
        yield replace(fault, parameters=fewer)
    when = fault.when
    if when is not None:
        if when.skip:
            for skip in (0, when.skip // 2, when.skip - 1):
                yield replace(fault, when=replace(when, skip=skip))
        for name in when.where:
            where = {each: value for each, value in when.where.items() if each != name}
            yield replace(fault, when=replace(when, where=where))
    for lasts in (0.1, fault.lasts / 4, fault.lasts / 2, fault.lasts * 3 / 4):
        shorter = round(lasts, 1) if lasts >= 0.1 else round(lasts, 3)
        if 0 < shorter < fault.lasts:
            yield replace(fault, lasts=shorter)


def plain_crash_points(case: Case, facts: Facts) -> Steps:
    """Make crash points earlier and shorter, and kills of power cuts."""
    del facts
    for number in range(len(case.crash_points)):
        progress = True
        while progress:
            point = case.crash_points[number]
            cases = [
                replace(
                    case,
                    crash_points=(*case.crash_points[:number], each, *case.crash_points[number + 1 :]),
                )
                for each in _plainer_point(point)
                if each != point
            ]
            found = yield cases
            progress = found is not None
            if found is not None:
                case = cases[found]


def _plainer_point(point: CrashPoint) -> Iterator[CrashPoint]:
    if point.power:
        yield replace(point, power=False, seed=0)
    if point.seed:
        yield from (replace(point, seed=seed) for seed in range(min(4, point.seed)))
    for ordinal in (0, point.ordinal // 2, point.ordinal - 1):
        if 0 <= ordinal < point.ordinal:
            yield replace(point, ordinal=ordinal)
    for lasts in (SECOND // 10, point.lasts // 2):
        if lasts < point.lasts:
            yield replace(point, lasts=lasts)


def counted(case: Case, facts: Facts) -> Steps:
    """Take out an operation together with what counted it.

    The third write to a disk is the second one without an operation before it: neither the operation nor
    the count can go alone.
    """
    del facts
    while True:
        operations = case.operations or ()
        cases = [
            with_operations(lower, [*operations[:number], *operations[number + 1 :]])
            for lower in _counting_less(case)
            for number in range(len(operations))
        ]
        found = yield cases
        if found is None:
            return
        case = cases[found]


def _counting_less(case: Case) -> Iterator[Case]:
    """Yield the case with one of its counters lower by one."""
    for number, fault in enumerate(case.plan.faults):
        if fault.when is not None and fault.when.skip:
            yield _with_fault(
                case, number, replace(fault, when=replace(fault.when, skip=fault.when.skip - 1))
            )
    for number, point in enumerate(case.crash_points):
        if point.ordinal:
            points = [*case.crash_points]
            points[number] = replace(point, ordinal=point.ordinal - 1)
            yield replace(case, crash_points=tuple(points))
    for number, each in enumerate(case.deviations):
        if each.message.ordinal:
            deviations = [*case.deviations]
            fewer = each.message._replace(ordinal=each.message.ordinal - 1)
            deviations[number] = replace(each, message=fewer)
            yield replace(case, deviations=tuple(deviations))


def plain_operations(case: Case, facts: Facts) -> Steps:
    """Renumber keys and values, and make writes of what is more than a write."""
    del facts
    plain = plain_values(case)
    if plain != case and (yield [plain]) is not None:
        case = plain
    for number, each in enumerate(case.operations or ()):
        if each.f == "cas" and isinstance(each.value, list) and len(each.value) == 2:
            operations = list(case.operations or ())
            operations[number] = replace(each, f="write", value=each.value[1])
            if (yield [with_operations(case, operations)]) is not None:
                case = with_operations(case, operations)


def round_times(case: Case, facts: Facts) -> Steps:
    """Round the times of operations and faults, all at once or one by one."""
    del facts
    operations = case.operations or ()
    together = [
        with_operations(_rounded_faults(case, unit), [_rounded(each, unit) for each in operations])
        for unit in ROUND
    ]
    if (yield [each for each in together if each != case]) is not None:
        return
    for number, each in enumerate(operations):
        kept = list(case.operations or ())
        cases = [
            with_operations(case, [*kept[:number], _rounded(each, unit), *kept[number + 1 :]])
            for unit in ROUND
            if each.at % unit
        ]
        found = yield cases
        if found is not None:
            case = cases[found]


def _rounded(operation: Operation, unit: int) -> Operation:
    return replace(operation, at=round(operation.at / unit) * unit)


def _rounded_faults(case: Case, unit: int) -> Case:
    """Return the case with the times of its faults rounded; the main phase stays long enough for them."""

    def rounded(seconds: float) -> float:
        return round(round(seconds * SECOND / unit) * unit / SECOND, 6)

    faults = [
        replace(each, at=rounded(each.at))
        if each.at is not None
        else replace(each, when=replace(each.when, after=rounded(each.when.after)))
        if each.when is not None
        else each
        for each in case.plan.faults
    ]
    latest = max((each.instant for each in faults), default=0.0)
    duration = max(rounded(case.plan.duration), case.plan.duration if latest >= case.plan.duration else 0.0)
    return with_faults(replace(case, plan=replace(case.plan, duration=max(duration, 0.001))), faults)
