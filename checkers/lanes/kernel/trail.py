"""What the walk remembers of the way to each configuration, and the linearization that follows from it.

A *trail* is a chain of calls that were taken for their effect, latest first; chains share their links. Most
configurations die, and with them what only they held: `collect` gives their links back.
"""

from __future__ import annotations

from splitbrain.checkers.lanes.kernel.jit import Column, entry, part
from splitbrain.checkers.lanes.kernel.layout import (
    BLIND,
    CALL,
    CLASS,
    ENTRIES,
    ENTRY,
    FRONT,
    NIL,
    PARENT,
    RULE,
    STEP,
    TRAIL,
    TRAILS,
    WHEN,
    Problem,
)
from splitbrain.checkers.lanes.kernel.slots import after


@entry
def collect(core: Column, entries: Column, front: Column, trail: Column, marks: Column) -> None:
    """Drop the steps that lead to no configuration, and number the others anew; `marks` holds zeros."""
    _mark(front, core[FRONT], marks)
    _mark(entries, core[ENTRIES], marks)
    for step in range(core[TRAILS] - 1, -1, -1):
        parent = trail[step * STEP + PARENT]
        if marks[step] and parent != NIL:
            marks[parent] = 1
    count = 0
    for step in range(core[TRAILS]):
        if marks[step]:
            old, new = step * STEP, count * STEP
            parent = trail[old + PARENT]
            trail[new + CALL], trail[new + WHEN] = trail[old + CALL], trail[old + WHEN]
            trail[new + PARENT] = NIL if parent == NIL else marks[parent] - 1
            count += 1
            marks[step] = count
    core[TRAILS] = count
    _renumber(front, core[FRONT], marks)
    _renumber(entries, core[ENTRIES], marks)


@part
def _mark(configurations: Column, count: int, marks: Column) -> None:
    for number in range(count):
        step = configurations[number * ENTRY + TRAIL]
        if step != NIL:
            marks[step] = 1


@part
def _renumber(configurations: Column, count: int, marks: Column) -> None:
    for number in range(count):
        step = configurations[number * ENTRY + TRAIL]
        if step != NIL:
            configurations[number * ENTRY + TRAIL] = marks[step] - 1


@entry
def write_out(
    problem: Problem,
    core: Column,
    trail: Column,
    last: int,
    state: int,
    taken: Column,
    pending: Column,
    order: Column,
) -> int:
    """Write the linearization into `order` and return its length, or -1 if some call finds no place.

    The calls of the trail that ends with `last` were taken; all others are parked at the first place that the
    walk passed while they were open. `taken` holds zeros; it marks those.
    """
    step = _turn_round(trail, last, taken)
    written = waiting = upcoming = 0
    for stage in range(len(problem.completed)):
        until = problem.returns[problem.completed[stage]]
        while upcoming < len(problem.kinds) and problem.invokes[upcoming] < until:
            if taken[upcoming] == 0 and problem.returns[upcoming] < problem.forever:
                pending[waiting] = upcoming
                waiting += 1
            upcoming += 1
        left = _park_unseen(problem, core, state, pending, waiting, order, written)
        written, waiting = written + waiting - left, left
        while step != NIL and trail[step * STEP + WHEN] == stage:
            call = trail[step * STEP + CALL]
            kind = problem.kinds[call]
            if core[kind * RULE + CLASS] == BLIND:
                left = _park_blind(problem, core, pending, waiting, order, written)
                written, waiting = written + waiting - left, left
            order[written] = call
            written += 1
            step = trail[step * STEP + PARENT]
            state = after(core, kind, state)
            left = _park_unseen(problem, core, state, pending, waiting, order, written)
            written, waiting = written + waiting - left, left
        for place in range(waiting):
            if pending[place] == problem.completed[stage]:
                return -1
    return written


@part
def _turn_round(trail: Column, step: int, taken: Column) -> int:
    """Let each step of a trail name the next instead of the one before; return the first."""
    following = NIL
    while step != NIL:
        link = step * STEP
        taken[trail[link + CALL]] = 1
        before = trail[link + PARENT]
        trail[link + PARENT] = following
        following, step = step, before
    return following


@part
def _park_unseen(
    problem: Problem, core: Column, state: int, pending: Column, waiting: int, order: Column, written: int
) -> int:
    """Write out the pending calls that don't change the state; return how many stay pending."""
    left = 0
    for place in range(waiting):
        call = pending[place]
        if after(core, problem.kinds[call], state) == state:
            order[written] = call
            written += 1
        else:
            pending[left] = call
            left += 1
    return left


@part
def _park_blind(
    problem: Problem, core: Column, pending: Column, waiting: int, order: Column, written: int
) -> int:
    """Write out the pending blind calls; return how many stay pending."""
    left = 0
    for place in range(waiting):
        call = pending[place]
        if core[problem.kinds[call] * RULE + CLASS] == BLIND:
            order[written] = call
            written += 1
        else:
            pending[left] = call
            left += 1
    return left
