"""The notes of a Raft node, and the facts that they state.

The vocabulary is the contract between `systems/raft`, which notes, and the invariants, which conclude:

    role       {"role": "follower"|"candidate"|"leader", "term": t,
                "leader": name or null}
    voted      {"term": t, "for": name}                 the vote is durable, or is claimed to be
    elected    {"term": t, "last": i, "digest": d}      it becomes leader, its log ending so
    appended   {"first": i, "entries": [[term, digest], ...], "previous": d}
               its log now holds these at i, i+1, ... after the digest d at i-1, and nothing beyond
    truncated  {"from": i}                              entries from index i on are removed
    committed  {"index": i, "term": t, "digest": d, "in_term": u}
               its commit index is now i, an entry of term t; its current term is u
    applied    {"first": i, "digests": [d, ...], "term": t}
               the entries at i, i+1, ... went into the state machine
    started    {"pid", "records", "torn"}               the runtime's own: a new life of the node begins
    recovered  {"first": i, "entries": [[term, digest], ...], "term": t, "vote": name or null,
                "commit": c}
               the log that it came back with; "previous" too where it does not begin at 1

Indices begin at 1; index 0 is the empty log. A digest is chained, digest(i) = H(digest(i-1), term,
command): different digests at one index mean different prefixes for certain, equal ones the same prefix
unless H collides. Hence a collision can hide a violation but not invent one.

Kinds that are not listed are somebody else's and are skipped. A listed one whose fields are missing or of
the wrong type states no fact and is counted as malformed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from splitbrain.checkers.invariants.notes import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from splitbrain.checkers.verdict import NodeNote

Digest: TypeAlias = "str | int"


@dataclass(frozen=True, slots=True)
class Leadership:
    """A node says that it leads `term`, in the life that began with the note `born`."""

    term: int
    born: NodeNote | None
    note: NodeNote


@dataclass(frozen=True, slots=True)
class Election:
    """A node became leader of `term` with a log that ends at `last` with `digest`."""

    term: int
    last: int
    digest: Digest | None
    note: NodeNote


@dataclass(frozen=True, slots=True)
class Entry:
    """A log held an entry of `term` at `index`; `before` is the digest below it, where that is stated."""

    index: int
    term: int
    digest: Digest
    before: Digest | None
    note: NodeNote


@dataclass(frozen=True, slots=True)
class Commit:
    """The log up to `index` with `digest` was committed in `in_term` at the latest."""

    index: int
    term: int
    digest: Digest
    in_term: int
    note: NodeNote


@dataclass(frozen=True, slots=True)
class Application:
    """The entries up to `index` with `digest` went into a state machine, in order."""

    index: int
    digest: Digest
    note: NodeNote


@dataclass(frozen=True, slots=True)
class Vote:
    """A node voted for `candidate` in `term`."""

    term: int
    candidate: str
    note: NodeNote


@dataclass
class Facts:
    """All that the notes of all nodes state, each with the note that states it."""

    leaderships: list[Leadership] = field(default_factory=list)
    elections: list[Election] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)
    votes: list[Vote] = field(default_factory=list)
    malformed: list[NodeNote] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether the notes state nothing that an invariant speaks of."""
        return not (self.leaderships or self.entries or self.commits or self.applications)


class MalformedNoteError(Exception):
    """A field is missing or of the wrong type."""


def read_facts(notes: Mapping[str, Sequence[NodeNote]]) -> Facts:
    """Return what the notes state."""
    facts = Facts()
    for own in notes.values():
        born: NodeNote | None = None
        for note in own:
            if note.kind == "started":
                born = note
            reader = _READERS.get(note.kind)
            if reader is None:
                continue
            try:
                reader(note, born, facts)
            except MalformedNoteError:
                facts.malformed.append(note)
    return facts


def _role(note: NodeNote, born: NodeNote | None, facts: Facts) -> None:
    role = note.fields.get("role")
    if not isinstance(role, str):
        raise MalformedNoteError
    if role == "leader":
        facts.leaderships.append(Leadership(_number(note.fields, "term"), born, note))


def _elected(note: NodeNote, born: NodeNote | None, facts: Facts) -> None:
    term, last = _number(note.fields, "term"), _number(note.fields, "last")
    digest = None if last == 0 else _digest(note.fields.get("digest"))
    facts.elections.append(Election(term, last, digest, note))
    facts.leaderships.append(Leadership(term, born, note))


def _held(note: NodeNote, _: NodeNote | None, facts: Facts) -> None:
    facts.entries.extend(_entries(note))


def _committed(note: NodeNote, _: NodeNote | None, facts: Facts) -> None:
    index, term = _number(note.fields, "index"), _number(note.fields, "term")
    digest, in_term = _digest(note.fields.get("digest")), _number(note.fields, "in_term")
    facts.commits.append(Commit(index, term, digest, in_term, note))


def _applied(note: NodeNote, _: NodeNote | None, facts: Facts) -> None:
    first = _number(note.fields, "first")
    digests = [_digest(each) for each in _list(note.fields, "digests")]
    facts.applications.extend(
        Application(index, each, note) for index, each in enumerate(digests, start=first)
    )


def _voted(note: NodeNote, _: NodeNote | None, facts: Facts) -> None:
    candidate = note.fields.get("for")
    if not isinstance(candidate, str):
        raise MalformedNoteError
    facts.votes.append(Vote(_number(note.fields, "term"), candidate, note))


def _unreadable(_: NodeNote, __: NodeNote | None, ___: Facts) -> None:
    raise MalformedNoteError


_READERS: dict[str, Callable[[NodeNote, NodeNote | None, Facts], None]] = {
    "role": _role,
    "elected": _elected,
    "appended": _held,
    "recovered": _held,
    "committed": _committed,
    "applied": _applied,
    "voted": _voted,
    UNREADABLE: _unreadable,
}
"""Each adds the facts of one note, in the life that began with a `started` note, or raises."""


def _entries(note: NodeNote) -> list[Entry]:
    first = _number(note.fields, "first")
    before = note.fields.get("previous")
    if before is not None:
        before = _digest(before)
    entries: list[Entry] = []
    for index, pair in enumerate(_list(note.fields, "entries"), start=first):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or type(pair[0]) is not int:
            raise MalformedNoteError
        digest = _digest(pair[1])
        entries.append(Entry(index, pair[0], digest, before, note))
        before = digest
    return entries


def _number(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or value < 0:
        raise MalformedNoteError
    return value


def _digest(value: Any) -> Digest:
    if isinstance(value, str) or type(value) is int:
        return value
    raise MalformedNoteError


def _list(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise MalformedNoteError
    return value
