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

from typing import Any, NamedTuple

from splitbrain.checkers.lanes.kernel.jit import entry, part

SLOTS = 62
"""So many completed calls may be open at one time, and so many crashed ones in all: bits of a word."""
NIL = -1
OBSERVER, BLIND, OTHER = range(3)
"""Classes of kinds."""
FINISHED, STUCK, PAUSED, FULL, WIDE = range(5)
"""Why `advance` returned: all done; no configuration survives; out of steps; out of room; out of slots."""

# The core is one column: these fields, then the slots, the rules, the places of the states, the table.
PHASE, INVOKED, RETURNED, CURSOR, ENTRIES, FRONT, TRAILS, STAGE, WANTED, OBSERVED = range(10)
FRESH, FREE, OPEN, OPEN_BLIND, CRASHED, CRASHED_BLIND, STEPS, STATES, PLACES, TABLE = range(10, 20)
_INVOKE, _CARRY, _EXTEND, _SETTLE = range(4)
"""Phases of a stage: let calls begin, bring in the old configurations, extend them, keep the survivors."""

# Fields of a slot: the call that holds it, its kind, and the slots of calls that do the same and go first.
# The slots of open completed calls come first, then those of crashed calls.
_SLOT = 3
HOLDER, KIND, FIRST = (20 + field for field in range(_SLOT))
_CRASHED_SLOTS = SLOTS * _SLOT
# Fields of a kind: its access, its class, and the slots of its open and its crashed calls.
RULE = 6
RULES = 20 + 2 * SLOTS * _SLOT
READS, WRITES, DIFFERS, CLASS, OPEN_SAME, CRASHED_SAME = (RULES + field for field in range(RULE))
# Fields of a state's place, valid in one stage: what open calls can do there, and the lists of entries.
PLACE = 6
_STAMP, _NOOP, _LEGAL, _LEGAL_CRASHED, _KEPT, _WAITING = range(PLACE)

# Fields of an entry: a configuration found in this stage.
ENTRY = 7
STATE, NEEDED, USED, SPENT, TRAIL, _NEXT, _FLAG = range(ENTRY)
_DEAD, _SURVIVOR, _ANY_NEXT, _NO_BLIND_NEXT = range(4)
# Fields of a step in a trail: a call that was taken, the step before it, and the stage.
STEP = 3
CALL, PARENT, WHEN = range(STEP)

ROOM = 2 * SLOTS
"""Extending one configuration makes at most so many steps, and twice as many entries."""


class Problem(NamedTuple):
    """What the walk reads: the calls by invocation, the completed ones by return.

    `kinds` is `NIL` for a crashed call that doesn't matter, and `returns` is at least `forever` for crashed
    calls.
    """

    kinds: Any
    invokes: Any
    returns: Any
    completed: Any
    forever: int


@part
def slot_of(bit: int) -> int:
    """Return the slot of a single bit, which is the number of bits below it."""
    pairs = bit - 1 - ((bit - 1) >> 1 & 0x5555555555555555)
    fours = (pairs & 0x3333333333333333) + (pairs >> 2 & 0x3333333333333333)
    return ((fours + (fours >> 4) & 0x0F0F0F0F0F0F0F0F) * 0x0101010101010101) >> 56 & 0x7F


@part
def after(core: Any, kind: int, state: int) -> int:
    """Return the state after a call of that kind, or `NIL`: from the table, or if there is none an access."""
    if core[TABLE]:
        return core[core[TABLE] + kind * core[STATES] + state]
    rule = kind * RULE
    reads, writes = core[rule + READS], core[rule + WRITES]
    if (reads != NIL and reads != state) or core[rule + DIFFERS] == state:
        return NIL
    return state if writes == NIL else writes


@part
def invoke(problem: Problem, core: Any) -> bool:
    """Give slots to the calls that begin before the next return; tell whether there were enough."""
    until = problem.returns[problem.completed[core[RETURNED]]]
    call = core[INVOKED]
    while call < len(problem.kinds) and problem.invokes[call] < until:
        kind = problem.kinds[call]
        if problem.returns[call] < problem.forever:
            if core[FREE] == 0:
                return False
            _begin(problem, core, call, kind)
        elif kind != NIL:
            _crash(core, call, kind)
        call += 1
    core[INVOKED] = call
    return True


@part
def _crash(core: Any, call: int, kind: int) -> None:
    """Let a crashed call hold a slot, for ever."""
    rule = kind * RULE
    bit = (core[CRASHED] + 1) & ~core[CRASHED]
    slot = _CRASHED_SLOTS + slot_of(bit) * _SLOT
    core[slot + HOLDER], core[slot + KIND], core[slot + FIRST] = call, kind, core[rule + CRASHED_SAME]
    core[rule + CRASHED_SAME] |= bit
    core[CRASHED] |= bit
    if core[rule + CLASS] == BLIND:
        core[CRASHED_BLIND] |= bit


@part
def _begin(problem: Problem, core: Any, call: int, kind: int) -> None:
    """Let a completed call hold a slot."""
    bit = core[FREE] & -core[FREE]
    rule, slot = kind * RULE, slot_of(bit) * _SLOT
    first, todo = 0, core[rule + OPEN_SAME]
    while todo:
        other = todo & -todo
        todo ^= other
        same = slot_of(other) * _SLOT
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
def _end(core: Any, bit: int) -> None:
    """Take the slot from a call that returns."""
    rule = core[slot_of(bit) * _SLOT + KIND] * RULE
    core[rule + OPEN_SAME] &= ~bit
    todo = core[rule + OPEN_SAME]
    while todo:
        other = todo & -todo
        todo ^= other
        core[slot_of(other) * _SLOT + FIRST] &= ~bit
    core[OPEN] &= ~bit
    core[OPEN_BLIND] &= ~bit
    core[FREE] |= bit


@part
def look(core: Any, state: int) -> int:
    """Return the place of a state, with what can be done there, computed once in a stage."""
    place = core[PLACES] + state * PLACE
    if core[place + _STAMP] == core[STAGE]:
        return place
    noop = legal = crashed = 0
    todo = core[OPEN]
    while todo:
        bit = todo & -todo
        todo ^= bit
        kind = core[slot_of(bit) * _SLOT + KIND]
        reached = after(core, kind, state)
        if reached == state:
            noop |= bit
        elif reached != NIL and core[kind * RULE + CLASS] == OTHER:
            legal |= bit
    todo = core[CRASHED] & ~core[CRASHED_BLIND]
    while todo:
        bit = todo & -todo
        todo ^= bit
        reached = after(core, core[_CRASHED_SLOTS + slot_of(bit) * _SLOT + KIND], state)
        if reached not in (state, NIL):
            crashed |= bit
    core[place + _STAMP] = core[STAGE]
    core[place + _NOOP], core[place + _LEGAL], core[place + _LEGAL_CRASHED] = noop, legal, crashed
    core[place + _KEPT] = core[place + _WAITING] = NIL
    return place


@part
def insert(
    core: Any, entries: Any, head: int, flag: int, state: int, needed: int, used: int, spent: int, trail: int
) -> bool:
    """Add a configuration to a list unless one there dominates it; drop those that it dominates."""
    before, other, steps = NIL, core[head], 1
    while other != NIL:
        steps += 1
        following = entries[other + _NEXT]
        its_needed, its_used, its_spent = entries[other + NEEDED], entries[other + USED], entries[other + SPENT]
        if (its_needed & ~needed) | (its_used & ~used) | (its_spent & ~spent) == 0:
            if before != NIL:  # what dominated once often does so again: look there first
                entries[before + _NEXT] = following
                entries[other + _NEXT] = core[head]
                core[head] = other
            core[STEPS] += steps
            return False
        if (needed & ~its_needed) | (used & ~its_used) | (spent & ~its_spent) == 0:
            entries[other + _FLAG] = _DEAD
            if before == NIL:
                core[head] = following
            else:
                entries[before + _NEXT] = following
        else:
            before = other
        other = following
    entry = core[ENTRIES] * ENTRY
    core[ENTRIES] += 1
    core[STEPS] += steps
    entries[entry + STATE], entries[entry + NEEDED] = state, needed
    entries[entry + USED], entries[entry + SPENT] = used, spent
    entries[entry + TRAIL], entries[entry + _NEXT], entries[entry + _FLAG] = trail, core[head], flag
    core[head] = entry
    return True


@part
def carry(core: Any, entries: Any, front: Any, base: int) -> None:
    """Bring a configuration into the stage in which the wanted call returns."""
    wanted = core[WANTED]
    state, used, spent, trail = front[base + STATE], front[base + USED], front[base + SPENT], front[base + TRAIL]
    place = look(core, state)
    needed = (front[base + NEEDED] | core[FRESH]) & ~core[place + _NOOP]
    if needed & wanted == 0:
        insert(core, entries, place + _KEPT, _SURVIVOR, state, needed, used & ~wanted, spent, trail)
        if core[OBSERVED] or used & wanted:
            return
    insert(core, entries, place + _WAITING, _ANY_NEXT, state, needed, used, spent, trail)


@part
def extend(core: Any, entries: Any, trail: Any, base: int) -> None:
    """Take each open or crashed call that may be next in a configuration that waits."""
    place = core[PLACES] + entries[base + STATE] * PLACE
    needed, used, spent = entries[base + NEEDED], entries[base + USED], entries[base + SPENT]
    todo, crashed = core[place + _LEGAL], core[place + _LEGAL_CRASHED]
    if entries[base + _FLAG] == _ANY_NEXT:
        todo |= core[OPEN_BLIND]
        crashed |= core[CRASHED_BLIND]
    todo &= ~used
    crashed &= ~spent
    while todo:
        bit = todo & -todo
        todo ^= bit
        slot = slot_of(bit) * _SLOT
        first = core[slot + FIRST] & ~used
        if first == 0 or (first & needed == 0 and needed & bit):
            take(core, entries, trail, base, slot, needed & ~bit, used | bit, spent, bit)
    while crashed:
        bit = crashed & -crashed
        crashed ^= bit
        slot = _CRASHED_SLOTS + slot_of(bit) * _SLOT
        first = core[core[slot + KIND] * RULE + OPEN_SAME] & ~used | core[slot + FIRST] & ~spent
        if first == 0:
            take(core, entries, trail, base, slot, needed, used, spent | bit, 0)


@part
def take(
    core: Any,
    entries: Any,
    trail: Any,
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
    seen = needed & core[place + _NOOP]
    needed ^= seen
    step = core[TRAILS]
    new = waits = False
    if bit == wanted or entries[base + NEEDED] & ~needed & wanted:
        new = insert(core, entries, place + _KEPT, _SURVIVOR, state, needed, used & ~wanted, spent, step)
    if bit == wanted or (core[OBSERVED] and needed & wanted == 0):
        waits = False
    elif blind and seen == 0:
        if core[place + _LEGAL] & ~used | core[place + _LEGAL_CRASHED] & ~spent:
            waits = insert(
                core, entries, place + _WAITING, _NO_BLIND_NEXT, state, needed, used, spent, step
            )
    else:
        waits = insert(core, entries, place + _WAITING, _ANY_NEXT, state, needed, used, spent, step)
    if new or waits:
        link = step * STEP
        trail[link + CALL], trail[link + PARENT] = core[slot + HOLDER], entries[base + TRAIL]
        trail[link + WHEN] = core[RETURNED]
        core[TRAILS] += 1


@part
def settle(core: Any, entries: Any, front: Any) -> bool:
    """Make the survivors the front and let the wanted call return; tell whether there are any."""
    count = 0
    for number in range(core[ENTRIES]):
        entry = number * ENTRY
        if entries[entry + _FLAG] == _SURVIVOR:
            base = count * ENTRY
            for field in range(TRAIL + 1):
                front[base + field] = entries[entry + field]
            count += 1
    if count == 0:
        return False
    core[FRONT], core[ENTRIES] = count, 0
    core[RETURNED] += 1
    core[STEPS] += 1
    _end(core, core[WANTED])
    return True


@part
def _start_stage(core: Any, call: int) -> None:
    """Turn to the call that returns next."""
    todo = core[OPEN]
    while todo:
        bit = todo & -todo
        todo ^= bit
        slot = slot_of(bit) * _SLOT
        if core[slot + HOLDER] == call:
            core[WANTED] = bit
            core[OBSERVED] = core[core[slot + KIND] * RULE + CLASS] == OBSERVER
            todo = 0
    core[STAGE] += 1
    core[ENTRIES] = core[CURSOR] = 0
    core[PHASE] = _CARRY


@entry
def advance(problem: Problem, core: Any, entries: Any, front: Any, trail: Any, steps: int) -> int:  # noqa: C901 - the phases of a stage, one branch each
    """Walk until the end or for about so many steps, and say why the walk stopped."""
    core[STEPS] = 0
    while core[STEPS] <= steps:
        phase = core[PHASE]
        if phase == _INVOKE:
            if core[RETURNED] == len(problem.completed):
                return FINISHED
            if not invoke(problem, core):
                return WIDE
            _start_stage(core, problem.completed[core[RETURNED]])
        elif phase == _CARRY:
            if (core[ENTRIES] + 2) * ENTRY > len(entries):
                return FULL
            if core[CURSOR] < core[FRONT]:
                carry(core, entries, front, core[CURSOR] * ENTRY)
                core[CURSOR] += 1
            else:
                core[CURSOR], core[FRESH], core[PHASE] = 0, 0, _EXTEND
        elif phase == _EXTEND:
            if (core[ENTRIES] + 2 * ROOM) * ENTRY > len(entries) or (core[TRAILS] + ROOM) * STEP > len(trail):
                return FULL
            if core[CURSOR] < core[ENTRIES]:
                base = core[CURSOR] * ENTRY
                if entries[base + _FLAG] >= _ANY_NEXT:
                    extend(core, entries, trail, base)
                core[CURSOR] += 1
            else:
                core[PHASE] = _SETTLE
        elif settle(core, entries, front):
            core[PHASE] = _INVOKE
        else:
            return STUCK
    return PAUSED


def holders(core: Any) -> list[int]:
    """Return the completed calls that are open."""
    opened = int(core[OPEN])
    return [int(core[slot * _SLOT + HOLDER]) for slot in range(SLOTS) if opened >> slot & 1]
