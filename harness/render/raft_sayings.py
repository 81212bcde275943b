"""Raft's messages and notes in words. What is not as expected raises, and is told by its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

QUIET = frozenset(
    {"acknowledged", "answered", "applied", "appended", "pre-voted", "read-answered", "recovered", "voted"}
)
"""The notes that messages tell as well, or that say little by themselves."""


def message(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the family of a message, and the message in words.

    Raises:
        KeyError: it is none of Raft's.
    """
    text = MESSAGES[body["type"]](body)
    if body["type"] == "append_entries" and not body["entries"]:
        return f"heartbeat {body['term']}", text
    return text, text


def _append(body: Mapping[str, Any]) -> str:
    term, entries, previous = body["term"], body["entries"], body["previous"]
    if not entries:
        return f"sends {{to}} heartbeats of term {term}"
    first, last = previous + 1, previous + len(entries)
    which = f"entry {first}" if first == last else f"entries {first} to {last}"
    return f"sends {{to}} {which} in term {term} (committed: {body['commit']})"


def _appended(body: Mapping[str, Any]) -> str:
    if body["success"]:
        return f"confirms to {{to}} its entries up to {body['match']}"
    if body["rejected"] is None:
        return f"refuses {{to}}, whose term is old: it is in term {body['term']}"
    return f"rejects entries of {{to}}: it lacks the one at {body['rejected']} before them"


def _vote(body: Mapping[str, Any]) -> str:
    if body["granted"]:
        return f"votes for {{to}} in term {body['term']}"
    return f"refuses {{to}} a vote, being in term {body['term']}"


def _prevote(body: Mapping[str, Any]) -> str:
    return f"would{'' if body['granted'] else ' not'} vote for {{to}} in term {body['for']}"


def _request_vote(body: Mapping[str, Any]) -> str:
    return f"asks {{to}} for votes in term {body['term']} (its log ends at {body['last_index']})"


def _request_prevote(body: Mapping[str, Any]) -> str:
    return f"asks {{to}} for a pre-vote in term {body['for']}"


def _snapshot(body: Mapping[str, Any]) -> str:
    part = "the last part" if body["done"] else "a part"
    return (
        f"sends {{to}} {part} of its snapshot of entries up to {body['index']} (from byte {body['offset']})"
    )


def _snapshot_received(body: Mapping[str, Any]) -> str:
    return f"has {body['offset']} bytes of {{to}}'s snapshot of entries up to {body['index']}"


MESSAGES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "append_entries": _append,
    "appended": _appended,
    "request_vote": _request_vote,
    "vote": _vote,
    "request_prevote": _request_prevote,
    "prevote": _prevote,
    "install_snapshot": _snapshot,
    "snapshot_received": _snapshot_received,
}


def note(kind: str, fields: Mapping[str, Any]) -> str:
    """Return a note in words.

    Raises:
        KeyError: it is none of those that have words.
    """
    return NOTES[kind](fields)


def _role(fields: Mapping[str, Any]) -> str:
    role, term, leader = fields["role"], fields["term"], fields.get("leader")
    if role == "follower":
        return f"follows {leader} in term {term}" if leader else f"follows nobody in term {term}"
    return f"is {'leader' if role == 'leader' else role} in term {term}"


NOTES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "role": _role,
    "elected": lambda fields: f"is elected in term {fields['term']}, its log ending at {fields['last']}",
    "voted": lambda fields: f"votes for {fields['for']} in term {fields['term']}",
    "committed": lambda fields: f"commits up to {fields['index']} (of term {fields['term']})",
    "snapshot-taken": lambda fields: f"takes a snapshot of its entries up to {fields['index']}",
    "truncated": lambda fields: f"drops its entries from {fields['from']} on",
}
