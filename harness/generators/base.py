"""What a generator is: an immutable value that says which operation to do next.

Two questions are asked of it. `op(context)` returns an answer and the generator to ask from then on:

- an `Invocation`: do this now, in that process;
- a `Pending`: nothing now; ask again after the next event, or at `until` if that comes first;
- `None`: exhausted for good.

`update(context, event)` tells it that an operation was invoked or completed, and returns the
generator that knows this. Neither changes anything: the same value asked again in the same context
gives the same answer. Time, threads and the choice among them come with the context; any
further randomness is a stream inside the value (`splitbrain.generators.streams`).

Plain values are generators too (`lift`): a dict is one operation, a list is its members one after
the other, a function of the context is asked for a generator again and again until it returns None,
and None is the generator that is exhausted.

The vocabulary is Jepsen's (`jepsen.generator`). Two things differ. An operation never lies in the
future: what waits for the clock is pending *until* an instant, so a driver can sleep exactly as
long as needed and never polls. And sets of threads are bit masks, so that narrowing a context to
some threads costs one `and`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from splitbrain.errors import UsageError


class GeneratorError(UsageError):
    """A generator is ill-formed or can never go on; the sentence says what to do."""


class Invocation(NamedTuple):
    """An operation to begin: `time` is nanoseconds since the run began."""

    f: str
    key: Any
    value: Any
    process: int
    time: int


class Completion(NamedTuple):
    """How an operation ended: `type` is "ok", "fail" or "info"; `fields` as in the history line."""

    invocation: Invocation
    type: str
    value: Any
    time: int
    error: Any = None
    fields: Mapping[str, Any] = {}

    @property
    def process(self) -> int:
        """The process that invoked it."""
        return self.invocation.process


Event: TypeAlias = Invocation | Completion


class Pending(NamedTuple):
    """No operation now. `until` is when to ask again (nanoseconds), None for the next event."""

    until: int | None = None


PENDING = Pending()


def sooner(one: Pending, other: Pending) -> Pending:
    """Return a pending that ends when the first of two does."""
    if one.until is None:
        return other
    if other.until is None:
        return one
    return one if one.until <= other.until else other


class Context(NamedTuple):
    """What a generator may know when it is asked.

    Bit i of `free` and `threads` stands for thread i; `threads` are those that this generator may
    ever use, `free` those of them with no operation open. `processes[i]` is the process that
    thread i is now. `draw` is a 64-bit number, fresh in every question, which picks among free
    threads; a function that needs randomness may seed `random.Random` with it.
    """

    time: int
    free: int
    threads: int
    processes: tuple[int, ...]
    draw: int = 0

    @classmethod
    def start(cls, concurrency: int, draw: int = 0) -> Context:
        """Return the context at time 0 in which all of `concurrency` threads are free."""
        everyone = (1 << concurrency) - 1
        return cls(0, everyone, everyone, tuple(range(concurrency)), draw)

    def free_thread(self) -> int:
        """Return one of the free threads, picked by `draw`. At least one must be free."""
        free = self.free
        if free & (free - 1):
            turn = self.draw % len(self.processes)
            later = free >> turn
            if later:
                return turn + (later & -later).bit_length() - 1
            return (free & -free).bit_length() - 1
        return free.bit_length() - 1

    def free_threads(self) -> list[int]:
        """Return all free threads, the one picked by `draw` first, then round the circle."""
        count = len(self.processes)
        turn = self.draw % count
        return [thread for step in range(count) if self.free >> (thread := (turn + step) % count) & 1]

    def thread_of(self, process: int) -> int:
        """Return the thread that is, or was, that process."""
        return process % len(self.processes)

    def only(self, mask: int) -> Context:
        """Return this context narrowed to the threads in `mask`."""
        threads = self.threads & mask
        if threads == self.threads:
            return self
        return Context(self.time, self.free & mask, threads, self.processes, self.draw)


class Generator(ABC):
    """An immutable source of operations. Subclasses are frozen and hold only values."""

    __slots__ = ()

    @abstractmethod
    def op(self, context: Context) -> Answer:
        """Return what to do now, and the generator to ask from then on."""

    def update(self, context: Context, event: Event) -> Generator:
        """Return this generator after `event`; by default it does not care."""
        del context, event
        return self


Answer: TypeAlias = tuple[Invocation | Pending | None, Generator]
Liftable: TypeAlias = "Generator | Mapping[str, Any] | Sequence[Any] | Callable[[Context], Any] | None"


@dataclass(frozen=True, slots=True)
class Nothing(Generator):
    """Exhausted from the beginning."""

    def op(self, context: Context) -> Answer:
        """Return that there is nothing."""
        del context
        return EXHAUSTED


NOTHING = Nothing()
EXHAUSTED: Answer = (None, NOTHING)


@dataclass(frozen=True, slots=True)
class OneOperation(Generator):
    """One operation, in any free process, or in `process` once that is free."""

    f: str
    key: Any
    value: Any
    process: int | None

    def op(self, context: Context) -> Answer:
        """Return the operation, then nothing."""
        if not context.free:
            return PENDING, self
        if self.process is None:
            thread = context.free_thread()
        else:
            thread = context.thread_of(self.process)
            if context.processes[thread] != self.process or not context.threads >> thread & 1:
                return EXHAUSTED
            if not context.free >> thread & 1:
                return PENDING, self
        return Invocation(self.f, self.key, self.value, context.processes[thread], context.time), NOTHING


@dataclass(frozen=True, slots=True)
class InOrder(Generator):
    """The members of `items` from `position` on, each when the one before is exhausted."""

    items: tuple[Any, ...]
    position: int
    current: Generator

    def op(self, context: Context) -> Answer:
        """Return the first operation that the current member or one after it has."""
        position, current = self.position, self.current
        while True:
            answer, following = current.op(context)
            if answer is not None:
                if following is current and position == self.position:
                    return answer, self
                return answer, InOrder(self.items, position, following)
            position += 1
            if position >= len(self.items):
                return EXHAUSTED
            current = lift(self.items[position])

    def update(self, context: Context, event: Event) -> Generator:
        """Tell the current member."""
        current = self.current.update(context, event)
        return self if current is self.current else InOrder(self.items, self.position, current)


_BARREN_CALLS = 1000


@dataclass(frozen=True, slots=True)
class FromFunction(Generator):
    """Whatever `function(context)` returns, then what it returns next, until it returns None."""

    function: Callable[[Context], Any]
    current: Generator

    def op(self, context: Context) -> Answer:
        """Return the next operation of what the function gave last, or of what it gives now."""
        current = self.current
        for _ in range(_BARREN_CALLS):
            answer, following = current.op(context)
            if answer is not None:
                return answer, FromFunction(self.function, following)
            made = self.function(context)
            if made is None:
                return EXHAUSTED
            current = lift(made)
        name = getattr(self.function, "__qualname__", repr(self.function))
        raise GeneratorError(
            f"The generator function {name} returned {_BARREN_CALLS} empty generators in a row; "
            "return None to end it."
        )

    def update(self, context: Context, event: Event) -> Generator:
        """Tell what the function gave last."""
        current = self.current.update(context, event)
        return self if current is self.current else FromFunction(self.function, current)


_FIELDS = frozenset({"f", "key", "value", "process"})


def lift(value: Liftable) -> Generator:
    """Return `value` as a generator; see the head of this module.

    Raises:
        GeneratorError: it is none of the liftable kinds, or a dict that is not an operation.
    """
    if isinstance(value, Generator):
        return value
    if value is None:
        return NOTHING
    if isinstance(value, Mapping):
        if not isinstance(value.get("f"), str) or not _FIELDS.issuperset(value):
            raise GeneratorError(
                f"An operation is a dict with `f` (a name) and optionally `key`, `value` and `process`, "
                f"not {dict(value)!r}."
            )
        return OneOperation(value["f"], value.get("key"), value.get("value"), value.get("process"))
    if isinstance(value, (list, tuple)):
        return InOrder(tuple(value), 0, lift(value[0])) if value else NOTHING
    if callable(value):
        return FromFunction(value, NOTHING)
    raise GeneratorError(
        f"A generator is a Generator, a dict, a list, a function of the context or None, not {value!r}; "
        "turn an iterator into a list first, since it is not a value."
    )
