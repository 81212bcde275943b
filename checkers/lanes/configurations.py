"""The general lane: a walk over the configuration graph, for any model.

Wing & Gong (1993) search the orders of a history; Lowe (2016) linearizes just in time. A *configuration*
is what matters of a prefix of a linearization: the state, which of the open completed calls (those that
run now) are already in it, and which crashed calls. The walk goes over returns: when a call returns,
every configuration without it is extended by open calls until it is in, and drops out if that can't be
done. Linearizing later is never worse, so nothing is linearized before some return demands it. The
history is linearizable exactly if a configuration survives the last return. At most 2^open x states
configurations are alive, and memory is linear in the history.

What keeps them few, each exact:

1. *Pure observers first.* An open call that, with its result, changes no state in which it is legal is
   linearized as soon as it is legal: any linearization can be rearranged so. A write that finds its own
   value is not such a call: it may be needed later.
2. *Symmetry.* Crashed calls of one kind are interchangeable, and an older one can do what a younger one
   can: count them. The count is kept in unary (bit i: the i-th invoked is used), all kinds side by side
   in one integer, so "uses no more of any kind" is a subset test.
3. *Dominance.* Crashed calls are optional. Of two configurations alike in state and open calls, the one
   whose use is a subset of the other's can do all the other can.
4. *Fewest crashed first.* Extensions are visited by rising number of crashed calls, so dominating
   configurations are found before those that they dominate.
5. *Demand.* A run of crashed calls is taken only directly before a completed call x, and only if x is
   illegal without the run or leads to another state. In a linearization look at a run whose next
   completed call is x. If x goes to the same state without it, take the run out. A run after the last
   completed call goes too. Then every run left is demanded. ("Only if observed" would be wrong for queues
   and lists.) For a register this says more: a run matters by the value it leaves. Only a crashed call
   that writes a value needed by an open call, or by a crashed cas that is itself needed, can end or
   prepare a run.
6. *Unnamed values.* Crashed writes of values that no completed call and no crashed cas names do the same
   thing (hide what was there): they become one kind. They aren't dropped: a call that compared unequal
   may need one.

The linearization is a chain of links shared between configurations, so that branches that die free
theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from splitbrain.checkers.budget import BudgetExceeded
from splitbrain.checkers.lanes.canonical import canonical
from splitbrain.checkers.lanes.supply import Supply, demanded, dominated
from splitbrain.checkers.lanes.transitions import IMPOSSIBLE
from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Cut, Linearization, Passed, Refutation, Undecided

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.lanes.canonical import Canonical
    from splitbrain.checkers.lanes.supply import Run
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome

Trail: TypeAlias = "tuple[int, Trail] | None"
"""The calls linearized so far, latest first; the links are shared."""
FEW = 64
"""So many configurations are kept until they may have to be told; more would cost too much memory."""
TOLD = 60
"""Of a key with at most so many calls, the possible states are told return by return."""


def decide(calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget) -> Outcome:
    """Decide one key, or say how far the walk came within the budget.

    Raises:
        ModelError: the model contradicts itself.
    """
    walk = Walk(canonical(calls, kinds, model, initial), kinds, budget)
    try:
        return walk.decide()
    except BudgetExceeded as exceeded:
        reason = f"{exceeded} ran out"
    except MemoryError:
        reason = "the memory of this machine ran out"
    completed = len(calls.returns) - calls.returns.count(FOREVER)
    return Undecided(
        f"{reason} after {walk.returned} of {completed} completed operations,"
        f" with {len(walk.alive)} configurations alive"
    )


class Opening(NamedTuple):
    """An open completed call, at the bit that it holds while it is open."""

    call: int
    kind: int


class Walk:
    """One walk over the returns of one key.

    A configuration is one integer: node << width | mask. A node is an interned pair of state and use
    (the state itself where nothing crashed); the mask has the bits of open calls that are linearized.
    """

    def __init__(self, key: Canonical, kinds: Kinds, budget: Budget) -> None:
        self.calls = key.calls
        self.kinds = kinds
        self.budget = budget
        self.transitions = key.transitions
        self.supply = Supply(key.calls, kinds, flat=key.flat)
        self.width = _widest(key.calls)
        self.full = (1 << self.width) - 1
        self.open: dict[int, Opening] = {}
        self.observers = 0
        self.mutators = 0
        self.returned = 0
        self.nodes: list[tuple[int, int]] = [(0, 0)]
        self._node_ids: dict[tuple[int, int], int] = {(0, 0): 0}
        self.alive: dict[int, Trail] = {0: None}
        self.told: list[tuple[int, Iterable[int]] | Passed] = []
        """Each return of a key that is small enough to be told; in words only once there is a refutation."""

    def decide(self) -> Outcome:
        """Walk to the end or to the first return that no configuration survives."""
        calls = self.calls
        completed = [call for call, returned in enumerate(calls.returns) if returned != FOREVER]
        completed.sort(key=calls.returns.__getitem__)
        extend = self._extend_with_crashed if self.supply.size else self._extend
        free = [1 << slot for slot in reversed(range(self.width))]
        bit_of: dict[int, int] = {}
        upcoming, count = 0, len(calls.kinds)
        invokes, returns, kinds, observer = calls.invokes, calls.returns, calls.kinds, self.kinds.observer
        for call in completed:
            position = returns[call]
            while upcoming < count and invokes[upcoming] < position:
                kind = kinds[upcoming]
                if returns[upcoming] == FOREVER:
                    self.supply.invoke(kind)
                else:
                    bit = bit_of[upcoming] = free.pop()
                    self.open[bit] = Opening(upcoming, kind)
                    if observer[kind]:
                        self.observers |= bit
                    else:
                        self.mutators |= bit
                upcoming += 1
            bit = bit_of.pop(call)
            survivors: dict[int, Trail] = {}
            waiting: list[tuple[int, Trail]] = []
            for configuration, trail in self.alive.items():
                if configuration & bit:
                    survivors[configuration ^ bit] = trail
                else:
                    waiting.append((configuration, trail))
            if waiting:
                extend(waiting, bit, survivors)
            if not survivors:
                return self._refutation(call, upcoming)
            self.alive = survivors
            del self.open[bit]
            self.observers &= ~bit
            self.mutators &= ~bit
            free.append(bit)
            self.returned += 1
            if count <= TOLD:
                few = len(survivors) <= FEW
                self.told.append((call, survivors) if few else self._passed(call, survivors))
        return Linearization(_unwind(next(iter(self.alive.values()))))

    def _extend_with_crashed(
        self, waiting: list[tuple[int, Trail]], wanted: int, survivors: dict[int, Trail]
    ) -> None:
        """Linearize calls until the wanted one is in, and crashed ones where they can help."""
        useful = self.supply.useful(opening.kind for opening in self.open.values())
        if useful:
            self._extend_by_runs(useful, waiting, wanted, survivors)
        else:
            self._extend(waiting, wanted, survivors)
        if len(survivors) > 1:
            self._keep_undominated(survivors)

    def _extend(  # noqa: C901 - the innermost loop: a call per configuration would double its cost
        self, waiting: list[tuple[int, Trail]], wanted: int, survivors: dict[int, Trail]
    ) -> None:
        """Linearize open calls in every order until the wanted one is in; no crashed call can help."""
        width, full, opened, nodes = self.width, self.full, self.open, self.nodes
        crashed = self.supply.size > 0
        memo, step, spend = self.transitions.memo, self.transitions.step, self.budget.spend
        observers, mutators = self.observers, self.mutators
        seen = {configuration for configuration, _ in waiting}
        while waiting:
            configuration, trail = waiting.pop()
            spend()
            state, used = nodes[configuration >> width] if crashed else (configuration >> width, 0)
            todo = observers & ~configuration
            before = configuration
            while todo:
                bit = todo & -todo
                todo ^= bit
                call, kind = opened[bit]
                after = memo[kind].get(state)
                if (step(kind, state) if after is None else after) == state:
                    configuration |= bit
                    trail = (call, trail)
            if configuration & wanted:
                survivors.setdefault(configuration ^ wanted, trail)
                continue
            if configuration != before:
                if configuration in seen:
                    continue
                seen.add(configuration)
            mask = configuration & full
            todo = mutators & ~mask
            while todo:
                bit = todo & -todo
                todo ^= bit
                call, kind = opened[bit]
                after = memo[kind].get(state)
                if after is None:
                    after = step(kind, state)
                if after == IMPOSSIBLE:
                    continue
                extended = (self._node(after, used) if crashed else after) << width | mask | bit
                if bit == wanted:
                    survivors.setdefault(extended ^ bit, (call, trail))
                elif extended not in seen:
                    seen.add(extended)
                    waiting.append((extended, (call, trail)))

    def _extend_by_runs(
        self,
        useful: Sequence[int],
        waiting: list[tuple[int, Trail]],
        wanted: int,
        survivors: dict[int, Trail],
    ) -> None:
        """Do the same where useful crashed calls may go before a call, fewest of them first."""
        runs_of: dict[int, list[Run]] = {}
        visited: dict[tuple[int, int], list[int]] = {}
        levels: dict[int, list[tuple[int, Trail]]] = {}
        for configuration, trail in waiting:
            used = self.nodes[configuration >> self.width][1]
            levels.setdefault(used.bit_count(), []).append((configuration, trail))
        while levels:
            level = min(levels)
            configuration, trail = levels[level].pop()
            if not levels[level]:
                del levels[level]
            self.budget.spend()
            node, mask = configuration >> self.width, configuration & self.full
            state, used = self.nodes[node]
            mask, trail = self.absorb(state, mask, trail)
            uses = visited.setdefault((state, mask), [])
            if dominated(used, uses):
                continue
            uses.append(used)
            if mask & wanted:
                survivors.setdefault(node << self.width | mask ^ wanted, trail)
                continue
            if node not in runs_of:
                runs_of[node] = self.supply.runs(state, used, useful, self.transitions, self.budget)
            for after, use, bit, path in self.successors(state, used, mask, runs_of[node]):
                extended = self._node(after, use) << self.width | mask | bit
                longer = trail
                for call in path:
                    longer = (call, longer)
                if bit == wanted:
                    survivors.setdefault(extended ^ bit, longer)
                else:
                    levels.setdefault(use.bit_count(), []).append((extended, longer))

    def absorb(self, state: int, mask: int, trail: Trail) -> tuple[int, Trail]:
        """Linearize every open observer that is legal in the state (pruning 1)."""
        todo = self.observers & ~mask
        while todo:
            bit = todo & -todo
            todo ^= bit
            call, kind = self.open[bit]
            if self.transitions.step(kind, state) == state:
                mask |= bit
                trail = (call, trail)
        return mask, trail

    def successors(
        self, state: int, used: int, mask: int, runs: Sequence[Run]
    ) -> Iterable[tuple[int, int, int, tuple[int, ...]]]:
        """Yield (state, use, bit, calls) for each open call alone, and after each run that it demands."""
        step = self.transitions.step
        todo = (self.observers | self.mutators) & ~mask
        while todo:
            bit = todo & -todo
            todo ^= bit
            call, kind = self.open[bit]
            alone = step(kind, state)
            if alone != IMPOSSIBLE:
                yield alone, used, bit, (call,)
            for run in runs:
                self.budget.spend()
                after = step(kind, run.state)
                if demanded(alone, after):
                    yield after, run.used, bit, (*run.calls, call)

    def _node(self, state: int, used: int) -> int:
        node = self._node_ids.get((state, used))
        if node is None:
            node = self._node_ids[state, used] = len(self.nodes)
            self.nodes.append((state, used))
        return node

    def _keep_undominated(self, survivors: dict[int, Trail]) -> None:
        """Drop the configurations that use a superset of what another, otherwise equal one uses."""
        nodes, width, full = self.nodes, self.width, self.full
        kept: dict[tuple[int, int], list[int]] = {}
        by_use = sorted(survivors, key=lambda configuration: nodes[configuration >> width][1].bit_count())
        for configuration in by_use:
            state, used = nodes[configuration >> width]
            uses = kept.setdefault((state, configuration & full), [])
            if dominated(used, uses):
                del survivors[configuration]
            else:
                uses.append(used)

    def _refutation(self, stuck: int, invoked: int) -> Refutation:
        """Describe the cut: `invoked` calls had begun, and no living configuration lets `stuck` return."""
        cut = Cut(
            stuck=stuck,
            states=self._states(self.alive),
            open=tuple(sorted(opening.call for opening in self.open.values())),
            passed=tuple(each if isinstance(each, Passed) else self._passed(*each) for each in self.told),
            order=_unwind(next(iter(self.alive.values()))),
        )
        return Refutation("configurations", tuple(range(invoked)), cut)

    def _states(self, alive: Iterable[int]) -> tuple[Any, ...]:
        """Return the states of these configurations, each once."""
        nodes = [configuration >> self.width for configuration in alive]
        numbers = dict.fromkeys(self.nodes[node][0] if self.supply.size else node for node in nodes)
        return tuple(self.transitions.states[number] for number in numbers)

    def _passed(self, call: int, alive: Iterable[int]) -> Passed:
        """Describe the configurations that were alive just after a return."""
        needed = -1 if self.supply.size else 0
        for configuration in alive if needed else ():
            needed &= self.nodes[configuration >> self.width][1]
        crashed = (
            member
            for group in self.supply.groups
            for place, member in enumerate(group.calls)
            if needed >> (group.offset + place) & 1
        )
        return Passed(call, self._states(alive), tuple(sorted(crashed)))


def _widest(calls: Calls) -> int:
    """Return the greatest number of completed calls that are open at one time."""
    ends = sorted(returned for returned in calls.returns if returned != FOREVER)
    widest = done = running = 0
    for invoked, returned in zip(calls.invokes, calls.returns, strict=True):
        if returned == FOREVER:
            continue
        while ends[done] < invoked:
            done += 1
            running -= 1
        running += 1
        widest = max(widest, running)
    return widest


def _unwind(trail: Trail) -> list[int]:
    order = []
    while trail is not None:
        call, trail = trail
        order.append(call)
    order.reverse()
    return order
