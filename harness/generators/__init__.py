"""Composable, pure generators of operations.

    from splitbrain import generators as gen

    gen.phases(
        gen.time_limit(30, gen.stagger(0.01, gen.mix([reads, writes], random), random)),
        gen.each_thread(gen.until_ok({"f": "read", "key": "x"})),
    )

`base` says what a generator is; the other modules hold the combinators by what they care about.
"""

from .base import (
    PENDING,
    Answer,
    Completion,
    Context,
    Event,
    Generator,
    GeneratorError,
    Invocation,
    Liftable,
    Pending,
    lift,
)
from .bounds import cycle, limit, once, process_limit, repeat, until_ok
from .choice import any_of, flip_flop, mix
from .threads import clients, each_thread, on_threads, phases, reserve, synchronize, then
from .timing import delay, sleep, stagger, time_limit
from .transform import filter_operations, map_operations

__all__ = [
    "PENDING",
    "Answer",
    "Completion",
    "Context",
    "Event",
    "Generator",
    "GeneratorError",
    "Invocation",
    "Liftable",
    "Pending",
    "any_of",
    "clients",
    "cycle",
    "delay",
    "each_thread",
    "filter_operations",
    "flip_flop",
    "lift",
    "limit",
    "map_operations",
    "mix",
    "on_threads",
    "once",
    "phases",
    "process_limit",
    "repeat",
    "reserve",
    "sleep",
    "stagger",
    "synchronize",
    "then",
    "time_limit",
    "until_ok",
]
