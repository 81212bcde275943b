"""When could the system have served? From who could reach whom to the spans in which it had no excuse.

A set of nodes that is large enough to serve is *calm* while each of its nodes is up and running, reaches
every other one, and is reached by clients, and all that without loss or delay. A system that survives
nodes outside that still reach in (`System.one_sided`) has no excuse then; of any other one it is
also asked that each outsider is either whole or cut off in both directions.

An outsider that is heard, but late or in part, is an excuse for all: whoever leads from there is not
deposed, since it is heard, and serves as slowly as its links are. (A leader whose messages took a sixth of
a second each way, one entry at a time, kept its office and let every request run into its deadline.)

Only simulation knows all of this for certain, which is why a missing answer convicts there and
nowhere else.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from splitbrain.backend import CLIENTS
from splitbrain.checkers.liveness import Calm

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from splitbrain.faults.record import FaultRecord
    from splitbrain.systems.description import System

Link = tuple[str, str]
SECOND = 1_000_000_000


class Reach(NamedTuple):
    """From `time` (nanoseconds) on these nodes are silent and these links impaired.

    `strained` are those of the impaired links that deliver, but late or not everything.
    """

    time: int
    silent: Collection[str]
    impaired: Collection[Link]
    strained: Collection[Link] = ()


def patience(system: type[System]) -> int:
    """Return the nanoseconds within which a calm system has to serve: three times its own claim.

    Split votes and the like are luck. An honest Raft misses its claim of 3 s once in some ten thousand runs.
    """
    return round(3 * system.recovery * SECOND)


def calm_spans(
    reaches: Sequence[Reach],
    nodes: Sequence[str],
    ended: int,
    *,
    least: int,
    availability: str,
    one_sided: bool,
    membership: Sequence[tuple[int, int]] = (),
) -> list[Calm]:
    """Return the spans of at least `least` nanoseconds in which some large enough set was calm.

    `membership` are the spans in which the cluster was not all of its nodes: who is large enough then
    can't be told from outside.
    """
    if ended < least:
        return []
    size = {"all": len(nodes), "any": 1}.get(availability, len(nodes) // 2 + 1)
    found: dict[tuple[int, int], Calm] = {}
    for group in combinations(nodes, size):
        for start, end in _stretches(reaches, group, nodes, ended, one_sided=one_sided):
            for first, last in _without((start, end), membership):
                if last - first >= least:
                    found.setdefault((first, last), Calm(first, last, group))
    return [found[span] for span in sorted(found)]


def membership_changes(records: Sequence[FaultRecord], ended: int) -> list[tuple[int, int]]:
    """Return the spans in which a fault may have taken nodes out of the cluster.

    A request that was never answered may have been carried out, so nothing is known from the start of the
    run until the server was seen to be back.
    """
    return [
        (0, record.cleared if record.cleared is not None else ended)
        for record in records
        if record.fault == "membership"
    ]


def _stretches(
    reaches: Sequence[Reach], group: tuple[str, ...], nodes: Sequence[str], ended: int, *, one_sided: bool
) -> Iterator[tuple[int, int]]:
    """Yield the maximal stretches in which a group is calm."""
    start: int | None = None
    for reach in reaches:
        calm = _is_calm(reach, group, nodes, one_sided=one_sided)
        if calm and start is None:
            start = reach.time
        elif not calm and start is not None:
            yield start, reach.time
            start = None
    if start is not None:
        yield start, ended


def _is_calm(reach: Reach, group: tuple[str, ...], nodes: Sequence[str], *, one_sided: bool) -> bool:
    silent, impaired = reach.silent, reach.impaired
    if any(node in silent for node in group):
        return False
    if not impaired:
        return True
    for node in group:
        if (CLIENTS, node) in impaired or (node, CLIENTS) in impaired:
            return False
        if any((node, other) in impaired for other in group):
            return False
    outsiders = [node for node in nodes if node not in group and node not in silent]
    if any(link in reach.strained for node in outsiders for other in group for link in _both(node, other)):
        return False
    return one_sided or not any(_meddles(reach, outsider, group) for outsider in outsiders)


def _both(one: str, other: str) -> tuple[Link, Link]:
    return (one, other), (other, one)


def _meddles(reach: Reach, outsider: str, group: tuple[str, ...]) -> bool:
    """Tell whether an outsider reaches some of the group, but not as a whole node of the cluster would."""
    into = [(outsider, node) in reach.impaired for node in group]
    out = [(node, outsider) in reach.impaired for node in group]
    return not (all(into) and all(out)) and (any(into) or any(out))


def _without(span: tuple[int, int], holes: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start, end = span
    for first, last in sorted(holes):
        if first > start:
            yield start, min(first, end)
        start = max(start, last)
    if start < end:
        yield start, end
