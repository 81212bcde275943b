"""How fast operations are generated and recorded, against a client that does nothing.

Everything but the cluster is real: the register workload under `stagger` and `time_limit`, the
interpreter, and the journal with one write to the file for each line. Two clients: `immediate`
ends an operation at once, `answered` sends a request which is answered in the next turn, as from a
network without latency.

    python benchmarks/recording.py [--operations 200000] [--concurrency 10] [--client both]
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitbrain import generators as gen
from splitbrain.backend import ClientMessage
from splitbrain.histories import Journal
from splitbrain.runner.interpreter import Interpreter, SendRequest
from splitbrain.systems.contract import Client, Complete, Invoke, Send
from splitbrain.workloads.register import RegisterWorkload

if TYPE_CHECKING:
    from splitbrain.systems.contract import ClientEffect, ClientEvent

SECOND = 1_000_000_000
NODES = ("n1", "n2", "n3", "n4", "n5")


class Immediate(Client):
    """Ends every operation ok, at once."""

    def step(self, event: ClientEvent, now: int) -> list[ClientEffect]:
        """Answer an invocation with its own value."""
        del now
        return [Complete("ok", event.value)] if isinstance(event, Invoke) else []


class Answered(Client):
    """Sends one request for each operation and ends it with the answer."""

    def step(self, event: ClientEvent, now: int) -> list[ClientEffect]:
        """Send on an invocation, complete on anything else."""
        del now
        if isinstance(event, Invoke):
            return [Send(self.preferred, {"type": event.f, "key": event.key, "value": event.value})]
        return [Complete("ok", 1)]


def run(client: type[Client], operations: int, concurrency: int, path: Path) -> float:
    """Record that many operations in `path` and return the seconds that it took."""
    seeded = random.Random(7)
    workload = RegisterWorkload().generator({}, seeded)
    generator = gen.limit(operations, gen.time_limit(600, gen.stagger(1e-9, gen.clients(workload), seeded)))

    def make(name: str, preferred: str) -> Client:
        return client(name, NODES, preferred, {})

    with Journal(path) as journal:
        interpreter = Interpreter(
            generator, concurrency=concurrency, nodes=NODES, client=make, journal=journal, timeout=SECOND
        )
        begin = time.perf_counter()
        origin = time.monotonic_ns()
        while not interpreter.done:
            now = time.monotonic_ns() - origin
            for action in interpreter.advance(now):
                if isinstance(action, SendRequest):
                    answer: dict[str, Any] = {"type": "ok"}
                    now = time.monotonic_ns() - origin
                    interpreter.deliver(ClientMessage(action.client, action.dest, answer), now)
        seconds = time.perf_counter() - begin
    assert interpreter.ok == operations
    with path.open("rb") as lines:
        assert sum(1 for _ in lines) == 2 * operations
    return seconds


def main() -> None:
    """Run the benchmark and print one line for each client."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--operations", type=int, default=200_000)
    parser.add_argument("--concurrency", type=int, default=10)
    parser.add_argument("--client", choices=["immediate", "answered", "both"], default="both")
    options = parser.parse_args()
    chosen = {"immediate": Immediate, "answered": Answered}
    for name, client in chosen.items():
        if options.client not in (name, "both"):
            continue
        with tempfile.TemporaryDirectory() as directory:
            seconds = run(client, options.operations, options.concurrency, Path(directory) / "history.jsonl")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{name:>9}: {options.operations / seconds:,.0f} operations/s recorded "
            f"({options.operations:,} operations, both lines each, concurrency {options.concurrency}, "
            f"1 process of {os.cpu_count()} cores, peak memory {peak} MB)"
        )


if __name__ == "__main__":
    main()
