"""Reading a history file: which format it has, and one pass over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from splitbrain.histories.builder import HistoryBuilder
from splitbrain.histories.collection import collection_paused
from splitbrain.histories.errors import TornHistoryError
from splitbrain.histories.readers.detect import detect
from splitbrain.histories.readers.edn import read_edn
from splitbrain.histories.readers.jepsen_log import read_jepsen_log
from splitbrain.histories.readers.json_array import read_json_array
from splitbrain.histories.readers.json_lines import read_json_lines
from splitbrain.histories.readers.source import Source

if TYPE_CHECKING:
    import os

    from splitbrain.histories.history import History
    from splitbrain.histories.keys import Keyed

Format: TypeAlias = Literal["auto", "jsonl", "json", "edn", "jepsen-log"]
FORMATS: tuple[Format, ...] = ("auto", "jsonl", "json", "edn", "jepsen-log")

_READERS = {
    "json": read_json_array,
    "edn": read_edn,
    "jepsen-log": read_jepsen_log,
}


def read_history(
    path: str | os.PathLike[str],
    format: Format = "auto",  # noqa: A002 - the word of the command line's option
    keyed: Keyed = "auto",
    *,
    tolerate_torn: bool = False,
) -> History:
    """Read a history in one pass; pipes and devices will do.

    `format` is one of `FORMATS`: "auto" decides from the content, never from the name. `keyed` says whether
    values are Jepsen's tuples of key and value (see `keys`). With `tolerate_torn` an entry that the end of
    the file cuts off is dropped, and `notes` says so.

    Raises `HistoryError`, naming file and line, for anything else that is not a history or can't be read, and
    `ValueError` for an unknown option.
    """
    if format not in FORMATS:
        raise ValueError(f"unknown format {format!r}, expected one of {', '.join(FORMATS)}")
    notes: list[str] = []
    with Source(path) as source, collection_paused():
        builder = HistoryBuilder(source.name)
        found = detect(source) if format == "auto" else format
        try:
            if found == "jsonl":
                for first, entries in read_json_lines(source):
                    builder.add_all(first, entries)
            else:
                for line, entry in _READERS[found](source):
                    builder.add(line, entry)
        except TornHistoryError as torn:
            if not tolerate_torn:
                raise
            notes.append(f"torn last line dropped (line {torn.line})")
        notes.extend(source.notes)
    return builder.finish(keyed, notes)
