"""Armed triggers: on which note the node stops and waits for its supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..description import NotePattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contract import Json


class _Armed:
    __slots__ = ("left", "pattern")

    def __init__(self, pattern: NotePattern, skip: int) -> None:
        self.pattern = pattern
        self.left = skip


class Triggers:
    """The triggers of one node by name; arming one again replaces it."""

    def __init__(self) -> None:
        self._armed: dict[str, _Armed] = {}

    def arm(self, trigger: str, kind: str, where: Mapping[str, Json], skip: int) -> None:
        """Have the `skip + 1`-th note of `kind` whose fields hold `where` fire."""
        self._armed[trigger] = _Armed(NotePattern(kind, where), skip)

    def disarm(self, trigger: str) -> None:
        """Forget a trigger, if it is armed."""
        self._armed.pop(trigger, None)

    def noted(self, kind: str, fields: Mapping[str, Json]) -> str | None:
        """Count a note; return the trigger that it fires, which is spent thereby.

        Of several that would fire the one armed first does; the others stay armed.
        """
        fired: str | None = None
        for trigger, armed in self._armed.items():
            if armed.pattern.matches(kind, fields):
                if armed.left > 0:
                    armed.left -= 1
                elif fired is None:
                    fired = trigger
        if fired is not None:
            del self._armed[fired]
        return fired
