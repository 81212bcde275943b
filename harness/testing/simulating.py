"""Running seeds of a system in a test, and failing with the shortest story that was found."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain import registry
from splitbrain.errors import HarnessError, UsageError
from splitbrain.exploration.assess import assess
from splitbrain.exploration.campaign import milestones_of, reached
from splitbrain.exploration.determinism import compare_traces
from splitbrain.exploration.draw import draw, survey
from splitbrain.exploration.shrink import shrink
from splitbrain.exploration.simulate import simulate as run
from splitbrain.exploration.space import Limits
from splitbrain.testing.failures import Inconclusive, NotDeterministic
from splitbrain.testing.reporting import found, same_twice
from splitbrain.testing.subjects import named, subject_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from splitbrain.exploration.case import Case
    from splitbrain.exploration.simulate import Outcome, Resolved
    from splitbrain.exploration.space import Space
    from splitbrain.faults.base import Fault
    from splitbrain.systems.contract import Client, Node
    from splitbrain.systems.description import System
    from splitbrain.testing.subjects import Subject
    from splitbrain.workloads.base import Workload

SEEDS = 100
SHRINKING = 5.0
"""Real seconds that shrinking what was found may take."""


@dataclass(frozen=True)
class Simulation:
    """What the runs of a test that passed did. `virtual` is seconds of simulated time.

    `outcomes` counts operations as ok, fail or info; `milestones` the runs that reached what the system
    names as milestones or progress, so that a test can ask for more: `assert result.milestones["elected"]`.
    """

    runs: int = 0
    virtual: float = 0.0
    steps: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    milestones: Mapping[str, int] = field(default_factory=dict)


class _Means(NamedTuple):
    """What a test may spend, in real seconds, and where it may write."""

    seconds: float | None
    shrinking: float
    directory: Path | str | None


def simulate(
    tested: type[System | Node] | str,
    *,
    workload: str | type[Workload] | None = None,
    nodes: int | None = None,
    seeds: int | Iterable[int] = SEEDS,
    faults: Sequence[str | type[Fault]] | None = None,
    bugs: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    client: type[Client] | None = None,
    seconds: float | None = None,
    check_determinism: bool = True,
    shrink_seconds: float = SHRINKING,
    directory: Path | str | None = None,
) -> Simulation:
    """Simulate a system under faults, a run for each seed, and fail at the first broken promise.

    Each seed draws operations, the network, disks, clocks, faults and crash points anew. Checked are
    linearizability by the workload's model, the system's own invariants, that no node raises, and that
    it serves while it is calm.

    Args:
        tested: a class that follows the node contract, a system, or the name of one ("raft").
        workload: a workload by name or class; by default each of the system's own takes its turn.
        nodes: how many nodes; by default the draw takes any size up to the system's usual one.
        seeds: how many, from 0 on, or which.
        faults: those that may happen, by name or class; by default all that the system bears.
        bugs: seeded bugs of the system, to see that the test finds them.
        settings: of the nodes, in place of the system's own and of what the draw varies.
        client: of a bare node class; by default sessions that read, write and cas by key.
        seconds: real seconds after which no new run begins, at least one is made.
        check_determinism: whether the first run is repeated in other processes, its traces compared.
        shrink_seconds: real seconds that shrinking a violation may take.
        directory: where replay files go; by default a new temporary directory.

    Raises:
        ViolationFound: a promise was broken; the text tells the shrunk run and names its replay file.
        NotDeterministic: the same case ran differently twice.
        Inconclusive: in no run did an operation succeed, or a check decided nothing.
        UsageError: the arguments don't fit together.
    """
    __tracebackhide__ = True
    subject = subject_of(tested, client)
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not numbers:
        raise UsageError("At least one seed is wanted.")
    workloads, lent_workloads = named("workloads", [] if workload is None else [workload])
    allowed, lent_faults = named("faults", faults or ())
    limits = Limits(nodes, next(iter(workloads), None), None if faults is None else allowed)
    with registry.lending({**subject.lent, **lent_workloads, **lent_faults}):
        space = survey(subject.name, tuple(bugs), limits)

        def case_of(seed: int) -> Case:
            case = draw(space, seed)
            return replace(case, settings={**case.settings, **(settings or {})})

        if check_determinism:
            _deterministic(case_of(numbers[0]), space, subject)
        return _runs(space, case_of, numbers, _Means(seconds, shrink_seconds, directory))


def _deterministic(case: Case, space: Space, subject: Subject) -> None:
    """Compare a case's trace with those of other processes; where they can't have it, of a second run."""
    __tracebackhide__ = True
    resolved = space.resolve(case)
    divergence = None
    if subject.findable:
        try:
            divergence = compare_traces(case, resolved)
        except HarnessError:
            # Another process may lack the test's own paths; a second run here still tells the clock's part.
            divergence = same_twice(case, resolved)
    else:
        divergence = same_twice(case, resolved)
    if divergence is not None:
        raise NotDeterministic(f"seed {case.seed}: {divergence.sentence()}", divergence)


def _runs(
    space: Space,
    case_of: Callable[[int], Case],
    seeds: Sequence[int],
    means: _Means,
) -> Simulation:
    __tracebackhide__ = True
    begun = monotonic()
    patterns = milestones_of(space.described)
    outcomes: Counter[str] = Counter()
    milestones: Counter[str] = Counter(dict.fromkeys(patterns, 0))
    virtual = steps = runs = 0
    undecided = ""
    for seed in seeds:
        if runs and means.seconds is not None and monotonic() - begun >= means.seconds:
            break
        case = case_of(seed)
        resolved = space.resolve(case)
        outcome = run(case, resolved)
        assessment = assess(resolved, outcome)
        if assessment.kinds:
            _fail(case, resolved, assessment.kinds[0], means)
        ends = Counter(_ends(outcome))
        # That one rough run served nobody proves nothing by itself; the others may.
        if assessment.valid == "unknown" and ends["ok"] and not undecided:
            reasons = (check.reason for check in assessment.checks if check.valid == "unknown")
            undecided = f"seed {seed}: {next(reasons)}"
        runs, virtual, steps = runs + 1, virtual + outcome.ended, steps + outcome.steps
        outcomes.update(ends)
        milestones.update(reached(outcome, patterns))
    if undecided:
        raise Inconclusive(f"A check was not decided, so nothing is proved. {undecided}")
    if not outcomes["ok"]:
        raise Inconclusive(
            f"In {runs} runs no operation succeeded, so nothing was tested: "
            f"{outcomes['fail']} failed, {outcomes['info']} ended in doubt. Do the nodes answer?"
        )
    return Simulation(runs, virtual / 1e9, steps, dict(outcomes), dict(milestones))


def _ends(outcome: Outcome) -> list[str]:
    return [line["type"] for line in outcome.lines if line["type"] != "invoke" and "f" in line]


def _fail(case: Case, resolved: Resolved, kind: str, means: _Means) -> None:
    """Shrink what was found and fail with it.

    Raises:
        NotDeterministic: it did not show a second time.
        ViolationFound: it did.
    """
    __tracebackhide__ = True
    again = assess(resolved, run(case, resolved, story=True))
    if kind not in again.kinds:
        divergence = same_twice(case, resolved)
        told = divergence.sentence() if divergence else "the same case showed it once, and then not again."
        raise NotDeterministic(f"seed {case.seed}: {kind} could not be repeated: {told}", divergence)
    smallest = case
    if means.shrinking > 0:
        smallest = shrink(case, kind, seconds=means.shrinking).case
    folder = Path(means.directory or tempfile.mkdtemp(prefix="splitbrain-"))
    raise found(smallest, seed=case.seed, kind=kind, directory=folder)
