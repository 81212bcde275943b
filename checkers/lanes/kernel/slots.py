"""Who is open: calls hold slots from invocation to return, crashed ones for ever; and what a call does."""

from __future__ import annotations

from splitbrain.checkers.lanes.kernel.jit import Column, part
from splitbrain.checkers.lanes.kernel.layout import (
    BLIND,
    CARRY,
    CLASS,
    CRASHED,
    CRASHED_BLIND,
    CRASHED_SAME,
    CRASHED_SLOTS,
    CURSOR,
    DIFFERS,
    ENTRIES,
    FIRST,
    FREE,
    FRESH,
    HOLDER,
    INVOKED,
    KIND,
    NIL,
    OBSERVED,
    OBSERVER,
    OPEN,
    OPEN_BLIND,
    OPEN_SAME,
    PHASE,
    READS,
    RETURNED,
    RULE,
    SLOT,
    SLOTS,
    STAGE,
    STATES,
    TABLE,
    WANTED,
    WRITES,
    Problem,
)


@part
def slot_of(bit: int) -> int:
    """Return the slot of a single bit, which is the number of bits below it."""
    pairs = bit - 1 - ((bit - 1) >> 1 & 0x5555555555555555)
    fours = (pairs & 0x3333333333333333) + (pairs >> 2 & 0x3333333333333333)
    return ((fours + (fours >> 4) & 0x0F0F0F0F0F0F0F0F) * 0x0101010101010101) >> 56 & 0x7F


@part
def after(core: Column, kind: int, state: int) -> int:
    """Return the state after a call of that kind, or `NIL`: from the table, or if there is none an access."""
    if core[TABLE]:
        return core[core[TABLE] + kind * core[STATES] + state]
    rule = kind * RULE
    reads, writes = core[rule + READS], core[rule + WRITES]
    if reads not in (NIL, state) or core[rule + DIFFERS] == state:
        return NIL
    return state if writes == NIL else writes


@part
def invoke(problem: Problem, core: Column) -> bool:
    """Give slots to the calls that begin before the next return; tell whether there were enough."""
    until = problem.returns[problem.completed[core[RETURNED]]]
    call = core[INVOKED]
    while call < len(problem.kinds) and problem.invokes[call] < until:
        kind = problem.kinds[call]
        if problem.returns[call] < problem.forever:
            if core[FREE] == 0:
                return False
            begin(problem, core, call, kind)
        elif kind != NIL:
            crash(core, call, kind)
        call += 1
    core[INVOKED] = call
    return True


@part
def crash(core: Column, call: int, kind: int) -> None:
    """Let a crashed call hold a slot, for ever."""
    rule = kind * RULE
    bit = (core[CRASHED] + 1) & ~core[CRASHED]
    slot = CRASHED_SLOTS + slot_of(bit) * SLOT
    core[slot + HOLDER], core[slot + KIND], core[slot + FIRST] = call, kind, core[rule + CRASHED_SAME]
    core[rule + CRASHED_SAME] |= bit
    core[CRASHED] |= bit
    if core[rule + CLASS] == BLIND:
        core[CRASHED_BLIND] |= bit


@part
def begin(problem: Problem, core: Column, call: int, kind: int) -> None:
    """Let a completed call hold a slot."""
    bit = core[FREE] & -core[FREE]
    rule, slot = kind * RULE, slot_of(bit) * SLOT
    first, todo = 0, core[rule + OPEN_SAME]
    while todo:
        other = todo & -todo
        todo ^= other
        same = slot_of(other) * SLOT
        if problem.returns[core[same + HOLDER]] < problem.returns[call]:
            first |= other
        else:
            core[same + FIRST] |= bit
    core[slot + HOLDER], core[slot + KIND], core[slot + FIRST] = call, kind, first
    core[rule + OPEN_SAME] |= bit
    core[FREE] ^= bit
    core[OPEN] |= bit
    core[FRESH] |= bit
    if core[rule + CLASS] == BLIND:
        core[OPEN_BLIND] |= bit


@part
def end(core: Column, bit: int) -> None:
    """Take the slot from a call that returns."""
    rule = core[slot_of(bit) * SLOT + KIND] * RULE
    core[rule + OPEN_SAME] &= ~bit
    todo = core[rule + OPEN_SAME]
    while todo:
        other = todo & -todo
        todo ^= other
        core[slot_of(other) * SLOT + FIRST] &= ~bit
    core[OPEN] &= ~bit
    core[OPEN_BLIND] &= ~bit
    core[FREE] |= bit


@part
def start_stage(core: Column, call: int) -> None:
    """Turn to the call that returns next."""
    todo = core[OPEN]
    while todo:
        bit = todo & -todo
        todo ^= bit
        slot = slot_of(bit) * SLOT
        if core[slot + HOLDER] == call:
            core[WANTED] = bit
            core[OBSERVED] = core[core[slot + KIND] * RULE + CLASS] == OBSERVER
            todo = 0
    core[STAGE] += 1
    core[ENTRIES] = core[CURSOR] = 0
    core[PHASE] = CARRY


def holders(core: Column) -> list[int]:
    """Return the completed calls that are open."""
    opened = int(core[OPEN])
    return [int(core[slot * SLOT + HOLDER]) for slot in range(SLOTS) if opened >> slot & 1]
