"""A case: all that decides a simulated run, as plain data. Equal cases have equal traces.

A drawn case gets its operations from the workload's generator and its schedule from the environment.
A shrunk one spells both out: a list of operations, and the deviations from `CALM` that matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from splitbrain.errors import UsageError
from splitbrain.plan import Plan, plan_from_json
from splitbrain.simulation.deviations import crash_point_from_json, deviation_from_json
from splitbrain.simulation.environment import CALM, Environment, environment_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splitbrain.simulation.deviations import CrashPoint, Deviation


@dataclass(frozen=True)
class Operation:
    """One operation of a script: thread `thread` begins it at `at` nanoseconds, or as soon as it is free."""

    at: int
    thread: int
    f: str
    key: Any = None
    value: Any = None

    def to_json(self) -> list[Any]:
        """Return [at, thread, f, key, value]."""
        return [self.at, self.thread, self.f, self.key, self.value]


@dataclass(frozen=True)
class Case:
    """A simulated run.

    `system` and `workload` are names or references (`splitbrain.registry`); `settings` override those of
    the system, `workload_options` those of the workload. `operations` is None for the endless stream of
    the workload at `rate` a second. `plan.duration` is how long operations and faults go on; `patience`
    is how many seconds the system then has, everything healed, to serve an operation. Times in `plan`
    and `patience` are seconds, all others nanoseconds.
    """

    system: str
    nodes: int
    workload: str
    seed: int
    plan: Plan
    bugs: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    concurrency: int = 5
    rate: float = 10.0
    operation_timeout: float = 1.0
    patience: float = 9.0
    workload_options: Mapping[str, Any] = field(default_factory=dict)
    operations: tuple[Operation, ...] | None = None
    environment: Environment = CALM
    deviations: tuple[Deviation, ...] = ()
    crash_points: tuple[CrashPoint, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the nodes."""
        return tuple(f"n{number}" for number in range(1, self.nodes + 1))

    def to_json(self) -> dict[str, Any]:
        """Return the case as it stands in a replay file."""
        return {
            "system": self.system,
            "bugs": list(self.bugs),
            "nodes": self.nodes,
            "settings": dict(self.settings),
            "workload": self.workload,
            "workload_options": dict(self.workload_options),
            "concurrency": self.concurrency,
            "rate": self.rate,
            "operation_timeout": self.operation_timeout,
            "patience": self.patience,
            "seed": self.seed,
            "operations": None if self.operations is None else [each.to_json() for each in self.operations],
            "plan": self.plan.to_json(),
            "crash_points": [each.to_json() for each in self.crash_points],
            "environment": self.environment.to_json(),
            "deviations": [each.to_json() for each in self.deviations],
        }


NUMBERS = {
    "nodes": (int, 1),
    "concurrency": (int, 1),
    "rate": (float, 0.0),
    "operation_timeout": (float, 0.001),
    "patience": (float, 0.0),
    "seed": (int, 0),
}
"""The numbers of a case: their types and least values."""

DEFAULTS: dict[str, Any] = {
    "concurrency": 5,
    "rate": 10.0,
    "operation_timeout": 1.0,
    "patience": 9.0,
    "seed": 0,
}


def case_from_json(document: Any) -> Case:
    """Build a case from its JSON form.

    Raises:
        UsageError: a field is missing, unknown, or of the wrong type; the sentence names it.
    """
    if not isinstance(document, dict):
        raise UsageError("a case is one JSON object.")
    known = set(NUMBERS) | {
        *("system", "bugs", "settings", "workload", "workload_options", "operations", "plan"),
        *("crash_points", "environment", "deviations"),
    }
    unknown = sorted(set(document) - known)
    if unknown:
        raise UsageError(f"a case has no field {unknown[0]!r}.")
    for name in ("system", "workload"):
        if not isinstance(document.get(name), str):
            raise UsageError(f"`{name}` must be a name, not {document.get(name)!r}.")
    bugs = document.get("bugs", [])
    settings, options = document.get("settings", {}), document.get("workload_options", {})
    if not isinstance(bugs, list) or not all(isinstance(bug, str) for bug in bugs):
        raise UsageError("`bugs` must be a list of names.")
    if not isinstance(settings, dict):
        raise UsageError("`settings` must be an object.")
    if not isinstance(options, dict):
        raise UsageError("`workload_options` must be an object.")
    numbers = {name: _number(document, name) for name in NUMBERS}
    operations = document.get("operations")
    return Case(
        system=document["system"],
        workload=document["workload"],
        bugs=tuple(bugs),
        settings=settings,
        workload_options=options,
        operations=None
        if operations is None
        else tuple(_operation(each, numbers["concurrency"]) for each in _list(document, "operations")),
        plan=plan_from_json(document.get("plan")),
        crash_points=tuple(crash_point_from_json(each) for each in _list(document, "crash_points")),
        environment=environment_from_json(document.get("environment", {})),
        deviations=tuple(deviation_from_json(each) for each in _list(document, "deviations")),
        **numbers,
    )


def _number(document: Mapping[str, Any], name: str) -> Any:
    kind, least = NUMBERS[name]
    value = document.get(name, DEFAULTS.get(name))
    wanted = (int, float) if kind is float else int
    if not isinstance(value, wanted) or isinstance(value, bool) or value < least:
        raise UsageError(f"`{name}` must be a number of at least {least:g}, not {value!r}.")
    return value


def _list(document: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = document.get(name, [])
    if not isinstance(value, list):
        raise UsageError(f"`{name}` must be a list.")
    return value


def _operation(entry: Any, concurrency: int) -> Operation:
    if isinstance(entry, list) and len(entry) == 5:
        at, thread, f, key, value = entry
        if type(at) is int and type(thread) is int and isinstance(f, str) and at >= 0:
            if not 0 <= thread < concurrency:
                raise UsageError(f"the operation {entry!r} is on a thread that there isn't.")
            return Operation(at, thread, f, key, value)
    raise UsageError(f"an operation is [at, thread, f, key, value], not {entry!r}.")
