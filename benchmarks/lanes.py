"""What the near-linear lanes cost for each data type, from 10,000 operations to a million.

    python benchmarks/lanes.py [--only stack] [--sizes 10000,100000,1000000] [--clients 10] [--plot FILE.svg]

Each history is valid: clients call a real container one at a time, with calls that overlap. One operation in
twenty peeks, another one crashes (none of a mutex, whose lane has a condition there). A set that grows is
read ten times in all, since every read lists the whole. What is given is the time of `check_linearizable` for
each operation, after loading, and how much of it brings the history into columns.
(A long history of registers is described by numpy instead, within the first figure.)
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import zones
from machine import machine, peak_memory_mb
from splitbrain.checkers.large import LARGE
from splitbrain.checkers.models import (
    Counter,
    FifoQueue,
    GrowSet,
    Mutex,
    PriorityQueue,
    Queue,
    Register,
    Set,
    Stack,
)
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories import build_history
from splitbrain.histories.collection import collection_paused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from splitbrain.checkers.models import Model
    from splitbrain.histories import History

CRASHED, LOOKS = 0.05, 0.05
READS = 10
GROWTH = 3


class Container(Protocol):
    """Something to call: it takes effect at once and returns a result."""

    def choose(self, client: int) -> tuple[str, Any]:
        """Return what a client asks for next."""
        ...

    def call(self, client: int, f: str, value: Any) -> Any:
        """Do it."""
        ...


_LINES = ("fifo-queue", "queue")


class Buffer:
    """A queue, stack or priority queue that holds about `size` values."""

    def __init__(self, rng: random.Random, kind: str, words: tuple[str, str], size: int) -> None:
        self._rng = rng
        self._kind = kind
        self._put, self._take = words
        self._size = size
        self._items: Any = deque() if kind in _LINES else []
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
        place = 0 if self._kind in _LINES else -1
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


class Growing:
    """A set that is read whole, `READS` times in `count` operations."""

    def __init__(self, count: int) -> None:
        self._every = max(1, count // READS)
        self._begun = 0
        self._items: list[int] = []

    def choose(self, client: int) -> tuple[str, Any]:
        """Add another element, or read."""
        del client
        self._begun += 1
        return ("add", self._begun) if self._begun % self._every else ("read", None)

    def call(self, client: int, f: str, value: Any) -> Any:
        """Add or read."""
        del client
        if f == "read":
            return list(self._items)
        self._items.append(value)
        return value


class Sum:
    """A number to which one is added."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._held = 0

    def choose(self, client: int) -> tuple[str, Any]:
        """Add or read."""
        del client
        return self._rng.choice((("add", 1), ("read", None)))

    def call(self, client: int, f: str, value: Any) -> Any:
        """Do it."""
        del client
        self._held += value or 0
        return value if f == "add" else self._held


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


def container(name: str, rng: random.Random, size: int, count: int) -> Container:
    """Return the container of a data type."""
    words = {
        "fifo-queue": ("enqueue", "dequeue"),
        "queue": ("enqueue", "dequeue"),
        "stack": ("push", "pop"),
        "priority-queue": ("insert", "poll"),
    }
    if name in words:
        return Buffer(rng, name, words[name], size)
    if name == "grow-set":
        return Growing(count)
    if name == "counter":
        return Sum(rng)
    return Elements(rng, 10 * size) if name == "set" else Lock()


def lines(
    name: str, count: int, clients: int, *, crashed: float, size: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Yield the lines of a valid history of `count` operations."""
    rng = random.Random(seed)
    served = container(name, rng, size, count)
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


def registers(count: int) -> History:
    """Return a history of one register with unique values, as `zones.py` draws it."""
    return build_history(map(json.loads, zones.lines(zones.CASES[0], count)))


class Lane(NamedTuple):
    """A data type, and how many operations make its history a large one."""

    name: str
    model: type[Model]
    large: int = LARGE


LANES = (
    Lane("register", Register),
    Lane("register, over lists", Register, sys.maxsize),
    *(
        Lane(model.name, model)
        for model in (Set, GrowSet, FifoQueue, Queue, Stack, PriorityQueue, Counter, Mutex)
    ),
)


class Cost(NamedTuple):
    """Microseconds for each operation: of checking, and of that the columns."""

    checking: float
    columns: float


def measure(lane: Lane, count: int, asked: argparse.Namespace) -> Cost:
    """Check one history of that many operations, `--times` times; return what the cheapest one cost."""
    name, model, large = lane
    crashed = 0.0 if name == "mutex" else asked.crashed
    drawn = lines(name, count, asked.clients, crashed=crashed, size=asked.size, seed=count)
    history = registers(count) if model is Register else build_history(drawn)
    costs, methods = [], set()
    for _ in range(asked.times):
        began = time.perf_counter()
        with collection_paused():
            normalise(history, model(), model.initial, keyed=False)
        columns = time.perf_counter() - began
        result = check_linearizable(history, model, large=large)
        assert result.valid is True, f"{name}: {result.reason}"
        methods.add(result.method)
        costs.append(Cost(1e6 * result.seconds / count, 1e6 * columns / count))
    cost = min(costs)
    listed = "-" if model is Register and count >= large else f"{cost.columns:.2f} us"
    row = f"| {name} | {count:,} | {cost.checking:.2f} us | {listed} | {'+'.join(methods)} |"
    print(row, flush=True)
    return cost


def plot(path: str, sizes: list[int], costs: dict[str, list[Cost]]) -> None:
    """Draw the cost of an operation against the length of the history."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - only a plot needs it

    plt.rcParams["svg.hashsalt"] = "lanes"
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, those in costs.items():
        axes.plot(sizes, [cost.checking for cost in those], marker="o", label=name)
    axes.set(xscale="log", ylim=(0, None), xlabel="operations in the history")
    axes.set_ylabel("microseconds of checking an operation")
    axes.grid(visible=True, alpha=0.3)
    figure.legend(loc="outside right upper")
    figure.savefig(path, metadata={"Date": None})


def main() -> int:
    """Measure what was asked for; return 1 if an operation's cost grows to more than three times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=sorted({lane.model.name for lane in LANES}))
    parser.add_argument("--sizes", default="10000,30000,100000,300000,1000000")
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--crashed", type=float, default=CRASHED)
    parser.add_argument("--size", type=int, default=20, help="about so many values are in at one time")
    parser.add_argument("--times", type=int, default=3, help="the cheapest of so many checks counts")
    parser.add_argument("--plot", metavar="FILE.svg", help="draw the curves")
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    print(f"{machine()}; each operation costs:\n\n| type | operations | checking | of that columns | lane |")
    print("|---|---|---|---|---|", flush=True)
    costs = {
        lane.name: [measure(lane, size, asked) for size in sizes]
        for lane in LANES
        if asked.only in (None, lane.model.name)
    }
    print(f"\nmemory {peak_memory_mb():.0f} MB at most")
    if asked.plot:
        plot(asked.plot, sizes, costs)
    return 0 if all(those[-1].checking <= GROWTH * those[0].checking for those in costs.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
