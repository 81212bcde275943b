"""Large histories: decided over columns where that is possible, and brought into lists where it must be.

numpy takes a tenth of a second to import, which pays from some ten thousand operations on. Where it isn't
installed, everything is decided over lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.evidence.reduction import FEW, Reduction
from splitbrain.checkers.lanes.dispatch import decide
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.outcome import Refutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.evidence.witness import Witness
    from splitbrain.checkers.lanes.columns.settle import Contradiction, Settled
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Normalised
    from splitbrain.histories.history import History

LARGE = 20_000
"""From so many operations on a history is decided over columns."""


class Question(NamedTuple):
    """A history and how it is to be understood: the arguments of `check_linearizable`."""

    history: History
    model: Model
    initial: Any
    keyed: bool
    nil_reads: str
    failed_cas: str


def settle_large(question: Question, budget: Budget) -> Settled | None:
    """Decide what can be decided over columns; None if that is nothing.

    Raises:
        BudgetExceeded: the time or the memory is spent.
    """
    try:
        from splitbrain.checkers.lanes.columns.settle import settle  # noqa: PLC0415 - numpy, if it pays
    except ImportError:
        return None
    history, model, initial, keyed, nil_reads, failed_cas = question
    if model.keys_within and not keyed:
        return None  # its keys are parts of one object
    return settle(history, model, initial, budget, keyed=keyed, nil_reads=nil_reads, failed_cas=failed_cas)


def left_operations(question: Question, settled: Settled) -> Sequence[int] | None:
    """Return the operations of the keys that other lanes must decide, or None if those are all."""
    left = settled.left.tolist()
    if all(left):
        return None
    return operations_of(question, {key for key, is_left in enumerate(left) if is_left})


def repeating_calls(question: Question, settled: Settled | None) -> Normalised | None:
    """Return the calls of the keys that are left in lists, if that is all that other lanes need to know.

    None if those lanes must look at them from the beginning.
    """
    if settled is None or settled.repeating is None or not len(settled.repeating.key):
        return None
    from splitbrain.checkers.lanes.columns.listing import listed  # noqa: PLC0415 - numpy, which is there

    history, model, initial, keyed, nil_reads, _ = question
    return listed(history, model, initial, settled.repeating, keyed=keyed, nil_reads=nil_reads)


def operations_of(question: Question, keys: set[int]) -> Sequence[int]:
    """Return the operations of keys, by the numbers of the keys."""
    if not keys:
        return []
    if not question.keyed:
        return range(len(question.history))
    return [index for index, key in enumerate(question.history.key) if key in keys]


def find_witness(question: Question, contradiction: Contradiction, budget: Budget, work: int) -> Witness:
    """Return a small witness of a refuted key.

    What lies behind the contradiction is refuted by itself, and a handful of calls of a million. Only where
    it is more than a handful the whole key is brought into lists, and windows on it are looked through.
    """
    if contradiction.relevant is not None:
        found = _reduced(question, contradiction, contradiction.relevant, budget, work)
        if found is not None and len(found.members) <= FEW:
            return found
    whole = _reduced(question, contradiction, operations_of(question, {contradiction.key}), budget, work)
    assert whole is not None
    return whole


def _reduced(
    question: Question, contradiction: Contradiction, operations: Sequence[int], budget: Budget, work: int
) -> Witness | None:
    """Reduce a few operations if they are refuted by themselves, or all of the key's."""
    history, model, initial, keyed, nil_reads, failed_cas = question
    columns = normalise(
        history, model, initial, keyed=keyed, nil_reads=nil_reads, failed_cas=failed_cas, among=operations
    )
    (calls,) = columns.keys
    if operations is contradiction.relevant:
        decided = decide(calls, columns.kinds, model, initial, budget, method="zones")
        if not isinstance(decided.outcome, Refutation):
            return None
    number = {index: call for call, index in enumerate(calls.indices)}
    refutation = Refutation(contradiction.rule, tuple(number[index] for index in contradiction.core))
    reduction = Reduction(calls, columns.kinds, model, initial, budget, work=work)
    return reduction.reduce(refutation, contradiction.lane)
