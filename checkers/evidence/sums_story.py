"""The contradictions that the lane of counters names, in sentences."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.evidence.values import sentence, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.evidence.names import Names
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Refutation

RULES = frozenset({"no-sum", "backwards", "count"})


class _Read(NamedTuple):
    """A read, and behind how many additions it stands."""

    call: int
    level: int


class Sums:
    """Tells what the calls of one witness say about how often a counter was added to."""

    def __init__(
        self, calls: Calls, kinds: Kinds, members: Sequence[int], names: Names, *, origin: str
    ) -> None:
        self._calls = calls
        self._origin = origin
        self._names = names
        self._initial = kinds.values[kinds.initial] or 0
        described = {number: kinds.calls[calls.kinds[number]] for number in members}
        self._additions = [number for number, call in described.items() if call.f == "add" and call.value]
        self._amount = next((described[number].value for number in self._additions), 1)
        self._found = {
            number: call.result for number, call in described.items() if call.f == "read" and call.known
        }

    def headline(self, refutation: Refutation) -> str:
        """Return the contradiction in one clause."""
        name, core = self._names.name, refutation.core
        if refutation.rule == "no-sum":
            return f"no additions lead to {name(core[0])}: {self._origin}, and {self._added()}"
        if refutation.rule == "backwards":
            less = "less" if self._amount > 0 else "more"
            return f"{name(core[0])} had returned before {name(core[1])} was invoked, which found {less}"
        return self._counted()

    def sentences(self, refutation: Refutation) -> list[str]:
        """Return the contradiction step by step."""
        told = [f"{sentence(self._origin)}, and {self._added()}."]
        if refutation.rule == "no-sum":
            found = show(self._found[refutation.core[0]])
            return [*told, f"{found} is no sum of these, however many of the additions took effect."]
        if refutation.rule == "backwards":
            return [*told, f"So the counter only goes {'up' if self._amount > 0 else 'down'}."]
        return [*told, "So the number that a read found says how many additions came before it."]

    def _added(self) -> str:
        return f"every addition is of {show(self._amount)}" if self._additions else "nothing was added"

    def _counted(self) -> str:
        """Say which read, or which two, can't be given the number of additions that they found."""
        levels = {call: (found - self._initial) // self._amount for call, found in self._found.items()}
        reads = [_Read(call, levels[call]) for call in sorted(levels, key=levels.__getitem__)]
        for early, late in [*((None, read) for read in reads), *pairwise(reads)]:
            told = self._against(early, late)
            if told:
                return told
        return (
            f"{len(self._additions)} additions can't be put before and behind {len(reads)} reads so that each"
            " read finds its number"
        )

    def _against(self, early: _Read | None, late: _Read) -> str:
        """Say that too many or too few additions are possible between two reads, or return nothing."""
        invokes, returns, name = self._calls.invokes, self._calls.returns, self._names.name
        invoked, returned = invokes[late.call], returns[late.call]
        level = late.level - (early.level if early is not None else 0)
        since = -1 if early is None else returns[early.call]
        before = -1 if early is None else invokes[early.call]
        sure = sum(invokes[each] > since and returns[each] < invoked for each in self._additions)
        most = sum(returns[each] > before and invokes[each] < returned for each in self._additions)
        behind = "" if early is None else f" since {name(early.call)}"
        if sure > level:
            return (
                f"{name(late.call)} found {_times(level)}{behind}, but {_times(sure)} had begun and returned"
                " before it was invoked"
            )
        if most < level:
            return (
                f"{name(late.call)} found {_times(level)}{behind}, but only {_times(most)} can have taken"
                " effect by then"
            )
        return ""


def _times(number: int) -> str:
    return "1 addition" if number == 1 else f"{number} additions"
