"""What a checker says: plain data, without rendering.

A verdict is `True` (with evidence), `False` (with proof) or `"unknown"` (with the budget that
ended the search). Invalid outranks unknown outranks valid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

Valid: TypeAlias = Literal["unknown"] | bool
Certificate: TypeAlias = Mapping[str, Any]
"""A JSON-native proof that `splitbrain verify` re-checks; see docs/certificates.md."""


@dataclass(frozen=True)
class Violation:
    """One broken promise. `kind` is a word of the field: LIN, ES, LM, LC, SMS, CRASH, ..."""

    kind: str
    summary: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the violation as it stands in `verdict.json`."""
        return {"kind": self.kind, "summary": self.summary, "evidence": dict(self.evidence)}


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one checker over one history or one run's notes."""

    checker: str
    valid: Valid
    method: str
    reason: str
    violations: Sequence[Violation] = ()
    certificate: Certificate | None = None
    operations: int = 0
    seconds: float = 0.0
    """Time spent deciding, without reading the file, in seconds."""


def worst(verdicts: Sequence[Valid]) -> Valid:
    """Combine verdicts: invalid outranks unknown outranks valid."""
    if any(verdict is False for verdict in verdicts):
        return False
    if any(verdict == "unknown" for verdict in verdicts):
        return "unknown"
    return True


class NodeNote(NamedTuple):
    """One note of one node, as its `events.jsonl` holds it.

    `line` is the zero-based line in that file, `time` the node's steady clock in nanoseconds.
    """

    node: str
    line: int
    time: int
    kind: str
    fields: Mapping[str, Any]


class NotesChecker(Protocol):
    """A checker of invariants over the notes of all nodes (an extension point)."""

    name: str

    def check(self, notes: Mapping[str, Sequence[NodeNote]]) -> CheckResult:
        """Decide whether the notes (node name -> its notes in order) keep the invariants."""
        ...
