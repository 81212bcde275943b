"""Operations over a few live keys, each replaced by a fresh one before its history grows long.

Checking costs little per operation but more per operation *of one key*, so a key retires after a
fixed number of operations. A retired key is still read now and then: an acknowledged write that a
system lost after the load had moved on would otherwise never be noticed.

Every written value carries a number that rises over the whole run, so no two writes are alike and a
read tells which write it saw. A cas compares with what the completions showed last. Under
concurrency that is often overtaken, and so a natural share of cas operations compares unequal.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.errors import UsageError
from splitbrain.generators import (
    PENDING,
    Answer,
    Completion,
    Context,
    Event,
    Generator,
    Invocation,
)
from splitbrain.generators.streams import advance, draw, new_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random


class Kind(NamedTuple):
    """One kind of operation.

    `argument(known, fresh)` is the value to invoke it with, from the key's last known value and a
    value never used before. `learned(known, argument, result)` is the key's value after an ok.
    """

    f: str
    weight: int
    argument: Callable[[Any, Any], Any]
    learned: Callable[[Any, Any, Any], Any]


class Vocabulary(NamedTuple):
    """The kinds of operations of a workload, and how it spells its n-th value."""

    kinds: Sequence[Kind]
    fresh: Callable[[int], Any]
    read: str
    """The function that reads a retired key."""
    needs_value: frozenset[str] = frozenset()
    """Functions that make sense only on a key whose value is known; a read takes their place."""


class LiveKey(NamedTuple):
    """A key under load: how many operations it has had, and its value as far as is known."""

    name: str
    used: int
    known: Any


@dataclass(frozen=True, slots=True)
class KeyedOperations(Generator):
    """An endless stream of operations of a vocabulary over live keys.

    `revisit` is the share of operations that read a retired key, in 1/65536; `numbered` counts the keys
    that there have been, `issued` the operations.
    """

    vocabulary: Vocabulary
    bounds: tuple[int, ...]
    operations_per_key: int
    revisit: int
    live: tuple[LiveKey, ...]
    numbered: int
    issued: int
    stream: int

    def op(self, context: Context) -> Answer:
        """Return the next operation, in any free process."""
        if not context.free:
            return PENDING, self
        stream = advance(self.stream)
        bits = draw(stream)
        process = context.processes[context.free_thread()]
        retired = self.numbered - len(self.live)
        if retired and (bits & 0xFFFF) < self.revisit:
            # Keys retire roughly in order, so this may hit one that is live: a read like any other.
            name = _name((bits >> 16) % retired)
            following = self._with(self.live, self.numbered, self.issued + 1, stream)
            return Invocation(self.vocabulary.read, name, None, process, context.time), following
        position = (bits >> 16) % len(self.live)
        key = self.live[position]
        mark = (bits >> 32) % self.bounds[-1]
        chosen = 0
        while self.bounds[chosen] <= mark:
            chosen += 1
        kind = self.vocabulary.kinds[chosen]
        if key.known is None and kind.f in self.vocabulary.needs_value:
            f, value = self.vocabulary.read, None
        else:
            f, value = kind.f, kind.argument(key.known, self.vocabulary.fresh(self.issued))
        numbered = self.numbered
        if key.used + 1 < self.operations_per_key:
            successor = LiveKey(key.name, key.used + 1, key.known)
        else:
            successor = LiveKey(_name(numbered), 0, None)
            numbered += 1
        live = (*self.live[:position], successor, *self.live[position + 1 :])
        return Invocation(f, key.name, value, process, context.time), self._with(
            live, numbered, self.issued + 1, stream
        )

    def update(self, context: Context, event: Event) -> Generator:
        """Learn a live key's value from an operation that was ok and took effect."""
        del context
        if not isinstance(event, Completion) or event.type != "ok" or event.fields.get("applied") is False:
            return self
        invocation = event.invocation
        position = next((at for at, key in enumerate(self.live) if key.name == invocation.key), None)
        if position is None:
            return self
        key = self.live[position]
        known = self._learned(key.known, invocation, event.value)
        if known == key.known:
            return self
        live = (*self.live[:position], key._replace(known=known), *self.live[position + 1 :])
        return self._with(live, self.numbered, self.issued, self.stream)

    def _learned(self, known: Any, invocation: Invocation, result: Any) -> Any:
        for kind in self.vocabulary.kinds:
            if kind.f == invocation.f:
                return kind.learned(known, invocation.value, result)
        return known

    def _with(self, live: tuple[LiveKey, ...], numbered: int, issued: int, stream: int) -> Generator:
        return KeyedOperations(
            self.vocabulary,
            self.bounds,
            self.operations_per_key,
            self.revisit,
            live,
            numbered,
            issued,
            stream,
        )


def _name(number: int) -> str:
    return f"k{number}"


def keyed_operations(
    vocabulary: Vocabulary, *, keys: int, operations_per_key: int, revisit: float, random: Random
) -> Generator:
    """Return the endless stream over `keys` live keys; `revisit` is a share from 0 to 1.

    Raises:
        UsageError: a number is out of range.
    """
    if keys < 1 or operations_per_key < 1:
        raise UsageError(
            f"`keys` and `operations_per_key` must be at least 1, not {keys} and {operations_per_key}."
        )
    if not 0 <= revisit <= 1:
        raise UsageError(f"`revisit` is a share from 0 to 1, not {revisit}.")
    # Staggered ages, or all keys would retire at about the same time.
    live = tuple(LiveKey(_name(number), number * operations_per_key // keys, None) for number in range(keys))
    return KeyedOperations(
        vocabulary,
        tuple(accumulate(kind.weight for kind in vocabulary.kinds)),
        operations_per_key,
        round(revisit * 65536),
        live,
        keys,
        0,
        new_stream(random),
    )
