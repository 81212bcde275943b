"""Read the notes of a run: what its nodes believed, line by line.

Each node of a run directory has `nodes/N/events.jsonl`, one JSON object `{"time", "kind", "fields"}` a
line over all of its lives. A killed node may leave a last line without its newline, which says nothing
and is dropped. Any other line that is no note is kept as one of kind `unreadable`, so that no checker
can mistake the gap for silence.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.verdict import NodeNote

if TYPE_CHECKING:
    from pathlib import Path

UNREADABLE = "unreadable"
"""Kind of a line that is not a note; its text is the field `text`."""


def load_notes(run_directory: Path) -> dict[str, list[NodeNote]]:
    """Return the notes of each node, in order; a node that noted nothing has an empty list.

    Raises:
        OSError: a file of notes exists and can't be read.
    """
    nodes = run_directory / "nodes"
    if not nodes.is_dir():
        return {}
    return {
        directory.name: read_notes(directory.name, directory / "events.jsonl")
        for directory in sorted(nodes.iterdir())
        if directory.is_dir()
    }


def read_notes(node: str, path: Path) -> list[NodeNote]:
    """Return the notes in one file, which may be missing.

    Raises:
        OSError: the file exists and can't be read.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    *lines, _torn = text.split(b"\n")
    return [_note(node, number, line) for number, line in enumerate(lines)]


def _note(node: str, number: int, line: bytes) -> NodeNote:
    try:
        content: Any = json.loads(line)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        time, kind, fields = content.get("time"), content.get("kind"), content.get("fields")
        if type(time) is int and isinstance(kind, str) and isinstance(fields, dict):
            return NodeNote(node, number, time, kind, fields)
    return NodeNote(node, number, 0, UNREADABLE, {"text": line.decode("utf-8", "replace")})
