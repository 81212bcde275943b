"""A workload of one's own for a system of one's own: counters, added to and read.

splitbrain run docs/examples/counter.py:CounterSystem --faults kill --time-limit 8

The system names it, and it names its model: `./counter_model.py` is looked for beside this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from splitbrain import generators as gen
from splitbrain.workloads.base import Workload

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from splitbrain.generators import Liftable


class CounterWorkload(Workload):
    """As many reads as adds, over a few counters."""

    name: ClassVar[str] = "counter"
    summary: ClassVar[str] = "add and read over a few counters"
    model: ClassVar[str] = "./counter_model.py:Counter"
    functions: ClassVar[tuple[str, ...]] = ("add", "read")
    options: ClassVar[Mapping[str, Any]] = {"counters": 5}

    def generator(self, options: Mapping[str, Any], random: Random) -> Liftable:
        """Return the endless stream of operations: a thousand that are drawn, over and over."""
        keys = [f"c{number}" for number in range(options["counters"])]
        adds = [{"f": "add", "key": key, "value": n} for key in keys for n in range(1, 10)]
        reads = [{"f": "read", "key": key} for key in keys]
        return gen.cycle([random.choice(random.choice([adds, reads])) for _ in range(1000)])

    def final_generator(self, options: Mapping[str, Any], random: Random) -> Liftable:
        """Read every counter once more, when all is quiet."""
        del random
        return [{"f": "read", "key": f"c{number}"} for number in range(options["counters"])]
