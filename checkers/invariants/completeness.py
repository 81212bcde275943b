"""Leader completeness: each elected leader holds what earlier terms committed (theory: `raft`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from splitbrain.checkers.invariants.citation import violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from splitbrain.checkers.invariants.facts import Commit, Digest, Election, Facts, Span
    from splitbrain.checkers.verdict import NodeNote, Violation

Link: TypeAlias = "tuple[Digest, NodeNote]"
"""The digest below an entry, and the note of the node that states it."""


def leader_completeness(facts: Facts) -> Iterator[Violation]:
    """Yield a violation for each election whose leader provably lacked a committed entry."""
    if not facts.elections:
        return
    commits = facts.earliest_commits()
    chains: dict[str, dict[tuple[int, Digest], Link | None]] = {}
    for election in sorted(facts.elections, key=lambda each: each.term):
        node = election.note.node
        found = _missing(election, commits, facts)
        if found is None:
            if node not in chains:
                chains[node] = _chain(facts.logs.get(node, ()))
            found = _different(election, commits, chains[node])
        if found is not None:
            yield found


def _chain(spans: Sequence[Span]) -> dict[tuple[int, Digest], Link | None]:
    """Return what a node's notes say lies below each digest; None where they disagree."""
    below: dict[tuple[int, Digest], Link | None] = {}
    for first, entries, previous, note, _ in spans:
        before = previous
        for index, (_, digest) in enumerate(entries, first):
            if before is not None:
                known = below.setdefault((index, digest), (before, note))
                if known is not None and known[0] != before:
                    below[index, digest] = None
            before = digest
    return below


def _missing(
    election: Election, commits: Mapping[int, Mapping[Digest, Commit]], facts: Facts
) -> Violation | None:
    """The leader's log ended before an index that an earlier term had committed."""
    for index, candidates in commits.items():
        if index <= election.last:
            continue
        for commit in candidates.values():
            if commit.in_term < election.term:
                return _violation(
                    election,
                    commit,
                    f"whose log ended at {election.last}",
                    [(election.note, f"leader of term {election.term}, its log ends at {election.last}")],
                    _dropped(commit, election.note, facts),
                )
    return None


def _dropped(commit: Commit, elected: NodeNote, facts: Facts) -> list[str]:
    """Tell, if it is so, that the leader had the entry until it installed a snapshot."""
    node = elected.node
    for snapshot in reversed(facts.snapshots):
        if snapshot.node != node or snapshot.line > elected.line or snapshot.kind != "snapshot-installed":
            continue
        last = snapshot.fields["last"]
        if last < commit.last and any(
            (commit.digest in [digest for _, digest in span.entries]) and span.note.line < snapshot.line
            for span in facts.logs.get(node, ())
        ):
            story = f"{node} once held entry {commit.last}, and then installed a snapshot up to"
            return [f"{story} {snapshot.fields['index']} that left its log ending at {last}."]
    return []


def _different(
    election: Election,
    commits: Mapping[int, Mapping[Digest, Commit]],
    below: Mapping[tuple[int, Digest], Link | None],
) -> Violation | None:
    """The digest chain of the leader's log passes by a digest that an earlier term had committed."""
    end = f"leader of term {election.term}, its log ends at {election.last} with digest {election.digest}"
    cited: list[tuple[NodeNote, str]] = [(election.note, end)]
    index, digest = election.last, election.digest
    while digest is not None and index > 0:
        for committed, commit in commits.get(index, {}).items():
            if committed != digest and commit.in_term < election.term:
                return _violation(
                    election, commit, f"whose log had another one there (digest {digest})", cited
                )
        link = below.get((index, digest))
        if link is None:
            return None
        index, (digest, note) = index - 1, link
        if cited[-1][0] is not note:
            cited.append((note, f"its log at index {index + 1} and below"))
    return None


def _violation(
    election: Election,
    commit: Commit,
    how: str,
    cited: Sequence[tuple[NodeNote, str]],
    story: Sequence[str] = (),
) -> Violation:
    return violation(
        "LC",
        f"Entry {commit.last} was committed in term {commit.in_term} or earlier, but is missing"
        f" from the log of {election.note.node}, elected in term {election.term}, {how}.",
        [
            (
                commit.note,
                f"entry {commit.last} committed with digest {commit.digest}, in term {commit.in_term}",
            ),
            *cited,
        ],
        story,
    )
