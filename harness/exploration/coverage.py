"""What ran while which fault was on: rules of the protocol, and notes.

A rule is a public method of the node's class, or of its bases below the contract. A sample of the runs is
simulated with a generated subclass whose rules count their calls; the faults that are on at that
moment, by the nemesis's own journal, are what a call is counted under, or `CALM` when none is. A
campaign that finds nothing has shown something only about the rules that it reached, so the report
begins with those that nothing reached.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import wraps
from inspect import isfunction
from typing import TYPE_CHECKING, Any

from splitbrain.exploration.simulate import simulate
from splitbrain.systems.contract import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from splitbrain.exploration.case import Case
    from splitbrain.exploration.simulate import Outcome, Resolved

CALM = "no fault"
"""What is counted under this happened while no planned fault was on."""

Counts = dict[str, Counter[str]]


@dataclass(frozen=True)
class Coverage:
    """Calls of rules and notes, by name and by the fault that was on, over `runs` runs.

    What happened while several faults were on is counted under each. Every rule that there is stands
    in `rules`, with nothing if it never ran.
    """

    runs: int = 0
    rules: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def unreached(self) -> tuple[str, ...]:
        """The rules that no run reached, sorted."""
        return tuple(sorted(name for name, counts in self.rules.items() if not any(counts.values())))

    @property
    def faults(self) -> tuple[str, ...]:
        """What things were counted under: calm first, then the faults, sorted."""
        seen = {fault for table in (self.rules, self.notes) for counts in table.values() for fault in counts}
        return tuple(sorted(seen, key=lambda fault: (fault != CALM, fault)))

    def to_json(self) -> dict[str, Any]:
        """Return the coverage as plain data, what nothing reached first."""
        return {
            "runs": self.runs,
            "unreached": list(self.unreached),
            "rules": {name: dict(counts) for name, counts in sorted(self.rules.items())},
            "notes": {name: dict(counts) for name, counts in sorted(self.notes.items())},
        }


def merge(parts: Iterable[Coverage]) -> Coverage:
    """Add coverages up."""
    runs = 0
    rules: Counts = {}
    notes: Counts = {}
    for part in parts:
        runs += part.runs
        for sums, table in ((rules, part.rules), (notes, part.notes)):
            for name, counts in table.items():
                sums.setdefault(name, Counter()).update(counts)
    return Coverage(runs, rules, notes)


def rules_of(node: type[Node]) -> dict[str, str]:
    """Return the rules of a node class: the name of the method, and "module.method" to show.

    A bug that overrides a rule is still that rule.
    """
    contract = set(dir(Node))
    rules: dict[str, str] = {}
    for base in reversed(node.__mro__):
        if base is Node or not issubclass(base, Node):
            continue
        for name, value in vars(base).items():
            if isfunction(value) and not name.startswith("_") and name not in contract:
                rules.setdefault(name, f"{base.__module__.rpartition('.')[2]}.{name}")
    return rules


def measure(case: Case, resolved: Resolved) -> tuple[Outcome, Coverage]:
    """Simulate a case and count what it reaches."""
    meter = Meter(resolved.node)
    outcome = simulate(case, replace(resolved, node=meter.node), said=meter.said)
    return outcome, meter.coverage(outcome)


class Meter:
    """Counts one run. `node` is the class to simulate, `said` takes the nemesis's journal."""

    def __init__(self, node: type[Node]) -> None:
        self._rules = rules_of(node)
        self._on: tuple[tuple[str, str], ...] = ()
        self._tables: dict[tuple[str, ...], Counter[str]] = {}
        self._table = self._switch()
        self._changes: list[tuple[int, tuple[str, ...]]] = [(0, ())]
        counted = {name: self._counted(name, getattr(node, name)) for name in self._rules}
        self.node: type[Node] = type(node.__name__, (node,), counted)

    def said(self, line: Mapping[str, Any]) -> None:
        """Learn that a fault begins or is off."""
        fault = (line["id"], line["fault"])
        if line["phase"] == "begin":
            self._on = (*self._on, fault)
        elif line["phase"] in ("off", "abandoned"):
            self._on = tuple(each for each in self._on if each != fault)
        else:
            return
        self._table = self._switch()
        self._changes.append((line["time"], self._names()))

    def coverage(self, outcome: Outcome) -> Coverage:
        """Return what was counted, and the notes of the run under the faults of their time."""
        rules: Counts = {shown: Counter() for shown in self._rules.values()}
        for faults, table in self._tables.items():
            for name, calls in table.items():
                _add(rules[self._rules[name]], faults, calls)
        notes: Counts = {}
        times = [time for time, _ in self._changes]
        for series in outcome.notes.values():
            for note in series:
                faults = self._changes[bisect_right(times, note.time) - 1][1]
                _add(notes.setdefault(note.kind, Counter()), faults, 1)
        return Coverage(1, rules, notes)

    def _names(self) -> tuple[str, ...]:
        return tuple(sorted({name for _, name in self._on}))

    def _switch(self) -> Counter[str]:
        return self._tables.setdefault(self._names(), Counter())

    def _counted(self, name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(rule)
        def counted(*arguments: Any, **options: Any) -> Any:
            self._table[name] += 1
            return rule(*arguments, **options)

        return counted


def _add(counts: Counter[str], faults: tuple[str, ...], calls: int) -> None:
    for fault in faults or (CALM,):
        counts[fault] += calls
