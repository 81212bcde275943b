"""The passes of the shrinker: each yields simpler versions of a failing case.

A pass sees the case and what is known of its run (`Facts`), yields candidates, and is told which one
still fails (`reduction.Steps`); it goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from splitbrain.exploration.reduction import Steps, lucky, thin, thin_groups, with_luck
from splitbrain.exploration.reshape import (
    SECOND,
    cut_off,
    incidents,
    on_threads,
    used_threads,
    with_incidents,
    with_operations,
    without_nodes,
)
from splitbrain.simulation.environment import CALM, Disk, Network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splitbrain.exploration.assess import Assessment
    from splitbrain.exploration.case import Case
    from splitbrain.exploration.simulate import Outcome
    from splitbrain.simulation.environment import Environment

LIVE = "LIVE"
"""The kind whose violation is that nothing happens: its run can't end before the time in which it might."""
SEEDS = 4
"""Under how many other seeds a large simplification is tried if it loses the failure."""
MANY_SEEDS = 12
"""The same where the cluster itself changes."""


@dataclass(frozen=True)
class Facts:
    """What is known of a failing case: the kind to keep, and its run."""

    kind: str
    outcome: Outcome
    assessment: Assessment

    @property
    def patient(self) -> bool:
        """Whether the run has to go on after its last fault."""
        return self.kind == LIVE

    def evidence(self) -> tuple[set[int], int]:
        """Return the positions of the operations that prove the violation, and when it was complete."""
        lines, notes = self.outcome.lines, self.outcome.notes
        positions: set[int] = set()
        end = 0
        violation = next((each for each in self.assessment.violations if each.kind == self.kind), None)
        evidence = violation.evidence if violation is not None else {}
        for each in evidence.get("operations", ()):
            positions.add(each["invoke"])
            seen = each["invoke"] if each["complete"] is None else each["complete"]
            end = max(end, lines[seen]["time"])
        for each in evidence.get("notes", ()):
            of_node = notes.get(each.get("node"), ())
            if isinstance(each.get("line"), int) and each["line"] < len(of_node):
                end = max(end, of_node[each["line"]].time)
        return positions, end or self.outcome.ended


def reseeded(case: Case, number: int) -> Case:
    """Return the case under another seed: small ones, so that they end small."""
    return replace(case, seed=number if number < case.seed else number + 1)


def calm(case: Case, facts: Facts) -> Steps:
    """Take the weather out of the run: its schedule altogether, or network, disks, clocks one by one."""
    del facts
    if case.environment == CALM and not case.deviations:
        return
    quiet = replace(case, environment=CALM, deviations=())
    if (yield lucky([quiet], reseeded, MANY_SEEDS)) is not None:
        return
    usual = Network()
    network_parts = ("loss", "duplicate", "reorder", "tail", "spread", "latency")
    drifting = tuple(case.environment.rates)

    def parts(environment: Environment) -> list[Environment]:
        network = environment.network
        return [
            replace(environment, network=usual),
            replace(environment, disk=Disk()),
            replace(environment, rates={}),
            *(replace(environment, rates=_without(environment.rates, name)) for name in drifting),
            replace(environment, boot=CALM.boot),
            *(
                replace(environment, network=replace(network, **{name: getattr(usual, name)}))
                for name in network_parts
            ),
        ]

    for number in range(len(parts(case.environment))):
        changed = parts(case.environment)[number]
        if changed != case.environment:
            batch = list(lucky([replace(case, environment=changed)], reseeded, SEEDS))
            found = yield batch
            case = case if found is None else batch[found]


def _without(rates: Mapping[str, float], gone: str) -> dict[str, float]:
    return {name: rate for name, rate in rates.items() if name != gone}


def tail(case: Case, facts: Facts) -> Steps:
    """End the run when the violation is complete, or as soon after it as it takes."""
    patient = facts.patient
    whole = round(case.plan.duration * SECOND)
    if patient:
        ends = [whole * part // 8 for part in (1, 2, 4, 6, 7)]
    else:
        _, end = facts.evidence()
        ends = [end + more for more in (1_000_000, 100_000_000, SECOND)]
        ends += [facts.outcome.ended]
    yield (
        shorter
        for end in ends
        if (shorter := cut_off(case, end, patient=patient)) != case
        and (end < whole or case.plan.recovery or case.patience)
    )


def evidence(case: Case, facts: Facts) -> Steps:
    """Keep the operations that prove the violation, or those of their key, or none."""
    if not case.operations:
        return
    positions, _ = facts.evidence()
    lines = facts.outcome.lines
    starts = {(lines[at]["time"], lines[at]["process"] % case.concurrency) for at in positions}
    proof = [each for each in case.operations if (each.at, each.thread) in starts]
    # An operation that waited for its thread began later than it was to: look by its contents too.
    contents = [(lines[at]["f"], lines[at]["key"], lines[at]["value"]) for at in positions]
    proof += [
        each for each in case.operations if (each.f, each.key, each.value) in contents and each not in proof
    ]
    keys = [each.key for each in proof]
    same_key = [each for each in case.operations if each.key in keys]
    smaller = [[], proof, same_key] if proof else [[]]
    yield lucky(
        (with_operations(case, each) for each in smaller if len(each) < len(case.operations)), reseeded, SEEDS
    )


def faults(case: Case, facts: Facts) -> Steps:
    """Take out planned faults and crash points."""
    del facts
    steps = thin(incidents(case), lambda kept: with_incidents(case, kept))
    yield from with_luck(steps, reseeded, SEEDS)


def operations_by_thread(case: Case, facts: Facts) -> Steps:
    """Take out all operations of a thread."""
    del facts
    yield from thin_groups(
        case.operations or (), lambda kept: with_operations(case, kept), lambda each: each.thread
    )


def operations_by_key(case: Case, facts: Facts) -> Steps:
    """Take out all operations on a key."""
    del facts
    yield from thin_groups(
        case.operations or (), lambda kept: with_operations(case, kept), lambda each: repr(each.key)
    )


def single_operations(case: Case, facts: Facts) -> Steps:
    """Take out operations in ever smaller parts."""
    del facts
    few = len(case.operations or ()) <= 40
    steps = thin(case.operations or (), lambda kept: with_operations(case, kept))
    yield from with_luck(steps, reseeded, SEEDS) if few else steps


def nodes(case: Case, facts: Facts) -> Steps:
    """Take out nodes, two at once where a majority stays one."""
    del facts
    pairs = [without_nodes(case, pair) for pair in combinations(case.names, 2)] if case.nodes > 3 else []
    singles = [without_nodes(case, (name,)) for name in case.names] if case.nodes > 1 else []
    # Every shape under its own seed first: another seed is only worth its run if none of them does.
    if (yield [*pairs, *singles]) is not None:
        return
    yield (reseeded(each, seed) for seed in range(MANY_SEEDS) for each in (*pairs, *singles))


def threads(case: Case, facts: Facts) -> Steps:
    """Use few client threads, numbered from 0."""
    del facts
    if case.operations is None:
        return
    used = used_threads(case)
    compact = on_threads(case, {old: number for number, old in enumerate(used)})
    merged = [on_threads(case, {old: into}) for old in used for into in used if into < old]
    alone = on_threads(case, dict.fromkeys(used, 0))
    yield lucky((each for each in (alone, compact, *merged) if smaller_threads(each, case)), reseeded, SEEDS)


def smaller_threads(one: Case, other: Case) -> bool:
    """Tell whether a case has fewer threads than another, or smaller numbers for as many."""

    def size(case: Case) -> tuple[int, int]:
        used = used_threads(case)
        return len(used), max(used, default=0) + case.concurrency

    return size(one) < size(other)


def seeds(case: Case, facts: Facts) -> Steps:
    """Find a smaller seed."""
    del facts
    if case.environment == CALM:
        yield (replace(case, seed=seed) for seed in range(min(case.seed, MANY_SEEDS)))
