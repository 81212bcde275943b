"""How the kernel lays its memory out: columns of integers, in which each field has a place.

Everything small is in one column, the *core*, so that compiled functions pass few arguments. Three columns
grow: the *entries* (the configurations of one stage), the *front* (those alive, in the same fields) and the
*trail*.
"""

from __future__ import annotations

from typing import NamedTuple

from splitbrain.checkers.lanes.kernel.jit import Column  # noqa: TC001  Numba looks at the fields

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
INVOKE, CARRY, EXTEND, SETTLE = range(4)
"""Phases of a stage: let calls begin, bring in the old configurations, extend them, keep the survivors."""

# Fields of a slot: the call that holds it, its kind, and the slots of calls that do the same and go first.
# The slots of open completed calls come first, then those of crashed calls.
SLOT = 3
HOLDER, KIND, FIRST = (20 + field for field in range(SLOT))
CRASHED_SLOTS = SLOTS * SLOT
# Fields of a kind: its access, its class, and the slots of its open and its crashed calls.
RULE = 6
RULES = 20 + 2 * SLOTS * SLOT
READS, WRITES, DIFFERS, CLASS, OPEN_SAME, CRASHED_SAME = (RULES + field for field in range(RULE))
# Fields of a state's place, valid in one stage: what open calls can do there, and the lists of entries.
PLACE = 6
STAMP, NOOP, LEGAL, LEGAL_CRASHED, KEPT, WAITING = range(PLACE)

# Fields of an entry: a configuration found in this stage.
ENTRY = 7
STATE, NEEDED, USED, SPENT, TRAIL, NEXT, FLAG = range(ENTRY)
DEAD, SURVIVOR, ANY_NEXT, NO_BLIND_NEXT = range(4)
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

    kinds: Column
    invokes: Column
    returns: Column
    completed: Column
    forever: int
