"""Refute a history by prices: to explain it, optional operations would have to take effect too often.

Each optional operation gets a price, a whole number that is not negative. Now let it take effect as often
as anyone likes, but at its price each time. A legal order of the history takes each optional operation
at most once, so it costs at most the sum of all prices. So if every legal order *with repetitions* costs
more, or there is none, the history has no legal order. Whoever made up the prices: this holds for all.

The cheapest order with repetitions is found by a walk through the events, with the lowest cost of every
configuration: the state, and which open operations have already taken effect. How often the optional ones
did doesn't matter for what can follow; therefore the walk stays small. It leaves out only what can't be
cheaper. Take a cheapest order with repetitions (if there is one):

1. *Late.* Effects are put off until just before the return that demands them, as in the plain walk
   (`exhaustion`). Behind the last return, repetitions are left out: they cost and explain nothing.
2. *Reads first.* A completed operation that changes no state in which it is legal takes effect as soon as
   it is open and legal. Moving it there changes no state for anyone, and costs nothing.
3. *Runs.* Optional operations stand in runs, each before some completed operation. If that one is legal
   without the run, and leads to the same state, then without the run the order is legal and no dearer.
   Otherwise, of all runs between the same two states the cheapest will do.
4. *The cheapest way* to a configuration will do, since what may follow it is the same and costs the same.

An optional operation may be part of a run from its invocation on. By (1) an order may only become cheaper
when an effect is put off, as more operations have been invoked by then.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from splitbrain.checkers.verification.claim import registers_of
from splitbrain.checkers.verification.sequential import take

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from splitbrain.checkers.verification.claim import Task
    from splitbrain.checkers.verification.sequential import State
    from splitbrain.checkers.verification.steps import Step

Configuration: TypeAlias = "tuple[State, frozenset[int]]"


class Bill(NamedTuple):
    """What the cheapest order with repetitions costs; None if there is none.

    `finished` is False where the budget ran out. `steps` counts what was tried.
    """

    cost: int | None
    finished: bool
    steps: int


class _OutOfBudgetError(Exception):
    """As many steps as were allowed have been tried."""


def cheapest_order(
    tasks: Sequence[Task], held: Mapping[Hashable, Hashable], prices: Mapping[int, int], budget: int
) -> Bill:
    """Walk through all events; `prices` are by the invocation of an optional task, zero where none is given.

    `held` is what the registers hold at first.
    """
    walk = _Walk(tasks, held, prices, budget)
    try:
        return Bill(walk.cost(), finished=True, steps=walk.steps)
    except _OutOfBudgetError:
        return Bill(None, finished=False, steps=walk.steps)


class _Walk:
    def __init__(
        self,
        tasks: Sequence[Task],
        held: Mapping[Hashable, Hashable],
        prices: Mapping[int, int],
        budget: int,
    ) -> None:
        self.steps = 0
        self._budget = budget
        self._prices = prices
        self._tasks = sorted(tasks, key=lambda one: one.invoke)
        self._numbers = registers_of(tasks)
        self._start: State = tuple(held[register] for register in self._numbers)
        self._open: set[int] = set()
        self._optional: dict[tuple[Step, ...], int] = {}
        self._after: dict[tuple[tuple[Step, ...], State], State | None] = {}
        self._runs: dict[State, dict[State, int]] = {}

    def cost(self) -> int | None:
        """Return the cost of the cheapest order with repetitions, or None if there is none.

        Raises:
            _OutOfBudgetError: too many steps were tried.
        """
        alive: dict[Configuration, int] = {(self._start, frozenset()): 0}
        for _, number, returns in self._events():
            if returns:
                alive = self._return(number, alive)
                self._open.remove(number)
                if not alive:
                    return None
            elif self._tasks[number].complete is not None:
                self._open.add(number)
            else:
                self._offer(self._tasks[number])
        return min(alive.values())

    def _events(self) -> list[tuple[int, int, bool]]:
        """Return all invocations and returns in order: position, task, whether it returns."""
        invocations = [(one.invoke, number, False) for number, one in enumerate(self._tasks)]
        returns = [
            (one.complete, number, True) for number, one in enumerate(self._tasks) if one.complete is not None
        ]
        return sorted(invocations + returns)

    def _offer(self, optional: Task) -> None:
        """Let an optional operation take effect from now on, unless a cheaper one does the same."""
        price = self._prices.get(optional.invoke, 0)
        if price < self._optional.get(optional.steps, price + 1):
            self._optional[optional.steps] = price
            self._runs.clear()

    def _return(self, number: int, alive: Mapping[Configuration, int]) -> dict[Configuration, int]:
        """Extend configurations by open operations until this one has taken effect, fewest effects first."""
        returned: dict[Configuration, int] = {}
        waiting: dict[int, dict[Configuration, int]] = {}
        for (state, effective), cost in alive.items():
            _keep(waiting.setdefault(len(effective), {}), (state, effective), cost)
        while waiting:
            for (state, effective), cost in waiting.pop(min(waiting)).items():
                if number in effective:
                    _keep(returned, (state, effective - {number}), cost)
                    continue
                for further, paid in self._extensions(state, effective):
                    _keep(waiting.setdefault(len(further[1]), {}), further, cost + paid)
        return returned

    def _extensions(self, state: State, effective: frozenset[int]) -> list[tuple[Configuration, int]]:
        """Return what comes of a configuration by one more operation, and what the run before it costs."""
        pending = [number for number in self._open if number not in effective]
        reads = [number for number in pending if self._only_reads(number) and self._takes(number, state)]
        if reads:
            return [((state, effective.union(reads)), 0)]
        extensions: list[tuple[Configuration, int]] = []
        for number in pending:
            with_it = effective | {number}
            alone = self._take(self._tasks[number].steps, state)
            if alone is not None:
                extensions.append(((alone, with_it), 0))
            for reached, cost in self._runs_from(state).items():
                after = self._take(self._tasks[number].steps, reached)
                if after is not None and after != alone:
                    extensions.append(((after, with_it), cost))
        return extensions

    def _runs_from(self, start: State) -> dict[State, int]:
        """Return the states to which runs of optional operations lead, with the cost of the cheapest."""
        if start not in self._runs:
            reached: dict[State, int] = {}
            waiting: list[tuple[int, int, State]] = [(0, 0, start)]
            while waiting:
                cost, _, state = heappop(waiting)
                if state in reached:
                    continue
                reached[state] = cost
                for steps, price in self._optional.items():
                    after = self._take(steps, state)
                    if after is not None and after not in reached:
                        heappush(waiting, (cost + price, self.steps, after))
            del reached[start]
            self._runs[start] = reached
        return self._runs[start]

    def _only_reads(self, number: int) -> bool:
        """Whether a task changes no state in which it is legal."""
        return all(
            step.kind in ("read", "unequal") or (step.kind == "equal" and step.found == step.left)
            for step in self._tasks[number].steps
        )

    def _takes(self, number: int, state: State) -> bool:
        return self._take(self._tasks[number].steps, state) is not None

    def _take(self, steps: tuple[Step, ...], state: State) -> State | None:
        """Return the state after an operation, or None where it is illegal."""
        self.steps += 1
        if self.steps > self._budget:
            raise _OutOfBudgetError
        if (steps, state) not in self._after:
            self._after[steps, state] = take(steps, state, self._numbers)
        return self._after[steps, state]


def _keep(costs: dict[Configuration, int], configuration: Configuration, cost: int) -> None:
    costs[configuration] = min(cost, costs.get(configuration, cost))
