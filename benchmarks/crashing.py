"""Draws histories of one small register on which many operations crash and some reads are wrong.

Operations take effect at some instant between their ends; a crashed one does with even chance, at any later
time, and its client goes on under a new process. Corrupted reads return another value of the domain.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from splitbrain.histories import History, build_history


@dataclass(frozen=True)
class Mix:
    """What is drawn. `crashes_until` is the share of the history in which operations crash."""

    functions: tuple[str, ...] = ("read", "write", "cas")
    operations: int = 1000
    crashed: int = 50
    corrupted: int = 0
    clients: int = 10
    values: int = 5
    busy: float = 0.5
    """How likely it is that a free client begins an operation before another one goes on."""
    crashes_until: float = 1.0


@dataclass
class _Running:
    f: str
    value: Any
    crashes: bool
    done: bool = False
    applied: bool = True
    result: Any = None


@dataclass
class _Register:
    held: Any = None
    late: list[_Running] = field(default_factory=list)

    def take(self, operation: _Running) -> None:
        """Let an operation take effect."""
        operation.done = True
        operation.result = operation.value
        if operation.f == "read":
            operation.result = self.held
        elif operation.f == "write":
            self.held = operation.value
        else:
            operation.applied = self.held == operation.value[0]
            if operation.applied:
                self.held = operation.value[1]


def draw(mix: Mix, seed: int) -> History:
    """Draw the history with that seed."""
    rng = random.Random(f"{mix} {seed}")
    operations = _operations(mix, rng)
    register, running, free, process = _Register(), {}, list(range(mix.clients)), mix.clients
    lines: list[dict[str, Any]] = []
    while operations or running:
        if free and operations and (not running or rng.random() < mix.busy):
            client = free.pop(rng.randrange(len(free)))
            running[client] = operation = operations.pop()
            lines.append({"process": client, "type": "invoke", "f": operation.f, "value": operation.value})
            continue
        if register.late and rng.random() < 0.02:
            register.take(register.late.pop(rng.randrange(len(register.late))))
        client = rng.choice(list(running))
        operation = running[client]
        if operation.crashes:
            if rng.random() < 0.5:
                register.late.append(operation)
            lines.append({"process": client, "type": "info", "f": operation.f, "value": operation.value})
            free.append(process)
            process += 1
        elif not operation.done:
            register.take(operation)
            continue
        else:
            line = {"process": client, "type": "ok", "f": operation.f, "value": operation.result}
            lines.append(line if operation.applied else line | {"applied": False})
            free.append(client)
        del running[client]
    _corrupt(lines, mix, rng)
    return build_history(lines)


def _operations(mix: Mix, rng: random.Random) -> list[_Running]:
    """Draw what is asked for, last first; as many mutators crash as the mix says."""
    domain = range(1, mix.values + 1)
    drawn = []
    for _ in range(mix.operations):
        f = rng.choice(mix.functions)
        value: Any = None if f == "read" else rng.randrange(1, mix.values + 1)
        drawn.append(_Running(f, rng.sample(domain, 2) if f == "cas" else value, crashes=False))
    early = [each for each in drawn[: int(mix.operations * mix.crashes_until)] if each.f != "read"]
    for each in rng.sample(early, mix.crashed):
        each.crashes = True
    return drawn[::-1]


def _corrupt(lines: list[dict[str, Any]], mix: Mix, rng: random.Random) -> None:
    reads = [line for line in lines if line["f"] == "read" and line["type"] == "ok"]
    for line in rng.sample(reads, mix.corrupted):
        line["value"] = rng.choice([value for value in range(1, mix.values + 1) if value != line["value"]])
