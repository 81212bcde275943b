"""Generators that change or drop the operations of another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import EXHAUSTED, Answer, Context, Event, Generator, GeneratorError, Invocation, Liftable, lift

if TYPE_CHECKING:
    from collections.abc import Callable

_BARREN_OPERATIONS = 10_000


@dataclass(frozen=True, slots=True)
class MapOperations(Generator):
    """The operations of `inner`, each as `function` returns it."""

    function: Callable[[Invocation], Invocation]
    inner: Generator

    def op(self, context: Context) -> Answer:
        """Return the next operation, changed."""
        answer, inner = self.inner.op(context)
        if answer is None:
            return EXHAUSTED
        if isinstance(answer, Invocation):
            return self.function(answer), MapOperations(self.function, inner)
        return answer, self if inner is self.inner else MapOperations(self.function, inner)

    def update(self, context: Context, event: Event) -> Generator:
        """Tell the inner generator; it hears of the operations as they were changed."""
        inner = self.inner.update(context, event)
        return self if inner is self.inner else MapOperations(self.function, inner)


@dataclass(frozen=True, slots=True)
class FilterOperations(Generator):
    """Those operations of `inner` that `predicate` accepts."""

    predicate: Callable[[Invocation], bool]
    inner: Generator

    def op(self, context: Context) -> Answer:
        """Return the next operation that is accepted."""
        inner = self.inner
        for _ in range(_BARREN_OPERATIONS):
            answer, inner = inner.op(context)
            if answer is None:
                return EXHAUSTED
            if not isinstance(answer, Invocation) or self.predicate(answer):
                return answer, self if inner is self.inner else FilterOperations(self.predicate, inner)
        raise GeneratorError(
            f"A filter refused {_BARREN_OPERATIONS} operations in a row; its predicate may never hold."
        )

    def update(self, context: Context, event: Event) -> Generator:
        """Tell the inner generator."""
        inner = self.inner.update(context, event)
        return self if inner is self.inner else FilterOperations(self.predicate, inner)


def map_operations(function: Callable[[Invocation], Invocation], generator: Liftable) -> Generator:
    """Change each operation of the generator by a pure function (`operation._replace(...)`)."""
    return MapOperations(function, lift(generator))


def filter_operations(predicate: Callable[[Invocation], bool], generator: Liftable) -> Generator:
    """Keep the operations that the predicate accepts."""
    return FilterOperations(predicate, lift(generator))
