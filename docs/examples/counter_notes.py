"""A checker of one's own over what nodes noted: no node may recover less than it has answered for.

It convicts without any read: `System.invariants` names it in counter.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.checkers.verdict import CheckResult, NodeNote, Violation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class NothingForgotten:
    """A `NotesChecker`: `recovered` never states fewer records than an `answered` before it."""

    name = "nothing-forgotten"

    def check(self, notes: Mapping[str, Sequence[NodeNote]]) -> CheckResult:
        """Decide each node by its own notes, which stand in order over all of its lives."""
        violations: list[Violation] = []
        recoveries = 0
        for node, own in notes.items():
            answered = 0
            for note in own:
                if note.kind == "answered":
                    answered = max(answered, note.fields["records"])
                elif note.kind == "recovered":
                    recoveries += 1
                    if note.fields["records"] < answered:
                        violations.append(self.forgotten(node, note, answered))
        reason = violations[0].summary if violations else f"{recoveries} recoveries forgot nothing."
        return CheckResult(self.name, not violations, "notes", reason, violations)

    def forgotten(self, node: str, note: NodeNote, answered: int) -> Violation:
        """Tell of one recovery that lacks something; the evidence names its line in events.jsonl."""
        kept = note.fields["records"]
        return Violation(
            "FORGOTTEN",
            f"{node} had answered for {answered} additions and came back with {kept}.",
            {"node": node, "line": note.line, "answered": answered, "recovered": kept},
        )
