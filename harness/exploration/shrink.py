"""Shrinking: from a case that fails to the smallest story that still shows the same kind of violation.

Nothing here understands a protocol. A candidate is a case; it is kept if its run shows a violation of
the same kind, whatever the evidence. Three things make that work well on schedules:

- What is left out leaves the rest as it was, since all randomness is addressed and not consumed.
- The schedule goes first. Most failures don't need the weather in which they were found; under `CALM`
  a run has no chance in it, so that taking an operation out reshuffles nothing.
- Where the weather is needed, it stays drawn until the run is short, and is only then spelled out as
  deviations, of which a handful matters.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from splitbrain.errors import UsageError
from splitbrain.exploration.assess import assess
from splitbrain.exploration.order import PASSES, TIDYING, WEATHER, Pass
from splitbrain.exploration.passes import Facts
from splitbrain.exploration.reshape import incidents, spelled_out
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.exploration.trial import BudgetSpentError, Trier
from splitbrain.exploration.weather import is_calm

if TYPE_CHECKING:
    from collections.abc import Callable

    from splitbrain.exploration.case import Case
    from splitbrain.exploration.simulate import Resolved

DEFAULT_TIME = 60.0
"""Seconds that shrinking may take when nothing is said."""


@dataclass(frozen=True)
class Size:
    """How much there is to a case: client operations, faults (crash points too), deviations, nodes."""

    operations: int
    faults: int
    deviations: int
    nodes: int

    def __str__(self) -> str:
        counts = {"operation": self.operations, "fault": self.faults, "deviation": self.deviations}
        return ", ".join(_many(count, noun) for noun, count in counts.items())


@dataclass(frozen=True)
class Shrunk:
    """What shrinking came to: the case, its size before and after, how many runs it took.

    `complete` tells whether no pass knew anything simpler; otherwise the budget was spent first.
    """

    case: Case
    kind: str
    before: Size
    after: Size
    runs: int
    complete: bool


def shrink(
    case: Case,
    kind: str | None = None,
    *,
    seconds: float | None = DEFAULT_TIME,
    runs: int | None = None,
    workers: int = 0,
    clock: Callable[[], float] = time.monotonic,
    interrupted: Callable[[], bool] = lambda: False,
    progress: Callable[[str, Size, int], None] | None = None,
) -> Shrunk:
    """Return the smallest case that was found to show the same kind of violation.

    `kind` defaults to the first that the case shows. The search ends when nothing simpler fails, or after
    `seconds` of `clock`, after `runs` runs, or when it is `interrupted`; for a given number of runs its
    result is always the same, however many `workers` (processes that try candidates ahead) there are.
    `progress` is told the pass, the size of the best case and the number of runs.

    Raises:
        UsageError: the case can't be run, or shows no violation (of that kind).
        HarnessError: a node raised before it was first ready.
    """
    began = clock()
    resolved = resolve(case)
    facts = _facts(case, resolved, kind)
    before = size_of(spelled_out(case, facts.outcome) if case.operations is None else case, facts)

    def spent() -> bool:
        return interrupted() or (seconds is not None and clock() - began >= seconds)

    with Trier(case, resolved, facts.kind, limit=runs, spent=spent, workers=workers) as trier:
        search = _Search(case, resolved, facts, trier, progress)
        complete = True
        try:
            search.to_the_end()
        except BudgetSpentError:
            complete = False
        best = search.best
        return Shrunk(best, facts.kind, before, size_of(best), trier.runs, complete)


def processors() -> int:
    """Return how many processes are worth having here."""
    return min(2, os.cpu_count() or 1)


def size_of(case: Case, facts: Facts | None = None) -> Size:
    """Return the size of a case; with `facts`, its deviations are all departures from calm of its run."""
    deviations = len(case.deviations)
    if facts is not None and facts.outcome.recorded is not None:
        deviations = sum(not is_calm(each) for each in facts.outcome.recorded)
    return Size(len(case.operations or ()), len(incidents(case)), deviations, case.nodes)


def _facts(case: Case, resolved: Resolved, kind: str | None) -> Facts:
    outcome = simulate(case, resolved, record=True)
    assessment = assess(resolved, outcome)
    kinds = assessment.kinds
    if not kinds:
        raise UsageError("There is nothing to shrink: the run shows no violation.")
    if kind is not None and kind not in kinds:
        raise UsageError(f"The run shows no violation of the kind {kind!r}; it shows {', '.join(kinds)}.")
    return Facts(kind or kinds[0], outcome, assessment)


class _Search:
    """The best case so far, and the passes over it."""

    def __init__(
        self,
        case: Case,
        resolved: Resolved,
        facts: Facts,
        trier: Trier,
        progress: Callable[[str, Size, int], None] | None,
    ) -> None:
        self.best = case
        self._resolved = resolved
        self._facts = facts
        self._trier = trier
        self._progress = progress
        self._been = {repr(case)}

    def to_the_end(self) -> None:
        """Run all passes until none knows anything simpler."""
        if self.best.operations is None:
            self._say("operations")
            found = self._trier.first([spelled_out(self.best, self._facts.outcome)])
            if found is not None:
                self._accept(found[1])
        self._until_nothing_changes(PASSES)
        self._until_nothing_changes((*PASSES, *TIDYING))
        for each in WEATHER:
            self._go_through(each)
        self._until_nothing_changes((*PASSES, *TIDYING))

    def _until_nothing_changes(self, passes: tuple[Pass, ...]) -> None:
        before = None
        while self.best != before:
            before = self.best
            for each in passes:
                self._go_through(each)

    def _go_through(self, each: Pass) -> None:
        self._say(each.name)
        before = self.best
        steps = each.steps(self.best, self._facts)
        try:
            batch = next(steps)
            while True:
                found = self._trier.first(batch)
                if found is not None:
                    key = repr(found[1])
                    if key in self._been:
                        # What one pass takes for plainer, another one undid: they must not take turns.
                        break
                    self._been.add(key)
                    self.best = found[1]
                    self._say(each.name)
                batch = steps.send(None if found is None else found[0])
        except StopIteration:
            pass
        if self.best != before:
            self._accept(self.best)

    def _accept(self, case: Case) -> None:
        """Take a case for the best, and look at its run once more, to know more of it."""
        self.best = case
        outcome = simulate(case, self._resolved, record=True)
        self._facts = replace(self._facts, outcome=outcome, assessment=assess(self._resolved, outcome))

    def _say(self, name: str) -> None:
        if self._progress is not None:
            self._progress(name, size_of(self.best), self._trier.runs)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
