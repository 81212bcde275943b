"""Who plays a role, by the nodes' own notes.

A node's newest note of a role's kind states its role, and of several claimants the highest rank wins
(a term, say): a leader that was cut off still claims, and so does one that is stopped. A life's notes
end with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from splitbrain.systems.description import Role


class RoleTracker:
    """Follows the notes of all nodes."""

    def __init__(self, roles: Mapping[str, Role]) -> None:
        self._roles = roles
        self._kinds = {role.pattern.kind for role in roles.values()}
        self._newest: dict[tuple[str, str], tuple[int, Mapping[str, Any]]] = {}
        self._count = 0

    def note(self, node: str, kind: str, fields: Mapping[str, Any]) -> None:
        """Take in a note; kinds that state no role are passed over."""
        if kind in self._kinds:
            self._count += 1
            self._newest[node, kind] = (self._count, fields)

    def forget(self, node: str) -> None:
        """Forget what a node said: its process ended, or began anew."""
        self._newest = {key: note for key, note in self._newest.items() if key[0] != node}

    def players(self, absent: Collection[str]) -> dict[str, str | None]:
        """Return the node that plays each role; those that are `absent` (down, stopped) play none."""
        return {name: self._player(role, absent) for name, role in self._roles.items()}

    def plays(self, node: str, role: str) -> bool:
        """Tell whether the newest note of `node` claims that role, whoever else claims it."""
        pattern = self._roles[role].pattern
        newest = self._newest.get((node, pattern.kind))
        return newest is not None and pattern.matches(pattern.kind, newest[1])

    def _player(self, role: Role, absent: Collection[str]) -> str | None:
        claims = [
            (fields.get(role.rank_by, 0) if role.rank_by else 0, count, node)
            for (node, kind), (count, fields) in self._newest.items()
            if node not in absent and role.pattern.matches(kind, fields)
        ]
        return max(claims)[2] if claims else None
