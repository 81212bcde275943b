"""From what the caller asked for to a run that can begin.

Everything that can be wrong with a request is found here, before the run directory is made and long
before a process is started.
"""

from __future__ import annotations

import contextlib
import dataclasses
import platform
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitbrain import __version__, registry
from splitbrain.errors import UsageError
from splitbrain.faults.base import check_usable
from splitbrain.faults.schedule import draw_plan, validate_plan
from splitbrain.plan import Plan, read_plan
from splitbrain.runner.rehearsal import rehearse
from splitbrain.runner.requirements import parse_requirements
from splitbrain.systems.description import find_bug

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from splitbrain.faults.base import Fault
    from splitbrain.systems.description import Bug, System
    from splitbrain.workloads.base import Workload

USUAL_FAULTS = ("partition", "kill", "pause")
"""What a run suffers when nothing is said, as far as the number of nodes allows it."""

DEFAULT_TIME_LIMIT = 30.0
"""Seconds under faults when nothing is said."""

DEFAULT_RATE = 300.0
"""Operations a second when nothing is said: enough to see a window of a few milliseconds, and little enough
that five nodes, their clients and the checker share two cores without missing heartbeats."""


@dataclass(frozen=True)
class RunOptions:
    """What the caller asked for; None means the default."""

    system: str
    store: Path
    on: str | None = None
    nodes: int | None = None
    workload: str | None = None
    faults: tuple[str, ...] | None = None
    time_limit: float | None = None
    rate: float | None = None
    concurrency: int | None = None
    operation_timeout: float = 1.0
    seed: int | None = None
    bugs: tuple[str, ...] = ()
    plan: str | None = None
    require: str | None = None


@dataclass(frozen=True)
class Prepared:
    """A run that can begin: everything is resolved and valid."""

    test: Mapping[str, Any]
    plan: Plan
    system: type[System]
    workload: type[Workload]
    faults: Mapping[str, Fault]


def prepare(options: RunOptions, plan: Plan | None = None) -> Prepared:
    """Resolve names, sizes, seed and fault plan. `plan` overrides the options' own.

    Raises:
        UsageError: something that was asked for does not exist or does not fit together.
    """
    found = registry.find("systems", options.system)
    system: type[System] = found.value
    bugs = _bugs(system, options.bugs)
    defaults = _bug_defaults(bugs)
    nodes = _node_names(system, _first(options.nodes, defaults.get("nodes"), system.nodes))
    seed = random.SystemRandom().randrange(2**31) if options.seed is None else options.seed
    on = _first(options.on, defaults.get("on"), "local")
    if plan is None:
        time_limit = _first(options.time_limit, defaults.get("time_limit"), DEFAULT_TIME_LIMIT)
        plan = _plan(options, system, bugs, nodes, on=on, seed=seed, time_limit=time_limit)
    faults = {name: registry.find("faults", name).make() for name in {each.fault for each in plan.faults}}
    _usable(faults, on, system)
    with _own(faults):
        validate_plan(plan, faults, nodes, tuple(system.roles))
    workload_name, workload = _workload(system, options.workload or defaults.get("workload"))
    model = rehearse(system, workload, nodes, seed)
    parse_requirements(options.require)
    test = {
        "version": 1,
        "splitbrain": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "system": found.reference if found.file else options.system,
        "reference": found.reference,
        "on": on,
        "nodes": list(nodes),
        "workload": workload_name,
        "model": model,
        "faults": sorted({each.fault for each in plan.faults}),
        "time_limit": plan.duration,
        "recovery": plan.recovery,
        "rate": _first(options.rate, defaults.get("rate"), DEFAULT_RATE),
        "concurrency": _first(options.concurrency, defaults.get("concurrency"), 2 * len(nodes)),
        "operation_timeout": options.operation_timeout,
        "seed": seed,
        "bugs": [bug.name for bug in bugs],
        "settings": {**system.settings, **defaults.get("settings", {})},
        "require": options.require,
    }
    return Prepared(test, plan, system, workload, faults)


def _workload(system: type[System], asked: str | None) -> tuple[str, type[Workload]]:
    """Return the workload and the name that finds it again from anywhere."""
    # The system's own choice may be a file beside its own; what the caller types is not.
    beside = system if asked is None or asked in system.workloads else None
    name = system.workloads[0] if asked is None else asked
    found = registry.find("workloads", name, beside=beside)
    # Whether a system speaks a workload of anyone's own, only its client can tell.
    if registry.is_ours(found.value) and name not in system.workloads:
        spoken = ", ".join(system.workloads)
        raise UsageError(f"{system.name} does not speak the workload {name!r}; it speaks {spoken}.")
    workload: type[Workload] = found.value
    return found.reference if found.file else name, workload


@contextlib.contextmanager
def _own(faults: Mapping[str, Fault]) -> Iterator[None]:
    """Answer for what faults of anyone's own may raise."""
    with contextlib.ExitStack() as stack:
        for fault in faults.values():
            stack.enter_context(registry.answering_for(type(fault)))
        yield


def _first(*values: Any) -> Any:
    """Return the first value that is given: the caller's, the bug's, the usual one."""
    return next(value for value in values if value is not None)


def _bugs(system: type[System], names: Sequence[str]) -> list[Bug]:
    try:
        named = [find_bug(system, name) for name in names]
        # A bug that can't be exposed alone brings its companions: they form one target.
        needed = [find_bug(system, name) for bug in named for name in bug.needs]
    except ValueError as error:
        raise UsageError(str(error)) from error
    return list({bug.name: bug for bug in [*named, *needed]}.values())


def _bug_defaults(bugs: Sequence[Bug]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for bug in reversed(bugs):
        merged.update(bug.options)
    return merged


def _node_names(system: type[System], count: int) -> tuple[str, ...]:
    if count < system.smallest:
        raise UsageError(f"{system.name} needs at least {system.smallest} nodes, not {count}.")
    return tuple(f"n{number}" for number in range(1, count + 1))


def _faults(options: RunOptions, nodes: Sequence[str]) -> dict[str, Fault]:
    """Return the faults asked for, under names by which a plan finds them again from anywhere."""
    if options.faults is not None:
        found = {name: registry.find("faults", name) for name in options.faults}
        return {each.reference if each.file else name: each.make() for name, each in found.items()}
    usual = {name: registry.find("faults", name).make() for name in USUAL_FAULTS}
    return {name: fault for name, fault in usual.items() if fault.minimum_nodes <= len(nodes)}


def _usable(faults: Mapping[str, Fault], on: str, system: type[System]) -> None:
    for name, fault in sorted(faults.items()):
        check_usable(name, fault, on, system)


def _plan(
    options: RunOptions,
    system: type[System],
    bugs: Sequence[Bug],
    nodes: Sequence[str],
    *,
    on: str,
    seed: int,
    time_limit: float,
) -> Plan:
    """Read the plan that is asked for, or that of the bug, or draw one."""
    if options.plan is not None:
        if options.faults is not None or options.time_limit is not None:
            raise UsageError("A plan says which faults and how long; leave out --faults and --time-limit.")
        return _read_plan(_plan_path(system, options.plan))
    if bugs and options.faults is None:
        plan = _read_plan(_plan_path(system, f"bug:{bugs[0].name}"))
        return dataclasses.replace(plan, duration=_first(options.time_limit, plan.duration))
    faults = _faults(options, nodes)
    if not faults:
        return Plan(seed=seed, duration=time_limit, recovery=0.0)
    _usable(faults, on, system)
    with _own(faults):
        return draw_plan(
            faults,
            nodes,
            duration=time_limit,
            recovery=system.recovery,
            seed=seed,
            availability=system.availability,
            roles=tuple(system.roles),
            clock_bound=system.clock_bound,
        )


def _read_plan(path: Path) -> Plan:
    """Read a plan, with its faults under names by which it finds them from anywhere."""
    plan = read_plan(path)
    faults = []
    for entry in plan.faults:
        found = registry.find("faults", entry.fault, beside=path)
        faults.append(dataclasses.replace(entry, fault=found.reference) if found.file else entry)
    return dataclasses.replace(plan, faults=tuple(faults))


def _plan_path(system: type[System], name: str) -> Path:
    if not name.startswith("bug:"):
        return Path(name)
    try:
        bug = find_bug(system, name.removeprefix("bug:"))
    except ValueError as error:
        raise UsageError(str(error)) from error
    if not bug.plan:
        raise UsageError(
            f"The bug {bug.name} of {system.name} comes with no fault plan; say under what it is to run with "
            "--faults or --plan."
        )
    module = sys.modules[system.__module__]
    assert module.__file__ is not None
    return Path(module.__file__).parent / "plans" / bug.plan
