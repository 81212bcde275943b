"""Crashed calls as a supply: counted by kind, and taken only where a completed call demands them.

The theory (symmetry, demand, unnamed values) stands in `configurations.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.lanes.transitions import IMPOSSIBLE
from splitbrain.checkers.normalise import FOREVER, NONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.lanes.transitions import Transitions
    from splitbrain.checkers.normalise import Calls, Kinds


class Group(NamedTuple):
    """The crashed calls of one kind, by invocation; the i-th is bit `offset + i` of a use."""

    kind: int
    calls: tuple[int, ...]
    offset: int


class Run(NamedTuple):
    """Crashed calls in a row: the state they lead to, the use after them, and the calls."""

    state: int
    used: int
    calls: tuple[int, ...]


class Supply:
    """The crashed calls of one key, and how many of each kind have been invoked so far."""

    def __init__(self, calls: Calls, kinds: Kinds, *, flat: bool) -> None:
        members: dict[int, list[int]] = {}
        for call, (kind, returned) in enumerate(zip(calls.kinds, calls.returns, strict=True)):
            if returned == FOREVER:
                members.setdefault(kind, []).append(call)
        self.groups: list[Group] = []
        offset = 0
        for kind, crashed in members.items():
            self.groups.append(Group(kind, tuple(crashed), offset))
            offset += len(crashed)
        self.size = offset
        self._kinds = kinds
        self._flat = flat
        self._invoked = [0] * len(self.groups)
        self._available: list[int] = []
        """The groups of which some call has been invoked, in the order in which the first one was."""
        self._group_of = {group.kind: number for number, group in enumerate(self.groups)}
        self._writers: dict[int, list[int]] = {}
        for number, group in enumerate(self.groups):
            self._writers.setdefault(kinds.writes[group.kind], []).append(number)

    def invoke(self, kind: int) -> None:
        """Make one more crashed call of that kind available."""
        number = self._group_of[kind]
        self._invoked[number] += 1
        if self._invoked[number] == 1:
            self._available.append(number)

    def withdraw(self, kind: int) -> None:
        """Take back the last `invoke` of that kind."""
        number = self._group_of[kind]
        self._invoked[number] -= 1
        if not self._invoked[number]:
            self._available.remove(number)

    def useful(self, open_kinds: Iterable[int]) -> list[int]:
        """Return the groups that can change what some open completed call does, each once.

        For a register that is the groups which write a value that an open call needs; a crashed cas
        among them needs its own value in turn. A call that excludes a value can be served by every group.
        """
        available = self._available
        if not available or not self._flat:
            return available
        reads, differs, writers = self._kinds.reads, self._kinds.differs, self._writers
        pending = []
        for kind in open_kinds:
            if differs[kind] != NONE:
                return available
            if reads[kind] != NONE:
                pending.append(reads[kind])
        needed = set(pending)
        chosen: list[int] = []
        while pending:
            for number in writers.get(pending.pop(), ()):
                if self._invoked[number]:
                    chosen.append(number)
                    value = reads[self.groups[number].kind]
                    if value != NONE and value not in needed:
                        needed.add(value)
                        pending.append(value)
        return chosen

    def runs(
        self, state: int, used: int, useful: Sequence[int], transitions: Transitions, budget: Budget
    ) -> list[Run]:
        """Return the undominated runs of useful crashed calls that leave another state, shortest first."""
        found: dict[int, list[int]] = {}
        runs: list[Run] = []
        level = [Run(state, used, ())]
        while level:
            longer: list[Run] = []
            for run in level:
                for number in useful:
                    kind, members, offset = self.groups[number]
                    taken = ((run.used >> offset) & ((1 << len(members)) - 1)).bit_length()
                    if taken >= self._invoked[number]:
                        continue
                    budget.spend()
                    after = transitions.step(kind, run.state)
                    if after in (run.state, state) or after < 0:
                        continue
                    use = run.used | (1 << (offset + taken))
                    if not dominated(use, found.setdefault(after, [])):
                        found[after].append(use)
                        longer.append(Run(after, use, (*run.calls, members[taken])))
            runs += longer
            level = longer
        return runs


def dominated(used: int, others: Iterable[int]) -> bool:
    """Tell whether another use takes no crashed call that `used` doesn't take."""
    return any(other & ~used == 0 for other in others)


def demanded(alone: int, after_run: int) -> bool:
    """Tell whether a call demands the run before it: only so it is legal, or goes there (pruning 5)."""
    return after_run not in (IMPOSSIBLE, alone)
