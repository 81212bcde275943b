"""The checker of linearizability: a history in, a verdict with its certificate out.

Keys are decided one by one (linearizability is local), each by the first lane that can. The verdict of
the history is the worst of its keys: invalid outranks unknown outranks valid. A budget is shared by all
keys; one key that exhausts it doesn't keep the others from being looked at, as they may be refuted
cheaply.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from heapq import merge
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from splitbrain.checkers.budget import Budget, BudgetExceeded
from splitbrain.checkers.evidence.reduction import WORK, Reduction
from splitbrain.checkers.evidence.telling import Teller
from splitbrain.checkers.evidence.values import show
from splitbrain.checkers.lanes import dispatch, single_key
from splitbrain.checkers.lanes.names import EVERY_LANE
from splitbrain.checkers.large import (
    LARGE,
    Question,
    find_witness,
    left_operations,
    repeating_calls,
    settle_large,
)
from splitbrain.checkers.normalise import FOREVER, normalise
from splitbrain.checkers.outcome import Linearization, Refutation, Undecided
from splitbrain.checkers.values import freeze
from splitbrain.checkers.verdict import CheckResult, Violation
from splitbrain.histories.collection import collection_paused
from splitbrain.histories.history import INFO

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from splitbrain.checkers.evidence.witness import Witness
    from splitbrain.checkers.lanes.columns.settle import Contradiction, Settled
    from splitbrain.checkers.lanes.general import Tried
    from splitbrain.checkers.lanes.single_key import View
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Calls, Kinds, Normalised
    from splitbrain.checkers.outcome import Outcome
    from splitbrain.histories.history import History


class _Unset:
    """The type of `UNSET`."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = _Unset()
"""For `initial`: the model's own."""
KIND = "LIN"
"""The kind of this checker's violations."""
LISTED = 10
"""How many invalid keys are reported, each with its witness."""
_OURS = "splitbrain.checkers.models."
_OVER_COLUMNS = ("auto", "zones")
"""The methods by which a large history is decided over columns, as far as that goes."""


@dataclass(frozen=True, slots=True)
class _KeyOutcome:
    """What was said of a key, and by which lane (empty: none looked at it); `tried` had no answer before."""

    calls: Calls
    outcome: Outcome
    lane: str
    tried: Sequence[Tried] = ()
    view: View | None = None
    """How the calls are seen, if they are refuted by one key of many."""


def check_linearizable(
    history: History,
    model: Model | type[Model],
    *,
    initial: Any = UNSET,
    nil_reads: Literal["exact", "any"] = "exact",
    failed_cas: Literal["ignored", "observed"] = "ignored",
    keyed: Literal["auto", "yes", "no"] | bool = "auto",
    timeout: float | None = None,
    max_memory_mb: float | None = None,
    method: str = "auto",
    clock: Callable[[], float] = time.monotonic,
    budget: Budget | None = None,
    large: int = LARGE,
) -> CheckResult:
    """Decide whether a history is linearizable with respect to a model, and prove it.

    `initial` is the state that each key begins with. `nil_reads="any"` makes a null read legal in
    any state; `failed_cas="observed"` takes the fail of a cas for "compared unequal". `timeout` is
    in seconds of `clock`, `max_memory_mb` in megabytes of this process; without an answer within
    them the verdict is unknown. A `budget` that has begun already takes the place of the two. The
    certificate is described in docs/certificates.md. A history of `large` operations is decided over
    columns as far as that goes; the verdict is the same either way.

    Raises:
        ModelMismatch: an operation has a shape that the model doesn't know.
        ModelError: the model contradicts itself.
    """
    start = clock()
    model = model() if isinstance(model, type) else model
    budget = budget or Budget(timeout, max_memory_mb, clock)
    by_key = history.keyed if keyed == "auto" else keyed in ("yes", True)
    state = model.initial if isinstance(initial, _Unset) else initial
    model, state = model.starting(state)
    question = Question(history, model, state, by_key, nil_reads, failed_cas)
    # A million operations are looked at in vain whenever as many small things were made as an import makes.
    with collection_paused() if len(history) >= large else nullcontext():
        try:
            examined = _examine(question, budget, method, large)
        except BudgetExceeded as exceeded:
            why = f"{exceeded} ran out while its values were compared"
            return undecided(history, why, method, clock() - start)
        return _conclude(question, budget, method, examined, clock() - start)


class _Examined(NamedTuple):
    """What was settled over columns, if anything, and the other keys with what the lanes said of them."""

    settled: Settled | None
    columns: Normalised
    outcomes: Sequence[_KeyOutcome]


def _examine(question: Question, budget: Budget, method: str, large: int) -> _Examined:
    """Decide every key within the budget.

    Raises:
        BudgetExceeded: it was spent before any lane began.
        ModelMismatch: an operation has a shape that the model doesn't know.
    """
    history, model, initial, keyed, nil_reads, failed_cas = question
    settled = None
    if len(history) >= large and method in _OVER_COLUMNS:
        settled = settle_large(question, budget)
    repeating = repeating_calls(question, settled) if method == "auto" else None
    columns = repeating or normalise(
        history,
        model,
        initial,
        keyed=keyed,
        nil_reads=nil_reads,
        failed_cas=failed_cas,
        among=None if settled is None else left_operations(question, settled),
        # What is refuted over columns already is said, however little time is left.
        budget=None if settled is not None and settled.refuted else budget,
    )
    if settled is not None:
        columns = replace(columns, completed=settled.completed)
    if repeating is not None:
        method = "configurations"  # the other lanes would only find once more that values repeat
    outcomes = [
        _decide(calls, columns.kinds, model, initial, budget, method=method) for calls in columns.keys
    ]
    return _Examined(settled, columns, outcomes)


def _conclude(
    question: Question, budget: Budget, method: str, examined: _Examined, seconds: float
) -> CheckResult:
    """Turn what the lanes said into a verdict with its certificate and evidence."""
    history, model, initial, keyed, nil_reads, failed_cas = question
    settled, columns, outcomes = examined
    options = {
        "model": model.name if type(model).__module__.startswith(_OURS) else _reference(model),
        "initial": initial,
        "nil_reads": nil_reads,
        "failed_cas": failed_cas,
        "keyed": keyed,
    }
    used = {outcome.lane for outcome in outcomes} | (set() if settled is None else settled.lanes)
    result = CheckResult(
        checker="linearizable",
        valid="unknown",
        method="+".join(lane for lane in EVERY_LANE if lane in used) or method,
        reason=_unknown_reason(columns, outcomes, keyed=keyed),
        operations=len(history),
        seconds=seconds,
    )
    refuted: list[_KeyOutcome | Contradiction] = [] if settled is None else [*settled.refuted]
    refuted += [outcome for outcome in outcomes if isinstance(outcome.outcome, Refutation)]
    if refuted:
        witnesses: list[Witness] = []
        for each in refuted[:LISTED]:
            work = WORK // LISTED if witnesses else WORK
            if isinstance(each, _KeyOutcome):
                view = each.view
                kinds = columns.kinds if view is None else view.kinds
                reduction = Reduction(each.calls, kinds, model, initial, budget, work=work)
                assert isinstance(each.outcome, Refutation)
                witness = reduction.reduce(each.outcome, each.lane)
                if view is not None:
                    witness = witness._replace(keys=[view.key], elements=view.elements)
                witnesses.append(witness)
            else:
                witnesses.append(find_witness(question, each, budget, work))
        return _invalid(result, history, witnesses, options, invalid_keys=len(refuted))
    if not result.reason:
        orders = [*([] if settled is None else settled.orders), *_orders(outcomes)]
        return replace(
            result,
            valid=True,
            reason=_valid_reason(columns.completed, len(orders)),
            certificate={"kind": "linearizations", **options, "keys": orders},
        )
    return result


def undecided(history: History, why: str, method: str, seconds: float) -> CheckResult:
    """Return the verdict on a history of which no key was looked at."""
    crashed = history.status.count(INFO)
    reason = (
        f"the history ({len(history)} operations, {crashed} of them crashed and open to the end)"
        f" is undecided: {why}, before any key was looked at."
    )
    return CheckResult("linearizable", "unknown", method, reason, operations=len(history), seconds=seconds)


def _reference(model: Model) -> str:
    """Name a model of anyone's own so that it can't be taken for one of ours of the same name."""
    return f"{type(model).__module__}:{type(model).__qualname__}"


def _decide(
    calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget, *, method: str
) -> _KeyOutcome:
    """Decide one key within what is left of the budget."""
    lane = ""
    try:
        budget.check()
        lane = single_key.LANE
        seen = single_key.refuted(calls, kinds, model, initial, budget) if method == "auto" else None
        if seen is not None:
            return _KeyOutcome(seen.view.calls, seen.outcome, lane, view=seen.view)
        decided = dispatch.decide(calls, kinds, model, initial, budget, method=method)
    except BudgetExceeded as exceeded:
        when = "while it was seen by one key after the other" if lane else "before it was looked at"
        return _KeyOutcome(calls, Undecided(f"{exceeded} ran out {when}"), lane)
    except MemoryError:
        return _KeyOutcome(calls, Undecided("the memory of this machine ran out"), "configurations")
    return _KeyOutcome(calls, *decided)


def _unknown_reason(columns: Normalised, outcomes: Sequence[_KeyOutcome], *, keyed: bool) -> str:
    """Say why no verdict of valid can be given, or return the empty string if it can."""
    if not columns.completed:
        return "nothing was tested: no operation completed with ok."
    undecided = [outcome for outcome in outcomes if isinstance(outcome.outcome, Undecided)]
    if not undecided:
        return ""
    first = undecided[0]
    assert isinstance(first.outcome, Undecided)
    crashed = first.calls.returns.count(FOREVER)
    where = f"key {show(first.calls.key)}" if keyed else "the history"
    return (
        f"{where} ({len(first.calls.kinds)} operations, {crashed} of them crashed and open to the end)"
        f" is undecided: {first.outcome.reason}{_tried(first)}{_others(undecided[1:], keyed=keyed)}."
    )


def _tried(key: _KeyOutcome) -> str:
    """Tell what each lane said before the one that had the last word."""
    said = [f"{lane} ({outcome.reason})" for lane, outcome in key.tried if isinstance(outcome, Undecided)]
    return f"; tried before: {', '.join(said)}" if said else ""


def _others(undecided: Sequence[_KeyOutcome], *, keyed: bool) -> str:
    """Count the other keys without an answer, and those that there was no time to look at."""
    if not undecided:
        return ""
    parts = "more keys" if keyed else "more parts of it"
    unseen = sum(not each.lane for each in undecided)
    not_looked_at = f", {unseen} of them not looked at" if unseen else ""
    return f"; {len(undecided)} {parts} are undecided{not_looked_at}"


def _valid_reason(completed: int, keys: int) -> str:
    where = "" if keys == 1 else f" on each of {keys} keys"
    operations = "1 completed operation has" if completed == 1 else f"{completed} completed operations have"
    return f"{operations} a linearization{where}."


def _orders(outcomes: Sequence[_KeyOutcome]) -> list[dict[str, Any]]:
    """Return the linearization of each key by the positions of its operations.

    Those of its parts are merged: the next is always the one invoked first of those that are next in their
    parts. Were some call x still to come that had returned before, then the call that is next in x's part
    would be invoked later still, and stand before x in its part, against real time.
    """
    parts: dict[Hashable, list[list[int]]] = {}
    keys: dict[Hashable, Any] = {}
    for calls, outcome in ((each.calls, each.outcome) for each in outcomes):
        if isinstance(outcome, Linearization):
            identity = freeze(calls.key)
            keys[identity] = calls.key
            parts.setdefault(identity, []).append([calls.invokes[call] for call in outcome.order])
    return [
        {"key": keys[identity], "order": list(merge(*orders)) if len(orders) > 1 else orders[0]}
        for identity, orders in parts.items()
    ]


def _invalid(
    result: CheckResult,
    history: History,
    witnesses: Sequence[Witness],
    options: Mapping[str, Any],
    *,
    invalid_keys: int,
) -> CheckResult:
    """Turn witnesses into violations, and the first one into the certificate."""
    tellers = [
        Teller(history, witness.kinds, witness, key_named=bool(options["keyed"])) for witness in witnesses
    ]
    violations = tuple(Violation(KIND, teller.summary(), teller.evidence()) for teller in tellers)
    more = f" ({invalid_keys} keys are invalid)" if invalid_keys > 1 else ""
    return replace(
        result,
        valid=False,
        reason=f"{violations[0].summary}{more}",
        violations=violations,
        certificate={**options, **_refuted_operations(history, witnesses[0])},
    )


def _refuted_operations(history: History, witness: Witness) -> dict[str, Any]:
    """Return the sub-history of a refutation, by position, and the prices that refute it, if any do."""
    crashed = set(witness.crashed)
    operations = [
        {"position": history.invoke[index], "as": "crashed" if call in crashed else "kept"}
        for call, index in zip(witness.members, witness.calls.indices, strict=False)
    ]
    prices = witness.refutation.prices
    return {
        "kind": "refutation" if prices is None else "prices",
        "key": witness.calls.key,
        "past": None if witness.window.start is None else witness.window.invoked,
        "future": None if witness.window.end == FOREVER else witness.window.end,
        "operations": operations,
        "explored": witness.explored,
        **({} if witness.keys is None else {"keys": list(witness.keys)}),
        **({} if witness.elements is None else {"elements": list(witness.elements)}),
    } | (
        {}
        if prices is None
        else {
            "prices": [
                {"position": witness.calls.invokes[call], "price": price} for call, price in prices.items()
            ]
        }
    )
