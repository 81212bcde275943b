"""Which of the project's own models fit a history, by the names and the shapes of its operations.

Where several fit, the first in this order is taken, and each place in it has a reason:

- `cas-register` before `kv`, which has more operations, and before `register`, which it contains. Reads
  alone are a register's as well, unless they return lists (a `grow-set`) or objects (a `bank`).
- `fenced-lock` if every acquire that completed returned a whole number, else `mutex`, the weakest lock:
  what violates it, violates each other one. The others must be asked for.
- `set` if results are pairs, `grow-set` if a read returned a list, else `counter` if numbers are added.
  (Of additions alone, each is true.)
- `fifo-queue` before `queue`: the unordered one must be asked for. So must `set-full`, which is a `grow-set`.
- `list-append` before the registers for transactions that append; of those, `rw-register` if they say `r`
  and `w`, and `multi-register` if they say `read` and `write`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from splitbrain.checkers.budget import Budget
from splitbrain.checkers.models.bank import Bank, OverdraftBank
from splitbrain.checkers.models.base import Call, Model, ModelMismatch
from splitbrain.checkers.models.counter import Counter
from splitbrain.checkers.models.kv import Kv
from splitbrain.checkers.models.locks import FencedLock, Mutex, OwnedMutex, ReentrantLock
from splitbrain.checkers.models.queues import FifoQueue, PriorityQueue, Queue, Stack
from splitbrain.checkers.models.register import CasRegister, MultiRegister, Register
from splitbrain.checkers.models.sets import GrowSet, Set, SetFull
from splitbrain.checkers.models.shapes import is_integer
from splitbrain.checkers.models.transactions import ListAppend, RwRegister
from splitbrain.checkers.values import show_name
from splitbrain.checkers.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from splitbrain.histories.history import History

BUILT_IN: tuple[type[Model], ...] = (
    CasRegister,
    Register,
    Kv,
    Mutex,
    FencedLock,
    OwnedMutex,
    ReentrantLock,
    Set,
    Counter,
    GrowSet,
    SetFull,
    FifoQueue,
    Queue,
    Stack,
    PriorityQueue,
    Bank,
    OverdraftBank,
    ListAppend,
    RwRegister,
    MultiRegister,
)
"""The project's own models in the order in which one is chosen, or reported as fitting."""
_Placed: TypeAlias = "tuple[int, Call]"
"""An operation and its position."""
_FAIL = 1
_BY_SHAPE = {Mutex, Set, Counter, GrowSet, ListAppend}
"""Models whose operations others have by the same names."""


def choose(history: History, budget: Budget | None = None) -> str:
    """Name the model that a history is most likely about.

    Raises:
        BudgetExceeded: the time or the memory is spent.
        ModelMismatch: none fits all of its operations; the sentence names the first that is too much.
    """
    watch = Watch(budget or Budget())
    happened = {f for f, status in zip(history.f, history.status, strict=True) if status != _FAIL}
    functions = {history.functions[f] for f in happened or range(len(history.functions))}
    candidates = [model for model in BUILT_IN if functions <= set(model.functions)]
    if candidates and candidates[0] not in _BY_SHAPE and functions != {"read"}:
        return candidates[0].name
    calls = list(_calls(history, watch))
    candidates = [model for model in candidates if _fits(model(), calls, watch)]
    meant = [model for model, is_meant in _HINTS if model in candidates and is_meant(calls)]
    for model in (*meant, *candidates):
        return model.name
    raise ModelMismatch(_none_fits(calls, watch))


def fitting(history: History, budget: Budget | None = None) -> list[str]:
    """Name all models that know the shape of every operation which could be evidence.

    Raises:
        BudgetExceeded: the time or the memory is spent.
    """
    watch = Watch(budget or Budget())
    calls = list(_calls(history, watch))
    return [model.name for model in BUILT_IN if _fits(model(), calls, watch)]


def _calls(history: History, watch: Watch) -> Iterator[_Placed]:
    """Yield each operation that could be evidence, with its position."""
    functions, unapplied = history.functions, history.unapplied
    every = watch.over(range(len(history)), "looked at the operations")
    columns = (history.f, history.status, history.invoke, history.values, history.results)
    for index, f, status, invoke, value, result in zip(every, *columns, strict=True):
        if status != _FAIL:
            yield invoke, Call(functions[f], value, result, status == 0, index not in unapplied)


def _fits(model: Model, calls: Sequence[_Placed], watch: Watch) -> bool:
    return all(model.complaint(call) is None for _, call in watch.over(calls, f"tried {model.name}"))


def _none_fits(calls: Sequence[_Placed], watch: Watch) -> str:
    """Say at which operation the last models that fitted so far stopped to fit, and what it would fit."""
    models: list[Model] = [model() for model in BUILT_IN]
    for position, call in watch.over(calls, "looked for the operation that fits no model"):
        left = [model for model in models if model.complaint(call) is None]
        if left:
            models = left
            continue
        where, name = f"The operation at position {position} fits no model", show_name(call.f)
        alone = [model.name for model in (each() for each in BUILT_IN) if model.complaint(call) is None]
        if len(models) < len(BUILT_IN):
            before = ", ".join(model.name for model in models)
            hint = f"; by itself it would fit {', '.join(alone)}" if alone else ""
            return f"{where} that those before it fit ({before}): {name} {models[0].complaint(call)}{hint}."
        closest = [model for model in models if call.f in model.functions]
        if not closest:
            return f"{where}: none has the operation {name}."
        return f"{where}; {closest[0].name} comes closest, but {name} {closest[0].complaint(call)}."
    return "The history has no operation."


def _reads_only(kind: type) -> Callable[[Sequence[_Placed]], bool]:
    def tell(calls: Sequence[_Placed]) -> bool:
        return all(call.f == "read" for _, call in calls) and any(
            isinstance(call.result, kind) for _, call in calls
        )

    return tell


def _has_tokens(calls: Sequence[_Placed]) -> bool:
    tokens = [call.result for _, call in calls if call.f == "acquire" and call.known]
    return bool(tokens) and all(map(is_integer, tokens))


def _says_r_or_w(calls: Sequence[_Placed]) -> bool:
    return all(action[0] in ("r", "w") for _, call in calls for action in call.value)


def _appends(calls: Sequence[_Placed]) -> bool:
    """Tell whether something was appended, or a list read."""
    asked = (action for _, call in calls for action in call.value)
    told = (action for _, call in calls if call.known for action in call.result)
    return any(f == "append" for f, _, _ in asked) or any(isinstance(value, list) for _, _, value in told)


def _always(calls: Sequence[_Placed]) -> bool:
    del calls
    return True


_HINTS: tuple[tuple[type[Model], Callable[[Sequence[_Placed]], bool]], ...] = (
    (GrowSet, _reads_only(list)),
    (Bank, _reads_only(dict)),
    (FencedLock, _has_tokens),
    (ListAppend, _appends),
    (RwRegister, _says_r_or_w),
    (MultiRegister, _always),
)
"""Models that are meant, among those that fit, where a history shows this."""
