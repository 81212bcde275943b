"""A set of identities that grows by one at a time, as a state of the verifier: hashable and never changed."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator


class Members:
    """A set that shares what it holds with the sets that grew from it.

    All share one table of places, in which this set is what stands at the first so many. The newest of them
    grows in no time, so that a long order is replayed in linear time; an older one is copied first.
    """

    __slots__ = ("_count", "_frozen", "_places")

    def __init__(self, elements: Iterable[Hashable] = ()) -> None:
        self._places: dict[Hashable, int] = {
            element: place for place, element in enumerate(dict.fromkeys(elements))
        }
        self._count = len(self._places)
        self._frozen: frozenset[Hashable] | None = None

    def plus(self, element: Hashable) -> Members:
        """Return the set with one more element."""
        if element in self:
            return self
        grown = Members(self if len(self._places) > self._count else ())
        if len(self._places) == self._count:
            grown._places = self._places
        grown._places[element] = self._count
        grown._count = self._count + 1
        return grown

    def __contains__(self, element: Hashable) -> bool:
        return self._places.get(element, self._count) < self._count

    def __iter__(self) -> Iterator[Hashable]:
        return islice(self._places, self._count)

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Members) and self.frozen() == other.frozen()

    def __hash__(self) -> int:
        return hash(self.frozen())

    def frozen(self) -> frozenset[Hashable]:
        """Return what is in."""
        if self._frozen is None:
            self._frozen = frozenset(self)
        return self._frozen
