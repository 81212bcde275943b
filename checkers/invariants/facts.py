"""What the notes of all nodes state, in the form in which the invariants ask for it.

Log matching and state-machine safety each say that something can be only one way: the prefix that ends
in the entry of an index and a term, the prefix that state machines have at an index. `Prefixes` keeps
the first claim about each and the later ones that differ, so that a run without a conflict costs one
dictionary lookup a claim and makes no objects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.verdict import NodeNote

Digest: TypeAlias = "str | int"
Claim: TypeAlias = "tuple[Digest, NodeNote]"
"""A digest, and the note that states it."""

Subject = TypeVar("Subject", int, tuple[int, int])


class Leadership(NamedTuple):
    """A node says that it leads `term`, in the life that began with the note `born`."""

    term: int
    born: NodeNote | None
    note: NodeNote


class Election(NamedTuple):
    """A node became leader of `term` with a log that ends at `last` with `digest`."""

    term: int
    last: int
    digest: Digest | None
    note: NodeNote


class Span(NamedTuple):
    """A log held `entries` (pairs of a term and a digest) from `first` on, and nothing behind them.

    `before` is the digest below the first one, where the note states it. `then` is the node's next note,
    where it takes both to say so.
    """

    first: int
    entries: Sequence[tuple[int, Digest]]
    before: Digest | None
    note: NodeNote
    then: NodeNote | None = None


class Commit(NamedTuple):
    """The log up to `last` with `digest` was committed in `in_term` at the latest."""

    last: int
    digest: Digest
    in_term: int
    note: NodeNote


class Vote(NamedTuple):
    """A node voted for `candidate` in `term`."""

    term: int
    candidate: str
    note: NodeNote


@dataclass(frozen=True, slots=True)
class Prefixes(Generic[Subject]):
    """Digests of which there can be only one a subject: the first claimed, and the claims that differ."""

    first: dict[Subject, Claim] = field(default_factory=dict)
    conflicts: list[tuple[Subject, Claim, Claim]] = field(default_factory=list)
    """A subject, the first claim about it and one that differs, in the order of reading."""

    def add(self, subject: Subject, digest: Digest, note: NodeNote) -> None:
        """Take a claim in."""
        known = self.first.get(subject)
        if known is None:
            self.first[subject] = (digest, note)
        elif known[0] != digest:
            self.conflicts.append((subject, known, (digest, note)))


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the notes of all nodes state, each with the note that states it."""

    leaderships: list[Leadership] = field(default_factory=list)
    elections: list[Election] = field(default_factory=list)
    votes: list[Vote] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    logs: dict[str, list[Span]] = field(default_factory=dict)
    """What the log of each node held, in the order of its notes."""
    entries: Prefixes[tuple[int, int]] = field(default_factory=Prefixes)
    """The prefix that ends in the entry of an (index, term), in any log or snapshot."""
    states: Prefixes[int] = field(default_factory=Prefixes)
    """The prefix that a state machine has at an index, by applying entries or from a snapshot."""
    snapshots: list[NodeNote] = field(default_factory=list)
    malformed: list[NodeNote] = field(default_factory=list)

    def earliest_commits(self) -> dict[int, dict[Digest, Commit]]:
        """Return for each committed index and digest the note with the lowest term, by rising index."""
        commits: dict[int, dict[Digest, Commit]] = {}
        for commit in self.commits:
            index, digest, in_term, _ = commit
            known = commits.setdefault(index, {}).setdefault(digest, commit)
            if in_term < known.in_term:
                commits[index][digest] = commit
        return dict(sorted(commits.items()))

    @property
    def empty(self) -> bool:
        """Whether the notes state nothing that an invariant speaks of."""
        return not (self.leaderships or self.entries.first or self.commits or self.states.first)
