"""One key through the kernel: columns in, slices of steps within the budget, evidence out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.budget import BudgetExceeded
from splitbrain.checkers.lanes.kernel import walk
from splitbrain.checkers.lanes.kernel.jit import COMPILED, column, longer, zeros
from splitbrain.checkers.lanes.kernel.tables import tabulate
from splitbrain.checkers.lanes.kernel.trail import collect, write_out
from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Cut, Linearization, Refutation, Undecided

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.lanes.kernel.tables import Tables
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome

SLICE = 100_000 if COMPILED else 2_000
"""Steps between two looks at the budget: some milliseconds."""
_CONFIGURATIONS = 4 * walk.ROOM
_STEPS = 1 << 15
"""Room at first; it grows."""


def decide(calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget) -> Outcome:
    """Decide one key; Undecided if it doesn't fit, or where the budget ends.

    Raises:
        ModelError: the model contradicts itself.
    """
    try:
        tables = tabulate(calls, kinds, model, initial, budget)
        if tables is None:
            return Undecided("its model reaches too many states for the kernel")
        crashed = sum(
            1 for kind, back in zip(tables.kinds, calls.returns, strict=True) if back == FOREVER and kind >= 0
        )
        if crashed > walk.SLOTS:
            return Undecided(f"{crashed} crashed operations are too many for the kernel")
        run = Run(calls, tables)
    except BudgetExceeded as exceeded:
        return Undecided(f"{exceeded} ran out while its model was asked for transitions")
    try:
        return run.decide(budget)
    except BudgetExceeded as exceeded:
        reason = f"{exceeded} ran out"
    except MemoryError:
        reason = "the memory of this machine ran out"
    core, completed = run.core, len(run.problem.completed)
    return Undecided(
        f"{reason} after {core[walk.RETURNED]} of {completed} completed operations,"
        f" with {core[walk.FRONT]} configurations alive"
    )


class Run:
    """One walk of the kernel and the memory that it has: the core, and three columns that grow."""

    def __init__(self, calls: Calls, tables: Tables) -> None:
        self.states = tables.states
        self.initial = tables.initial
        invokes, returns = column(calls.invokes), column(calls.returns)
        self.problem = walk.Problem(column(tables.kinds), invokes, returns, _by_return(returns), FOREVER)
        self.core = column(_core(tables))
        self.entries = zeros(_CONFIGURATIONS * walk.ENTRY)
        self.front = zeros(_CONFIGURATIONS * walk.ENTRY)
        self.front[walk.STATE], self.front[walk.TRAIL] = tables.initial, walk.NIL
        self.trail = zeros(_STEPS * walk.STEP)

    def decide(self, budget: Budget) -> Outcome:
        """Walk, and turn the end into an outcome.

        Raises:
            BudgetExceeded: before the end.
        """
        while True:
            why = walk.advance(self.problem, self.core, self.entries, self.front, self.trail, SLICE)
            budget.charge(int(self.core[walk.STEPS]))
            if why == walk.FULL:
                self._make_room()
            elif why == walk.FINISHED:
                return Linearization(self._linearization())
            elif why == walk.STUCK:
                return self._refutation()
            elif why == walk.WIDE:
                return Undecided(f"more than {walk.SLOTS} operations were open at one time")

    def _make_room(self) -> None:
        """Give back steps that lead nowhere, and double what is more than half full all the same."""
        core = self.core
        if (core[walk.TRAILS] + walk.ROOM) * walk.STEP > len(self.trail):
            collect(core, self.entries, self.front, self.trail, zeros(int(core[walk.TRAILS])))
            if 2 * core[walk.TRAILS] * walk.STEP > len(self.trail):
                self.trail = longer(self.trail, 2 * len(self.trail))
        if (core[walk.ENTRIES] + 2 * walk.ROOM) * walk.ENTRY > len(self.entries):
            size = 2 * len(self.entries)
            self.entries, self.front = longer(self.entries, size), longer(self.front, size)

    def _linearization(self) -> list[int]:
        """Return the whole order that some surviving configuration stands for."""
        count = len(self.problem.kinds)
        effects, stages = _unwind(self.trail, int(self.front[walk.TRAIL]))
        taken, order = zeros(count), zeros(count)
        for call in effects:
            taken[call] = 1
        written = write_out(
            self.problem,
            self.core,
            self.initial,
            column(effects),
            column(stages),
            taken,
            zeros(walk.SLOTS),
            order,
        )
        assert written >= len(self.problem.completed), "a parked call has no place"
        return [int(call) for call in order[:written]]

    def _refutation(self) -> Refutation:
        """Describe the cut: no living configuration lets the wanted call return."""
        core, front = self.core, self.front
        alive = dict.fromkeys(
            int(front[number * walk.ENTRY + walk.STATE]) for number in range(core[walk.FRONT])
        )
        cut = Cut(
            stuck=int(self.problem.completed[core[walk.RETURNED]]),
            states=tuple(self.states[state] for state in alive),
            open=tuple(sorted(walk.holders(core))),
        )
        return Refutation("configurations", tuple(range(int(core[walk.INVOKED]))), cut)


def _core(tables: Tables) -> list[int]:
    """Lay out the core at the beginning of the walk."""
    core = [0] * walk.RULES
    core += tables.rules
    core[walk.FREE] = (1 << walk.SLOTS) - 1
    core[walk.FRONT] = 1
    core[walk.STATES], core[walk.PLACES] = len(tables.states), len(core)
    core += [0] * (len(tables.states) * walk.PLACE)
    core[walk.TABLE] = len(core) if tables.table else 0
    return core + tables.table


def _by_return(returns: Any) -> Any:
    """Return the completed calls in the order of their returns."""
    if COMPILED:
        order = returns.argsort(kind="stable")
        return order[: int((returns < FOREVER).sum())]
    completed = [call for call, returned in enumerate(returns) if returned < FOREVER]
    return sorted(completed, key=returns.__getitem__)


def _unwind(trail: Any, step: int) -> tuple[Sequence[int], Sequence[int]]:
    """Return the calls of a trail from the first to the last, and their stages."""
    effects, stages = [], []
    while step != walk.NIL:
        base = step * walk.STEP
        effects.append(int(trail[base + walk.CALL]))
        stages.append(int(trail[base + walk.WHEN]))
        step = int(trail[base + walk.PARENT])
    return effects[::-1], stages[::-1]
