"""Small cases that fail, each in a way that one can follow by hand."""

from splitbrain.exploration.case import Case, Operation
from splitbrain.plan import Plan, PlannedFault, Trigger

MILLISECOND = 1_000_000

LEADER_CUT_OFF = PlannedFault("apart-1", "partition", 1.5, at=1.0, parameters={"shape": "leader-alone"})
STALE_READ = Case(
    "raft",
    3,
    "register",
    1,
    Plan(1, 2.6, 0.0, (LEADER_CUT_OFF,)),
    bugs=("unconfirmed-read",),
    patience=0.0,
    concurrency=6,
    # Whoever leads: while one client of each node writes, another one reads.
    operations=tuple(
        Operation(at * MILLISECOND, thread, f, "k0", value)
        for at, thread, f, value in [
            *((900, thread, "write", thread + 1) for thread in range(3)),
            *((at, thread, "write", 10 * at + thread) for at in range(1300, 1900, 50) for thread in range(3)),
            *((at, thread, "read", None) for at in range(1300, 1900, 30) for thread in range(3, 6)),
        ]
    ),
)
"""A leader that was cut off answers a read after its successor took a write."""

LOST_WRITE = Case(
    "kv",
    1,
    "register",
    0,
    Plan(
        1,
        0.4,
        0.0,
        (PlannedFault("cut-1", "power-cut", 0.1, when=Trigger("answered", {}, "n1"), target="noter"),),
    ),
    bugs=("ack-before-sync",),
    patience=0.0,
    concurrency=2,
    operations=(
        Operation(0, 0, "write", "k0", 1),
        Operation(300 * MILLISECOND, 1, "read", "k0"),
    ),
)
"""A write is acknowledged before it is on the disk, and the power fails."""
