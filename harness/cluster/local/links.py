"""What a directed link does to the lines that cross it: policies, without sockets or a clock.

A line passes the stages of `LinkPolicy` in the order written there:

    admitted -> cut? -> loss? -> duplicate? -> delay + jitter -> rate -> hold? -> delivered

Everything before the delay is decided when the line arrives; rate and hold when it leaves. From
this follow the rules that the faults rely on:

- A cut link delivers nothing, from the moment the cut is laid: lines in flight are lost with it.
- A held link delivers nothing until no fault holds it, then everything at once, in order.
- Order on a link is kept, jitter or not: a protocol line travels inside a TCP stream, which
  reorders packets out of the receiver's sight. A line that draws a small jitter waits for those
  before it; a duplicate follows its original.
- Healing is prompt: when a delay or a rate is lifted, waiting lines go by the new policy. A link
  that was throttled for ten seconds doesn't stay slow for a minute because of its backlog.
- Policies are kept by fault. Together they cut if any cuts and hold if any holds, loss and
  duplication happen independently (1 - (1-p)(1-q)), delays and jitters add, the lowest rate wins.

Randomness is drawn from a stream of the link's own, seeded by its name, so that a policy on one link
does not change what happens on another.
"""

from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from splitbrain.backend import NO_POLICY, LinkPolicy, combine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SECOND = 1_000_000_000
CAPACITY = 64 * 1024 * 1024
"""Bytes that may wait on one link; a line that would exceed them is dropped."""

Sink: TypeAlias = "Callable[[bytes], None]"
"""Takes whole lines where they leave the link."""


class Counts(NamedTuple):
    """How many lines met which fate on a link so far; `lines` counts all that were admitted.

    None is ever reordered: a link keeps its order.
    """

    lines: int = 0
    dropped: int = 0
    lost: int = 0
    duplicated: int = 0
    delayed: int = 0
    held: int = 0
    reordered: int = 0


class _Waiting(NamedTuple):
    ready: int
    sink: Sink
    line: bytes


class Link:
    """One directed link. Times are integer nanoseconds of the caller's steady clock.

    `plain` is true while no policy lies on it and nothing waits: the caller may then forward
    lines itself, and adds their number to `lines`.
    """

    __slots__ = (
        "_bytes",
        "_free_at",
        "_policies",
        "_queue",
        "_random",
        "delayed",
        "destination",
        "dropped",
        "duplicated",
        "held",
        "lines",
        "lost",
        "plain",
        "policy",
        "source",
    )

    def __init__(self, source: str, destination: str, seed: int) -> None:
        self.source = source
        self.destination = destination
        self.policy = NO_POLICY
        self.plain = True
        self.lines = self.dropped = self.lost = self.duplicated = self.delayed = self.held = 0
        self._policies: dict[str, LinkPolicy] = {}
        self._queue: deque[_Waiting] = deque()
        self._bytes = 0
        self._free_at = 0
        self._random = random.Random(f"{seed}:{source}>{destination}")

    @property
    def counts(self) -> Counts:
        """The counters so far."""
        return Counts(self.lines, self.dropped, self.lost, self.duplicated, self.delayed, self.held)

    @property
    def waiting(self) -> int:
        """How many lines wait on the link."""
        return sum(1 for entry in self._queue if entry.line)

    def lay(self, fault: str, policy: LinkPolicy, now: int) -> None:
        """Lay the policy of a fault, in place of an earlier one of the same fault."""
        self._policies[fault] = policy
        self._change(now)

    def lift(self, fault: str, now: int) -> bool:
        """Take the policy of a fault off; tell whether there was one."""
        if self._policies.pop(fault, None) is None:
            return False
        self._change(now)
        return True

    def _change(self, now: int) -> None:
        held_before = self.policy.hold
        self.policy = combine(self._policies.values())
        if self.policy.cut:
            self._drop_waiting()
        latest = now + round((self.policy.delay + self.policy.jitter) * SECOND)
        self._queue = deque(entry._replace(ready=min(entry.ready, latest)) for entry in self._queue)
        if self.policy.hold and not held_before:
            self.held += self.waiting
        self.plain = self.policy == NO_POLICY and not self._queue

    def _drop_waiting(self) -> None:
        self.dropped += self.waiting
        self._queue = deque(entry for entry in self._queue if not entry.line)
        self._bytes = 0

    def admit(self, sink: Sink, line: bytes, now: int) -> None:
        """Take one whole line (with its newline) towards `sink`; `take` hands it out when it is due."""
        self.lines += 1
        policy = self.policy
        if policy.cut:
            self.dropped += 1
            return
        if policy.loss and self._random.random() < policy.loss:
            self.lost += 1
            return
        self._enqueue(sink, line, now)
        if policy.duplicate and self._random.random() < policy.duplicate:
            self.duplicated += 1
            self._enqueue(sink, line, now)

    def _enqueue(self, sink: Sink, line: bytes, now: int) -> None:
        if self._bytes + len(line) > CAPACITY:
            self.dropped += 1
            return
        policy = self.policy
        seconds = policy.delay + (self._random.uniform(0.0, policy.jitter) if policy.jitter else 0.0)
        ready = now + round(seconds * SECOND)
        self._queue.append(_Waiting(ready, sink, line))
        self._bytes += len(line)
        self.delayed += bool(seconds or policy.rate)
        self.held += policy.hold
        self.plain = False

    def end(self, sink: Sink, now: int) -> None:
        """Call `sink(b"")` after all that it was admitted before; no policy loses this."""
        self._queue.append(_Waiting(now, sink, b""))
        self.plain = False

    def due(self) -> int | None:
        """Return when the next line leaves, None while nothing waits or all of it is held."""
        if not self._queue or self.policy.hold:
            return None
        return self._leaves(self._queue[0])

    def _leaves(self, entry: _Waiting) -> int:
        """Return when the head of the queue has crossed: a throttled line takes its length over the rate."""
        rate = self.policy.rate
        if rate is None:
            return entry.ready
        return max(entry.ready, self._free_at) + round(len(entry.line) * SECOND / rate)

    def take(self, now: int) -> list[tuple[Sink, bytes]]:
        """Remove and return what is due, in order; neighbours for the same sink are joined."""
        out: list[tuple[Sink, list[bytes]]] = []
        queue = self._queue
        while queue and not self.policy.hold:
            entry = queue[0]
            leaves = self._leaves(entry)
            if leaves > now:
                break
            queue.popleft()
            self._free_at = leaves
            self._bytes -= len(entry.line)
            if out and entry.line and out[-1][1][-1] and out[-1][0] == entry.sink:
                out[-1][1].append(entry.line)
            else:
                out.append((entry.sink, [entry.line]))
        self.plain = not queue and self.policy == NO_POLICY
        return [(sink, b"".join(lines)) for sink, lines in out]


def total(links: Iterable[Link]) -> Counts:
    """Return the counters of these links, added up."""
    return Counts(*(sum(column) for column in zip(*(link.counts for link in links), strict=True)))
