"""A walk over the configuration graph in which a call that can hide is no longer a choice.

The walk of `configurations.py` decides for each open call whether it is linearized by now, so that there
can be 2^open configurations in each state. Most of these decisions don't matter, because most calls could
be put where nobody sees them:

- *in a state that they don't change*: a read of the value that is there, a write that finds its own value;
- *directly before a blind call*, one that leads from every state to the same one (a write, a delete), if
  they are blind as well: what they leave is overwritten at once.

Such a place, once the walk has passed it while the call was open, stays good for as long as the call is
open: it is *parked*. A parked call may still be taken for its effect later. So a configuration is the
state and, for each open call, whether it is *needed* (must still be linearized), and whether it is *used*
(its effect was taken). Neither: parked. Crashed calls are never needed; used ones are *spent*.

*Soundness.* A configuration stands for partial linearizations of the used calls and any subset of the
parked ones: each can be inserted at its place, or left out, without any other noticing. Several may share
a place: first those that don't change the state there, then the blind ones, then the blind call.

*The walk* goes over returns. When x returns, a configuration that doesn't need x goes on without it. It is
also extended by taking open or crashed calls in every order until x is taken (this was the last chance
to use its effect), or until x, if it was needed, is parked. That nothing else is taken before some return
demands it loses nothing: taken later, a call finds every place that it finds now.

*Prunings*, each exact:

1. *Parking at once.* Needing less is never worse, so whatever can be parked is.
2. *Dominance.* Of two configurations in one state, one that needs, used and spent subsets of what the
   other did can do all that the other can. Only minimal ones are kept. Those that still wait for x are
   compared among each other only, since a kept one may have lost the effect of x.
3. *Symmetry.* Let calls m and m' do the same, and m' return earlier, or be the one that returns at all, or
   the older of two crashed ones. If m' is needed or m isn't, taking m' is at least as good as taking m:
   whatever m' could do afterwards m can do in its place. So m is not taken.
4. *Purpose.* A blind call (not x itself) is taken only if in its state an observer is parked or a call that
   isn't blind can be taken. In the second case no blind call is taken next: taken directly it leads to
   the same state, with more parked. Otherwise nothing would follow but blind calls: the same.
5. An observer, which changes no state in which it is legal, is never taken: only parked. Nor is a call in
   a state that it doesn't change, unless it is blind, for then it parks others.

States are dense integers; the step is a table, or for registers an access to a value. What is open is a
set of bits: a slot is held from invocation to return. Nothing here allocates; the walk returns with all
its state in `Memory` when its steps are used up or room is short, and goes on when called again.
"""

from __future__ import annotations

from splitbrain.checkers.lanes.kernel.jit import Column, entry, part
from splitbrain.checkers.lanes.kernel.layout import (
    ANY_NEXT,
    BLIND,
    CALL,
    CARRY,
    CLASS,
    CRASHED,
    CRASHED_BLIND,
    CRASHED_SLOTS,
    CURSOR,
    DEAD,
    ENTRIES,
    ENTRY,
    EXTEND,
    FINISHED,
    FIRST,
    FLAG,
    FRESH,
    FRONT,
    FULL,
    HOLDER,
    INVOKE,
    KEPT,
    KIND,
    LEGAL,
    LEGAL_CRASHED,
    NEEDED,
    NEXT,
    NIL,
    NO_BLIND_NEXT,
    NOOP,
    OBSERVED,
    OPEN,
    OPEN_BLIND,
    OPEN_SAME,
    OTHER,
    PARENT,
    PAUSED,
    PHASE,
    PLACE,
    PLACES,
    RETURNED,
    ROOM,
    RULE,
    SETTLE,
    SLOT,
    SPENT,
    STAGE,
    STAMP,
    STATE,
    STEP,
    STEPS,
    STUCK,
    SURVIVOR,
    TRAIL,
    TRAILS,
    USED,
    WAITING,
    WANTED,
    WHEN,
    WIDE,
    Problem,
)
from splitbrain.checkers.lanes.kernel.slots import after, end, invoke, slot_of, start_stage


@part
def look(core: Column, state: int) -> int:
    """Return the place of a state, with what can be done there, computed once in a stage."""
    place = core[PLACES] + state * PLACE
    if core[place + STAMP] == core[STAGE]:
        return place
    noop = legal = crashed = 0
    todo = core[OPEN]
    while todo:
        bit = todo & -todo
        todo ^= bit
        kind = core[slot_of(bit) * SLOT + KIND]
        reached = after(core, kind, state)
        if reached == state:
            noop |= bit
        elif reached != NIL and core[kind * RULE + CLASS] == OTHER:
            legal |= bit
    todo = core[CRASHED] & ~core[CRASHED_BLIND]
    while todo:
        bit = todo & -todo
        todo ^= bit
        reached = after(core, core[CRASHED_SLOTS + slot_of(bit) * SLOT + KIND], state)
        if reached not in (state, NIL):
            crashed |= bit
    core[place + STAMP] = core[STAGE]
    core[place + NOOP], core[place + LEGAL], core[place + LEGAL_CRASHED] = noop, legal, crashed
    core[place + KEPT] = core[place + WAITING] = NIL
    return place


@part
def insert(
    core: Column,
    entries: Column,
    head: int,
    flag: int,
    state: int,
    needed: int,
    used: int,
    spent: int,
    trail: int,
) -> bool:
    """Add a configuration to a list unless one there dominates it; drop those that it dominates."""
    before, other, steps = NIL, core[head], 1
    while other != NIL:
        steps += 1
        following = entries[other + NEXT]
        its_needed, its_used, its_spent = (
            entries[other + NEEDED],
            entries[other + USED],
            entries[other + SPENT],
        )
        if (its_needed & ~needed) | (its_used & ~used) | (its_spent & ~spent) == 0:
            if before != NIL:  # what dominated once often does so again: look there first
                entries[before + NEXT] = following
                entries[other + NEXT] = core[head]
                core[head] = other
            core[STEPS] += steps
            return False
        if (needed & ~its_needed) | (used & ~its_used) | (spent & ~its_spent) == 0:
            entries[other + FLAG] = DEAD
            if before == NIL:
                core[head] = following
            else:
                entries[before + NEXT] = following
        else:
            before = other
        other = following
    entry = core[ENTRIES] * ENTRY
    core[ENTRIES] += 1
    core[STEPS] += steps
    entries[entry + STATE], entries[entry + NEEDED] = state, needed
    entries[entry + USED], entries[entry + SPENT] = used, spent
    entries[entry + TRAIL], entries[entry + NEXT], entries[entry + FLAG] = trail, core[head], flag
    core[head] = entry
    return True


@part
def carry(core: Column, entries: Column, front: Column, base: int) -> None:
    """Bring a configuration into the stage in which the wanted call returns."""
    wanted = core[WANTED]
    state, used, spent, trail = (
        front[base + STATE],
        front[base + USED],
        front[base + SPENT],
        front[base + TRAIL],
    )
    place = look(core, state)
    needed = (front[base + NEEDED] | core[FRESH]) & ~core[place + NOOP]
    if needed & wanted == 0:
        insert(core, entries, place + KEPT, SURVIVOR, state, needed, used & ~wanted, spent, trail)
        if core[OBSERVED] or used & wanted:
            return
    insert(core, entries, place + WAITING, ANY_NEXT, state, needed, used, spent, trail)


@part
def extend(core: Column, entries: Column, trail: Column, base: int) -> None:
    """Take each open or crashed call that may be next in a configuration that waits."""
    place = core[PLACES] + entries[base + STATE] * PLACE
    needed, used, spent = entries[base + NEEDED], entries[base + USED], entries[base + SPENT]
    todo, crashed = core[place + LEGAL], core[place + LEGAL_CRASHED]
    if entries[base + FLAG] == ANY_NEXT:
        todo |= core[OPEN_BLIND]
        crashed |= core[CRASHED_BLIND]
    todo &= ~used
    crashed &= ~spent
    while todo:
        bit = todo & -todo
        todo ^= bit
        slot = slot_of(bit) * SLOT
        first = core[slot + FIRST] & ~used
        if first == 0 or (first & needed == 0 and needed & bit):
            take(core, entries, trail, base, slot, needed & ~bit, used | bit, spent, bit)
    while crashed:
        bit = crashed & -crashed
        crashed ^= bit
        slot = CRASHED_SLOTS + slot_of(bit) * SLOT
        first = core[core[slot + KIND] * RULE + OPEN_SAME] & ~used | core[slot + FIRST] & ~spent
        if first == 0:
            take(core, entries, trail, base, slot, needed, used, spent | bit, 0)


@part
def take(
    core: Column,
    entries: Column,
    trail: Column,
    base: int,
    slot: int,
    needed: int,
    used: int,
    spent: int,
    bit: int,
) -> None:
    """Go to the configuration behind a call, whose slot and bit (if it isn't crashed) are given."""
    wanted, kind = core[WANTED], core[slot + KIND]
    state = after(core, kind, entries[base + STATE])
    place = look(core, state)
    blind = core[kind * RULE + CLASS] == BLIND
    if blind:
        needed &= ~core[OPEN_BLIND]
    seen = needed & core[place + NOOP]
    needed ^= seen
    step = core[TRAILS]
    new = waits = False
    if bit == wanted or entries[base + NEEDED] & ~needed & wanted:
        new = insert(core, entries, place + KEPT, SURVIVOR, state, needed, used & ~wanted, spent, step)
    if bit == wanted or (core[OBSERVED] and needed & wanted == 0):
        waits = False
    elif blind and seen == 0:
        if core[place + LEGAL] & ~used | core[place + LEGAL_CRASHED] & ~spent:
            waits = insert(core, entries, place + WAITING, NO_BLIND_NEXT, state, needed, used, spent, step)
    else:
        waits = insert(core, entries, place + WAITING, ANY_NEXT, state, needed, used, spent, step)
    if new or waits:
        link = step * STEP
        trail[link + CALL], trail[link + PARENT] = core[slot + HOLDER], entries[base + TRAIL]
        trail[link + WHEN] = core[RETURNED]
        core[TRAILS] += 1


@part
def settle(core: Column, entries: Column, front: Column) -> bool:
    """Make the survivors the front and let the wanted call return; tell whether there are any."""
    count = 0
    for number in range(core[ENTRIES]):
        entry = number * ENTRY
        if entries[entry + FLAG] == SURVIVOR:
            base = count * ENTRY
            for field in range(TRAIL + 1):
                front[base + field] = entries[entry + field]
            count += 1
    if count == 0:
        return False
    core[FRONT], core[ENTRIES] = count, 0
    core[RETURNED] += 1
    core[STEPS] += 1
    end(core, core[WANTED])
    return True


@entry
def advance(problem: Problem, core: Column, entries: Column, front: Column, trail: Column, steps: int) -> int:  # noqa: C901, PLR0912 - the phases of a stage, one branch each
    """Walk until the end or for about so many steps, and say why the walk stopped."""
    core[STEPS] = 0
    while core[STEPS] <= steps:
        phase = core[PHASE]
        if phase == INVOKE:
            if core[RETURNED] == len(problem.completed):
                return FINISHED
            if not invoke(problem, core):
                return WIDE
            start_stage(core, problem.completed[core[RETURNED]])
        elif phase == CARRY:
            if (core[ENTRIES] + 2) * ENTRY > len(entries):
                return FULL
            if core[CURSOR] < core[FRONT]:
                carry(core, entries, front, core[CURSOR] * ENTRY)
                core[CURSOR] += 1
            else:
                core[CURSOR], core[FRESH], core[PHASE] = 0, 0, EXTEND
        elif phase == EXTEND:
            if (core[ENTRIES] + 2 * ROOM) * ENTRY > len(entries) or (core[TRAILS] + ROOM) * STEP > len(trail):
                return FULL
            if core[CURSOR] < core[ENTRIES]:
                base = core[CURSOR] * ENTRY
                if entries[base + FLAG] >= ANY_NEXT:
                    extend(core, entries, trail, base)
                core[CURSOR] += 1
            else:
                core[PHASE] = SETTLE
        elif settle(core, entries, front):
            core[PHASE] = INVOKE
        else:
            return STUCK
    return PAUSED
