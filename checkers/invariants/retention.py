"""What servers keep: a committed entry that was stored stays stored (Ongaro & Ousterhout 2014, 5.4.3).

The proof of leader completeness follows one voter, and its fifth step is about that voter alone: it still
has the committed entry when it grants its vote, since each leader in between had it too, leaders never
remove entries, and followers only remove what conflicts with the leader. A server for which this step
fails has one of the copies on its conscience that commitment counted on. The next election may show the
harm, or the others may make up for it; the step failed either way.

*The rule.* Some node noted that entry i, with the log up to it of digest d, was committed in term u or
before. A server noted a log that holds (i, d) and ends in an entry of a term of at least u. Then no later
log of that server, in this life or another, may lack (i, d), unless a snapshot stands for it.

*Why it holds.* A server's term is at least that of each entry in its log, so it was at least u when the log
was held. Whatever leader the server follows from then on leads a term of at least u. That of u itself has
(i, d) in its log, since it committed it or was elected with it; those of later terms have it by leader
completeness. So none of them conflicts with it there, and a snapshot that ends before it is one of a log
that goes on to it, which is kept. A log is noted when it is durable, so a crash takes none of it back.

The end of the log matters: a leader of a term below u may not have known that the entry would be committed,
and may have had a follower replace it, rightly, before it came back.

*When a log lacks it.* `appended` and `recovered` say what the log holds from an index on, and that nothing
follows; after `snapshot-installed` it ends at `last`. `truncated` says it only if the node's next note is
another one than `appended`, in the same life: otherwise the entries may have been put back at once.
Where notes were lost nothing is concluded from their absence: entries that were never noted as held are
not missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.invariants.citation import violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from splitbrain.checkers.invariants.facts import Commit, Digest, Facts, Span
    from splitbrain.checkers.verdict import NodeNote, Violation


class _Held(NamedTuple):
    """A log held an entry: with this digest, when its last entry was of term `bound`."""

    digest: Digest
    bound: int
    note: NodeNote


def retention(facts: Facts) -> Iterator[Violation]:
    """Yield for each node the first committed entry that it stored and lost."""
    if not facts.commits:
        return
    commits = facts.earliest_commits()
    for spans in facts.logs.values():
        found = _lost(spans, commits)
        if found is not None:
            yield found


def _lost(spans: Sequence[Span], commits: Mapping[int, Mapping[Digest, Commit]]) -> Violation | None:
    """Follow one node's log through its notes."""
    held: dict[int, _Held] = {}
    end = 0
    for span in spans:
        first, entries = span.first, span.entries
        last = first + len(entries) - 1
        for index in range(first, end + 1):
            before = held.pop(index, None)
            if before is None or (index <= last and entries[index - first][1] == before.digest):
                continue
            commit = commits[index][before.digest]
            if commit.in_term <= before.bound:
                return _violation(index, commit, before, span)
        end = last
        for index, (_, digest) in enumerate(entries, first):
            if index in commits and digest in commits[index]:
                held[index] = _Held(digest, entries[-1][0], span.note)
    return None


def _violation(index: int, commit: Commit, held: _Held, span: Span) -> Violation:
    node = span.note.node
    last = span.first + len(span.entries) - 1
    now = f"its log ends at {last}" if last < index else f"its log has another entry {index}"
    cited = [
        (commit.note, f"entry {index} committed with digest {commit.digest}, in term {commit.in_term}"),
        (held.note, f"its log holds entry {index} with that digest, and ends in term {held.bound}"),
        (span.note, now),
    ]
    if span.then is not None:
        cited.append((span.then, "and nothing was put in the place of what it had removed"))
    return violation(
        "LC",
        f"Entry {index} was committed in term {commit.in_term} or earlier, and {node} had stored it,"
        f" but lost it: {now}.",
        cited,
    )
