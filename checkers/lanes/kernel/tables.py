"""The kinds of one key's calls as the kernel needs them: dense states, classes, a table or accesses.

Calls of a register are accesses to a value; values are numbered densely, those that no call reads, compares
with or excludes as one (pruning 6 of `configurations.py`). Any other model is asked for all its transitions
in advance, if it has few: the states that its calls reach, and a row of next states for each kind. Kinds
with equal rows are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.lanes.kernel.layout import (
    BLIND,
    CLASS,
    DIFFERS,
    NIL,
    OBSERVER,
    OTHER,
    READS,
    RULE,
    RULES,
    WRITES,
)
from splitbrain.checkers.lanes.transitions import IMPOSSIBLE, Transitions
from splitbrain.checkers.normalise import FOREVER, NONE

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from splitbrain.checkers.budget import Budget
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Calls, Kinds

TRANSITIONS = 100_000
"""A model is asked for at most so many transitions in advance."""


class Tables(NamedTuple):
    """A key's kinds in columns; `kinds` has one entry a call (`NIL`: crashed, and nobody could need it)."""

    kinds: list[int]
    rules: list[int]
    table: list[int]
    states: Sequence[Any]
    """The states by number."""
    initial: int


class _Rule(NamedTuple):
    """What a kind does: an access to a value, or a row of a table; and its class."""

    reads: int
    writes: int
    differs: int
    row: tuple[int, ...]
    kind_class: int


def tabulate(calls: Calls, kinds: Kinds, model: Model, initial: Any, budget: Budget) -> Tables | None:
    """Return the tables of a key, or None if its model reaches too many states.

    Raises:
        ModelError: the model contradicts itself.
        BudgetExceeded: asking the model took too long.
    """
    present = list(dict.fromkeys(calls.kinds))
    if all(kinds.flat[kind] for kind in present):
        return _accesses(calls, kinds, present)
    lens = model.lens(kinds.calls[kind] for kind in present)
    transitions = Transitions(model, kinds, initial, lens)
    rows = _closure(transitions, present, budget)
    if rows is None:
        return None
    rules = {kind: _Rule(NONE, NONE, NONE, row, _class_of(row)) for kind, row in rows.items()}
    useful = set(rules)
    return _assemble(calls, rules, useful, transitions.states, 0)


def _accesses(calls: Calls, kinds: Kinds, present: Sequence[int]) -> Tables:
    """Describe the calls of a register."""
    reads, writes, differs = kinds.reads, kinds.writes, kinds.differs
    named = {reads[kind] for kind in present} | {differs[kind] for kind in present}
    numbers: dict[int, int] = {NONE: NONE}
    values: list[Any] = []
    unnamed: int | None = None

    def number(value: int) -> int:
        if value not in numbers:
            numbers[value] = len(values)
            values.append(kinds.values[value])
        return numbers[value]

    initial = number(kinds.initial)
    rules = {}
    for kind in present:
        written = writes[kind]
        if written != NONE and written not in named:
            unnamed = written if unnamed is None else unnamed
            written = unnamed
        access = number(reads[kind]), number(written), number(differs[kind])
        rules[kind] = _Rule(*access, (), _class_of_access(*access))
    return _assemble(calls, rules, _useful(calls, rules), values, initial)


def _class_of_access(reads: int, writes: int, differs: int) -> int:
    if writes in (NONE, reads):
        return OBSERVER
    return BLIND if reads == NONE and differs == NONE else OTHER


def _useful(calls: Calls, rules: dict[int, _Rule]) -> set[int]:
    """Return the kinds whose effect some completed call of a register may need, if they crashed.

    They write a value that it reads, or that a crashed cas among them reads; beside a call that excludes a
    value every kind may be needed.
    """
    if FOREVER not in calls.returns:
        return set(rules)
    completed = {
        kind for kind, returned in zip(calls.kinds, calls.returns, strict=True) if returned != FOREVER
    }
    if any(rules[kind].differs != NONE for kind in completed):
        return set(rules)
    writers: dict[int, list[int]] = {}
    for kind, rule in rules.items():
        if rule.writes != NONE:
            writers.setdefault(rule.writes, []).append(kind)
    useful: set[int] = set()
    pending = [rules[kind].reads for kind in completed]
    while pending:
        for kind in writers.pop(pending.pop(), ()):
            useful.add(kind)
            pending.append(rules[kind].reads)
    return useful


def _closure(
    transitions: Transitions, present: Sequence[int], budget: Budget
) -> dict[int, tuple[int, ...]] | None:
    """Ask for every transition from every state that the kinds reach; None if there are too many."""
    rows: dict[int, list[int]] = {kind: [] for kind in present}
    state = 0
    while state < len(transitions.states):
        if len(transitions.states) * len(present) > TRANSITIONS:
            return None
        for kind, row in rows.items():
            budget.spend()
            row.append(transitions.step(kind, state))
        state += 1
    return {kind: tuple(row) for kind, row in rows.items()}


def _class_of(row: tuple[int, ...]) -> int:
    if all(after in (state, IMPOSSIBLE) for state, after in enumerate(row)):
        return OBSERVER
    return BLIND if row[0] != IMPOSSIBLE and row.count(row[0]) == len(row) else OTHER


def _assemble(
    calls: Calls, rules: dict[int, _Rule], useful: set[int], states: Sequence[Any], initial: int
) -> Tables:
    """Number the different rules, and give each call the number of its rule."""
    numbers: dict[Hashable, int] = {}
    number_of = {kind: numbers.setdefault(rule, len(numbers)) for kind, rule in rules.items()}
    column = list(map(number_of.__getitem__, calls.kinds))
    if len(useful) < len(rules):
        crashed = {kind: number if kind in useful else NIL for kind, number in number_of.items()}
        for call, returned in enumerate(calls.returns):
            if returned == FOREVER:
                column[call] = crashed[calls.kinds[call]]
    distinct: Iterable[_Rule] = numbers  # type: ignore[assignment]  # in the order of their numbers
    flattened = [0] * (len(numbers) * RULE)
    table: list[int] = []
    for number, rule in enumerate(distinct):
        base = number * RULE - RULES
        flattened[base + READS], flattened[base + WRITES] = rule.reads, rule.writes
        flattened[base + DIFFERS], flattened[base + CLASS] = rule.differs, rule.kind_class
        table.extend(rule.row)
    return Tables(column, flattened, table, states, initial)
