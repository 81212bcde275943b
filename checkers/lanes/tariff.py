"""Prices on crashed calls, and what runs and whole paths cost under them.

The theory stands in `pricing.py`. Prices are whole numbers, so that sums are exact and a comparison of two
can stand in a certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from itertools import accumulate, islice
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from splitbrain.checkers.lanes.transitions import IMPOSSIBLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.lanes.relaxation import Relaxation

Prices: TypeAlias = "Sequence[Sequence[int]]"
"""For each group and each i: what each use pays that is made before the call behind its i-th is invoked."""
FAR = 1 << 60
"""The cost of what can't be done."""
CHUNK = 100_000
"""After so many edges a pass looks at its budget."""
WORTH = 64
"""So many edges of a pass count as one configuration."""
Run: TypeAlias = "tuple[int, ...]"
"""The groups whose crashed calls take effect, one after the other."""


class Tariff(NamedTuple):
    """What things cost under some prices.

    `units` are the costs of one use, for each group by how many of its calls were invoked; `costs` and
    `runs` the cheapest run of each fare; `worth` is the sum of each price times what it allows.
    """

    units: Sequence[Sequence[int]]
    costs: Sequence[int]
    runs: Sequence[Run]
    worth: int


class Distances(NamedTuple):
    """The cheapest cost from the beginning to each node, and the edge on which it is reached."""

    costs: Sequence[int]
    edges: Sequence[int]


def make_tariff(relaxed: Relaxation, prices: Prices) -> Tariff:
    """Work out the cheapest run of each fare."""
    units = [unit_costs(row) for row in prices]
    costs: list[int] = [0]
    runs: list[Run] = [()]
    epoch, cheapest = -1, dict[int, Mapping[int, tuple[int, Run]]]()
    for fare in relaxed.fares[1:]:
        if fare.epoch != epoch:
            epoch, cheapest = fare.epoch, {}
        if fare.start not in cheapest:
            cheapest[fare.start] = _cheapest_runs(relaxed, units, epoch, fare.start)
        cost, run = cheapest[fare.start][fare.goal]
        costs.append(cost)
        runs.append(run)
    worth = sum(price * (place + 1) for row in prices for place, price in enumerate(row))
    return Tariff(units, costs, runs, worth)


def unit_costs(row: Sequence[int]) -> list[int]:
    """Return the cost of one use by how many calls of the group were invoked: the earlier, the dearer."""
    later = list(accumulate(reversed(row)))
    later.reverse()
    return [FAR, *later]


def _cheapest_runs(
    relaxed: Relaxation, units: Sequence[Sequence[int]], epoch: int, start: int
) -> Mapping[int, tuple[int, Run]]:
    """Return the cheapest run to each state (Dijkstra over states, with crashed calls for edges)."""
    step = relaxed.transitions.step
    calls = [
        (units[number][invoked], group.kind, number)
        for number, (group, invoked) in enumerate(zip(relaxed.groups, relaxed.epochs[epoch], strict=True))
        if invoked
    ]
    found: dict[int, tuple[int, Run]] = {}
    waiting: list[tuple[int, int, Run]] = [(0, start, ())]
    while waiting:
        cost, state, run = heappop(waiting)
        if state in found:
            continue
        found[state] = (cost, run)
        for unit, kind, number in calls:
            after = step(kind, state)
            if after != IMPOSSIBLE and after not in found:
                heappush(waiting, (cost + unit, after, (*run, number)))
    return found


def distances(relaxed: Relaxation, tariff: Tariff, budget: Budget) -> Distances:
    """Return the cheapest way from the beginning to every node: one pass over the edges."""
    best, edge_to = [FAR] * len(relaxed.state_of), [-1] * len(relaxed.state_of)
    best[0] = 0
    costs = tariff.costs
    edges = enumerate(zip(relaxed.sources, relaxed.targets, relaxed.fare_of, strict=True))
    for size in _chunks(len(relaxed.sources)):
        budget.charge(size // WORTH)
        for edge, (source, target, fare) in islice(edges, size):
            cost = best[source] + costs[fare]
            if cost < best[target]:
                best[target] = cost
                edge_to[target] = edge
    return Distances(best, edge_to)


def costs_to_go(relaxed: Relaxation, tariff: Tariff, budget: Budget) -> Sequence[int]:
    """Return the cheapest cost from every node to the end: one pass over the edges, from the back."""
    best = [FAR] * len(relaxed.state_of)
    for node in relaxed.ends:
        best[node] = 0
    costs = tariff.costs
    columns = (relaxed.sources, relaxed.targets, relaxed.fare_of)
    edges = zip(*map(reversed, columns), strict=True)
    for size in _chunks(len(relaxed.sources)):
        budget.charge(size // WORTH)
        for source, target, fare in islice(edges, size):
            cost = best[target] + costs[fare]
            if cost < best[source]:  # noqa: PLR1730 - min() would double the cost of the pass
                best[source] = cost
    return best


def _chunks(count: int) -> Iterable[int]:
    """Yield the sizes of the parts in which a pass over so many edges is made."""
    for begin in range(0, count, CHUNK):
        yield min(CHUNK, count - begin)


def cheapest_path(relaxed: Relaxation, found: Distances) -> tuple[int, list[int]]:
    """Return the cost of the cheapest path to the end, and its edges."""
    node = min(relaxed.ends, key=found.costs.__getitem__)
    cost, path = found.costs[node], []
    while found.edges[node] >= 0:
        path.append(found.edges[node])
        node = relaxed.sources[path[-1]]
    path.reverse()
    return cost, path


def violation(relaxed: Relaxation, path: Iterable[int], runs: Sequence[Run]) -> list[list[int]]:
    """Return by how much a path exceeds what each price allows (at most zero everywhere: it is real)."""
    uses = [[0] * (len(group.calls) + 1) for group in relaxed.groups]
    for edge in path:
        fare = relaxed.fare_of[edge]
        invoked = relaxed.epochs[relaxed.fares[fare].epoch]
        for number in runs[fare]:
            uses[number][invoked[number]] += 1
    return [[used - place for place, used in enumerate(accumulate(row))][1:] for row in uses]


def write_out(relaxed: Relaxation, path: Iterable[tuple[int, Run]]) -> list[int]:
    """Return the linearization that a path (edges and their runs) stands for, which keeps all limits.

    The i-th use of a kind is its i-th invoked call.
    """
    order: list[int] = []
    unused = [iter(group.calls) for group in relaxed.groups]
    steps = iter([*relaxed.steps[1:], None])
    step, following = relaxed.steps[0], next(steps)
    for edge, run in path:
        while following is not None and following.first <= edge:
            step, following = following, next(steps)
        order.extend(next(unused[number]) for number in run)
        bits = relaxed.bits[edge]
        order.extend(call for bit, call in step.opened.items() if bit & bits)
    return order
