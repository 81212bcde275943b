"""How much would this history have caught? The share of plausible corruptions that a check of it notices.

A history may be valid because the system is right, or because the workload could not have seen it go wrong:
few values that repeat, and crashed calls that excuse nearly everything. So a valid history is corrupted in
many plausible ways (`corruption.py`), one at a time, and each is checked. "180 of 200 would have been
noticed" says what the verdict is worth.

What the number means, and what it doesn't:

- It is about *this* history: its operations, values, crashes and overlaps. It says nothing about faults that
  were never injected or about operations that were never tried.
- A bug may change no answer, as a lost write that nobody read before the next one. Nothing could notice that,
  so it is counted apart, as *silent*. Many of them say that the workload looks too seldom; where nothing but
  silent bugs can be drawn, the share is 0.
- *Noticed is exact*: a corrupted history that is said to be noticed has no linearization. Of a long key
  only a window around the change is looked at (`lookout.py`): if what is seen through it has no
  linearization, neither has the whole. *Not noticed* may, for long keys, mean
  "not through this window"; so the share is a lower bound there.
- The ways are tried in turn, whatever bugs are likely in truth. Compare histories by it, not systems.

Everything is drawn from the generator that the caller passes in, and work is counted in calls and
configurations, so the same history gives the same score everywhere, unless the time given runs out first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.budget import Budget, BudgetExceeded
from splitbrain.checkers.corruption import WAYS, Replay
from splitbrain.checkers.evidence.values import show
from splitbrain.checkers.lanes import dispatch
from splitbrain.checkers.lookout import View
from splitbrain.checkers.normalise import FOREVER, KindTable, normalise
from splitbrain.checkers.outcome import Refutation, Undecided
from splitbrain.checkers.values import freeze
from splitbrain.histories.history import INFO, NEVER

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from random import Random

    from splitbrain.checkers.corruption import Corruption
    from splitbrain.checkers.models import Call, Model
    from splitbrain.checkers.normalise import Calls
    from splitbrain.checkers.outcome import Outcome
    from splitbrain.histories.history import History

CORRUPTIONS = 200
"""How many corruptions are tried."""
WORK = 100_000
"""Calls and configurations that may be looked at, over all corruptions: about a second of plain Python."""
SECONDS = 3.0
"""A slow machine is stopped after so long, although its score then depends on it."""
EXAMPLES = 5
"""Of the corruptions that would have gone unnoticed, so many are told."""
LONGEST = 50_000
"""Operations of a history that are used: a longer one is cut off behind them."""
DRAWS = 6
"""A draw may lead to no corruption; so many are made for each."""
FRUITLESS = 20
"""A way that has led to none in so many turns is given up."""
ONE = 20_000
"""Configurations that one corrupted key may take; beyond, it is undecided."""


@dataclass
class Tally:
    """What became of the corruptions of one way."""

    tried: int = 0
    """How many changed an answer."""
    noticed: int = 0
    undecided: int = 0
    silent: int = 0
    """How many more changed none."""


@dataclass(frozen=True)
class Vacuity:
    """The score, by ways, with examples of what would have gone unnoticed, as sentences."""

    ways: Mapping[str, Tally]
    unnoticed: Sequence[str] = ()
    operations: int = 0
    """How many operations of the history were used: all, or those at its beginning."""
    complete: bool = True
    """Whether as many corruptions were tried as were wanted."""

    @property
    def corruptions(self) -> int:
        """How many were tried, those apart that changed no answer."""
        return sum(tally.tried for tally in self.ways.values())

    @property
    def silent(self) -> int:
        """How many changed no answer."""
        return sum(tally.silent for tally in self.ways.values())

    @property
    def share(self) -> float | None:
        """The share that is noticed; None if nothing could be corrupted."""
        if self.corruptions:
            return self.noticed / self.corruptions
        return 0.0 if self.silent else None

    @property
    def noticed(self) -> int:
        """How many a check notices."""
        return sum(tally.noticed for tally in self.ways.values())

    def to_json(self) -> dict[str, Any]:
        """Return the score as it stands in a verdict's `coverage`."""
        return {
            "corruptions": self.corruptions,
            "noticed": self.noticed,
            "undecided": sum(tally.undecided for tally in self.ways.values()),
            "silent": self.silent,
            "share": None if self.share is None else round(self.share, 4),
            "ways": {way: vars(tally) for way, tally in self.ways.items() if tally.tried or tally.silent},
            "unnoticed": list(self.unnoticed),
            "operations": self.operations,
            "complete": self.complete,
        }


def measure_vacuity(
    history: History,
    model: Model,
    proof: Mapping[str, Any],
    random: Random,
    *,
    corruptions: int = CORRUPTIONS,
    work: int = WORK,
    timeout: float | None = SECONDS,
    budget: Budget | None = None,
) -> Vacuity:
    """Corrupt a valid history and tell how much of it would have been noticed.

    `proof` is the certificate of its verdict (`linearizations`). `timeout` is in seconds, `work` in calls and
    configurations: whichever ends first ends it, or a `budget` that has begun already.
    """
    budget = (budget or Budget()).sooner(timeout)
    beginning = _beginning(history)
    model, initial = model.starting(proof["initial"])
    try:
        columns = normalise(
            beginning,
            model,
            initial,
            keyed=proof["keyed"],
            nil_reads=proof["nil_reads"],
            failed_cas=proof["failed_cas"],
            budget=budget,
        )
    except BudgetExceeded:
        return Vacuity({way: Tally() for way in WAYS}, (), len(beginning), complete=False)
    table = KindTable(model, initial)
    for call in columns.kinds.calls:
        table.add(call)
    orders = {freeze(each["key"]): each["order"] for each in proof["keys"]}
    replays = [
        Replay(calls, _order_within(calls, orders[freeze(calls.key)]), columns.kinds, model, initial)
        for calls in columns.keys
        if freeze(calls.key) in orders
    ]
    trial = _Trial(
        beginning,
        replays,
        table,
        random,
        model=model,
        initial=initial,
        loose=proof["nil_reads"] == "any",
        key_named=bool(proof["keyed"]),
    )
    return trial.run(corruptions, work, budget)


def _beginning(history: History) -> History:
    """Return a history's first operations; what had not completed by then never does."""
    if len(history) <= LONGEST:
        return history
    end = history.invoke[LONGEST]
    cut = range(LONGEST)
    over = [history.complete[index] >= end for index in cut]
    status, complete, results = (
        history.status[:LONGEST],
        history.complete[:LONGEST],
        list(history.results[:LONGEST]),
    )
    for index in cut:
        if over[index]:
            status[index], complete[index], results[index] = INFO, NEVER, None
    return replace(
        history,
        process=history.process[:LONGEST],
        f=history.f[:LONGEST],
        key=history.key[:LONGEST],
        status=status,
        invoke=history.invoke[:LONGEST],
        complete=complete,
        time=history.time[:LONGEST],
        end_time=history.end_time[:LONGEST],
        values=history.values[:LONGEST],
        results=results,
    )


def _order_within(calls: Calls, order: Sequence[int]) -> list[int]:
    """Return the order, given by positions, in indices of the key, up to its last completed call."""
    numbers = {position: number for number, position in enumerate(calls.invokes)}
    known = [numbers[position] for position in order if position in numbers]
    while known and calls.returns[known[-1]] == FOREVER:
        known.pop()
    return known


class _Trial:
    """Draws corruptions and checks each."""

    def __init__(
        self,
        history: History,
        replays: Sequence[Replay],
        table: KindTable,
        random: Random,
        *,
        model: Model,
        initial: Any,
        loose: bool,
        key_named: bool,
    ) -> None:
        self._history = history
        self._replays = replays
        self._table = table
        self._model = model
        self._initial = initial
        self._random = random
        self._loose = loose
        self._key_named = key_named
        self._views = [View(replay) for replay in replays]
        self._kinds: dict[Hashable, int] = {}
        self._seen: set[Hashable] = set()
        self._work = 0
        self._tallies = {way: Tally() for way in WAYS}
        self._unnoticed: dict[str, list[str]] = {way: [] for way in WAYS}

    def run(self, corruptions: int, work: int, budget: Budget) -> Vacuity:
        """Try the ways in turn until there are enough corruptions, or the work or the time is spent."""
        able = {way: self._able(way) for way in WAYS}
        complete = True
        try:
            for turn in range(corruptions):
                for way, keys in able.items():
                    if keys and (turn < FRUITLESS or self._tallies[way].tried):
                        budget.check()
                        self._one(way, keys, budget)
                if self._work >= work:
                    complete = False
                    break
                if sum(tally.tried for tally in self._tallies.values()) >= corruptions:
                    break
        except BudgetExceeded:
            complete = False
        told = [each for row in zip_longest(*self._unnoticed.values()) for each in row if each]
        return Vacuity(self._tallies, told[:EXAMPLES], len(self._history), complete)

    def _able(self, way: str) -> list[int]:
        """Return the keys that such a corruption may be drawn for, each as often as it has such calls."""
        keys = []
        for number, replay in enumerate(self._replays):
            calls = replay.mutators if way in ("lost", "repeated") else replay.observers
            if way == "swapped":
                calls = replay.order
            if way == "other-key" and len(self._replays) == 1:
                continue
            keys += [number] * len(calls)
        return keys

    def _one(self, way: str, able: Sequence[int], budget: Budget) -> None:
        """Draw a new corruption of that way and check it; nothing, if several draws lead to none."""
        for _ in range(DRAWS):
            number = self._random.choice(able)
            corruption = self._replays[number].corrupt(way, self._random, self._replays)
            self._work += 1
            if corruption is None or not self._is_new(number, corruption):
                continue
            if corruption.changed:
                self._count(number, corruption, budget)
                return
            self._tallies[way].silent += 1

    def _is_new(self, number: int, corruption: Corruption) -> bool:
        """Tell whether this key was not corrupted so before: a short history is soon exhausted."""
        changed = tuple((call, *answer) for call, answer in corruption.changed.items())
        identity = freeze((number, corruption.way, corruption.call, changed))
        known = identity in self._seen
        self._seen.add(identity)
        return not known

    def _count(self, number: int, corruption: Corruption, budget: Budget) -> None:
        outcome = self._outcome(self._views[number], corruption, budget)
        tally = self._tallies[corruption.way]
        tally.tried += 1
        if isinstance(outcome, Refutation):
            tally.noticed += 1
        elif isinstance(outcome, Undecided):
            tally.undecided += 1
        elif len(self._unnoticed[corruption.way]) < EXAMPLES:
            self._unnoticed[corruption.way].append(self._tell(self._replays[number], corruption))

    def _outcome(self, view: View, corruption: Corruption, budget: Budget) -> Outcome:
        """Decide the corrupted key, through a window if it is long."""
        changed = {number: self._kind(call) for number, call in corruption.changed.items()}
        kinds = self._table.build()
        window = view.window(changed, kinds, corruption.until)
        calls = view.through(window, changed, kinds, self._crashed)
        initial = self._initial if window.start is None else kinds.values[window.initial]
        kinds = kinds._replace(initial=window.initial)
        part = budget.part(ONE)
        outcome = dispatch.decide(calls, kinds, self._model, initial, part).outcome
        self._work += len(calls.kinds) + part.spent
        if isinstance(outcome, Undecided):
            budget.check()
        return outcome

    def _kind(self, call: Call) -> int:
        """Return the kind of a call that the history may not have."""
        identity = freeze(tuple(call))
        kind = self._kinds.get(identity)
        if kind is None:
            loosened = self._model.loosen(call) if self._loose else call
            kind = self._kinds[identity] = self._table.add(loosened)
        return kind

    def _crashed(self, kind: int) -> int:
        """Return the kind that a completed call has if its answer never came."""
        call = self._table.build().calls[kind]
        return self._kind(call._replace(result=None, known=False, applied=True))

    def _tell(self, replay: Replay, corruption: Corruption) -> str:
        operation = self._history[replay.calls.indices[corruption.call]]
        shown = operation.result if operation.value is None else operation.value
        on = f" on key {show(replay.calls.key)}" if self._key_named else ""
        where = f"(process {operation.process}, position {operation.invoke})"
        return f"If {operation.f} {show(shown)}{on} {where} {corruption.told}, nobody would have noticed."
