"""A violation with the notes that contradict each other, and the certificate that names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.verdict import Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.verdict import NodeNote

LONGEST = 6
"""Items of a list in a note's fields that the evidence repeats; the file has them all."""


def violation(
    kind: str, summary: str, cited: Sequence[tuple[NodeNote, str]], story: Sequence[str] = ()
) -> Violation:
    """Build a violation. `cited` gives each note that it rests on, and what that note says."""
    return Violation(
        kind,
        summary,
        {
            "notes": [
                {
                    "node": note.node,
                    "line": note.line,
                    "kind": note.kind,
                    "says": says,
                    "fields": {name: _shortened(value) for name, value in note.fields.items()},
                }
                for note, says in cited
            ],
            "story": list(story),
            "certificate": {
                "kind": "invariant",
                "violation": kind,
                "notes": [{"node": note.node, "line": note.line} for note, _ in cited],
            },
        },
    )


def _shortened(value: Any) -> Any:
    """Return a copy that is JSON-native, with long lists cut; a simulated node's fields are its own."""
    if isinstance(value, (list, tuple)):
        shown = [_shortened(item) for item in value[:LONGEST]]
        return [*shown, f"and {len(value) - LONGEST} more"] if len(value) > LONGEST else shown
    if isinstance(value, Mapping):
        return {name: _shortened(item) for name, item in value.items()}
    return value
