"""Leader completeness: each elected leader holds what earlier terms committed (theory: `raft`)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from splitbrain.checkers.invariants.citation import violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from splitbrain.checkers.invariants.vocabulary import Commit, Digest, Election, Entry, Facts
    from splitbrain.checkers.verdict import NodeNote, Violation


def leader_completeness(facts: Facts) -> Iterator[Violation]:
    """Yield a violation for each election whose leader provably lacked a committed entry."""
    commits = _earliest(facts)
    below = _chains(facts)
    for election in sorted(facts.elections, key=lambda each: each.term):
        found = _missing(election, commits) or _different(election, commits, below[election.note.node])
        if found is not None:
            yield found


def _earliest(facts: Facts) -> dict[int, dict[Digest, Commit]]:
    """Return for each committed index and digest the note with the lowest term."""
    commits: dict[int, dict[Digest, Commit]] = defaultdict(dict)
    for commit in facts.commits:
        known = commits[commit.index].get(commit.digest)
        if known is None or commit.in_term < known.in_term:
            commits[commit.index][commit.digest] = commit
    return dict(sorted(commits.items()))


def _chains(facts: Facts) -> dict[str, dict[tuple[int, Digest], Entry | None]]:
    """Return for each node what its notes say lies below a digest; None where they disagree."""
    below: dict[str, dict[tuple[int, Digest], Entry | None]] = defaultdict(dict)
    for entry in facts.entries:
        if entry.before is None:
            continue
        own = below[entry.note.node]
        known = own.setdefault((entry.index, entry.digest), entry)
        if known is not None and known.before != entry.before:
            own[entry.index, entry.digest] = None
    return below


def _missing(election: Election, commits: Mapping[int, Mapping[Digest, Commit]]) -> Violation | None:
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
                )
    return None


def _different(
    election: Election,
    commits: Mapping[int, Mapping[Digest, Commit]],
    below: Mapping[tuple[int, Digest], Entry | None],
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
        entry = below.get((index, digest))
        if entry is None:
            return None
        if cited[-1][0] is not entry.note:
            cited.append((entry.note, f"its log at index {index} and below"))
        index, digest = index - 1, entry.before
    return None


def _violation(
    election: Election, commit: Commit, how: str, cited: Sequence[tuple[NodeNote, str]]
) -> Violation:
    return violation(
        "LC",
        f"Entry {commit.index} was committed in term {commit.in_term} or earlier, but is missing"
        f" from the log of {election.note.node}, elected in term {election.term}, {how}.",
        [
            (
                commit.note,
                f"entry {commit.index} committed with digest {commit.digest}, in term {commit.in_term}",
            ),
            *cited,
        ],
    )
