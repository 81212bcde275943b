"""What a system's nodes say and do, learnt by watching a few runs: what draws can refer to.

A fault that waits for a note has to know which kinds there are, and which values of their fields tell
one situation from another ("role" is "leader"). A crash point has to know the labels of effects
and how many of each a node performs. Neither is declared anywhere, so a user's own system needs to
declare nothing; it is learnt from pilot runs of the system without bugs, so that it is the same for each bug.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from splitbrain.checkers.verdict import NodeNote
    from splitbrain.exploration.simulate import Outcome

MOST_VALUES = 4
"""A field with more different values than this tells no situations apart; it is a number or a name."""

RUNTIME_NOTES = ("started",)
"""Notes of the runtime and not of the node: a trigger can't wait for them."""


class NoteKind(NamedTuple):
    """A kind of note: the most that one node emitted in a run, and values of telling fields."""

    kind: str
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
    most: dict[str, int] = {}
    values: dict[str, dict[str, dict[Any, None]]] = {}
    labels: dict[str, int] = {}
    for outcome in outcomes:
        for notes in outcome.notes.values():
            for kind, count in _listen(notes, values, outcome.notes).items():
                most[kind] = max(most.get(kind, 0), count)
        for (_, label), count in (outcome.census or {}).items():
            labels[label] = max(labels.get(label, 0), count)
    kinds = (NoteKind(kind, most[kind], _telling(values[kind])) for kind in sorted(most))
    return Vocabulary(tuple(kinds), tuple(sorted(labels.items())))


def _listen(
    notes: Sequence[NodeNote], values: dict[str, dict[str, dict[Any, None]]], names: Mapping[str, Any]
) -> dict[str, int]:
    """Add the values of telling fields to `values`; return how many notes there were of each kind."""
    counts: dict[str, int] = {}
    for note in notes:
        if note.kind in RUNTIME_NOTES:
            continue
        counts[note.kind] = counts.get(note.kind, 0) + 1
        fields = values.setdefault(note.kind, {})
        for name, value in note.fields.items():
            seen = fields.setdefault(name, {})
            if isinstance(value, bool) or (isinstance(value, str) and value not in names):
                if len(seen) <= MOST_VALUES:
                    seen[value] = None
            else:
                # One value that is no word, and the field is none that tells.
                seen.update((("", number), None) for number in range(MOST_VALUES + 1))
    return counts


def _telling(fields: Mapping[str, Mapping[Any, None]]) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    return tuple(
        (name, tuple(sorted(seen, key=repr)))
        for name, seen in sorted(fields.items())
        if 2 <= len(seen) <= MOST_VALUES
    )
