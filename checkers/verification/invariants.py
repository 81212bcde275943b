"""Re-check `invariant` and `invariants-held`: do these notes of Raft nodes contradict each other?

Written without the checker's code, from the rules alone (Ongaro & Ousterhout 2014, figure 3), over the
notes' fields as docs and `checkers.invariants` state them:

    ES   two nodes, or two lives of one node, lead the same term; or one voted for two candidates in it
    LM   an entry of the same index and term has two digests
    LC   an entry is committed in a term, and a leader elected in a later one ends below it, or
         has another digest there; or a node whose log held it, and ended in that term or a later one,
         has a log without it afterwards
    SMS  an index was applied with two digests, or a snapshot up to it has another one

A snapshot (taken, installed, or that a recovered log begins in) states the digest of its last entry.

Each rule is a function from any set of notes to the first contradiction in it, or None. A violation is
confirmed by its cited notes; that none exists is confirmed by all notes of the run. Notes that say
nothing usable say nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.verification.values import show
from splitbrain.checkers.verification.verification import RejectedError, Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from splitbrain.checkers.verdict import NodeNote

CHECKER = "raft-invariants"


def verify_violation(certificate: Mapping[str, Any], notes: Mapping[str, Sequence[NodeNote]]) -> Verification:
    """Confirm that the cited notes contradict each other in the way that is claimed.

    Raises:
        RejectedError: the certificate is malformed, cites a note that is not there, or they agree.
    """
    rule = certificate.get("violation")
    if not isinstance(rule, str) or rule not in RULES:
        raise RejectedError(f"`violation` must be one of {', '.join(RULES)}, not {show(rule)}.")
    cited = _cited(certificate, notes)
    contradiction = RULES[rule](cited)
    if contradiction is None:
        where = ", ".join(f"line {note.line} of {note.node}" for note in cited)
        raise RejectedError(f"The cited notes ({where}) do not contradict each other under {rule}.")
    return Verification(holds=True, reason=f"{rule} is broken: {contradiction}.", checked=len(cited))


def verify_held(certificate: Mapping[str, Any], notes: Mapping[str, Sequence[NodeNote]]) -> Verification:
    """Confirm that these are the notes that were checked, and that no rule is broken in all of them.

    Raises:
        RejectedError: the certificate is malformed, does not fit the notes, or a rule is broken.
    """
    if certificate.get("checker") != CHECKER:
        raise RejectedError(f"`checker` must be {CHECKER!r}, not {show(certificate.get('checker'))}.")
    counts, leaders = certificate.get("notes"), certificate.get("leaders")
    if not isinstance(counts, dict) or not isinstance(leaders, dict):
        raise RejectedError("`notes` and `leaders` must be objects.")
    for node in sorted({*counts, *notes}):
        if counts.get(node) != len(notes.get(node, ())):
            raise RejectedError(
                f"The certificate counts {show(counts.get(node))} notes of {node}; there are"
                f" {len(notes.get(node, ()))}."
            )
    everything = [note for own in notes.values() for note in own]
    if not everything:
        raise RejectedError("There are no notes, so nothing held.")
    for rule, contradiction_of in RULES.items():
        contradiction = contradiction_of(everything)
        if contradiction is not None:
            raise RejectedError(f"{rule} is broken: {contradiction}.")
    led = {str(term): node for term, node, _ in _leaders(everything)}
    if led != leaders:
        term = next(each for each in sorted({*led, *leaders}) if led.get(each) != leaders.get(each))
        raise RejectedError(
            f"The certificate has {show(leaders.get(term))} as leader of term {term},"
            f" the notes have {show(led.get(term))}."
        )
    return Verification(
        holds=True,
        reason=f"None of the invariants {', '.join(RULES)} is broken by the {len(everything)} notes"
        f" of {len(notes)} nodes.",
        checked=len(everything),
    )


def _cited(certificate: Mapping[str, Any], notes: Mapping[str, Sequence[NodeNote]]) -> list[NodeNote]:
    entries = certificate.get("notes")
    if not isinstance(entries, list):
        raise RejectedError("The certificate's `notes` must be a list.")
    cited: list[NodeNote] = []
    for entry in entries:
        node = entry.get("node") if isinstance(entry, dict) else None
        if not isinstance(node, str) or type(entry.get("line")) is not int:
            raise RejectedError(
                f"Each entry of `notes` must have a `node` and a `line`, unlike {show(entry)}."
            )
        line = entry["line"]
        found = [note for note in notes.get(node, ()) if note.line == line]
        if not found:
            raise RejectedError(f"There is no line {line} in the notes of {node}.")
        cited.extend(found)
    return sorted(cited, key=lambda note: (note.node, note.line))


def _two_leaders(notes: Sequence[NodeNote]) -> str | None:
    seen: dict[int, tuple[str, int]] = {}
    for term, node, life in _leaders(notes):
        if seen.setdefault(term, (node, life)) != (node, life):
            other = seen[term][0]
            again = "again in a later life" if other == node else f"as well as {other}"
            return f"{node} led term {term} {again}"
    return None


def _two_votes(notes: Sequence[NodeNote]) -> str | None:
    cast: dict[tuple[str, int], str] = {}
    for note in notes:
        term, candidate = note.fields.get("term"), note.fields.get("for")
        if note.kind != "voted" or type(term) is not int or not isinstance(candidate, str):
            continue
        other = cast.setdefault((note.node, term), candidate)
        if other != candidate:
            return f"{note.node} voted for {other} and for {candidate} in term {term}"
    return None


def _logs_differ(notes: Sequence[NodeNote]) -> str | None:
    seen: dict[tuple[int, int], Any] = {}
    logs = ((index, term, digest) for note in notes for index, term, digest, _ in _log(note))
    for index, term, digest in (*logs, *_snapshots(notes)):
        if seen.setdefault((index, term), digest) != digest:
            return f"entry {index} of term {term} has digests {show(seen[index, term])} and {show(digest)}"
    return None


def _states_differ(notes: Sequence[NodeNote]) -> str | None:
    states = [(index, digest) for index, _, digest in _snapshots(notes)]
    for note in notes:
        first, digests = note.fields.get("first"), note.fields.get("digests")
        if note.kind == "applied" and type(first) is int and isinstance(digests, (list, tuple)):
            states.extend(enumerate(digests, start=first))
    seen: dict[int, Any] = {}
    for index, digest in states:
        if seen.setdefault(index, digest) != digest:
            return f"state machines had digests {show(seen[index])} and {show(digest)} at index {index}"
    return None


def _incomplete_leader(notes: Sequence[NodeNote]) -> str | None:
    commits = list(_commits(notes))
    for note in notes:
        term, last = note.fields.get("term"), note.fields.get("last")
        if note.kind != "elected" or type(term) is not int or type(last) is not int:
            continue
        log = _reach_down(last, note.fields.get("digest"), [each for each in notes if each.node == note.node])
        for index, in_term, digest in commits:
            if in_term < term and (index > last or log.get(index, digest) != digest):
                return (
                    f"{note.node}, elected in term {term}, lacks the entry {index} with digest"
                    f" {show(digest)}, committed in term {in_term}"
                )
    return None


def _lost_entry(notes: Sequence[NodeNote]) -> str | None:
    committed: dict[tuple[int, str], int] = {}
    for index, in_term, digest in _commits(notes):
        place = (index, repr(digest))
        committed[place] = min(in_term, committed.get(place, in_term))
    log: dict[int, tuple[str, int]] = {}
    node, end = None, 0
    for note, following in zip_longest(notes, notes[1:]):
        if note.node != node:
            node, log, end = note.node, {}, 0
        stated = _stated(note, following)
        if stated is None:
            continue
        first, entries = stated
        now = dict(enumerate((repr(digest) for _, digest in entries), start=first))
        for index in range(first, end + 1):
            digest, bound = log.pop(index, ("", -1))
            if now.get(index) != digest and committed.get((index, digest), bound + 1) <= bound:
                return f"{node} had entry {index} with digest {digest}, which was committed, and lost it"
        end = first + len(entries) - 1
        log.update({index: (digest, entries[-1][0]) for index, digest in now.items()})
    return None


def _stated(note: NodeNote, following: NodeNote | None) -> tuple[int, Sequence[tuple[int, Any]]] | None:
    """Return what a node's log holds from an index on, with nothing behind; None if the note doesn't say."""
    if note.kind in ("appended", "recovered"):
        first, entries = note.fields.get("first"), [(term, digest) for _, term, digest, _ in _log(note)]
        listed = note.fields.get("entries")
        whole = isinstance(listed, (list, tuple)) and len(listed) == len(entries)
        return (first, entries) if type(first) is int and whole else None
    if note.kind == "snapshot-installed":
        last = note.fields.get("last")
        return (last + 1, []) if type(last) is int else None
    if note.kind == "truncated":
        first = note.fields.get("from")
        succeeded = following is not None and following.node == note.node and following.line == note.line + 1
        stands = succeeded and following is not None and following.kind not in ("appended", "started")
        return (first, []) if type(first) is int and stands else None
    return None


def _commits(notes: Sequence[NodeNote]) -> Iterator[tuple[int, int, Any]]:
    """Yield (index, term in which that was known, digest) of each commit index."""
    for note in notes:
        index, in_term = note.fields.get("index"), note.fields.get("in_term")
        if note.kind == "committed" and type(index) is int and type(in_term) is int:
            yield index, in_term, note.fields.get("digest")


def _reach_down(last: int, digest: Any, notes: Sequence[NodeNote]) -> dict[int, Any]:
    """Return a log's digests from its end at `last` down, as far as the node's notes link them."""
    links: dict[tuple[int, str], set[str]] = {}
    texts: dict[str, Any] = {}
    for index, _, above, before in (entry for note in notes for entry in _log(note)):
        if before is not None:
            texts[repr(before)] = before
            links.setdefault((index, repr(above)), set()).add(repr(before))
    log = {last: digest} if last > 0 else {}
    while len(below := links.get((last, repr(digest)), set())) == 1:
        last, digest = last - 1, texts[next(iter(below))]
        log[last] = digest
    return log


def _leaders(notes: Sequence[NodeNote]) -> Iterator[tuple[int, str, int]]:
    """Yield (term, node, life) of each claim to lead; a life is counted by the `started` notes before it."""
    lives: dict[str, int] = {}
    for note in notes:
        if note.kind == "started":
            lives[note.node] = lives.get(note.node, 0) + 1
        term = note.fields.get("term")
        leads = note.kind == "elected" or (note.kind == "role" and note.fields.get("role") == "leader")
        if leads and type(term) is int:
            yield term, note.node, lives.get(note.node, 0)


def _snapshots(notes: Sequence[NodeNote]) -> Iterator[tuple[int, int, Any]]:
    """Yield (index, term, digest) of the last entry in each snapshot."""
    for note in notes:
        snapshot: Any = None
        if note.kind == "recovered":
            snapshot, digest = note.fields.get("snapshot"), note.fields.get("previous")
        elif note.kind in ("snapshot-taken", "snapshot-installed"):
            snapshot, digest = note.fields, note.fields.get("digest")
        if not isinstance(snapshot, Mapping):
            continue
        index, term = snapshot.get("index"), snapshot.get("term")
        if type(index) is int and type(term) is int and digest is not None:
            yield index, term, digest


def _log(note: NodeNote) -> Iterator[tuple[int, int, Any, Any]]:
    """Yield (index, term, digest, digest below or None) of the entries that a note states."""
    first, entries = note.fields.get("first"), note.fields.get("entries")
    if note.kind not in ("appended", "recovered") or type(first) is not int:
        return
    if not isinstance(entries, (list, tuple)):
        return
    below = note.fields.get("previous")
    for index, entry in enumerate(entries, start=first):
        if not isinstance(entry, (list, tuple)) or len(entry) != 2 or type(entry[0]) is not int:
            return
        yield index, entry[0], entry[1], below
        below = entry[1]


RULES: dict[str, Callable[[Sequence[NodeNote]], str | None]] = {
    "ES": lambda notes: _two_leaders(notes) or _two_votes(notes),
    "LM": _logs_differ,
    "LC": lambda notes: _incomplete_leader(notes) or _lost_entry(notes),
    "SMS": _states_differ,
}
