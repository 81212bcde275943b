"""A workload of one's own for systems that are there: one key that everybody reads.

splitbrain run raft --workload docs/examples/hot_key.py:HotKey --faults none --time-limit 2

It runs on every system that speaks read and write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from splitbrain import generators as gen
from splitbrain.workloads.base import Workload

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from splitbrain.generators import Liftable


class HotKey(Workload):
    """Nine reads to a write, all on one key: the load of a cache, and a hard one for read leases."""

    name: ClassVar[str] = "hot-key"
    summary: ClassVar[str] = "one register, nine reads to a write"
    model: ClassVar[str] = "register"
    functions: ClassVar[tuple[str, ...]] = ("read", "write")

    def generator(self, options: Mapping[str, Any], random: Random) -> Liftable:
        """Return the endless stream of operations; every written value is a new one."""
        del options
        reads = gen.repeat({"f": "read", "key": "hot"})
        # More than a run issues: a value that is written twice would make checking expensive.
        writes = [{"f": "write", "key": "hot", "value": number} for number in range(100_000)]
        return gen.mix([reads] * 9 + [writes], random)
