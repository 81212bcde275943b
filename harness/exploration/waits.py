"""Who waits for whom at the end of a run that got stuck, told from its trace."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splitbrain.checkers.verdict import NodeNote
    from splitbrain.simulation.story import Happening

SECOND = 1_000_000_000


def waits(
    happenings: Sequence[Happening], notes: Mapping[str, Sequence[NodeNote]], roles: Sequence[str]
) -> list[str]:
    """Return a sentence for each node and each client: what it is, and what it asks of whom in vain.

    Only the last second of the run counts. `roles` are the kinds of notes that tell of a role.
    """
    if not happenings:
        return []
    ended = happenings[-1].time
    recent = [each for each in happenings if each.time > ended - SECOND]
    sent: dict[str, Counter[tuple[str, str]]] = {}
    received: dict[str, Counter[tuple[str, str]]] = {}
    for each in recent:
        if each.kind == "send":
            sent.setdefault(each.node, Counter())[_type(each.fields), each.peer] += 1
        elif each.kind in ("receive", "answer"):
            received.setdefault(each.node, Counter())[_type(each.fields), each.peer] += 1
    sentences = [
        f"{node} {_role(notes[node], roles)}: in the last second it {_told('sent', sent.get(node), 'to')} "
        f"and {_told('received', received.get(node), 'from')}."
        for node in notes
    ]
    clients = [name for name in sent if name not in notes]
    sentences += [
        f"{client} asked {_told('', sent[client], 'of')} and {_told('got', received.get(client), 'from')}."
        for client in clients
    ]
    return sentences


def _role(notes: Sequence[NodeNote], roles: Sequence[str]) -> str:
    newest = next((note for note in reversed(notes) if note.kind in roles), None)
    if newest is None:
        return "has told no role"
    fields = ", ".join(f"{name} {value}" for name, value in newest.fields.items() if value is not None)
    return f"has {fields}"


def _told(verb: str, counts: Counter[tuple[str, str]] | None, preposition: str) -> str:
    if not counts:
        return f"{verb} nothing".strip()
    by_type: dict[str, list[tuple[str, int]]] = {}
    for (kind, peer), count in sorted(counts.items()):
        by_type.setdefault(kind, []).append((peer, count))
    parts = [
        f"{sum(count for _, count in peers)} {kind} {preposition} {', '.join(peer for peer, _ in peers)}"
        for kind, peers in by_type.items()
    ]
    return f"{verb} {'; '.join(parts)}".strip()


def _type(body: Any) -> str:
    return str(body.get("type")) if isinstance(body, dict) else "message"
