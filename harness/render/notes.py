"""The notes that contradict each other, each with its node, line and fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.render.text import DEFAULT_WIDTH, as_json, printable, shorten, wrap

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 8
"""Notes that are shown; the rest are counted."""


def render_notes(evidence: Mapping[str, Any], width: int = DEFAULT_WIDTH) -> str:
    """Return the cited notes of an invariant's violation, and its story, at most `width` wide."""
    notes = list(evidence.get("notes", ()))
    places = [f"{note.get('node')}, line {note.get('line')}" for note in notes]
    margin = max(map(len, places), default=0) + 2
    lines: list[str] = []
    for place, note in zip(places[:MOST], notes, strict=False):
        says = f"{note.get('kind')}: {note['says']}" if note.get("says") else str(note.get("kind"))
        lines += wrap(says, width, f"{place:<{margin}}")
        fields = ", ".join(f"{name} {as_json(value, 48)}" for name, value in note.get("fields", {}).items())
        if fields:
            lines.append(shorten(" " * margin + printable(fields), width))
    if len(notes) > MOST:
        lines.append(f"and {len(notes) - MOST} more notes")
    story = [
        line
        for number, sentence in enumerate(evidence.get("story", ()), start=1)
        for line in wrap(str(sentence), width, f"{number:>3}. ")
    ]
    return "\n".join([*lines, *([""] if lines and story else []), *story])
