"""A search for one linearization, depth first: fast where there are many and each return has many orders.

The nodes are the configurations of `configurations.py`, with its prunings: observers as soon as they are
legal, crashed calls counted by kind and taken only where they are demanded, nothing linearized before some
return demands it. The walk there visits all that are alive at one return before the next; this search goes
to the end with the first that can, and turns back where it is stuck. So it may find a linearization that
the walk, with very many configurations alive, would not live to see. A configuration that led nowhere is
remembered together with its return (Lowe 2016), so none is visited twice and the search ends: then there is
no linearization, and all configurations at the furthest return are the cut.

*Order.* First the call that must return next, alone; then other calls, those that return earlier first; then
runs of crashed calls, shorter ones first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.budget import BudgetExceeded
from splitbrain.checkers.lanes.canonical import canonical
from splitbrain.checkers.lanes.configurations import Opening, Walk
from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Cut, Linearization, Refutation, Undecided

if TYPE_CHECKING:
    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome


def decide(calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget) -> Outcome:
    """Decide one key, or say how far the search came within the budget.

    Raises:
        ModelError: the model contradicts itself.
    """
    search = _Search(Walk(canonical(calls, kinds, model, initial), kinds, budget))
    try:
        return search.run()
    except BudgetExceeded as exceeded:
        reason = f"{exceeded} ran out"
    except MemoryError:
        reason = "the memory of this machine ran out"
    return Undecided(
        f"{reason} after {search.furthest} of {len(search.stages.completed)} completed operations,"
        f" searched depth first"
    )


class _Node(NamedTuple):
    """A configuration: the state, the crashed calls used, and the open calls that are linearized."""

    state: int
    used: int
    mask: int


class _Way(NamedTuple):
    """One way on from a node: the next node, and the calls that lead there."""

    node: _Node
    calls: tuple[int, ...]


class _Frame(NamedTuple):
    """A node on the way to the present one: its return, the length of the order there, the ways left."""

    stage: int
    length: int
    ways: list[_Way]


class _Search:
    """One search over the returns of one key."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self.stages = _Stages(walk)
        self.furthest = 0
        self._cut: tuple[dict[int, None], tuple[int, ...], int] = ({}, (), 0)
        """At the furthest return: the states seen, the open calls, and how many calls had begun."""
        self._order: list[int] = []
        self._seen: set[tuple[int, _Node]] = set()

    def run(self) -> Outcome:
        """Search to the end of some order, or of all orders."""
        stages, order, frames = self.stages, self._order, list[_Frame]()
        node: _Node | None = _Node(0, 0, 0)
        stages.forward()
        while True:
            node = None if node is None else self._settle(node)
            if stages.stage == len(stages.completed):
                return Linearization(order)
            if node is not None and (stages.stage, node) not in self._seen:
                self._walk.budget.spend()
                self._seen.add((stages.stage, node))
                self._look(node)
                frames.append(_Frame(stages.stage, len(order), self._ways(node)))
            while frames and not frames[-1].ways:
                frames.pop()
            if not frames:
                return self._refutation()
            frame = frames[-1]
            while stages.stage > frame.stage:
                stages.back()
            del order[frame.length :]
            way = frame.ways.pop()
            order.extend(way.calls)
            node = way.node

    def _settle(self, node: _Node) -> _Node:
        """Linearize observers, and let calls return as long as those that are next are linearized."""
        stages, walk = self.stages, self._walk
        state, used, mask = node
        while stages.stage < len(stages.completed):
            mask, trail = walk.absorb(state, mask, None)
            absorbed = []
            while trail is not None:
                call, trail = trail
                absorbed.append(call)
            self._order.extend(reversed(absorbed))
            if not mask & stages.wanted:
                break
            mask ^= stages.wanted
            stages.forward()
        return _Node(state, used, mask)

    def _look(self, node: _Node) -> None:
        """Note what will be the cut if the search comes no further."""
        stages = self.stages
        if stages.stage > self.furthest or not self._cut[0]:
            self.furthest = stages.stage
            opened = tuple(sorted(opening.call for opening in self._walk.open.values()))
            self._cut = ({}, opened, stages.invoked)
        if stages.stage == self.furthest:
            self._cut[0][node.state] = None

    def _ways(self, node: _Node) -> list[_Way]:
        """Return the ways on, the most promising one last."""
        walk, supply, wanted = self._walk, self._walk.supply, self.stages.wanted
        useful = supply.useful(each.kind for each in walk.open.values()) if supply.size else ()
        runs = supply.runs(node.state, node.used, useful, walk.transitions, walk.budget) if useful else ()
        returns = walk.calls.returns
        ways = []
        for state, used, bit, calls in walk.successors(node.state, node.used, node.mask, runs):
            rank = (len(calls), bit != wanted, returns[calls[-1]])
            ways.append((rank, _Way(_Node(state, used, node.mask | bit), calls)))
        ways.sort(key=lambda way: way[0], reverse=True)
        return [way for _, way in ways]

    def _refutation(self) -> Refutation:
        seen, opened, invoked = self._cut
        states = tuple(self._walk.transitions.states[state] for state in seen)
        cut = Cut(self.stages.completed[self.furthest], states, opened)
        return Refutation("configurations", tuple(range(invoked)), cut)


class _Stages:
    """Where the search stands: the returns passed, and through them which calls are open; it can go back."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        returns = walk.calls.returns
        completed = [call for call, returned in enumerate(returns) if returned != FOREVER]
        self.completed = sorted(completed, key=returns.__getitem__)
        self.stage = -1
        self.invoked = 0
        self.wanted = 0
        """The bit of the call that returns next."""
        self._free = [1 << slot for slot in reversed(range(walk.width))]
        self._bits: dict[int, int] = {}
        self._begun: list[int] = []
        """For each return passed, how many calls had begun before it."""

    def forward(self) -> None:
        """Let the wanted call return, and all calls begin that were invoked before the next return."""
        if self.stage >= 0:
            self._close(self.completed[self.stage])
        self.stage += 1
        self._begun.append(self.invoked)
        if self.stage == len(self.completed):
            return
        calls = self._walk.calls
        position = calls.returns[self.completed[self.stage]]
        while self.invoked < len(calls.kinds) and calls.invokes[self.invoked] < position:
            if calls.returns[self.invoked] == FOREVER:
                self._walk.supply.invoke(calls.kinds[self.invoked])
            else:
                self._open(self.invoked)
            self.invoked += 1
        self.wanted = self._bits[self.completed[self.stage]]

    def back(self) -> None:
        """Undo the last step forward. Open calls get the bits that they had."""
        calls, begun = self._walk.calls, self._begun.pop()
        while self.invoked > begun:
            self.invoked -= 1
            if calls.returns[self.invoked] == FOREVER:
                self._walk.supply.withdraw(calls.kinds[self.invoked])
            else:
                self._close(self.invoked)
        self.stage -= 1
        self._open(self.completed[self.stage])
        self.wanted = self._bits[self.completed[self.stage]]

    def _open(self, call: int) -> None:
        walk = self._walk
        kind, bit = walk.calls.kinds[call], self._free.pop()
        self._bits[call] = bit
        walk.open[bit] = Opening(call, kind)
        if walk.kinds.observer[kind]:
            walk.observers |= bit
        else:
            walk.mutators |= bit

    def _close(self, call: int) -> None:
        walk, bit = self._walk, self._bits[call]
        del walk.open[bit]
        walk.observers &= ~bit
        walk.mutators &= ~bit
        self._free.append(bit)
