"""Seeded bugs: each is the node with exactly one rule removed.

They show that the harness convicts real mistakes, each of which was made in a real system or is
named in the literature. Each survives a run without faults. They override different methods, so
any of them combine.
"""

from . import clients, elections, membership, replication, snapshots

BUGS = tuple(
    sorted(
        (*elections.BUGS, *replication.BUGS, *snapshots.BUGS, *membership.BUGS, *clients.BUGS),
        key=lambda bug: int(bug.number.removeprefix("R")),
    )
)
"""All of them, in the order of their numbers."""
