"""The words of a run: types of messages and kinds of notes. Does a case still speak those of the code?

A deviation, a crash point or a trigger names a message or a note. Once the code says that no more, it
addresses nothing, and a replay file that was kept as a regression test would pass without testing
anything. So what is addressed is compared with what occurred, and what did not occur with what the
code can say at all: a word that stands nowhere in it is a mistake, one that merely was not said this
time is a remark.
"""

from __future__ import annotations

import ast
import inspect
import sys
from typing import TYPE_CHECKING, NamedTuple

from splitbrain.simulation.deviations import DISK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from splitbrain.exploration.case import Case
    from splitbrain.exploration.simulate import Outcome, Resolved

MESSAGE, NOTE = "message", "note"
PLAIN_LABELS = ("persist", "replace", "sync")
"""Labels of crash points that name neither a message nor a note."""
RUNTIME_NOTES = frozenset({"started", "torn-tail-dropped"})
"""Notes that come from a node's runtime and not from its code."""


class Words(NamedTuple):
    """The types of messages and the kinds of notes, sorted."""

    messages: tuple[str, ...]
    notes: tuple[str, ...]


class Addressed(NamedTuple):
    """A message type or note kind that part of a case names; `by` says which part."""

    sort: str
    word: str
    by: str


class Mismatch(NamedTuple):
    """What a case addresses and a run did not have: `unknown` stands nowhere in the code, `unused` does."""

    unknown: tuple[Addressed, ...]
    unused: tuple[Addressed, ...]


def spoken(outcome: Outcome) -> Words:
    """Return the words of a run that kept its story."""
    assert outcome.story is not None
    messages = {
        str(each.fields.get("type"))
        for each in outcome.story.happenings
        if each.kind == "send" and isinstance(each.fields, dict)
    }
    notes = {note.kind for each in outcome.notes.values() for note in each}
    return Words(tuple(sorted(messages)), tuple(sorted(notes)))


def addressed(case: Case) -> Iterator[Addressed]:
    """Yield the words that a case addresses, each with what names it."""
    for deviation in case.deviations:
        message = deviation.message
        if message.destination != DISK:
            by = f"the deviation on {message.source} to {message.destination}"
            yield Addressed(MESSAGE, message.type, by)
    for point in case.crash_points:
        verb, _, word = point.label.partition(" ")
        by = f"the crash point on {point.node}"
        if verb == "note":
            yield Addressed(NOTE, word, by)
        elif point.label not in PLAIN_LABELS:
            yield Addressed(MESSAGE, word, by)
    for fault in case.plan.faults:
        if fault.when is not None:
            yield Addressed(NOTE, fault.when.note, f"the trigger of {fault.id}")


def compare(case: Case, resolved: Resolved, words: Words) -> Mismatch:
    """Return what a case addresses beyond the words of its run, each word once."""
    said = {MESSAGE: set(words.messages), NOTE: set(words.notes)}
    missing = {(each.sort, each.word): each for each in addressed(case) if each.word not in said[each.sort]}
    if not missing:
        return Mismatch((), ())
    known = literals(resolved.node) | literals(resolved.system.client) | RUNTIME_NOTES
    # Answers are commonly named after their request: `write` stands in the code, `write_ok` needn't.
    possible = {key: key[1] in known or key[1].removesuffix("_ok") in known for key in missing}
    return Mismatch(
        tuple(each for key, each in missing.items() if not possible[key]),
        tuple(each for key, each in missing.items() if possible[key]),
    )


def literals(found: type) -> frozenset[str]:
    """Return every string that stands in the modules of a class, its bases and their packages."""
    own = {each.__module__ for each in found.__mro__} - {"builtins", "abc"}
    packages = {name.rpartition(".")[0] for name in own if "." in name}
    modules = {name for name in sys.modules if name in own or name.rpartition(".")[0] in packages}
    texts: set[str] = set()
    for name in sorted(modules):
        try:
            tree = ast.parse(inspect.getsource(sys.modules[name]))
        except (OSError, TypeError, SyntaxError):
            continue
        texts.update(
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
    return frozenset(texts)
