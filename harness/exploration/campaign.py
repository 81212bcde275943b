"""Runs the cases of many seeds over all cores, and adds up what they show.

A run is a pure function of its seed, so a campaign is too: which seeds fail does not depend on how many
processes share the work. A violation counts once it was seen again: the worker that met it repeats the
run with the trace kept, in a new world. One that does not come back convicts nothing but the
system's determinism.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING

from splitbrain.errors import HarnessError
from splitbrain.exploration.assess import assess
from splitbrain.exploration.coverage import Coverage, measure, merge
from splitbrain.exploration.draw import draw, surveyed
from splitbrain.exploration.pool import results
from splitbrain.exploration.simulate import simulate
from splitbrain.exploration.space import Limits, Space, open_space

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from splitbrain.exploration.case import Case
    from splitbrain.exploration.simulate import Outcome
    from splitbrain.exploration.vocabulary import Vocabulary
    from splitbrain.systems.description import NotePattern, System

SAMPLE = 16
"""One run in so many is measured for coverage: counting calls makes it twice as long."""


@dataclass(frozen=True)
class Sighting:
    """What one run showed. `ended` is virtual nanoseconds, `undecided` why nothing was decided, if so."""

    seed: int
    ended: int
    steps: int
    kinds: tuple[str, ...] = ()
    summary: str = ""
    repeated: bool = True
    undecided: str = ""
    milestones: tuple[str, ...] = ()
    coverage: Coverage | None = None


@dataclass(frozen=True)
class Task:
    """Which campaign: everything that a worker needs, as plain data."""

    system: str
    bugs: tuple[str, ...]
    limits: Limits
    vocabulary: Vocabulary
    sample: int = SAMPLE

    def space(self) -> Space:
        """Return the space that the campaign draws from."""
        return open_space(self.system, self.bugs, self.limits).with_vocabulary(self.vocabulary)

    def prepare(self) -> Callable[[int], Sighting]:
        """Return the function from a seed to what its run shows."""
        space, patterns = self.space(), milestones_of(self.space().described)

        def run(seed: int) -> Sighting:
            covered = self.sample > 0 and seed % self.sample == 0
            return sight(space, draw(space, seed), patterns, covered=covered)[0]

        return run


@dataclass(frozen=True)
class Finding:
    """A seed whose run broke a promise, twice the same way."""

    seed: int
    kinds: tuple[str, ...]
    summary: str


@dataclass(frozen=True)
class Campaign:
    """What all runs showed together. `virtual` is nanoseconds, `seconds` real ones.

    `milestones` counts the runs that reached each. `unrepeated` are seeds whose violation did not come back.
    """

    task: Task
    first: int
    runs: int = 0
    virtual: int = 0
    steps: int = 0
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    unrepeated: tuple[int, ...] = ()
    undecided: Mapping[int, str] = field(default_factory=dict)
    milestones: Mapping[str, int] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=Coverage)
    interrupted: bool = False

    def by_kind(self) -> dict[str, list[Finding]]:
        """Return the findings by the first of their kinds, each list by seed."""
        kinds: dict[str, list[Finding]] = {}
        for finding in self.findings:
            kinds.setdefault(finding.kinds[0], []).append(finding)
        return kinds

    @property
    def missed(self) -> tuple[str, ...]:
        """The milestones that no run reached."""
        return tuple(name for name, seen in self.milestones.items() if not seen)

    @property
    def restricted(self) -> bool:
        """Whether the user left so much out that a milestone may be out of reach."""
        return self.task.limits != Limits()


class Tally:
    """A campaign as it grows."""

    def __init__(self, task: Task, first: int) -> None:
        self._task, self._first = task, first
        self._begun = monotonic()
        self._coverage: list[Coverage] = []
        self._milestones = dict.fromkeys(milestones_of(task.space().described), 0)
        self.runs = self.virtual = self.steps = 0
        self.findings: list[Finding] = []
        self.kinds: Counter[str] = Counter()
        self.unrepeated: list[int] = []
        self.undecided: dict[int, str] = {}

    @property
    def seconds(self) -> float:
        """Real seconds since it began."""
        return monotonic() - self._begun

    def add(self, sighting: Sighting) -> None:
        """Count a run."""
        self.runs += 1
        self.virtual += sighting.ended
        self.steps += sighting.steps
        for name in sighting.milestones:
            self._milestones[name] += 1
        if sighting.coverage is not None:
            self._coverage.append(sighting.coverage)
        if len(self._coverage) > SAMPLE:
            self._coverage = [merge(self._coverage)]
        if sighting.undecided:
            self.undecided[sighting.seed] = sighting.undecided
        if sighting.kinds and sighting.repeated:
            self.findings.append(Finding(sighting.seed, sighting.kinds, sighting.summary))
            self.kinds.update(sighting.kinds)
        elif sighting.kinds:
            self.unrepeated.append(sighting.seed)

    def campaign(self, *, interrupted: bool) -> Campaign:
        """Return what there is so far."""
        return Campaign(
            task=self._task,
            first=self._first,
            runs=self.runs,
            virtual=self.virtual,
            steps=self.steps,
            seconds=self.seconds,
            findings=tuple(sorted(self.findings, key=lambda each: each.seed)),
            unrepeated=tuple(sorted(self.unrepeated)),
            undecided=dict(sorted(self.undecided.items())),
            milestones=self._milestones,
            coverage=merge(self._coverage),
            interrupted=interrupted,
        )


def plan_campaign(system: str, bugs: tuple[str, ...], limits: Limits, *, sample: int = SAMPLE) -> Task:
    """Return the task of a campaign, its vocabulary learnt.

    Raises:
        UsageError: something that it names does not exist.
    """
    return Task(system, bugs, limits, surveyed(system, bugs, limits).vocabulary, sample)


def explore(
    task: Task,
    *,
    first: int = 0,
    seeds: int | None = None,
    seconds: float | None = None,
    jobs: int = 1,
    keep_going: bool = False,
    until: tuple[str, ...] = (),
    progress: Callable[[Tally], object] = lambda _tally: None,
) -> Campaign:
    """Run seeds from `first` on: so many, or for so many real seconds, or until something was found.

    Unless it is to `keep_going`, it ends at the first violation; with `until`, when each of those kinds
    was seen. An interrupt ends it in order, with what there is.

    Raises:
        HarnessError: a run could not be carried out; the sentence names its seed.
    """
    tally = Tally(task, first)
    numbers = count(first) if seeds is None else iter(range(first, first + seeds))
    runs = results(task, numbers, jobs)
    try:
        for _, sighting in runs:
            tally.add(sighting)
            progress(tally)
            done = all(tally.kinds[kind] for kind in until) if until else bool(tally.findings)
            if (done and not keep_going) or (seconds is not None and tally.seconds >= seconds):
                break
    except KeyboardInterrupt:
        return tally.campaign(interrupted=True)
    finally:
        runs.close()
    return tally.campaign(interrupted=False)


def sight(
    space: Space, case: Case, patterns: Mapping[str, NotePattern], *, covered: bool = False
) -> tuple[Sighting, Outcome]:
    """Run a case and say what it showed; a violation is looked for once more, with the trace kept.

    Raises:
        HarnessError: a node did not come up at all.
    """
    resolved, coverage = space.resolve(case), None
    try:
        if covered:
            outcome, coverage = measure(case, resolved)
        else:
            outcome = simulate(case, resolved)
    except HarnessError as error:
        raise HarnessError(f"seed {case.seed}: {error}") from error
    assessment = assess(resolved, outcome)
    kinds, repeated = assessment.kinds, True
    if kinds:
        again = assess(resolved, simulate(case, resolved, story=True)).kinds
        repeated = set(kinds) <= set(again)
    sighting = Sighting(
        seed=case.seed,
        ended=outcome.ended,
        steps=outcome.steps,
        kinds=kinds,
        summary=assessment.violations[0].summary if kinds else "",
        repeated=repeated,
        undecided=assessment.checks[0].reason if assessment.valid == "unknown" else "",
        milestones=reached(outcome, patterns),
        coverage=coverage,
    )
    return sighting, outcome


def milestones_of(system: type[System]) -> Mapping[str, NotePattern]:
    """Return what a campaign ought to have seen: what the system says, or else its signs of progress."""
    return system.milestones or {pattern.kind: pattern for pattern in system.progress}


def reached(outcome: Outcome, patterns: Mapping[str, NotePattern]) -> tuple[str, ...]:
    """Return the milestones that a run reached."""
    return tuple(
        name
        for name, pattern in patterns.items()
        if any(
            note.kind == pattern.kind and pattern.matches(note.kind, note.fields)
            for notes in outcome.notes.values()
            for note in notes
        )
    )
