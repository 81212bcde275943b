"""Smaller and plainer versions of a case: pure functions that know what its parts refer to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from splitbrain.exploration.case import Case, Operation
from splitbrain.simulation.deviations import CrashPoint, Deviation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from splitbrain.exploration.simulate import Outcome
    from splitbrain.plan import PlannedFault

SECOND = 1_000_000_000


def spelled_out(case: Case, outcome: Outcome) -> Case:
    """Return the case with the operations that a run of it had, instead of a stream of them."""
    return replace(
        case,
        operations=tuple(
            Operation(line["time"], line["process"] % case.concurrency, line["f"], line["key"], line["value"])
            for line in outcome.lines
            if line["type"] == "invoke"
        ),
    )


def with_operations(case: Case, operations: Sequence[Operation]) -> Case:
    """Return the case with these operations."""
    return replace(case, operations=tuple(operations))


def with_faults(case: Case, faults: Iterable[PlannedFault]) -> Case:
    """Return the case with these planned faults, in the order of their instants."""
    ordered = sorted(faults, key=lambda fault: fault.instant)
    return replace(case, plan=replace(case.plan, faults=tuple(ordered)))


def with_incidents(case: Case, incidents: Sequence[PlannedFault | CrashPoint]) -> Case:
    """Return the case with these planned faults and crash points."""
    points = tuple(each for each in incidents if isinstance(each, CrashPoint))
    faults = [each for each in incidents if not isinstance(each, CrashPoint)]
    return replace(with_faults(case, faults), crash_points=points)


def incidents(case: Case) -> tuple[PlannedFault | CrashPoint, ...]:
    """Return everything in a case that breaks something: planned faults and crash points."""
    return (*case.plan.faults, *case.crash_points)


def with_deviations(case: Case, deviations: Iterable[Deviation]) -> Case:
    """Return the case with these deviations."""
    return replace(case, deviations=tuple(deviations))


def cut_off(case: Case, end: int, *, patient: bool) -> Case:
    """Return the case without what begins at `end` nanoseconds or later.

    Unless `patient`, nobody waits for the system to serve again either.
    """
    seconds = -(-end // 1_000_000) / 1_000
    plan = replace(
        case.plan,
        duration=seconds,
        recovery=case.plan.recovery if patient else 0.0,
        faults=tuple(each for each in case.plan.faults if each.instant < seconds),
    )
    operations = case.operations
    if operations is not None and not patient:
        operations = tuple(each for each in operations if each.at < end)
    return replace(case, plan=plan, patience=case.patience if patient else 0.0, operations=operations)


def without_nodes(case: Case, gone: Sequence[str]) -> Case:
    """Return the case without these nodes; the others move up, and so does what refers to them.

    Threads go on with the node that they preferred, if it is still there.
    """
    kept = [name for name in case.names if name not in gone]
    new = {name: f"n{number}" for number, name in enumerate(kept, start=1)}
    faults = [_moved(fault, new, gone) for fault in case.plan.faults]
    threads = _threads(case, kept)
    smaller = replace(
        case,
        nodes=len(kept),
        crash_points=tuple(
            replace(each, node=new[each.node]) for each in case.crash_points if each.node in new
        ),
        deviations=tuple(
            replace(
                each,
                message=each.message._replace(
                    source=new.get(each.message.source, each.message.source),
                    destination=new.get(each.message.destination, each.message.destination),
                ),
            )
            for each in case.deviations
            if each.message.source not in gone and each.message.destination not in gone
        ),
        environment=replace(
            case.environment,
            rates={new[name]: rate for name, rate in case.environment.rates.items() if name in new},
        ),
    )
    smaller = with_faults(smaller, [fault for fault in faults if fault is not None])
    return on_threads(smaller, threads) if case.operations is not None else smaller


def _threads(case: Case, kept: Sequence[str]) -> dict[int, int]:
    """Return new numbers for the threads, each by its old one, that keep their preferred nodes."""
    numbers: dict[int, int] = {}
    for old in used_threads(case):
        preferred = case.names[old % case.nodes]
        wanted = kept.index(preferred) if preferred in kept else old % len(kept)
        while wanted in numbers.values():
            wanted += len(kept)
        numbers[old] = wanted
    return numbers


def used_threads(case: Case) -> list[int]:
    """Return the threads that have operations, in order of their numbers."""
    return sorted({each.thread for each in case.operations or ()})


def on_threads(case: Case, numbers: Mapping[int, int]) -> Case:
    """Return the case with its operations on other threads, and no more threads than that takes."""
    operations = tuple(
        replace(each, thread=numbers.get(each.thread, each.thread)) for each in case.operations or ()
    )
    concurrency = max((each.thread for each in operations), default=0) + 1
    return replace(case, operations=operations, concurrency=concurrency)


def _moved(fault: PlannedFault, new: Mapping[str, str], gone: Sequence[str]) -> PlannedFault | None:
    """Return a fault with its nodes renamed; None if nothing is left of it."""
    target = fault.target
    if isinstance(target, tuple):
        target = tuple(new[name] for name in target if name in new)
        if not target:
            return None
    when = fault.when
    if when is not None:
        if when.node in gone:
            return None
        when = replace(when, node=new.get(when.node, when.node))
    parameters = dict(fault.parameters)
    if "groups" in parameters:
        groups = [[new[name] for name in group if name in new] for group in parameters["groups"]]
        parameters["groups"] = [group for group in groups if group]
    if "links" in parameters:
        # A link that lost an end is none; its ends may be all clients too.
        whole = [link for link in parameters["links"] if not set(link).intersection(gone)]
        parameters["links"] = [[new.get(name, name) for name in link] for link in whole]
    if any(parameters.get(name) == [] for name in ("groups", "links")):
        return None
    return replace(fault, target=target, when=when, parameters=parameters)


def plain_values(case: Case) -> Case:
    """Return the case with its keys and values renumbered in the order of their appearance."""
    keys: dict[Any, Any] = {}
    values: dict[Any, Any] = {}
    operations = []
    for each in case.operations or ():
        key = each.key
        if key is not None:
            key = keys.setdefault(repr(key), f"k{len(keys)}" if isinstance(key, str) else len(keys))
        operations.append(replace(each, key=key, value=_plain(each.value, values)))
    return with_operations(case, operations)


def _plain(value: Any, values: dict[Any, Any]) -> Any:
    if isinstance(value, list):
        return [_plain(each, values) for each in value]
    if isinstance(value, bool) or not isinstance(value, int | str):
        return value
    number = len(values) + 1
    return values.setdefault(repr(value), number if isinstance(value, int) else f"v{number} ")


def moments(case: Case) -> list[int]:
    """Return the times at which operations and timed faults begin, each once, in order."""
    times = {each.at for each in case.operations or ()}
    times.update(round(each.instant * SECOND) for each in case.plan.faults)
    return sorted(times)


def moved_up(case: Case, start: int, by: int) -> Case:
    """Return the case with everything from `start` on (nanoseconds) happening `by` earlier."""

    def moved(time: int) -> int:
        return time - by if time >= start else time

    def earlier(fault: PlannedFault) -> PlannedFault:
        if round(fault.instant * SECOND) < start:
            return fault
        seconds = round(fault.instant - by / SECOND, 6)
        if fault.when is None:
            return replace(fault, at=seconds)
        return replace(fault, when=replace(fault.when, after=seconds))

    duration = max(round(case.plan.duration - by / SECOND, 6), 0.001)
    shorter = replace(case, plan=replace(case.plan, duration=duration))
    shorter = with_faults(shorter, [earlier(fault) for fault in case.plan.faults])
    return with_operations(shorter, [replace(each, at=moved(each.at)) for each in case.operations or ()])
