"""The notes of a Raft node, read as facts.

The vocabulary is the contract between `systems/raft`, which notes, and the invariants, which conclude:

    role       {"role": "follower"|"candidate"|"leader", "term": t,
                "leader": name or null}
    voted      {"term": t, "for": name}                 the vote is durable, or is claimed to be
    elected    {"term": t, "last": i, "digest": d}      it becomes leader, its log ending so
    appended   {"first": i, "entries": [[term, digest], ...], "previous": d}
               its log now holds these at i, i+1, ... after the digest d at i-1, and nothing beyond
    truncated  {"from": i}                              entries from index i on are removed; where others
               take their place in the same step, `appended` is the node's very next note
    committed  {"index": i, "term": t, "digest": d, "in_term": u}
               its commit index is now i, an entry of term t; its current term is u
    applied    {"first": i, "digests": [d, ...], "term": t}
               the entries at i, i+1, ... went into the state machine
    snapshot-taken      {"index": i, "term": t, "digest": d}
               its state machine with all entries up to i, one of term t, stands for them now
    snapshot-installed  {"index": i, "term": t, "digest": d, "last": j}
               another node's snapshot became its own; its log now ends at j
    started    {"pid", "records", "torn"}               the runtime's own: a new life of the node begins
    recovered  {"first": i, "entries": [[term, digest], ...], "term": t, "vote": name or null}
               the log that it came back with; where that begins in a snapshot, so that i > 1, also
               "snapshot": {"index": i-1, "term": t} and "previous", the digest there
    configured {"index": i, "term": t, "members": [name, ...]}
               the members that it counts now; nothing is concluded from it (theory: `raft`)

Indices begin at 1; index 0 is the empty log. A digest is chained, digest(i) = H(digest(i-1), term,
command), over the whole log, whether its beginning is still there or in a snapshot: different digests at
one index mean different prefixes for certain, equal ones the same prefix unless H collides. Hence a
collision can hide a violation but not invent one.

Kinds that are not listed are somebody else's and are skipped. A listed one whose fields are missing or of
the wrong type states no fact and is counted as malformed. Fields may be a node's own, with tuples where
a file has lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.invariants.facts import Commit, Election, Facts, Leadership, Span, Vote
from splitbrain.checkers.invariants.notes import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from splitbrain.checkers.invariants.facts import Digest
    from splitbrain.checkers.verdict import NodeNote


class MalformedNoteError(Exception):
    """A field is missing or of the wrong type."""


def read_facts(notes: Mapping[str, Sequence[NodeNote]]) -> Facts:
    """Return what the notes state."""
    facts = Facts()
    reader_of = _READERS.get
    for own in notes.values():
        born: NodeNote | None = None
        cut: NodeNote | None = None
        for note in own:
            if cut is not None:
                _cut(cut, note, facts)
            cut = note if note.kind == "truncated" else None
            reader = reader_of(note.kind)
            if reader is None:
                if note.kind == "started":
                    born = note
                continue
            try:
                reader(note, note.fields, born, facts)
            except MalformedNoteError:
                facts.malformed.append(note)
    return facts


def _role(note: NodeNote, fields: Mapping[str, Any], born: NodeNote | None, facts: Facts) -> None:
    role = fields.get("role")
    if not isinstance(role, str):
        raise MalformedNoteError
    if role == "leader":
        facts.leaderships.append(Leadership(_number(fields, "term"), born, note))


def _elected(note: NodeNote, fields: Mapping[str, Any], born: NodeNote | None, facts: Facts) -> None:
    term, last = _number(fields, "term"), _number(fields, "last")
    digest = None if last == 0 else _digest(fields.get("digest"))
    facts.elections.append(Election(term, last, digest, note))
    facts.leaderships.append(Leadership(term, born, note))


def _voted(note: NodeNote, fields: Mapping[str, Any], _: NodeNote | None, facts: Facts) -> None:
    candidate = fields.get("for")
    if not isinstance(candidate, str):
        raise MalformedNoteError
    facts.votes.append(Vote(_number(fields, "term"), candidate, note))


def _appended(note: NodeNote, fields: Mapping[str, Any], _: NodeNote | None, facts: Facts) -> None:
    _hold(_span(note, fields), facts)


def _recovered(note: NodeNote, fields: Mapping[str, Any], _: NodeNote | None, facts: Facts) -> None:
    span = _span(note, fields)
    if span.first > 1:
        snapshot = fields.get("snapshot")
        if not isinstance(snapshot, Mapping) or span.before is None:
            raise MalformedNoteError
        if _number(snapshot, "index") != span.first - 1:
            raise MalformedNoteError
        _compact(span.first - 1, _number(snapshot, "term"), span.before, note, facts)
    _hold(span, facts)


def _committed(note: NodeNote, fields: Mapping[str, Any], _: NodeNote | None, facts: Facts) -> None:
    index, _term = _number(fields, "index"), _number(fields, "term")
    digest, in_term = _digest(fields.get("digest")), _number(fields, "in_term")
    facts.commits.append(Commit(index, digest, in_term, note))


def _applied(note: NodeNote, fields: Mapping[str, Any], _: NodeNote | None, facts: Facts) -> None:
    first, digests = _number(fields, "first"), _list(fields, "digests")
    for digest in digests:
        _digest(digest)
    add = facts.states.add
    for index, digest in enumerate(digests, first):
        add(index, digest, note)


def _snapshot(note: NodeNote, fields: Mapping[str, Any], _: NodeNote | None, facts: Facts) -> None:
    index, term, digest = _number(fields, "index"), _number(fields, "term"), _digest(fields.get("digest"))
    _compact(index, term, digest, note, facts)


def _installed(note: NodeNote, fields: Mapping[str, Any], born: NodeNote | None, facts: Facts) -> None:
    last = _number(fields, "last")
    _snapshot(note, fields, born, facts)
    facts.logs.setdefault(note.node, []).append(Span(last + 1, (), None, note))


def _truncated(_: NodeNote, fields: Mapping[str, Any], __: NodeNote | None, ___: Facts) -> None:
    _number(fields, "from")


def _unreadable(_: NodeNote, __: Mapping[str, Any], ___: NodeNote | None, ____: Facts) -> None:
    raise MalformedNoteError


_READERS: dict[str, Callable[[NodeNote, Mapping[str, Any], NodeNote | None, Facts], None]] = {
    "role": _role,
    "elected": _elected,
    "appended": _appended,
    "recovered": _recovered,
    "committed": _committed,
    "applied": _applied,
    "snapshot-taken": _snapshot,
    "snapshot-installed": _installed,
    "truncated": _truncated,
    "voted": _voted,
    UNREADABLE: _unreadable,
}
"""Each adds the facts of one note, given its fields and the `started` note of its life, or raises."""


def _cut(note: NodeNote, then: NodeNote, facts: Facts) -> None:
    """Entries were removed for good, unless others came in their place or the node's life ended meanwhile."""
    first = note.fields.get("from")
    if then.kind not in ("appended", "started") and type(first) is int and first > 0:
        facts.logs.setdefault(note.node, []).append(Span(first, (), None, note, then))


def _hold(span: Span, facts: Facts) -> None:
    """A log held these entries."""
    note, add = span.note, facts.entries.add
    for index, (term, digest) in enumerate(span.entries, span.first):
        add((index, term), digest, note)
    facts.logs.setdefault(note.node, []).append(span)


def _compact(index: int, term: int, digest: Digest, note: NodeNote, facts: Facts) -> None:
    """A state machine has the prefix up to the entry of an index and a term, from a snapshot."""
    facts.entries.add((index, term), digest, note)
    facts.states.add(index, digest, note)
    facts.snapshots.append(note)


def _span(note: NodeNote, fields: Mapping[str, Any]) -> Span:
    first, entries, before = _number(fields, "first"), _list(fields, "entries"), fields.get("previous")
    if before is not None:
        _digest(before)
    for pair in entries:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or type(pair[0]) is not int:
            raise MalformedNoteError
        _digest(pair[1])
    return Span(first, entries, before, note)


def _number(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or value < 0:
        raise MalformedNoteError
    return value


def _digest(value: Any) -> Digest:
    if type(value) is str or type(value) is int:
        return value
    raise MalformedNoteError


def _list(fields: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = fields.get(name)
    if not isinstance(value, (list, tuple)):
        raise MalformedNoteError
    return value
