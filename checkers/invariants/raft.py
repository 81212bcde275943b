"""Raft's safety properties, decided from what its nodes noted (Ongaro & Ousterhout 2014, figure 3).

No client history can show them; the nodes' own notes (`vocabulary`) can. A violation must be certain,
though the notes are incomplete: those at the end of a life may be lost with the node, and there is no
clock that orders the notes of two nodes. So nothing is concluded from a note that is missing, and
events are compared by term, never by time. What remains are statements that no correct execution can
make both of:

*ES, election safety (5.2)*: at most one leader is elected in a term. Two nodes that each note that they
lead one term contradict it; so does one node that leads the same term in two of its lives, because a
candidate persists its new term before it asks for votes, so that a later life can only be elected in a
later term. What followers believe about who leads is not used: it is hearsay. Election safety rests on one
vote a server and term (5.2), across crashes: a node that notes votes for two candidates of one term has
broken it, whether or not both were elected this time. A vote is noted when it is durable, so no crash
excuses the second.

*LM, log matching (5.3)*: an index and a term name one entry and its whole prefix, in all logs and at
all times: the leader of the term makes that entry once, after a prefix that it never changes, and a
follower takes it only after the same prefix. Two logs, of any nodes and lives, that held entry (i, t)
with different digests contradict it. An entry that was noted and then lost in a power cut is no
exception, since its term is never led again. A snapshot names its last entry, which some log held.

*LC, leader completeness (5.4)*: an entry committed in a term is in the log of the leader of every later
term. A commit index that some node noted in term u was reached in u or earlier, so it must be covered
by every election of a term above u, whatever the clocks said. What the elected leader's log held is
taken from its own notes alone: `elected` states its end (i, d). An end below the committed index lacks
the entry. An end at it must have its digest. An end beyond it has the committed prefix only if the
digest chain leads there: each note of an entry states the digest below it, so the leader's own notes
give, step by step down from (i, d), the only digests that its log can have held. Where the chain breaks
off (a note is lost, or two notes disagree about what is below a digest, a collision) nothing is
concluded. A log that begins in a snapshot needs no rule of its own: its first entry is noted after the
snapshot's digest, so the chain reaches the snapshot's index, where it is compared, and goes on below only
where the node once noted those entries themselves. Leader completeness rests on what servers keep
(`retention`): a committed entry that a server has stored stays stored, and a server that lost one has broken
it, whether or not the others made up for it this time.

*SMS, state-machine safety (5.4.3)*: no two servers apply different entries at one index. An applied
digest covers all that was applied before, so two different ones at an index contradict it, of two nodes
or of one in two lives (what a life has applied was committed, and that never changes). A snapshot holds
nothing but what was committed and applied: the digest at its index is such a claim too, whether it is
taken, installed from another node or found at the start of a life.

What is not concluded, for want of certainty: a snapshot is no claim of commitment for LC, since its notes
don't state the current term, and the other notes of the node, which may have waited for a disk, don't
bound it. `configured` notes prove nothing: changes of membership by one server at a time leave ES as it
is, and that two configurations follow each other can't be known where those between may be lost, removed
with their entries or inside a snapshot.

Valid means: there were notes, all of them could be read, and none contradict each other.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.invariants.citation import violation
from splitbrain.checkers.invariants.completeness import leader_completeness
from splitbrain.checkers.invariants.retention import retention
from splitbrain.checkers.invariants.vocabulary import read_facts
from splitbrain.checkers.verdict import CheckResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from splitbrain.checkers.invariants.facts import Facts, Leadership, Vote
    from splitbrain.checkers.verdict import NodeNote, Violation

METHOD = "notes"


class RaftInvariants:
    """A `NotesChecker` of election safety, log matching, leader completeness and state-machine safety."""

    name = "raft-invariants"

    def check(self, notes: Mapping[str, Sequence[NodeNote]]) -> CheckResult:
        """Decide whether the notes keep Raft's four invariants.

        Unknown if no note states anything, or if some can't be understood and the others agree.
        """
        total = sum(map(len, notes.values()))
        facts = read_facts(notes)
        violations = [
            *election_safety(facts),
            *log_matching(facts),
            *leader_completeness(facts),
            *retention(facts),
            *state_machine_safety(facts),
        ]
        if violations:
            return CheckResult(
                checker=self.name,
                valid=False,
                method=METHOD,
                reason=violations[0].summary,
                violations=violations,
                certificate=violations[0].evidence["certificate"],
            )
        if facts.empty:
            reason = (
                "The nodes noted nothing"
                if total == 0
                else f"None of the {total} notes is about the protocol"
            )
            return CheckResult(self.name, "unknown", METHOD, f"{reason}, so no invariant was tested.")
        if facts.malformed:
            first = facts.malformed[0]
            return CheckResult(
                checker=self.name,
                valid="unknown",
                method=METHOD,
                reason=f"{len(facts.malformed)} of {total} notes can't be understood, the first"
                f" a {first.kind!r} at line {first.line} of {first.node}; the others agree.",
            )
        return self._held(notes, facts)

    def _held(self, notes: Mapping[str, Sequence[NodeNote]], facts: Facts) -> CheckResult:
        leaders = {
            str(each.term): each.note.node for each in sorted(facts.leaderships, key=lambda one: one.term)
        }
        certificate: dict[str, Any] = {
            "kind": "invariants-held",
            "checker": self.name,
            "notes": {node: len(own) for node, own in notes.items()},
            "leaders": leaders,
        }
        return CheckResult(
            checker=self.name,
            valid=True,
            method=METHOD,
            reason=f"The {sum(map(len, notes.values()))} notes of {len(notes)} nodes agree;"
            f" terms with a leader: {len(leaders)},"
            f" log indices filled: {len({index for index, _ in facts.entries.first})},"
            f" committed: {max((commit.last for commit in facts.commits), default=0)},"
            f" applied: {max(facts.states.first, default=0)},"
            f" snapshots: {len(facts.snapshots)}.",
            certificate=certificate,
        )


def election_safety(facts: Facts) -> Iterator[Violation]:
    """Yield a violation for each term with two leaders, or else with a server that voted twice."""
    unsafe = dict(_two_leaders(facts))
    yield from unsafe.values()
    yield from _two_votes(facts, set(unsafe))


def _two_leaders(facts: Facts) -> Iterator[tuple[int, Violation]]:
    """Yield each term with two leaders, and the violation."""
    terms: dict[int, list[Leadership]] = defaultdict(list)
    for each in facts.leaderships:
        terms[each.term].append(each)
    for term, claims in sorted(terms.items()):
        first = claims[0]
        story = [
            f"{node} voted for {' and for '.join(candidates)} in term {term}."
            for node, candidates in _votes(facts, term).items()
            if len(candidates) > 1
        ]
        other = next((each for each in claims if each.note.node != first.note.node), None)
        if other is not None:
            names = sorted({each.note.node for each in claims})
            summary = (
                f"{' and '.join(names)} were both elected leader of term {term}."
                if len(names) == 2
                else f"{', '.join(names)} were all elected leader of term {term}."
            )
            claim = f"it leads term {term}"
            yield term, violation("ES", summary, [(first.note, claim), (other.note, claim)], story)
            continue
        again = next((each for each in claims if each.born is not first.born), None)
        if again is not None:
            cited = [
                (first.note, f"it leads term {term}"),
                (again.born or again.note, "a new life begins"),
                (again.note, f"it leads term {term} again"),
            ]
            summary = f"{first.note.node} was elected leader of term {term} in two of its lives."
            yield term, violation("ES", summary, cited, story)


def _two_votes(facts: Facts, told: set[int]) -> Iterator[Violation]:
    """Yield a violation for each server that voted for two candidates in a term not yet told of."""
    cast: dict[tuple[int, str], Vote] = {}
    for vote in facts.votes:
        first = cast.setdefault((vote.term, vote.note.node), vote)
        if first.candidate != vote.candidate and vote.term not in told:
            told = {*told, vote.term}
            yield violation(
                "ES",
                f"{vote.note.node} voted for {first.candidate} and for {vote.candidate} in term {vote.term}.",
                [(each.note, f"it votes for {each.candidate} in term {each.term}") for each in (first, vote)],
            )


def _votes(facts: Facts, term: int) -> dict[str, list[str]]:
    votes: dict[str, list[str]] = {}
    for vote in facts.votes:
        if vote.term == term and vote.candidate not in votes.setdefault(vote.note.node, []):
            votes[vote.note.node].append(vote.candidate)
    return votes


def log_matching(facts: Facts) -> Iterator[Violation]:
    """Yield the lowest entry that two logs hold after, or with, different content."""
    conflicts = facts.entries.conflicts
    if not conflicts:
        return
    (index, term), (one, first), (two, second) = min(conflicts, key=lambda conflict: conflict[0])
    places = len({place for place, _, _ in conflicts})
    logs = (
        f"The log of {first.node} at two times"
        if first.node == second.node
        else f"The logs of {first.node} and {second.node} both"
    )
    yield violation(
        "LM",
        f"{logs} held an entry {index} of term {term}, but not the same log up to it.",
        [
            (first, f"entry {index} of term {term} with digest {one}"),
            (second, f"entry {index} of term {term} with digest {two}"),
        ],
        [f"{places} entries in all are held in two versions."] if places > 1 else [],
    )


def state_machine_safety(facts: Facts) -> Iterator[Violation]:
    """Yield the lowest index up to which two state machines had applied different entries."""
    conflicts = facts.states.conflicts
    if not conflicts:
        return
    index, (one, first), (two, second) = min(conflicts, key=lambda conflict: conflict[0])
    story = (
        ["No note tells whether they already differed below that index."]
        if index > 1 and index - 1 not in facts.states.first
        else []
    )
    yield violation(
        "SMS",
        _differing(index, first, second),
        [
            (note, f"{_reached(note)} at index {index}: digest {digest}")
            for digest, note in ((one, first), (two, second))
        ],
        story,
    )


def _differing(index: int, one: NodeNote, two: NodeNote) -> str:
    """Say of two notes that they state different prefixes up to an index."""
    if one.kind == two.kind == "applied":
        if one.node == two.node:
            return f"{one.node} applied two different entries at index {index}."
        return f"{one.node} and {two.node} applied different entries at index {index}."
    if "applied" not in (one.kind, two.kind):
        nodes = (
            f"Two snapshots of {one.node}"
            if one.node == two.node
            else f"The snapshots of {one.node} and {two.node}"
        )
        return f"{nodes} up to index {index} hold different entries."
    snapshot, other = (two, one) if one.kind == "applied" else (one, two)
    who = "it" if snapshot.node == other.node else other.node
    return f"The snapshot of {snapshot.node} up to index {index} holds other entries than {who} applied."


def _reached(note: NodeNote) -> str:
    """Say how a state machine came to the prefix that a note states."""
    return _WAYS.get(note.kind, note.kind)


_WAYS = {
    "applied": "applied",
    "snapshot-taken": "took a snapshot",
    "snapshot-installed": "installed a snapshot",
    "recovered": "came back with a snapshot",
}
