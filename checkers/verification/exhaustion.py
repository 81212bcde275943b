"""Refute a small history by trying everything: one pruning, and nothing shared with the searches.

A history is linearizable if its operations can be put in an order, each completed one exactly once and
each optional one at most once, that respects real time and is legal (Herlihy & Wing 1990). Two ways to
try all:

*Brute force* (up to 12 operations) extends a partial order by any operation that no unplaced one must
precede. What can still follow depends only on which operations are placed and on the state, so a
pair of those that was seen before is not tried twice: at most 4,096 sets, times the states (of which
only appends make many).

*The plain walk* (beyond) goes through the events in order with the set of all configurations that the
system may be in: a state, and which open operations have already taken effect. At the return of an
operation every configuration is extended in every way by open operations, and those remain in which
this one took effect. That loses no order: between two returns there are only invocations, so an effect
can be put off until just before the next return and respects real time there too (Lowe 2016,
just-in-time linearization). If no configuration remains, there is no order.

The one pruning: of optional operations with the same steps a later one is taken only after the earlier
ones. They are interchangeable: in an order that takes a later one and leaves an earlier one out, or has
it behind, let the two change places, or put the earlier one in the later one's place. It was invoked
before the later one, and never returned, so real time still holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.verification.claim import registers_of
from splitbrain.checkers.verification.sequential import take

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from splitbrain.checkers.verification.claim import Task
    from splitbrain.checkers.verification.sequential import State
    from splitbrain.checkers.verification.steps import Step

SMALL = 12
"""Up to so many operations, brute force."""
BUDGET = 3_000_000
"""Steps that are tried before giving up: a few seconds."""


class Outcome(NamedTuple):
    """`linearizable` is None where the budget ran out; `order` is an order found by brute force."""

    linearizable: bool | None
    explored: int
    order: tuple[int, ...] = ()


def exhaust(tasks: Sequence[Task], held: Mapping[Hashable, Hashable], budget: int = BUDGET) -> Outcome:
    """Try all orders of the tasks, by brute force if there are few.

    `held` is what the registers hold at first.
    """
    numbers = registers_of(tasks)
    state = tuple(held[register] for register in numbers)
    ordered = sorted(tasks, key=lambda one: one.invoke)
    if len(ordered) <= SMALL:
        return brute_force(ordered, state, numbers, budget)
    return plain_walk(ordered, state, numbers, budget)


def brute_force(tasks: Sequence[Task], start: State, numbers: dict[Hashable, int], budget: int) -> Outcome:
    """Extend partial orders in every way until one holds every completed operation."""
    required = {number for number, one in enumerate(tasks) if one.complete is not None}
    twin_before = _twins(tasks)
    seen: set[tuple[frozenset[int], State]] = set()
    waiting: list[tuple[tuple[int, ...], State]] = [((), start)]
    while waiting:
        order, state = waiting.pop()
        placed = frozenset(order)
        if (placed, state) in seen:
            continue
        if len(seen) == budget:
            return Outcome(None, len(seen))
        seen.add((placed, state))
        if required <= placed:
            return Outcome(True, len(seen), tuple(tasks[number].invoke for number in order))
        for number in _may_come_next(tasks, placed):
            if twin_before[number] is not None and twin_before[number] not in placed:
                continue
            after = take(tasks[number].steps, state, numbers)
            if after is not None:
                waiting.append(((*order, number), after))
    return Outcome(False, len(seen))


def _twins(tasks: Sequence[Task]) -> list[int | None]:
    """Return for each optional task the last one before it that is optional and has the same steps."""
    latest: dict[tuple[Step, ...], int] = {}
    twins: list[int | None] = []
    for number, one in enumerate(tasks):
        twins.append(latest.get(one.steps) if one.complete is None else None)
        if one.complete is None:
            latest[one.steps] = number
    return twins


def _may_come_next(tasks: Sequence[Task], placed: frozenset[int]) -> Iterable[int]:
    unplaced = [number for number in range(len(tasks)) if number not in placed]
    returns = [complete for number in unplaced if (complete := tasks[number].complete) is not None]
    deadline = min(returns, default=None)
    return [number for number in unplaced if deadline is None or tasks[number].invoke < deadline]


def plain_walk(tasks: Sequence[Task], start: State, numbers: dict[Hashable, int], budget: int) -> Outcome:
    """Carry all configurations through all events."""
    events = sorted(
        [(one.invoke, number, False) for number, one in enumerate(tasks)]
        + [(one.complete, number, True) for number, one in enumerate(tasks) if one.complete is not None]
    )
    twin_before = _twins(tasks)
    configurations: set[tuple[State, frozenset[int]]] = {(start, frozenset())}
    open_tasks: set[int] = set()
    explored = 0
    for _, number, returns in events:
        if not returns:
            open_tasks.add(number)
            continue
        reached = set(configurations)
        waiting = list(configurations)
        while waiting:
            state, effective = waiting.pop()
            for candidate in open_tasks - effective:
                if twin_before[candidate] is not None and twin_before[candidate] not in effective:
                    continue
                explored += 1
                if explored > budget:
                    return Outcome(None, explored)
                after = take(tasks[candidate].steps, state, numbers)
                if after is not None and (extended := (after, effective | {candidate})) not in reached:
                    reached.add(extended)
                    waiting.append(extended)
        configurations = {
            (state, effective - {number}) for state, effective in reached if number in effective
        }
        open_tasks.remove(number)
        if not configurations:
            return Outcome(False, explored)
    return Outcome(True, explored)
