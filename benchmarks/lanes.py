"""What the near-linear lanes cost for each data type, from 10,000 operations to a million.

    python benchmarks/lanes.py [--only stack] [--sizes 10000,100000,1000000] [--clients 10]

Each history is valid: clients call a real container one at a time, with calls that overlap. One operation in
twenty peeks, another one crashes. The lane's own time is given for each operation (microseconds), beside what
preparing the columns takes, and how much of it an operation costs more at the largest size than at the
smallest. The same histories with one wrong result, near the end, are refuted.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from machine import machine, peak_memory_mb
from splitbrain.checkers.budget import Budget
from splitbrain.checkers.lanes.dispatch import LANES
from splitbrain.checkers.models import FifoQueue, Mutex, PriorityQueue, Set, Stack
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.watch import Watch
from splitbrain.histories import build_history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from splitbrain.checkers.models import Model

CRASHED, LOOKS = 0.05, 0.05


class Container(Protocol):
    """Something to call: it takes effect at once and returns a result."""

    def choose(self, client: int) -> tuple[str, Any]:
        """Return what a client asks for next."""
        ...

    def call(self, client: int, f: str, value: Any) -> Any:
        """Do it."""
        ...


class Buffer:
    """A queue, stack or priority queue that holds about `size` values."""

    def __init__(self, rng: random.Random, kind: str, words: tuple[str, str], size: int) -> None:
        self._rng = rng
        self._kind = kind
        self._put, self._take = words
        self._size = size
        self._items: Any = deque() if kind == "fifo-queue" else []
        self._count = 0

    def choose(self, client: int) -> tuple[str, Any]:
        """Put more where there is little."""
        del client
        if self._rng.random() < LOOKS:
            return "peek", None
        if self._rng.random() * 2 * self._size < len(self._items):
            return self._take, None
        self._count += 1
        return self._put, self._rng.random() if self._kind == "priority-queue" else self._count

    def call(self, client: int, f: str, value: Any) -> Any:
        """Put, take or look."""
        del client
        if f == self._put:
            if self._kind == "priority-queue":
                heapq.heappush(self._items, (-value, value))
            else:
                self._items.append(value)
            return value
        if not self._items:
            return None
        if self._kind == "priority-queue":
            return (self._items[0] if f == "peek" else heapq.heappop(self._items))[1]
        place = 0 if self._kind == "fifo-queue" else -1
        if f == "peek":
            return self._items[place]
        return self._items.popleft() if place == 0 else self._items.pop()


class Elements:
    """A set of which `size` elements are used."""

    def __init__(self, rng: random.Random, size: int) -> None:
        self._rng = rng
        self._size = size
        self._items: set[int] = set()

    def choose(self, client: int) -> tuple[str, Any]:
        """Draw an operation and an element."""
        del client
        return self._rng.choice(("add", "remove", "contains")), self._rng.randrange(self._size)

    def call(self, client: int, f: str, value: Any) -> Any:
        """Add, remove or look."""
        del client
        there = value in self._items
        if f == "add":
            self._items.add(value)
        elif f == "remove":
            self._items.discard(value)
        return [value, there if f != "add" else not there]


class Lock:
    """A lock for which clients queue."""

    def __init__(self) -> None:
        self._holder: int | None = None
        self._holds: set[int] = set()

    def choose(self, client: int) -> tuple[str, Any]:
        """Alternate."""
        return "release" if client in self._holds else "acquire", None

    def call(self, client: int, f: str, value: Any) -> Any:
        """Return "busy" while another one holds it."""
        del value
        if f == "release":
            self._holds.discard(client)
            self._holder = None
        elif self._holder is not None:
            return "busy"
        else:
            self._holder = client
            self._holds.add(client)
        return None


def container(name: str, rng: random.Random, size: int) -> Container:
    """Return the container of a data type."""
    words = {
        "fifo-queue": ("enqueue", "dequeue"),
        "stack": ("push", "pop"),
        "priority-queue": ("insert", "poll"),
    }
    if name in words:
        return Buffer(rng, name, words[name], size)
    return Elements(rng, 10 * size) if name == "set" else Lock()


def lines(
    name: str, count: int, clients: int, *, crashed: float, size: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Yield the lines of a valid history of `count` operations."""
    rng = random.Random(seed)
    served = container(name, rng, size)
    running: dict[int, dict[str, Any]] = {}
    process = list(range(clients))
    begun = 0
    while begun < count or running:
        client = rng.randrange(clients)
        call = running.get(client)
        if call is None:
            if begun == count:
                continue
            begun += 1
            f, value = served.choose(client)
            running[client] = {"process": process[client], "f": f, "value": value}
            yield {**running[client], "type": "invoke"}
        elif "result" not in call:
            result = served.call(client, call["f"], call["value"])
            if result != "busy":
                call["result"] = result
            elif begun == count:
                del running[client]
        else:
            del running[client]
            if rng.random() < crashed:
                yield {"process": process[client], "f": call["f"], "value": call["value"], "type": "info"}
                process[client] += clients
            else:
                yield {"process": process[client], "f": call["f"], "value": call["result"], "type": "ok"}


MODELS: tuple[type[Model], ...] = (Set, FifoQueue, PriorityQueue, Stack, Mutex)


def measure(model: type[Model], count: int, asked: argparse.Namespace) -> tuple[float, float]:
    """Return the seconds that the columns take, and the lane."""
    name = model.name
    crashed = 0.0 if name == "mutex" else asked.crashed
    history = build_history(
        list(lines(name, count, asked.clients, crashed=crashed, size=asked.size, seed=count))
    )
    began = time.perf_counter()
    columns = normalise(history, model(), model.initial, keyed=False)
    prepared = time.perf_counter() - began
    began = time.perf_counter()
    outcomes = [LANES[model.discipline](calls, columns.kinds, Watch(Budget())) for calls in columns.keys]
    decided = time.perf_counter() - began
    verdicts = {type(outcome).__name__ for outcome in outcomes}
    print(
        f"| {name} | {count} | {prepared:.2f} s | {decided:.2f} s | {1e6 * decided / count:.2f} us"
        f" | {', '.join(sorted(verdicts))} |",
        flush=True,
    )
    return prepared, decided


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=[model.name for model in MODELS])
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--crashed", type=float, default=CRASHED)
    parser.add_argument("--size", type=int, default=20, help="about so many values are in at one time")
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    print(f"{machine()}\n\n| type | operations | columns | lane | for each | outcome |")
    print("|---|---|---|---|---|---|", flush=True)
    flat = True
    for model in MODELS:
        if asked.only in (None, model.name):
            costs = [measure(model, size, asked)[1] / size for size in sizes]
            flat &= costs[-1] <= 3 * costs[0]
    print(f"\nmemory {peak_memory_mb():.0f} MB at most")
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
