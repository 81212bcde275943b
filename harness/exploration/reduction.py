"""Making lists smaller while something stays true: delta debugging, as a dialogue.

A pass of the shrinker is a generator. It yields candidates, simplest first, and is sent the index of the
first one that still fails, or None; whoever runs the candidates is somebody else, who may try several
at a time. The order in which a list is thinned is that of Zeller and Hildebrandt's ddmin (Simplifying
and Isolating Failure-Inducing Input, 2002) without its tests of subsets: everything at once, then halves,
quarters and so on, and each part from the end, since what comes after a failure didn't cause it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import TypeAlias, TypeVar

from splitbrain.exploration.case import Case

Steps: TypeAlias = Generator[Iterable[Case], int | None, None]
"""Yields candidates; is sent the index of the first that fails, or None."""

Item = TypeVar("Item")


def thin(items: Sequence[Item], rebuild: Callable[[Sequence[Item]], Case], *, least: int = 1) -> Steps:
    """Take items out, in parts down to `least` items, for as long as the rest still fails."""
    kept = list(items)
    size = len(kept)
    while kept and size >= least:
        end = len(kept)
        while end > 0:
            starts = [max(0, stop - size) for stop in range(end, 0, -size)]
            found = yield _without(kept, starts, size, end, rebuild)
            if found is None:
                break
            start, stop = starts[found], end - found * size
            del kept[start:stop]
            end = start
        size = (size + 1) // 2 if size > 1 else 0


def _without(
    kept: Sequence[Item],
    starts: Sequence[int],
    size: int,
    end: int,
    rebuild: Callable[[Sequence[Item]], Case],
) -> Iterator[Case]:
    for number, start in enumerate(starts):
        yield rebuild([*kept[:start], *kept[end - number * size :]])


def thin_groups(
    items: Sequence[Item],
    rebuild: Callable[[Sequence[Item]], Case],
    group: Callable[[Item], object],
) -> Steps:
    """Take whole groups of items out; the items keep their order."""
    groups = list(dict.fromkeys(group(item) for item in items))

    def without(kept: Sequence[object]) -> Case:
        left = set(kept)
        return rebuild([item for item in items if group(item) in left])

    if len(groups) > 1:
        yield from thin(groups, without)


def lucky(cases: Iterable[Case], reseeded: Callable[[Case, int], Case], seeds: int) -> Iterator[Case]:
    """Yield each case, followed by itself under that many other seeds."""
    for case in cases:
        yield case
        for number in range(seeds):
            yield reseeded(case, number)


def with_luck(steps: Steps, reseeded: Callable[[Case, int], Case], seeds: int) -> Steps:
    """Let a pass try each of its candidates under other seeds too, if its own seed loses the failure.

    What is taken out of a run may have been what made two messages cross; under another seed
    others do.
    """
    try:
        batch = next(steps)
        while True:
            found = yield lucky(batch, reseeded, seeds)
            batch = steps.send(None if found is None else found // (seeds + 1))
    except StopIteration:
        return
