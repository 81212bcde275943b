"""Every lane on many small histories at once, each as a key of one history.

So a history is read, normalised and decided by the oracle once, and then each lane has its say. Nothing of
theirs is believed: an order must be a linearization for the oracle, and what is refuted must have none.
Certificates are made and verified by `test_lanes_agree`, and for a share of the histories by `campaign`.
"""

from heapq import merge
from typing import Any, NamedTuple
from unittest.mock import patch

from small_histories import CLIENTS, MOST

from splitbrain.checkers.budget import Budget
from splitbrain.checkers.lanes import (
    configurations,
    depth_first,
    dispatch,
    necessary,
    pricing,
    relaxation,
    single_key,
    zones,
)
from splitbrain.checkers.lanes.columns.settle import settle
from splitbrain.checkers.lanes.kernel import run
from splitbrain.checkers.models import BUILT_IN
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.outcome import Linearization, Refutation, Undecided
from splitbrain.checkers.watch import Watch
from splitbrain.histories.builder import HistoryBuilder

MODELS = {model.name: model for model in BUILT_IN}
CHOSEN, COLUMNS = "auto", "columns"
"""What the dispatcher chooses; the lane that decides many keys at once, over columns."""
WHOLE = (CHOSEN, "configurations", "depth-first")
"""They decide everything."""
TRANSITIONS = 400
"""The kernel leaves a history where the model reaches more states than so many transitions find."""
STATES = 24
"""Priced supply leaves one where crashed calls lead to so many states: of most types, there is no end."""
TRAIL = 1 << 9
"""The room that the kernel has at first for its trails; its own would cost more than all the rest."""
RARE = 5
"""The kernel isn't asked where it leaves so many times the histories that it decides."""
TOGETHER = 16
"""So many histories are normalised together."""


def _necessary(calls, kinds, _model, _initial):
    if not all(map(kinds.flat.__getitem__, calls.kinds)):
        return Undecided("not an access")
    return necessary.refute(calls, kinds, Watch(Budget())) or Undecided("no condition is broken")


def _single_key(calls, kinds, model, initial):
    with patch.object(single_key, "MANY", 0):
        seen = single_key.refuted(calls, kinds, model, initial, Budget())
    return Undecided("no key refutes it") if seen is None else seen.outcome


def _kernel(calls, kinds, model, initial):
    prepared = run.prepare(calls, kinds, model, initial, Budget(configurations=TRANSITIONS))
    return prepared if isinstance(prepared, Undecided) else prepared.decide(Budget())


def lanes_of(model):
    """Return the lanes that decide one key, by name, each from its calls, kinds, model and initial state."""
    lanes = {
        "necessary": _necessary,
        "zones": lambda calls, kinds, _model, _initial: zones.decide(calls, kinds, Watch(Budget())),
        "configurations": lambda *key: configurations.decide(*key, Budget()),
        "depth-first": lambda *key: depth_first.decide(*key, Budget()),
        "kernel": _kernel,
        "priced": lambda *key: pricing.decide(*key, Budget()),
    }
    if model.discipline:
        name = dispatch.BY_DISCIPLINE[model.discipline]
        lanes[name] = lambda calls, kinds, _model, _initial: dispatch.LANES[model.discipline](
            calls, kinds, Watch(Budget())
        )
    if model.name in ("list-append", "rw-register", "multi-register"):
        lanes["single-key"] = _single_key
    return lanes


class Disagreement(NamedTuple):
    """A lane, and what is wrong with what it said of a history."""

    lane: str
    complaint: str
    drawn: Any


class Judge:
    """Lets lanes decide histories of one data type, or `only` one of them, and counts how each decides."""

    def __init__(self, histories, only=None):
        data_type = histories.data_type
        self._histories = histories
        model = MODELS[data_type.model]()
        self.model, self.initial = model.starting(data_type.options.get("initial", model.initial))
        self.lanes = lanes_of(self.model)
        self.columns = only in (None, COLUMNS)
        if only is not None:
            self.lanes = {lane: decide for lane, decide in self.lanes.items() if lane == only}
        self.counts = {}
        """By lane: how many histories it found linearizable, how many it refuted, how many it left."""

    def judge(self, batch):
        """Yield the disagreements over histories, each given with whether it is linearizable."""
        with patch.object(run, "_STEPS", TRAIL), patch.object(relaxation, "MOST_STATES", STATES):
            yield from self._judge_all(batch)

    def _judge_all(self, batch):
        history, bases, owned = together([drawn for drawn, _ in batch])
        for first in range(0, len(batch), TOGETHER):
            numbers = range(first, min(first + TOGETHER, len(batch)))
            among = [index for number in numbers for index in owned[number]]
            columns = normalise(history, self.model, self.initial, keyed=True, among=among)
            parts = {number: [] for number in numbers}
            for calls in columns.keys:
                parts[calls.key].append(calls)
            for number in numbers:
                yield from self._judge(*batch[number], parts[number], columns.kinds, bases[number])
        if self.columns:
            yield from self._over_columns(history, batch, bases)

    def _judge(self, drawn, truth, parts, kinds, base):
        """Let each lane decide one history."""
        right = {}
        for lane, outcomes in self._said(parts, kinds).items():
            if any(isinstance(outcome, Refutation) for outcome in outcomes):
                self._count(lane, 1)
                if truth:
                    yield Disagreement(lane, "it refutes what is linearizable", drawn)
            elif all(isinstance(outcome, Linearization) for outcome in outcomes):
                self._count(lane, 0)
                order = _merged(parts, outcomes, base)
                if order not in right:
                    right[order] = self._histories.explains(drawn, order)
                if not right[order]:
                    yield Disagreement(lane, f"its order is wrong: {order}", drawn)
            else:
                self._count(lane, 2)
                if lane in WHOLE:
                    yield Disagreement(lane, "it is undecided", drawn)

    def _said(self, parts, kinds):
        """Return what each lane says of the parts of one history."""
        question = (kinds, self.model, self.initial)
        decided = [dispatch.decide(calls, *question, Budget()) for calls in parts]
        said = {CHOSEN: [each.outcome for each in decided]}
        if len({each.lane for each in decided}) == 1 and decided[0].lane in self.lanes:
            said[decided[0].lane] = said[CHOSEN]  # it was asked this very question
        for lane, decide in self.lanes.items():
            if lane not in said:
                said[lane] = [decide(calls, *question) for calls in parts]
        return said

    def _over_columns(self, history, batch, bases):
        """Let the lane over columns decide all at once, and those that it doesn't refute once more."""
        refuted, _ = self._settled(history)
        rest = [number for number in range(len(batch)) if number not in refuted]
        if refuted:
            history, bases, _ = together([batch[number][0] for number in rest])
        else:
            bases = [bases[number] for number in rest]
        again, orders = self._settled(history) if rest else ((), {})
        self._count(COLUMNS, 0, len(orders))
        self._count(COLUMNS, 1, len(refuted))
        self._count(COLUMNS, 2, len(rest) - len(orders))
        for number in refuted:
            if batch[number][1]:
                yield Disagreement(COLUMNS, "it refutes what is linearizable", batch[number][0])
        for place in again:
            yield Disagreement(COLUMNS, "it refutes only a second time", batch[rest[place]][0])
        for place, order in orders.items():
            drawn = batch[rest[place]][0]
            own = tuple(position - bases[place] for position in order)
            if not self._histories.explains(drawn, own):
                yield Disagreement(COLUMNS, f"its order is wrong: {own}", drawn)

    def _settled(self, history):
        """Return the numbers of the refuted histories, and the orders of others."""
        settled = settle(
            history,
            self.model,
            self.initial,
            Budget(),
            keyed=True,
            nil_reads="exact",
            failed_cas="ignored",
        )
        if settled is None:
            return frozenset(), {}
        orders = {each["key"]: each["order"] for each in settled.orders}
        return {history.keys[contradiction.key] for contradiction in settled.refuted}, orders

    def _count(self, lane, verdict, amount=1):
        self.counts.setdefault(lane, [0, 0, 0])[verdict] += amount

    def drop_silent(self, *, last):
        """Ask no more the kernel where it decides little, and at the `last` look who decides nothing."""
        silent = {
            lane
            for lane, (valid, invalid, left) in self.counts.items()
            if (last and not valid + invalid) or (lane == "kernel" and (valid + invalid) * RARE < left)
        }
        self.lanes = {lane: decide for lane, decide in self.lanes.items() if lane not in silent}
        self.columns = self.columns and COLUMNS not in silent


def together(batch):
    """Return one history of which each given one is a key, and where each begins, and its operations."""
    builder, lines, bases, owned, begun = HistoryBuilder("<memory>"), [], [], [], 0
    for number, drawn in enumerate(batch):
        bases.append(len(lines))
        processes = number * CLIENTS * (MOST + 1)
        first = begun
        for line in drawn.lines:
            lines.append({**line, "process": line["process"] + processes, "key": number})
            begun += line["type"] == "invoke"
        owned.append(range(first, begun))
    builder.add_all(1, lines)
    return builder.finish("yes"), bases, owned


def _merged(parts, outcomes, base):
    """Return the order of all parts by position, each time the call that was invoked first."""
    orders = [
        [calls.invokes[call] - base for call in outcome.order]
        for calls, outcome in zip(parts, outcomes, strict=True)
    ]
    return tuple(orders[0] if len(orders) == 1 else merge(*orders))
