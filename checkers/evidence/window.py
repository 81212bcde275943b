"""A window on a key: its calls from one that fixes the state up to some event, and nothing around it.

Two relaxations (if the relaxed history isn't linearizable, neither was the original). Let L be a
linearization of the original.

*Forget the future* behind an event at position `end`: calls invoked later go; completed ones that were
running then become crashed. Linearizability is prefix closed: cut L behind the last call that had
returned by `end`. Nobody before the cut was invoked later than `end`, since L puts whoever returned before
an invocation before it. What is left of L holds every call that had returned, and some of those running.

*Forget the past* in front of a completed call P that fixes the state, whatever the state was: a write, a
delete, but also an applied cas or a read, whose result names the state just after it. The history begins
with that state: P goes, and so do the calls that had returned when P was invoked; completed ones that
ran beside P become crashed. Cut L just behind P: those that had returned are in front of the cut, whoever
was invoked after P returned is behind it, and those beside P are on either side, so they are optional.
Behind the cut L is legal from the state that P left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.normalise import FOREVER, NONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from splitbrain.checkers.normalise import Calls, Kinds

NEAREST = 16
"""The first starts tried are among so many calls before the end; then among four times as many, and so on."""
STARTS = 16
"""How many starts are tried at each distance."""
_NOWHERE = -1


class Window(NamedTuple):
    """Where to look: from the call `start` (None: the beginning) to the position `end`.

    `initial` is the id of the value that `start` left (or the key's own), `invoked` and `returned` are the
    positions at which `start` began and ended. Every value with which a call that the window shows
    overwrites another has its id among `origins`, and so has `initial`.
    """

    initial: int
    origins: frozenset[int]
    start: int | None = None
    invoked: int = _NOWHERE
    returned: int = _NOWHERE
    end: int = FOREVER

    def shows(self, invoked: int, returned: int) -> bool:
        """Tell whether a call with these ends is neither past nor future, nor the start itself."""
        return invoked <= self.end and returned > self.invoked and invoked != self.invoked

    def crashes(self, invoked: int, returned: int) -> bool:
        """Tell whether a completed call that it shows becomes crashed: it ran at one of the edges."""
        return returned > self.end or invoked < self.returned


class Batch(NamedTuple):
    """Windows with starts at about one distance from the end, and the calls that any of them may show."""

    windows: Sequence[Window]
    calls: Sequence[int]


def left_behind(kinds: Kinds, kind: int) -> int:
    """Return the id of the value that is there after a completed call of that kind, or `NONE` if unknown."""
    return kinds.reads[kind] if kinds.writes[kind] == NONE else kinds.writes[kind]


def overwritten_with(kinds: Kinds, column: Iterable[int]) -> frozenset[int]:
    """Return the ids of the values that calls of those kinds write, whatever they find."""
    return frozenset(kinds.writes[kind] for kind in set(column)) - {NONE}


def windows(calls: Calls, kinds: Kinds, end: int) -> Iterator[Batch]:
    """Yield windows that end at a position; each batch starts up to four times as far back.

    Of many possible starts the shortest calls are taken, which have the fewest others beside them.
    """
    starts = [
        call
        for call, returned in enumerate(calls.returns)
        if returned < end and left_behind(kinds, calls.kinds[call]) != NONE
    ]
    taken, reach = 0, NEAREST
    while taken < len(starts):
        near = starts[max(0, len(starts) - reach) : len(starts) - taken]
        near.sort(key=lambda call: (calls.returns[call] - calls.invokes[call], -call))
        chosen = sorted(near[:STARTS], reverse=True)
        first = calls.invokes[chosen[-1]]
        pool = [
            call
            for call, (invoked, returned) in enumerate(zip(calls.invokes, calls.returns, strict=True))
            if returned > first and invoked <= end
        ]
        written = overwritten_with(kinds, (calls.kinds[call] for call in pool))
        batch = []
        for call in chosen:
            initial = left_behind(kinds, calls.kinds[call])
            batch.append(
                Window(initial, written | {initial}, call, calls.invokes[call], calls.returns[call], end)
            )
        yield Batch(batch, pool)
        taken, reach = min(reach, len(starts)), reach * 4
