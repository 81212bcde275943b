"""What a system's nodes say and do, learnt by watching a few runs: what draws can refer to.

A fault that waits for a note has to know which kinds there are, and which values of their fields tell
one situation from another ("role" is "leader"). A crash point has to know the labels of effects
and how many of each a node performs. Neither is declared anywhere, so a user's own system needs to
declare nothing; it is learnt from pilot runs of the system without bugs, so that it is the same for each bug.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from splitbrain.checkers.verdict import NodeNote
    from splitbrain.exploration.simulate import Outcome

MOST_VALUES = 4
"""A field with more different values than this tells no situations apart; it is a number or a name."""

LEAST_OFTEN = 3
"""A value that was seen less often tells nothing yet: digests of rare notes are few, too."""

RUNTIME_NOTES = ("started",)
"""Notes of the runtime and not of the node: a trigger can't wait for them."""


class NoteKind(NamedTuple):
    """A kind of note: how many runs had it, the most of one node in a run, values of telling fields."""

    kind: str
    runs: int
    most: int
    fields: tuple[tuple[str, tuple[Any, ...]], ...]


class Vocabulary(NamedTuple):
    """Kinds of notes, and labels of effects with the most that one node performed in a run; both sorted."""

    notes: tuple[NoteKind, ...] = ()
    labels: tuple[tuple[str, int], ...] = ()

    @property
    def messages(self) -> tuple[tuple[str, int], ...]:
        """The types of messages that nodes send, with the most that one node sent in a run."""
        return tuple(
            (label.removeprefix("send "), most) for label, most in self.labels if label.startswith("send ")
        )


def learn(outcomes: Iterable[Outcome]) -> Vocabulary:
    """Return the vocabulary of some runs, which counted their effects (`census`)."""
    runs: Counter[str] = Counter()
    most: dict[str, int] = {}
    values: dict[str, dict[str, Counter[Any]]] = {}
    labels: dict[str, int] = {}
    for outcome in outcomes:
        runs.update({note.kind for notes in outcome.notes.values() for note in notes})
        for notes in outcome.notes.values():
            for kind, count in _listen(notes, values, outcome.notes).items():
                most[kind] = max(most.get(kind, 0), count)
        for (_, label), count in (outcome.census or {}).items():
            labels[label] = max(labels.get(label, 0), count)
    kinds = (NoteKind(kind, runs[kind], most[kind], _telling(values[kind])) for kind in sorted(most))
    return Vocabulary(tuple(kinds), tuple(sorted(labels.items())))


def _listen(
    notes: Sequence[NodeNote], values: dict[str, dict[str, Counter[Any]]], names: Mapping[str, Any]
) -> dict[str, int]:
    """Add the values of telling fields to `values`; return how many notes there were of each kind."""
    counts: dict[str, int] = {}
    for note in notes:
        if note.kind in RUNTIME_NOTES:
            continue
        counts[note.kind] = counts.get(note.kind, 0) + 1
        fields = values.setdefault(note.kind, {})
        for name, value in note.fields.items():
            seen = fields.setdefault(name, Counter())
            if isinstance(value, bool) or (isinstance(value, str) and value not in names):
                if value in seen or len(seen) <= MOST_VALUES:
                    seen[value] += 1
            else:
                # One value that is no word, and the field is none that tells.
                seen.update(("", number) for number in range(MOST_VALUES + 1))
    return counts


def _telling(fields: Mapping[str, Mapping[Any, int]]) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    return tuple(
        (name, tuple(sorted(seen, key=repr)))
        for name, seen in sorted(fields.items())
        if 2 <= len(seen) <= MOST_VALUES and min(seen.values()) >= LEAST_OFTEN
    )
