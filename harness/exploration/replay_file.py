"""The replay file: a case with what it showed, to be kept as a regression test. Our own JSON, for good.

    {"format": "splitbrain-replay", "version": 1, "splitbrain": "0.1.0",
     "title": "n1 answered a read after it had lost the lead.",
     "expect": {"kinds": ["LIN"], "summary": "Key ...", "trace": "9f86d081884c7d65..."},
     "vocabulary": {"messages": ["append_entries", ...], "notes": ["role", ...]},
     "case": {"system": "raft", ...}}

`case` decides the run (`exploration.case`). `expect` is what the run showed when the file was written:
the kinds of violation, one sentence, and the digest of the trace, which tells whether the code still
does the same, step by step. `vocabulary` lists the types of messages and kinds of notes that occurred.
The reference to a system in a file ("../mine.py:Class") is relative to the replay file's folder, so that both
can be committed together. One operation, fault or deviation stands on a line, so that changes read well.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitbrain import __version__
from splitbrain.errors import UsageError
from splitbrain.exploration.case import Case, case_from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FORMAT = "splitbrain-replay"
VERSION = 1
WIDTH = 110
"""Characters that a line may have before a list or object is broken into several."""
LISTED = ("operations", "faults", "crash_points", "deviations")
"""Lists with each entry on a line of its own, however short."""


@dataclass(frozen=True)
class Expectation:
    """What the run showed when the file was written; `trace` is a digest, `summary` one sentence."""

    kinds: tuple[str, ...]
    summary: str
    trace: str


@dataclass(frozen=True)
class Replay:
    """A replay file. `messages` and `notes` are the types and kinds that occurred, sorted."""

    title: str
    case: Case
    expect: Expectation
    messages: tuple[str, ...]
    notes: tuple[str, ...]
    splitbrain: str = __version__

    def to_json(self) -> dict[str, Any]:
        """Return the replay as it stands in its file."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "splitbrain": self.splitbrain,
            "title": self.title,
            "expect": {
                "kinds": list(self.expect.kinds),
                "summary": self.expect.summary,
                "trace": self.expect.trace,
            },
            "vocabulary": {"messages": list(self.messages), "notes": list(self.notes)},
            "case": self.case.to_json(),
        }


def write_replay(path: Path, replayed: Replay) -> None:
    """Write a replay file, replacing it whole.

    Raises:
        UsageError: it can't be written.
    """
    folder = path.absolute().parent
    text = pretty(replace(replayed, case=portable(replayed.case, folder)).to_json()) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise UsageError(f"The replay file {path} can't be written: {error.strerror or error}.") from error


def read_replay(path: Path) -> Replay:
    """Read a replay file.

    Raises:
        UsageError: it can't be read, or it is none of this version; the sentence names file and field.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The replay file {path} can't be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The replay file {path} is not JSON: {error}.") from error
    try:
        replayed = replay_from_json(document)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    return replace(replayed, case=located(replayed.case, path.absolute().parent))


def is_replay(document: Any) -> bool:
    """Tell whether a JSON document means to be a replay file, of whatever version."""
    return isinstance(document, dict) and document.get("format") == FORMAT


def replay_from_json(document: Any) -> Replay:
    """Build a replay from its JSON form; references are left as they are.

    Raises:
        UsageError: the format or version is another one, or a field is missing, unknown or of the wrong type.
    """
    if not is_replay(document):
        given = document.get("format") if isinstance(document, dict) else document
        raise UsageError(f"`format` must be {FORMAT!r}, not {_short(given)}; this is no replay file.")
    if document.get("version") != VERSION:
        raise UsageError(
            f"`version` is {_short(document.get('version'))}, and this splitbrain {__version__} reads "
            f"version {VERSION}; the file was written by splitbrain {document.get('splitbrain', 'unknown')}."
        )
    top = _members(document, "", {"splitbrain": str, "title": str, "expect": dict, "vocabulary": dict})
    expect = _members(top["expect"], "expect.", {"kinds": list, "summary": str, "trace": str})
    vocabulary = _members(top["vocabulary"], "vocabulary.", {"messages": list, "notes": list})
    try:
        case = case_from_json(document.get("case"))
    except UsageError as error:
        raise UsageError(f"`case`: {error}") from error
    return Replay(
        title=top["title"],
        case=case,
        expect=Expectation(_texts(expect, "expect.", "kinds"), expect["summary"], expect["trace"]),
        messages=_texts(vocabulary, "vocabulary.", "messages"),
        notes=_texts(vocabulary, "vocabulary.", "notes"),
        splitbrain=top["splitbrain"],
    )


def portable(case: Case, folder: Path) -> Case:
    """Return a case with its references to files as they stand in a replay file in that folder.

    That of the system is relative to the folder, those beside it are relative to the system's own file.
    """
    base = _folder_of(case.system, Path.cwd()) or folder
    return _with_references(
        case,
        lambda reference: _relative(reference, Path.cwd(), folder),
        lambda reference: _relative(reference, base, base),
    )


def located(case: Case, folder: Path) -> Case:
    """Return a case from a replay file in that folder with its references to files absolute."""
    base = _folder_of(case.system, folder) or folder
    return _with_references(
        case,
        lambda reference: _absolute(reference, folder),
        lambda reference: _absolute(reference, base),
    )


def _with_references(case: Case, of_system: Callable[[str], str], beside: Callable[[str], str]) -> Case:
    faults = tuple(
        replace(each, fault=beside(each.fault) if _is_file(each.fault) else each.fault)
        for each in case.plan.faults
    )
    return replace(
        case,
        system=of_system(case.system) if _is_file(case.system) else case.system,
        workload=beside(case.workload) if _is_file(case.workload) else case.workload,
        plan=replace(case.plan, faults=faults),
    )


def _is_file(name: str) -> bool:
    return name.rpartition(":")[0].endswith(".py")


def _folder_of(reference: str, folder: Path) -> Path | None:
    """Return the folder of the file that a reference names, seen from a folder; None if it names no file."""
    return (folder / reference.rpartition(":")[0]).parent if _is_file(reference) else None


def pretty(document: Any, indent: int = 0, name: str = "") -> str:
    """Return JSON text with an entry a line where that reads best; equal documents have equal texts."""
    flat = json.dumps(document, ensure_ascii=False)
    margin = " " * (indent + 1)
    fits = indent > 0 and indent + len(name) + len(flat) <= WIDTH and not _holds_listed(document)
    if name in LISTED and isinstance(document, list) and document:
        lines = [f"{margin}{json.dumps(each, ensure_ascii=False)}" for each in document]
    elif not isinstance(document, dict | list) or not document or fits:
        return flat
    elif isinstance(document, dict):
        lines = [
            f"{margin}{json.dumps(key)}: {pretty(value, indent + 1, key)}" for key, value in document.items()
        ]
    else:
        lines = [f"{margin}{pretty(each, indent + 1)}" for each in document]
    opening, closing = "{}" if isinstance(document, dict) else "[]"
    return f"{opening}\n" + ",\n".join(lines) + f"\n{' ' * indent}{closing}"


def _holds_listed(document: Any) -> bool:
    return isinstance(document, dict) and any(document.get(name) for name in LISTED)


def _members(document: Mapping[str, Any], where: str, kinds: Mapping[str, type]) -> Mapping[str, Any]:
    """Return the document if exactly these members are in it, each of its type."""
    known = {*kinds, *(() if where else ("format", "version", "case"))}
    unknown = sorted(set(document) - known)
    if unknown:
        raise UsageError(f"there is no field `{where}{unknown[0]}` in a replay file of version {VERSION}.")
    words: dict[type, str] = {str: "a text", dict: "an object", list: "a list"}
    for name, kind in kinds.items():
        if not isinstance(document.get(name), kind):
            given = _short(document[name]) if name in document else "missing"
            raise UsageError(f"`{where}{name}` must be {words[kind]}; it is {given}.")
    return document


def _texts(document: Mapping[str, Any], where: str, name: str) -> tuple[str, ...]:
    if not all(isinstance(each, str) for each in document[name]):
        raise UsageError(f"`{where}{name}` must be a list of texts, not {_short(document[name])}.")
    return tuple(document[name])


def _relative(reference: str, seen_from: Path, folder: Path) -> str:
    file, _, attribute = reference.rpartition(":")
    return f"{Path(os.path.relpath(seen_from / file, folder)).as_posix()}:{attribute}"


def _absolute(reference: str, folder: Path) -> str:
    file, _, attribute = reference.rpartition(":")
    return f"{(folder / file).resolve()}:{attribute}"


def _short(value: Any) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else text[:57] + "..."
