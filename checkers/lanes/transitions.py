"""Interned states and memoised transitions of a model.

States are interned on first sight, and the step from a state by a kind of call is computed once. The
tables grow with what is visited, not with what is possible: queues, counters and appends have unboundedly
many states. States that no call of the key can tell apart are one, where the model has a lens for them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.models import ILLEGAL, CasRegister, Model, ModelError, Register
from splitbrain.checkers.normalise import NONE
from splitbrain.checkers.values import freeze

if TYPE_CHECKING:
    from collections.abc import Hashable

    from splitbrain.checkers.models.base import Lens
    from splitbrain.checkers.normalise import Kinds

IMPOSSIBLE = -1
"""The transition doesn't exist."""


class Transitions:
    """The reachable part of a model's transition graph, with small integers for states."""

    def __init__(self, model: Model, kinds: Kinds, initial: Any, lens: Lens | None = None) -> None:
        if lens is not None:
            initial = lens.state(initial)
        self.states: list[Any] = [initial]
        """The states by their number; the initial one is number 0."""
        self._model = model
        self._kinds = kinds
        self._lens = lens
        self._ids: dict[Hashable, int] = {freeze(initial): 0}
        self.memo: defaultdict[int, dict[int, int]] = defaultdict(dict)
        """For each kind that this key has, state number -> next state number, as far as computed."""
        self._values = [kinds.initial]
        """Of each state the id of its value, for a model of which every call is an access and no more."""
        self._numbers = {kinds.initial: 0}
        self._by_access = type(model) in (Register, CasRegister)

    def step(self, kind: int, state: int) -> int:
        """Return the state after a call of that kind, or `IMPOSSIBLE`.

        Raises:
            ModelError: a call that the model names an observer changed the state.
        """
        memo = self.memo[kind]
        after = memo.get(state)
        if after is None:
            after = memo[state] = self._compute(kind, state)
        return after

    def _compute(self, kind: int, state: int) -> int:
        after = self._accessed(kind, state) if self._by_access else self._asked(kind, state)
        if after not in (state, IMPOSSIBLE) and self._kinds.observer[kind]:
            call = self._kinds.calls[kind]
            raise ModelError(
                f"The model {self._model.name} names {call.f} an observer, but {call.f} changed the state"
                f" {self.states[state]!r} to {self.states[after]!r}; take it out of `observers`."
            )
        return after

    def _accessed(self, kind: int, state: int) -> int:
        """Return the state after an access, by the ids of values alone."""
        kinds, held = self._kinds, self._values[state]
        if kinds.reads[kind] not in (NONE, held) or kinds.differs[kind] == held:
            return IMPOSSIBLE
        written = kinds.writes[kind]
        if written == NONE:
            return state
        after = self._numbers.get(written)
        if after is None:
            after = self._numbers[written] = len(self.states)
            self.states.append(kinds.values[written])
            self._values.append(written)
        return after

    def _asked(self, kind: int, state: int) -> int:
        """Return the state after a call, as the model says."""
        result = self._model.step(self.states[state], self._kinds.calls[kind])
        if result is ILLEGAL:
            return IMPOSSIBLE
        if self._lens is not None:
            result = self._lens.state(result)
        frozen = freeze(result)
        after = self._ids.get(frozen)
        if after is None:
            after = self._ids[frozen] = len(self.states)
            self.states.append(result)
        return after
