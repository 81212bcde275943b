"""Which calls may go from a refuted history, so that the rest is soundly refuted (theory: `reduction`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.checkers.normalise import NONE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from splitbrain.checkers.evidence.elements import Elements
    from splitbrain.checkers.evidence.window import Window
    from splitbrain.checkers.models import Model
    from splitbrain.checkers.normalise import Calls, Kinds


class Dropping:
    """The rules for the calls of one key; `elements` are those of a queue or stack, whose values go whole."""

    def __init__(self, calls: Calls, kinds: Kinds, model: Model, elements: Elements | None) -> None:
        self._calls = calls
        self._kinds = kinds
        self._model = model
        self._elements = elements

    def closure(self, core: Iterable[int]) -> set[int]:
        """Return the calls, and everyone who writes a value that one of the set needs."""
        kinds, column = self._kinds, self._calls.kinds
        writers: dict[int, list[int]] = {}
        for call, kind in enumerate(column):
            if kinds.writes[kind] != NONE:
                writers.setdefault(kinds.writes[kind], []).append(call)
        chosen = set(core)
        pending = list(chosen)
        while pending:
            for writer in writers.pop(kinds.reads[column[pending.pop()]], ()):
                if writer not in chosen:
                    chosen.add(writer)
                    pending.append(writer)
        return chosen

    def droppable(self, chosen: set[int], candidates: Iterable[int], window: Window) -> set[int]:
        """Return those of the candidates that may soundly be dropped together from the chosen calls."""
        if self._elements is not None:
            return self._elements.droppable(chosen, candidates)
        kinds, column = self._kinds, self._calls.kinds
        dropped = set(candidates)
        mutators = {call for call in dropped if not kinds.observer[column[call]]}
        kept = chosen - dropped
        if self.flat(kept) and self.flat(mutators):
            return dropped - self._named(mutators, kept)
        if any(kinds.differs[column[call]] != NONE for call in kept):
            return dropped - mutators
        return dropped - self._visible(mutators, kept, window)

    def _named(self, mutators: set[int], kept: set[int]) -> set[int]:
        """Return the mutators that must stay with the kept calls (*drop values*)."""
        kinds, column = self._kinds, self._calls.kinds
        named = {kinds.reads[column[call]] for call in kept}
        needed: set[int] = set()
        while more := {call for call in mutators - needed if kinds.writes[column[call]] in named}:
            needed |= more
            named |= {kinds.reads[column[call]] for call in more}
        return needed

    def _visible(self, mutators: set[int], kept: set[int], window: Window) -> set[int]:
        """Return the mutators that must stay with the kept calls (*drop pieces*)."""
        kinds, column = self._kinds, self._calls.kinds
        origins = [kinds.values[origin] for origin in sorted(window.origins)]
        staying = {column[call] for call in kept}
        needed: set[int] = set()
        while mutators - needed:
            lens = self._model.lens(kinds.calls[kind] for kind in sorted(staying))
            if lens is None:
                return mutators
            asked = sorted({column[call] for call in mutators - needed})
            answers = lens.hides([kinds.calls[kind] for kind in asked], origins)
            hidden = {kind for kind, answer in zip(asked, answers, strict=True) if answer}
            more = {call for call in mutators - needed if column[call] not in hidden}
            if not more:
                break
            needed |= more
            staying |= {column[call] for call in more}
        return needed

    def flat(self, chosen: Iterable[int]) -> bool:
        """Tell whether every call demands a value or nothing, so that values may be dropped."""
        kinds, column = self._kinds, self._calls.kinds
        return all(kinds.flat[column[call]] and kinds.differs[column[call]] == NONE for call in chosen)
