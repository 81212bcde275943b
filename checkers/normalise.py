"""From a history to integer columns per key, without what can carry no evidence.

- Linearizability is local (Herlihy & Wing 1990, theorem 1): a history is linearizable exactly if the
  calls of each object are. So each key is checked by itself.
- A *fail* is dropped, always: it promises that nothing happened, and who promises it may be a deposed
  leader, so that not even the comparison of a failed cas was an observation. The exception is a log known
  to write "compared unequal" as fail (`failed_cas="observed"`).
- A crashed (info, or never completed) *observer* is dropped: it changes nothing and its result is
  unknown, so adding it to or taking it from a linearization is always possible.
- The same holds for parts of an object that have nothing to do with each other (`Model.partition`).
- Calls that a model can't tell apart share a *kind*: function, value, result, known and applied, and the
  process where the model looks at it. Kinds are small integers, so transitions can be memoised, and
  crashed calls of one kind are interchangeable. A foreign file may use a process again after a crashed
  operation; the two then only share the name, which is what a lock's holder goes by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.budget import BudgetExceeded
from splitbrain.checkers.models import NOTHING, Access, Call, Model, ModelMismatch, fitting
from splitbrain.checkers.values import freeze, show_name
from splitbrain.histories.errors import printable

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from splitbrain.checkers.budget import Budget
    from splitbrain.histories.history import History

FOREVER = 1 << 62
"""The return position of a call that never returned."""
NONE = -1
"""In the columns of `Kinds`: the call doesn't do this."""
_OK, _FAIL = 0, 1
_CLOCK_EVERY = 256
_NO_ACCESS = Access()


class Kinds(NamedTuple):
    """The distinct calls of a history, by kind: what a model needs to know, once.

    `reads`, `writes` and `differs` hold value ids (`NONE`: no such access) where `flat` is true, that is
    where the model described the call as an access to one register (one that excludes a value does
    nothing else); `values` holds the values by id and `initial` is the id of the initial state.
    """

    calls: Sequence[Call]
    observer: Sequence[bool]
    flat: Sequence[bool]
    reads: Sequence[int]
    writes: Sequence[int]
    differs: Sequence[int]
    values: Sequence[Any]
    initial: int


class Calls(NamedTuple):
    """The calls of one key in the order of their invocations.

    `kinds`, `invokes` (line positions), `returns` (line positions or `FOREVER`) and `indices` (into the
    history's operations) are parallel columns.
    """

    key: Any
    kinds: list[int]
    invokes: list[int]
    returns: list[int]
    indices: list[int]


@dataclass(frozen=True, slots=True)
class Normalised:
    """A history in columns: the kinds, and the calls of each key in the order in which keys first appear.

    A key whose object falls into parts has an entry for each of them.
    """

    kinds: Kinds
    keys: Sequence[Calls]
    completed: int
    """How many operations completed with an observation."""


def normalise(  # noqa: C901 - the loop over all operations: a call for each would double its cost
    history: History,
    model: Model,
    initial: Any,
    *,
    keyed: bool,
    nil_reads: str = "exact",
    failed_cas: str = "ignored",
    among: Sequence[int] | None = None,
    budget: Budget | None = None,
) -> Normalised:
    """Bring a history into columns, or only some of its operations, by their rising indices.

    Raises:
        BudgetExceeded: the values are so large that the time ran out already.
        ModelMismatch: an operation has a shape that the model doesn't know.
    """
    table = KindTable(model, initial)
    identities: dict[Hashable, int] = {}
    keys: dict[Hashable, Calls] = {}
    observed = {f for f, name in enumerate(history.functions) if failed_cas == "observed" and name == "cas"}
    unapplied, observer, parts, completed = history.unapplied, table.observer, table.parts, 0
    by_process = model.by_process
    # A key of null is a key, too: its name is not None.
    names = None if keyed or not model.keys_within else [(freeze(key),) for key in history.keys]
    columns: Sequence[Sequence[Any]] = (
        history.f,
        history.key if keyed else [0] * len(history),
        history.status,
        history.invoke,
        history.complete,
        history.values,
        history.results,
    )
    if among is not None:
        columns = [[column[index] for index in among] for column in columns]
    rows = zip(range(len(history)) if among is None else among, *columns, strict=True)
    for index, f, key, status, invoke, complete, value, result in rows:
        if budget is not None and index % _CLOCK_EVERY == _CLOCK_EVERY - 1:
            budget.check()
        if status == _FAIL and f not in observed:
            continue
        known = status in (_OK, _FAIL)
        applied = not known or (status == _OK and index not in unapplied)
        process = history.process[index] if by_process else None
        identity: Hashable = (f, known, applied, freeze(value), freeze(result))
        if by_process:
            identity = (identity, process)
        name = None
        if names is not None:
            name = names[history.key[index]]
            identity = (identity, name)
        kind = identities.get(identity)
        if kind is None:
            call = Call(history.functions[f], value, result if known else None, known, applied, process, name)
            if nil_reads == "any":
                call = model.loosen(call)
            complaint = model.complaint(call)
            if complaint is not None:
                raise ModelMismatch(_mismatch(model, call, invoke, complaint, _fits(history, budget)))
            kind = identities[identity] = table.add(call)
        if known:
            completed += 1
        elif observer[kind]:
            continue
        part = parts[kind]
        place = key if part is None else (key, part)
        column = keys.get(place)
        if column is None:
            column = keys[place] = Calls(history.keys[key] if keyed else None, [], [], [], [])
        column.kinds.append(kind)
        column.invokes.append(invoke)
        column.returns.append(complete if known else FOREVER)
        column.indices.append(index)
    return Normalised(table.build(), tuple(keys.values()), completed)


class KindTable:
    """Builds `Kinds`: asks the model once about each distinct call."""

    def __init__(self, model: Model, initial: Any) -> None:
        self.observer: list[bool] = []
        self.parts: list[Hashable] = []
        self._model = model
        self._calls: list[Call] = []
        self._flat: list[bool] = []
        self._reads: list[int] = []
        self._writes: list[int] = []
        self._differs: list[int] = []
        self._values: list[Any] = []
        self._ids: dict[Hashable, int] = {}
        self._initial = self._identify(initial)

    def add(self, call: Call) -> int:
        """Take another distinct call; return its kind."""
        model = self._model
        access = model.access(call)
        self._calls.append(call)
        self.observer.append(model.is_observer(call))
        self.parts.append(model.partition(call))
        reads, writes, differs = access or _NO_ACCESS
        alone = differs is NOTHING or (reads is NOTHING and writes is NOTHING)
        self._flat.append(access is not None and alone)
        self._reads.append(NONE if reads is NOTHING else self._identify(reads))
        self._writes.append(NONE if writes is NOTHING else self._identify(writes))
        self._differs.append(NONE if differs is NOTHING else self._identify(differs))
        return len(self._calls) - 1

    def _identify(self, value: Any) -> int:
        frozen = freeze(value)
        identifier = self._ids.get(frozen)
        if identifier is None:
            identifier = self._ids[frozen] = len(self._values)
            self._values.append(value)
        return identifier

    def build(self) -> Kinds:
        """Return the kinds so far; the columns grow with every further call."""
        return Kinds(
            self._calls,
            self.observer,
            self._flat,
            self._reads,
            self._writes,
            self._differs,
            self._values,
            self._initial,
        )


def _fits(history: History, budget: Budget | None) -> str:
    try:
        fits = fitting(history, budget)
    except BudgetExceeded as exceeded:
        return f"{exceeded} ran out before it was clear which models would fit"
    return f"these would fit: {', '.join(fits)}" if fits else "none of the built-in models fits this history"


def _mismatch(model: Model, call: Call, position: int, complaint: str, hint: str) -> str:
    where = f"The operation at position {position} doesn't fit the model {model.name}"
    return f"{where}: {show_name(call.f)} {printable(complaint)}; {hint}."
