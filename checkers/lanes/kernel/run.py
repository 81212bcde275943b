"""One key through the kernel: columns in, slices of steps within the budget, evidence out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.budget import BudgetExceeded
from splitbrain.checkers.lanes.kernel import layout
from splitbrain.checkers.lanes.kernel.jit import COMPILED, column, in_order, longer, plain, zeros
from splitbrain.checkers.lanes.kernel.slots import holders
from splitbrain.checkers.lanes.kernel.tables import tabulate
from splitbrain.checkers.lanes.kernel.trail import collect, write_out
from splitbrain.checkers.lanes.kernel.walk import advance
from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Cut, Linearization, Refutation, Undecided

if TYPE_CHECKING:
    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.lanes.kernel.tables import Tables
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome

__all__ = ["COMPILED", "Run", "decide", "prepare"]
SLICE = 100_000 if COMPILED else 2_000
"""Steps between two looks at the budget: some milliseconds."""
_CONFIGURATIONS = 4 * layout.ROOM
_STEPS = 1 << 15
"""Room at first; it grows."""


def prepare(calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget) -> Run | Undecided:
    """Lay out one key for the kernel, or say why it doesn't fit.

    Raises:
        ModelError: the model contradicts itself.
    """
    try:
        tables = tabulate(calls, kinds, model, initial, budget)
    except BudgetExceeded as exceeded:
        return Undecided(f"{exceeded} ran out while the model was asked for its transitions")
    if tables is None:
        return Undecided("the model reaches too many states for the kernel")
    crashed = calls.returns.count(FOREVER) - tables.kinds.count(layout.NIL)
    if crashed > layout.SLOTS:
        return Undecided(f"{crashed} crashed operations are too many for the kernel")
    return Run(calls, tables)


def decide(calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget) -> Outcome:
    """Decide one key by the kernel alone, or say why it doesn't.

    Raises:
        ModelError: the model contradicts itself.
    """
    run = prepare(calls, kinds, model, initial, budget)
    if isinstance(run, Undecided):
        return run
    outcome = run.decide(budget)
    assert outcome is not None
    return outcome


class Run:
    """One walk of the kernel and the memory that it has: the core, and three columns that grow."""

    def __init__(self, calls: Calls, tables: Tables) -> None:
        self.wide = False
        """Whether the walk ended because too many calls were open at one time."""
        self.states = tables.states
        self.initial = tables.initial
        invokes, returns = column(calls.invokes), column(calls.returns)
        self.problem = layout.Problem(
            column(tables.kinds), invokes, returns, in_order(returns, FOREVER), FOREVER
        )
        self.core = column(_core(tables))
        self.entries = zeros(_CONFIGURATIONS * layout.ENTRY)
        self.front = zeros(_CONFIGURATIONS * layout.ENTRY)
        self.front[layout.STATE], self.front[layout.TRAIL] = tables.initial, layout.NIL
        self.trail = zeros(_STEPS * layout.STEP)

    def decide(self, budget: Budget, alive: int | None = None) -> Outcome | None:
        """Walk on to the end of the history or of the budget; None as soon as more than `alive` live."""
        try:
            return self._walk(budget, alive)
        except BudgetExceeded as exceeded:
            reason = f"{exceeded} ran out"
        except MemoryError:
            reason = "the memory of this machine ran out"
        returned, completed = self.core[layout.RETURNED], len(self.problem.completed)
        return Undecided(
            f"{reason} after {returned} of {completed} completed operations,"
            f" with {self.core[layout.FRONT]} configurations alive"
        )

    def _walk(self, budget: Budget, alive: int | None) -> Outcome | None:
        while alive is None or self.core[layout.FRONT] <= alive:
            why = advance(self.problem, self.core, self.entries, self.front, self.trail, SLICE)
            budget.charge(int(self.core[layout.STEPS]))
            if why == layout.FULL:
                self._make_room()
            elif why == layout.FINISHED:
                return Linearization(self._linearization())
            elif why == layout.STUCK:
                return self._refutation()
            elif why == layout.WIDE:
                self.wide = True
                return Undecided(f"more than {layout.SLOTS} operations were open at one time")
        return None

    def _make_room(self) -> None:
        """Give back steps that lead nowhere, and double what is more than half full all the same."""
        core = self.core
        if (core[layout.TRAILS] + layout.ROOM) * layout.STEP > len(self.trail):
            collect(core, self.entries, self.front, self.trail, zeros(int(core[layout.TRAILS])))
            if (2 * core[layout.TRAILS] + layout.ROOM) * layout.STEP > len(self.trail):
                self.trail = longer(self.trail, 2 * len(self.trail))
        if (core[layout.ENTRIES] + 2 * layout.ROOM) * layout.ENTRY > len(self.entries):
            size = 2 * len(self.entries)
            self.entries, self.front = longer(self.entries, size), longer(self.front, size)

    def _linearization(self) -> list[int]:
        """Return the whole order that some surviving configuration stands for."""
        count = len(self.problem.kinds)
        order = zeros(count)
        written = write_out(
            self.problem,
            self.core,
            self.trail,
            int(self.front[layout.TRAIL]),
            self.initial,
            zeros(count),
            zeros(layout.SLOTS),
            order,
        )
        assert written >= len(self.problem.completed), "a parked call has no place"
        return plain(order)[:written]

    def _refutation(self) -> Refutation:
        """Describe the cut: no living configuration lets the wanted call return."""
        core, front = self.core, self.front
        places = range(layout.STATE, core[layout.FRONT] * layout.ENTRY, layout.ENTRY)
        alive = dict.fromkeys(int(front[place]) for place in places)
        cut = Cut(
            stuck=int(self.problem.completed[core[layout.RETURNED]]),
            states=tuple(self.states[state] for state in alive),
            open=tuple(sorted(holders(core))),
        )
        return Refutation("configurations", tuple(range(int(core[layout.INVOKED]))), cut)


def _core(tables: Tables) -> list[int]:
    """Lay out the core at the beginning of the walk."""
    core = [0] * layout.RULES
    core += tables.rules
    core[layout.FREE] = (1 << layout.SLOTS) - 1
    core[layout.FRONT] = 1
    core[layout.STATES], core[layout.PLACES] = len(tables.states), len(core)
    core += [0] * (len(tables.states) * layout.PLACE)
    core[layout.TABLE] = len(core) if tables.table else 0
    return core + tables.table
