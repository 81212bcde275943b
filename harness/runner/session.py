"""One run from options to verdict: prepare, deploy, drive, tear down, judge.

Everything that can be wrong with what was asked for is found by `prepare`, before the run directory
is made and long before a process is started.
"""

from __future__ import annotations

import contextlib
import dataclasses
import platform
import random
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitbrain import __version__, registry
from splitbrain.errors import HarnessError, UsageError
from splitbrain.faults.nemesis import Nemesis
from splitbrain.faults.schedule import draw_plan, validate_plan
from splitbrain.generators import stagger
from splitbrain.histories import Journal
from splitbrain.plan import Plan, read_plan
from splitbrain.runner.interpreter import Interpreter
from splitbrain.runner.judge import judge
from splitbrain.runner.loop import drive
from splitbrain.runner.requirements import parse_requirements
from splitbrain.store import RunDirectory, create_run
from splitbrain.systems.description import find_bug

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from splitbrain.backend import Backend
    from splitbrain.generators import Liftable
    from splitbrain.runner.loop import Course, Watcher
    from splitbrain.systems.contract import Client
    from splitbrain.systems.description import Bug, System

USUAL_FAULTS = ("partition", "kill", "pause")
"""What a run suffers when nothing is said, as far as the number of nodes allows it."""

DEFAULT_RATE = 300.0
"""Operations a second when nothing is said: enough to see a window of a few milliseconds, and little enough
that five nodes, their clients and the checker share two cores without missing heartbeats."""

SECOND = 1_000_000_000


@dataclass(frozen=True)
class RunOptions:
    """What the caller asked for; None means the default."""

    system: str
    store: Path
    on: str = "local"
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
    system_file: Path | None
    workload: Any
    faults: Mapping[str, Any]


def prepare(options: RunOptions, plan: Plan | None = None) -> Prepared:
    """Resolve names, sizes, seed and fault plan. `plan` overrides the options' own.

    Raises:
        UsageError: something that was asked for does not exist or does not fit together.
    """
    found = registry.find("systems", options.system)
    system: type[System] = found.value
    bugs = _bugs(system, options.bugs)
    defaults = _bug_defaults(bugs)
    nodes = _node_names(system, options.nodes or defaults.get("nodes") or system.nodes)
    seed = random.SystemRandom().randrange(2**31) if options.seed is None else options.seed
    time_limit = options.time_limit or defaults.get("time_limit") or 30.0
    chosen = _faults(options, nodes)
    if plan is None:
        plan = _plan(options, system, bugs, chosen, nodes, seed, time_limit)
    faults = {name: registry.find("faults", name).value() for name in {each.fault for each in plan.faults}}
    validate_plan(plan, faults, nodes, tuple(system.roles))
    workload_name = options.workload or defaults.get("workload") or system.workloads[0]
    workload = registry.find("workloads", workload_name)
    if ":" not in workload_name and workload.name not in system.workloads:
        raise UsageError(
            f"{system.name} does not speak the workload {workload_name!r}; "
            f"it speaks {', '.join(system.workloads)}."
        )
    parse_requirements(options.require)
    test = {
        "version": 1,
        "splitbrain": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "system": f"{found.file}:{system.__name__}" if found.file else options.system,
        "reference": found.reference,
        "on": options.on,
        "nodes": list(nodes),
        "workload": workload_name,
        "model": workload.value.model,
        "faults": sorted({each.fault for each in plan.faults}),
        "time_limit": plan.duration,
        "recovery": plan.recovery,
        "rate": DEFAULT_RATE if options.rate is None else options.rate,
        "concurrency": options.concurrency or 2 * len(nodes),
        "operation_timeout": options.operation_timeout,
        "seed": seed,
        "bugs": [bug.name for bug in bugs],
        "settings": dict(system.settings),
        "require": options.require,
    }
    return Prepared(test, plan, system, found.file, workload.value, faults)


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


def _faults(options: RunOptions, nodes: Sequence[str]) -> list[Any]:
    if options.faults is not None:
        return [registry.find("faults", name).value() for name in options.faults]
    usual = [registry.find("faults", name).value() for name in USUAL_FAULTS]
    return [fault for fault in usual if fault.minimum_nodes <= len(nodes)]


def _plan(
    options: RunOptions,
    system: type[System],
    bugs: Sequence[Bug],
    faults: Sequence[Any],
    nodes: Sequence[str],
    seed: int,
    time_limit: float,
) -> Plan:
    if options.plan is not None:
        if options.faults is not None or options.time_limit is not None:
            raise UsageError("A plan says which faults and how long; leave out --faults and --time-limit.")
        return read_plan(_plan_path(system, options.plan))
    if bugs and options.faults is None:
        plan = read_plan(_plan_path(system, f"bug:{bugs[0].name}"))
        return dataclasses.replace(plan, duration=options.time_limit or plan.duration)
    if not faults:
        return Plan(seed=seed, duration=time_limit, recovery=0.0)
    return draw_plan(
        faults,
        nodes,
        duration=time_limit,
        recovery=system.recovery,
        seed=seed,
        availability=system.availability,
        roles=tuple(system.roles),
    )


def _plan_path(system: type[System], name: str) -> Path:
    if not name.startswith("bug:"):
        return Path(name)
    try:
        bug = find_bug(system, name.removeprefix("bug:"))
    except ValueError as error:
        raise UsageError(str(error)) from error
    module = sys.modules[system.__module__]
    assert module.__file__ is not None
    return Path(module.__file__).parent / "plans" / bug.plan


def execute(
    prepared: Prepared, store: Path, started: datetime, watch: Watcher
) -> tuple[dict[str, Any], RunDirectory]:
    """Carry a prepared run out in a new run directory under `store` and judge it.

    An interrupt (SIGINT, SIGTERM) heals, tears down, and judges what was recorded.

    Raises:
        UsageError: the store can't be written.
        HarnessError: the cluster did not come up, or the harness failed.
    """
    test = {**prepared.test, "started": started.isoformat(timespec="seconds")}
    directory = create_run(store, prepared.system.name, test["seed"], started)
    directory.write("test.json", test)
    directory.write("plan.json", prepared.plan.to_json())
    with _interrupts() as interrupted:
        nemesis, course = _perform(prepared, directory, interrupted, watch)
    directory.write("outcome.json", _outcome(nemesis, course))
    verdict, certificates = judge(directory)
    for checker, certificate in certificates.items():
        if certificate is not None:
            directory.write(f"certificates/{checker}.json", certificate)
    directory.write("verdict.json", verdict)
    return verdict, directory


def _perform(
    prepared: Prepared, directory: RunDirectory, interrupted: Callable[[], bool], watch: Watcher
) -> tuple[Nemesis, Course]:
    backend = _backend(prepared, directory)
    history = Journal(directory.history)
    faults = Journal(directory.faults)
    try:
        backend.open()
        interpreter = _interpreter(prepared, backend, history)
        nemesis = Nemesis(
            prepared.plan,
            prepared.faults,
            backend,
            roles=prepared.system.roles,
            journal=faults.append,
            record=interpreter.record_nemesis,
        )
        course = drive(
            backend,
            interpreter,
            nemesis,
            duration=round(prepared.plan.duration * SECOND),
            recovery=round(prepared.plan.recovery * SECOND),
            final=_final(prepared),
            interrupted=interrupted,
            watch=watch,
        )
    except OSError as error:
        raise HarnessError(f"The run in {directory.path} broke off: {error}.") from error
    finally:
        backend.close()
        history.close()
        faults.close()
    return nemesis, dataclasses.replace(course, remarks=[*course.remarks, *interpreter.remarks])


def _backend(prepared: Prepared, directory: RunDirectory) -> Backend:
    if prepared.test["on"] != "local":
        raise UsageError(f"There is no backend {prepared.test['on']!r} yet; known is local.")
    from splitbrain.cluster.local.cluster import LocalCluster  # noqa: PLC0415  one backend a run

    test = prepared.test
    return LocalCluster(
        test["reference"],
        test["nodes"],
        settings=test["settings"],
        bugs=test["bugs"],
        directory=directory.nodes,
        seed=test["seed"],
        watch=sorted({role.pattern.kind for role in prepared.system.roles.values()}),
    )


def _interpreter(prepared: Prepared, backend: Backend, journal: Journal) -> Interpreter:
    test = prepared.test

    def client(name: str, preferred: str) -> Client:
        return prepared.system.client(name, backend.nodes, preferred, test["settings"])

    stream = random.Random(f"{test['seed']}/workload")
    workload = prepared.workload()
    operations = workload.generator(workload.settle({}), stream)
    paced = stagger(1 / test["rate"], operations, stream) if test["rate"] else operations
    return Interpreter(
        paced,
        concurrency=test["concurrency"],
        nodes=backend.nodes,
        client=client,
        journal=journal,
        timeout=round(test["operation_timeout"] * SECOND),
        seed=test["seed"],
    )


def _final(prepared: Prepared) -> Liftable:
    workload = prepared.workload()
    return workload.final_generator(workload.settle({}), random.Random(f"{prepared.test['seed']}/final"))


def _outcome(nemesis: Nemesis, course: Course) -> dict[str, Any]:
    return {
        "records": [dataclasses.asdict(record) for record in nemesis.records],
        "exits": [event._asdict() for event in course.exits],
        "interrupted": course.interrupted,
        "remarks": list(course.remarks),
        "ended": course.ended,
    }


class _Interrupts:
    """Counts SIGINT and SIGTERM: the first ends the run in order, the second at once."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self) -> bool:
        """Tell whether the run was asked to end."""
        return self.seen > 0

    def handle(self, _signal: int, _frame: Any) -> None:
        """Count a signal; the second one interrupts whatever is under way."""
        self.seen += 1
        if self.seen > 1:
            raise KeyboardInterrupt


@contextlib.contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    interrupts = _Interrupts()
    before = {number: signal.signal(number, interrupts.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
