"""The polynomial lane for queues without order whose values are put in once: n log n.

Here values have nothing to do with each other: whoever is in may be taken, whatever else is in. Only a call
that found nothing is about all of them. So a value is wrong by itself (taken twice, looked at when it was
gone: `containers`), or else it is in for certain from f, the earliest return of its operations, up to s,
their latest invocation (`stays`), and a call that found nothing needs a gap inside it in which no value is.

*That is enough.* Choose such a gap for each call that found nothing, and let it look there. If f < s, put the
value in in the gap before f, and take it out in gap s: in between no call that found nothing looks. None of
its operations had returned before the one gap, or is invoked after the other, so each peek has a gap of its
own from the one to the other: the first in which it runs. If s < f, all operations of the value run at one
time, and in one gap they all take effect, one directly after the other: the last, before f, so that a value
that may stay bothers as few as possible. (In a gap values go, then whoever looks looks, then values come. A
peek invoked just before gap s looks there before its value goes.)

*Crashed dequeues*: see `settling`. Only calls that found nothing need others to be gone.

Conditions: no value is put in twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.checkers.lanes.containers import COMES, LEAVES, LOOKS, NOBODY, Contents, gather
from splitbrain.checkers.lanes.settling import Step, settled
from splitbrain.checkers.lanes.stays import certain, free_gaps
from splitbrain.checkers.outcome import Refutation

if TYPE_CHECKING:
    from typing import TypeAlias

    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome

    _Place: TypeAlias = tuple[int, int, int, int]
    """A gap, the phase in it, the value (those of one phase stand value by value), and the place there."""

_MADE_UP, _EMPTY = 0, -1
"""Ranks: whoever found nothing needs that all values are gone."""


def decide(calls: Calls, kinds: Kinds) -> Outcome:
    """Decide one queue without order, or say why the lane doesn't apply to it."""
    contents = gather(calls, kinds, "queue")
    if not isinstance(contents, Contents):
        return contents
    return settled(contents, calls, _solve)


def _solve(contents: Contents, calls: Calls) -> list[Step] | Refutation:
    """Find a linearization of contents without crashed dequeues, or refute them."""
    gaps = free_gaps(contents, calls, certain(contents)) if contents.empties else []
    if isinstance(gaps, Refutation):
        return gaps
    placed: list[tuple[_Place, Step]] = [
        ((gap, LOOKS, NOBODY, 0), Step(call, _EMPTY, NOBODY, sees=True))
        for gap, call in zip(gaps, contents.empties, strict=True)
    ]
    for value in range(len(contents.values)):
        placed += _placed(contents, calls, value)
    placed.sort()
    return [step for _, step in placed]


def _placed(contents: Contents, calls: Calls, value: int) -> list[tuple[_Place, Step]]:
    """Give each operation of a value its place; the made-up removal of one that stays is one, too."""
    comes, goes = contents.first[value] - 1, contents.last[value]
    at_once = goes <= comes
    steps: list[tuple[_Place, Step]] = []
    insertion = contents.insertions[value]
    if insertion != NOBODY:
        steps.append(((comes, COMES, value, 0), Step(insertion, _MADE_UP, value, sees=False)))
    for peek in contents.peeks.get(value, ()):
        gap = comes if at_once else max(comes, calls.invokes[peek])
        place = (gap, COMES, value, 1) if gap == comes else (gap, LEAVES if gap == goes else LOOKS, value, 1)
        steps.append((place, Step(peek, _MADE_UP, value, sees=False)))
    removal = contents.removals[value]
    if removal != NOBODY or contents.is_made_up(value):
        place = (comes, COMES, value, 2) if at_once else (goes, LEAVES, value, 2)
        steps.append((place, Step(removal, _MADE_UP, value, sees=False)))
    return steps
