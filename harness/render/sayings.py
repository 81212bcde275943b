"""Messages and notes in words: anyone's by their type and fields, those of our own systems by their meaning.

A saying begins with a verb of the third person. Its `{to}` stands for whom the message goes to. Sayings
of one `family` from one sender are the same thing said again (heartbeats, retries): what differs
among them is in `fields`, which are told as long as they are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.render import raft_sayings
from splitbrain.render.text import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from splitbrain.render.trace import Message, Noted

LONGEST_FIELD = 28
MOST_FIELDS = 5
UNTOLD = frozenset({"type", "msg_id", "in_reply_to"})
"""The fields of every body, of which only the harness makes something."""
IRREGULAR = {"has": "have", "is": "are", "does": "do", "goes": "go"}
"""Verbs whose plural is not the singular without its s."""


class Saying(NamedTuple):
    """What a sender says; see above."""

    family: str
    text: str
    fields: Mapping[str, Any]


class Vocabulary(NamedTuple):
    """A system's own words: its messages, its notes, and the kinds of notes that its messages tell already.

    Both functions may raise KeyError or TypeError for what they don't know; then the type and the fields
    are told.
    """

    message: Callable[[Mapping[str, Any]], tuple[str, str]]
    note: Callable[[str, Mapping[str, Any]], str]
    quiet: frozenset[str]


def _unknown(*said: Any) -> Any:
    raise KeyError(said)


VOCABULARIES: Mapping[str, Vocabulary] = {
    "kv": Vocabulary(_unknown, _unknown, frozenset({"answered"})),
    "raft": Vocabulary(raft_sayings.message, raft_sayings.note, raft_sayings.QUIET),
}
"""By the name of the system."""


def say_message(system: str, message: Message) -> Saying:
    """Return a message in words."""
    words = VOCABULARIES.get(system)
    if words is not None:
        try:
            family, text = words.message(message.body)
        except (KeyError, TypeError, ValueError, IndexError):
            pass
        else:
            return Saying(family, text, {})
    fields = {name: value for name, value in message.body.items() if name not in UNTOLD}
    verb = "answers {to} with" if "in_reply_to" in message.body else "sends {to}"
    return Saying(message.type, f"{verb} {message.type}", fields)


def say_note(system: str, note: Noted) -> str:
    """Return a note in words."""
    words = VOCABULARIES.get(system)
    if words is not None:
        try:
            return words.note(note.kind, note.fields)
        except (KeyError, TypeError, ValueError, IndexError):
            pass
    return f"notes {note.kind}{say_fields(note.fields)}"


def quiet(system: str, kind: str) -> bool:
    """Tell whether notes of a kind say nothing that the messages don't."""
    words = VOCABULARIES.get(system)
    return words is not None and kind in words.quiet


def say_fields(fields: Mapping[str, Any]) -> str:
    """Return fields in brackets, or nothing if there are none."""
    if not fields:
        return ""
    shown = [f"{name} {as_json(value, LONGEST_FIELD)}" for name, value in list(fields.items())[:MOST_FIELDS]]
    return f" ({', '.join(shown)}{', …' if len(fields) > MOST_FIELDS else ''})"


def conjugate(verb_phrase: str, subjects: int) -> str:
    """Return a phrase that begins with a verb of the third person as that many subjects need it."""
    verb, _, rest = verb_phrase.partition(" ")
    if subjects > 1:
        verb = IRREGULAR.get(verb, verb.removesuffix("s"))
    return f"{verb} {rest}".rstrip()
