"""A cut in sentences: where the walk through a witness ended, and why it went no further."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.checkers.evidence.shortage import shortage
from splitbrain.checkers.evidence.values import listed
from splitbrain.checkers.normalise import FOREVER, NONE

if TYPE_CHECKING:
    from splitbrain.checkers.evidence.names import Names
    from splitbrain.checkers.outcome import Cut, Refutation

_RETURNS_TOLD = 10
_CALLS_NAMED = 10
_FEW_STATES = 3
_LONG = 90
"""A name of more characters isn't told again and again."""


class CutStory:
    """Tells one cut; `start` is the call that left what the others begin with (None: the beginning)."""

    def __init__(self, names: Names, refutation: Refutation, cut: Cut, start: int | None) -> None:
        self._names = names
        self._refutation = refutation
        self._cut = cut
        self._start = start
        self._stuck = names.name(cut.stuck)
        operation = names.operations[cut.stuck]
        long = len(self._stuck) > _LONG
        self._again = f"that {operation.f} (position {operation.invoke})" if long else self._stuck
        """The name after it was first told."""
        crashed = any(names.calls.returns[call] == FOREVER for call in names.members)
        self._alone = not crashed and not set(cut.open) - {cut.stuck}
        """Whether nothing else could still have happened at the cut."""

    def headline(self) -> str:
        """Return the contradiction in one clause."""
        names, stuck = self._names, self._stuck
        if len(names.members) == 1:
            state = names.states(self._cut.states)
            if self._start is None:
                return f"nothing before {stuck} explains it: the initial value is {state}"
            verb = "found" if names.kinds.writes[names.calls.kinds[self._start]] == NONE else "left"
            return (
                f"{stuck} came after {names.name(self._start)}, which {verb} {state},"
                " and nothing in between explains it"
            )
        since = f"what ran since {names.name(self._start)}" if self._start is not None else ""
        others = since or "the operations before it"
        clause = f"{stuck} is possible in no order of {others}"
        states = self._cut.states
        unclear = len(states) > _FEW_STATES or any(map(names.is_hidden, states))
        if unclear or not self._alone or self._overlaps():
            return clause
        return f"{clause}, which {'leaves' if since else 'leave'} {names.states(states)}"

    def sentences(self) -> list[str]:
        """Return the contradiction step by step."""
        names, cut = self._names, self._cut
        told = self._returns()
        running = [names.name(call) for call in cut.open if call != cut.stuck]
        if not told and len(names.members) > 1:
            told = [f"Just before {self._again} returned, {self._it()} could only be {self._states()}."]
        if running:
            told.append(f"Also running then: {listed(running[:_CALLS_NAMED])}.")
        if self._refutation.rule == "prices":
            return [*told, *shortage(self._refutation, names.short, self._again)]
        if self._refutation.rule == "supply":
            return [*told, self._why(), *shortage(self._refutation, names.short, self._again)]
        return [*told, self._why()]

    def _overlaps(self) -> bool:
        """Tell whether another call was running when the stuck one was, so that it may have found less."""
        calls, stuck = self._names.calls, self._cut.stuck
        begin, end = calls.invokes[stuck], calls.returns[stuck]
        others = (call for call in self._names.members if call != stuck)
        return any(calls.invokes[call] < end and begin < calls.returns[call] for call in others)

    def _it(self) -> str:
        if self._names.of_lock:
            return "it"
        return "the value" if self._names.flat and not self._names.of_set else "the state"

    def _states(self) -> str:
        return self._names.states(self._cut.states)

    def _returns(self) -> list[str]:
        """Say what was possible as each call returned: a sentence for each of the last few."""
        names = self._names
        explained: set[int] = set()
        told = []
        for passed in self._cut.passed:
            new = [names.name(call) for call in passed.needed if call not in explained]
            explained.update(passed.needed)
            because = f"; this uses up {listed(new)}" if new else ""
            only = f"{self._it()} could only be {names.states(passed.states)}"
            told.append(f"When {names.name(passed.call)} returned, {only}{because}.")
        skipped = len(told) - _RETURNS_TOLD
        return [f"({skipped} earlier returns are left out.)", *told[skipped:]] if skipped > 0 else told

    def _why(self) -> str:
        """Say which value was missing, if it is one that nobody was left to write."""
        names, cut, stuck = self._names, self._cut, self._again
        kind = names.calls.kinds[cut.stuck]
        needed, differs = names.kinds.reads[kind], names.kinds.differs[kind]
        left = [
            call
            for call in names.members
            if names.kinds.writes[names.calls.kinds[call]] == needed != NONE
            and (call in cut.open or names.calls.returns[call] == FOREVER)
            and call != cut.stuck
        ]
        gone = cut.passed[-1].needed if cut.passed else ()
        if needed != NONE and len(names.members) == 1:
            return f"{stuck} needs {names.value(needed)}."
        if needed != NONE and not left:
            return f"{stuck} needs {names.value(needed)}, and nothing that ran or never returned leaves it."
        if needed != NONE and set(left) <= set(gone):
            writers = listed([names.name(call) for call in left])
            return (
                f"{stuck} needs {names.value(needed)};"
                f" only {writers} could still leave it, and that is used up."
            )
        if differs != NONE and self._alone:
            return f"{stuck} needs any value but {names.value(differs)}."
        if self._alone:
            return f"So {stuck} could not have come out as it did."
        return f"{stuck} could not have come out as it did, whatever of the rest happened before."
