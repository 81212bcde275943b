"""Looks for a violation in a run that still goes, for `--fail-fast`.

What convicts a prefix convicts the whole (`splitbrain.checkers.streaming`; notes are never taken back
either), so the run may be stopped at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.streaming import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from splitbrain.checkers.models import Model
    from splitbrain.checkers.verdict import NodeNote, NotesChecker


class Examiner:
    """Takes a history line by line, and looks at what there is of it and of the nodes' notes.

    Args:
        model: what the history is compared with.
        checkers: those of the nodes' notes.
        timeout: seconds that deciding one object may take; one that takes longer is left to the check
            afterwards.
    """

    def __init__(self, model: Model, checkers: Sequence[NotesChecker], *, timeout: float) -> None:
        self._stream = Stream(model)
        self._checkers = checkers
        self._timeout = timeout

    def add(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Take the lines that the history has grown by."""
        for line in lines:
            self._stream.add(line)

    def look(self, notes: Callable[[], Mapping[str, Sequence[NodeNote]]]) -> str | None:
        """Return the summary of the first violation, if any; notes count where the history has none."""
        violation = self._stream.look(timeout=self._timeout)
        if violation is not None:
            return violation.summary
        if not self._checkers:
            return None
        told = notes()
        results = (checker.check(told) for checker in self._checkers)
        return next((result.reason for result in results if result.valid is False), None)
