"""An exact search through the relaxed graph that counts crashed calls, guided and bounded by prices.

A *label* is a node and how many calls of each kind were used on the way to it. No real path through a
label costs more than all there is is worth (`pricing.py`). So a label goes if what was paid, and the
cheapest way from its node to the end, exceed that: most labels that the plain walk would keep go early.
The others are visited depth first, the cheapest way on first, and so most often straight to the end.

A label also goes if one was met at its node that used no more of any kind: whatever it can do, that one
can. Runs differ in what they use, so each label is extended by all runs of which none uses a subset.

If the search ends without a path, there is no linearization.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from splitbrain.checkers.lanes.relaxation import NO_RUN
from splitbrain.checkers.lanes.tariff import costs_to_go
from splitbrain.checkers.lanes.transitions import IMPOSSIBLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.lanes.relaxation import Relaxation
    from splitbrain.checkers.lanes.tariff import Run, Tariff

Trail: TypeAlias = "tuple[int, Run, Trail] | None"
"""The edges taken and their runs, latest first; the links are shared."""


class Found(NamedTuple):
    """A path to the end that uses no more crashed calls than there are."""

    path: Sequence[tuple[int, Run]]


class Exhausted(NamedTuple):
    """Every label was visited or went for a reason: there is no such path."""


class Stopped(NamedTuple):
    """The limit on labels was reached."""


class Way(NamedTuple):
    """A run by what it uses, packed like a label's uses; its groups, and what it costs."""

    uses: int
    run: Run
    cost: int


class Label(NamedTuple):
    """A node, how much of each kind was used on the way (packed), what that cost, and the way."""

    node: int
    used: int
    paid: int
    trail: Trail


class GuidedSearch:
    """Searches one graph, under one tariff after the other. What doesn't depend on prices is kept.

    Uses of all kinds stand side by side in one integer, with a spare bit above each count: after
    subtracting from a number with the spare bits set, a spare bit is gone where the result is negative.
    """

    def __init__(self, relaxed: Relaxation, budget: Budget) -> None:
        self._relaxed = relaxed
        self._budget = budget
        most = max((len(group.calls) for group in relaxed.groups), default=0)
        self._bits = (2 * most + 1).bit_length() + 1
        self._spare = _packed([1 << (self._bits - 1)] * len(relaxed.groups), self._bits)
        self._limits = [_packed(epoch, self._bits) | self._spare for epoch in relaxed.epochs]
        self._runs: dict[int, Sequence[Run]] = {NO_RUN: [()]}
        self._first = [0] * (len(relaxed.state_of) + 1)
        self._last = [0] * len(relaxed.state_of)
        for edge, source in enumerate(relaxed.sources):
            if not self._last[source]:
                self._first[source] = edge
            self._last[source] = edge + 1

    def search(self, tariff: Tariff, limit: int) -> Found | Exhausted | Stopped:
        """Look for a path, visiting at most so many labels.

        Raises:
            BudgetExceeded: the budget ran out.
        """
        relaxed, spare = self._relaxed, self._spare
        to_go, goals = costs_to_go(relaxed, tariff, self._budget), set(relaxed.ends)
        ways: dict[int, Sequence[Way]] = {}
        met: dict[int, list[int]] = {}
        waiting = [Label(0, 0, 0, None)]
        while waiting:
            label = waiting.pop()
            node, used = label.node, label.used
            if node in goals:
                return Found(_unwind(label.trail))
            limit -= 1
            if limit < 0:
                return Stopped()
            self._budget.spend()
            others = met.setdefault(node, [])
            if any(((used | spare) - other) & spare == spare for other in others):
                continue
            others.append(used)
            onward = self._onward(label, tariff, to_go, ways)
            onward.sort(key=_by_what_is_left)
            waiting.extend(further for _, further in onward)
        return Exhausted()

    def _onward(
        self, label: Label, tariff: Tariff, to_go: Sequence[int], ways: dict[int, Sequence[Way]]
    ) -> list[tuple[int, Label]]:
        """Return the labels behind one that may still lead to the end, with what each can still spend."""
        relaxed, spare, onward = self._relaxed, self._spare, []
        node, used, paid, trail = label
        for edge in range(self._first[node], self._last[node]):
            target, fare = relaxed.targets[edge], relaxed.fare_of[edge]
            left = tariff.worth - paid - to_go[target]
            if left < 0:
                continue
            if fare == NO_RUN:
                onward.append((left, Label(target, used, paid, (edge, (), trail))))
                continue
            if fare not in ways:
                ways[fare] = self._ways(fare, tariff)
            available = self._limits[relaxed.fares[fare].epoch]
            for way in ways[fare]:
                after = used + way.uses
                if way.cost <= left and (available - after) & spare == spare:
                    further = Label(target, after, paid + way.cost, (edge, way.run, trail))
                    onward.append((left - way.cost, further))
        return onward

    def _ways(self, fare: int, tariff: Tariff) -> Sequence[Way]:
        """Return the runs of a fare with what they cost under a tariff."""
        runs = self._runs.get(fare)
        if runs is None:
            runs = self._runs[fare] = self._runs_of(fare)
        invoked = self._relaxed.epochs[self._relaxed.fares[fare].epoch]
        return [
            Way(self._uses(run), run, sum(tariff.units[number][invoked[number]] for number in run))
            for run in runs
        ]

    def _runs_of(self, fare: int) -> Sequence[Run]:
        """Return the runs from a state to another of which none uses a subset, shortest first."""
        epoch, start, goal = self._relaxed.fares[fare]
        step, spare = self._relaxed.transitions.step, self._spare
        available = self._limits[epoch]
        found: dict[int, list[int]] = {}
        runs: list[Run] = []
        level: list[tuple[int, int, Run]] = [(start, 0, ())]
        while level:
            longer: list[tuple[int, int, Run]] = []
            for state, used, run in level:
                for number, group in enumerate(self._relaxed.groups):
                    after, use = step(group.kind, state), used + (1 << number * self._bits)
                    if after in (IMPOSSIBLE, state, start) or (available - use) & spare != spare:
                        continue
                    self._budget.spend()
                    others = found.setdefault(after, [])
                    if any(((use | spare) - other) & spare == spare for other in others):
                        continue
                    others.append(use)
                    extended = (*run, number)
                    if after == goal:
                        runs.append(extended)
                    else:
                        longer.append((after, use, extended))
            level = longer
        return runs

    def _uses(self, run: Run) -> int:
        return sum(1 << number * self._bits for number in run)


def _packed(counts: Iterable[int], bits: int) -> int:
    return sum(count << place * bits for place, count in enumerate(counts))


def _by_what_is_left(onward: tuple[int, Label]) -> int:
    return onward[0]


def _unwind(trail: Trail) -> Sequence[tuple[int, Run]]:
    path = []
    while trail is not None:
        edge, run, trail = trail
        path.append((edge, run))
    path.reverse()
    return path
