"""The names of the lanes, as `--method` and verdicts know them; importing them costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BY_DISCIPLINE: Mapping[str, str] = {
    "set": "sets",
    "fifo-queue": "queues",
    "queue": "unordered-queues",
    "stack": "stacks",
    "priority-queue": "priority-queues",
    "mutex": "mutexes",
    "counter": "counters",
}
"""The lane of each data type, by `Model.discipline`."""
METHODS = ("auto", "zones", *BY_DISCIPLINE.values(), "priced", "configurations", "depth-first")
"""Ways to decide that can be forced."""
EVERY_LANE = ("necessary", *METHODS[1:])
