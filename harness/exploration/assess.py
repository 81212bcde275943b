"""From what happened to what it proves: the checkers of a real run over a simulated one, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from splitbrain.checkers.liveness import check_liveness
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verdict import CheckResult, Violation, worst
from splitbrain.histories import build_history
from splitbrain.runner.calm import calm_spans, membership_changes, patience

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.verdict import Valid
    from splitbrain.exploration.simulate import Outcome, Resolved
    from splitbrain.histories import History

CHECK_TIMEOUT = 20.0
"""Seconds that deciding one simulated run's history may take."""


@dataclass(frozen=True)
class Assessment:
    """What the checkers said about a simulated run."""

    checks: Sequence[CheckResult]

    @property
    def valid(self) -> Valid:
        """The worst of the verdicts."""
        return worst([check.valid for check in self.checks])

    @property
    def violations(self) -> list[Violation]:
        """Every violation, in the order of the checks."""
        return [violation for check in self.checks for violation in check.violations]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of the violations, each once, in the order of the checks."""
        return tuple(dict.fromkeys(violation.kind for violation in self.violations))


def assess(resolved: Resolved, outcome: Outcome) -> Assessment:
    """Check a run: its history, its nodes' notes, its crashes."""
    history = build_history(outcome.lines)
    return Assessment(
        [
            check_linearizable(history, resolved.model, timeout=CHECK_TIMEOUT),
            *[checker.check(outcome.notes) for checker in resolved.checkers],
            crashes(outcome),
            *liveness(resolved, outcome, history),
        ]
    )


def liveness(resolved: Resolved, outcome: Outcome, history: History) -> list[CheckResult]:
    """Ask whether the system served while it was calm, if the run was long and quick enough to ask."""
    system, bound = resolved.system, patience(resolved.system)
    if not outcome.quick or outcome.ended < bound:
        return []
    spans = calm_spans(
        outcome.reach,
        tuple(outcome.notes),
        outcome.ended,
        least=bound,
        availability=system.availability,
        one_sided=system.one_sided,
        membership=membership_changes(outcome.records, outcome.ended),
    )
    return [check_liveness(spans, history, bound, outcome.waits)] if spans else []


def crashes(outcome: Outcome) -> CheckResult:
    """A node that raised, or refused to start, broke its promise to serve."""
    violations = [
        Violation(
            "CRASH",
            f"{each.node} ended by itself: it {each.status}.",
            {"node": each.node, "status": each.status, "log": each.log},
        )
        for each in outcome.exits
    ]
    reason = violations[0].summary if violations else "No node ended by itself."
    return CheckResult("crash", not violations, "exit status", reason, violations)
