"""Checking while a run goes: is what has happened so far still linearizable?

*Why a prefix convicts.* A history is linearizable if its completed operations, and some of those that are
still open, have a legal order that respects real time (Herlihy & Wing 1990, definition 3.1). Cutting a
linearization of the whole history after the last operation that a prefix saw return leaves one of the
prefix: what was still open there may stand in it or not. So a prefix that has none proves that no
continuation has one either, and what convicts it convicts the whole history when that is checked afterwards.

*What is open* has no result yet, so it counts as crashed: it may have happened, with any result. Whether a
prefix stands is therefore decided by the very lanes that decide whole histories.

*What it costs.* Linearizability is local, so only keys on which an operation has completed since the last
look are decided anew. A key that grows for ever is decided again and again, each time from its beginning;
whoever looks should wait a few times longer than the last look took.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories.builder import NEMESIS, HistoryBuilder
from splitbrain.histories.keys import identity

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from splitbrain.checkers.models import Model
    from splitbrain.checkers.verdict import Violation


class Stream:
    """A history that grows: `add` its lines in order, and `look` for a violation in what there is.

    Keys are objects of their own, as in a history that names them; lines without a key belong to one object.
    """

    def __init__(self, model: Model | type[Model]) -> None:
        self._model = model
        self._lines: dict[Hashable, list[tuple[int, Mapping[str, Any]]]] = {}
        self._open: dict[int, Hashable] = {}
        self._changed: dict[Hashable, None] = {}
        self._count = 0

    def add(self, line: Mapping[str, Any]) -> None:
        """Take the next line of the history."""
        self._count += 1
        process = line["process"]
        if process == NEMESIS:
            return
        if line["type"] == "invoke":
            group = self._open[process] = identity(line.get("key"))
        else:
            # A completion need not repeat the key.
            group = self._open[process]
        self._lines.setdefault(group, []).append((self._count, line))
        if line["type"] == "ok":
            self._changed[group] = None

    def look(self, *, timeout: float | None = None) -> Violation | None:
        """Return a violation if some object's operations so far have no linearization.

        `timeout` is in seconds for each object; one that is undecided within it is looked at again when
        more of its operations have completed. Positions in the evidence count this object's lines only.

        Raises:
            HistoryError: the lines are no history.
            ModelMismatch: an operation has a shape that the model doesn't know.
        """
        while self._changed:
            group = next(iter(self._changed))
            del self._changed[group]
            builder = HistoryBuilder("the history so far")
            for number, line in self._lines[group]:
                builder.add(number, line)
            result = check_linearizable(builder.finish("no"), self._model, timeout=timeout)
            if result.valid is False:
                return result.violations[0]
        return None
