"""The witness about a set that only grows: its reads show the few elements that contradict themselves.

*Look at some elements only*: leave out the adds of all others, from every read their names, and what was
there of them at first. A linearization stays one (`lanes/grow_sets.py`). Then these may go as well:

- an add of an element that no remaining read has, or that was there at first;
- an add of an element of which an add stays that was invoked earlier.

The proofs are in `verification/gathering.py`, which checks it. What the lane names needs no more than this.
So the witness is its core, up to the return of its last read, and nothing is left to try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.checkers.budget import Budget
from splitbrain.checkers.evidence.window import Window
from splitbrain.checkers.evidence.witness import Witness
from splitbrain.checkers.lanes import grow_sets
from splitbrain.checkers.normalise import FOREVER, NONE, Calls, Kinds
from splitbrain.checkers.outcome import Refutation
from splitbrain.checkers.values import freeze
from splitbrain.checkers.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Hashable


def witness_of(calls: Calls, kinds: Kinds, refutation: Refutation, lane: str, explored: int) -> Witness:
    """Return the witness of a refuted set; a refutation of another lane is found anew by the lane of sets."""
    if refutation.elements is None:
        found = grow_sets.decide(calls, kinds, Watch(Budget()))
        assert isinstance(found, Refutation)
        refutation = found
    members = sorted(refutation.core)
    reads = [call for call in members if kinds.calls[calls.kinds[call]].f == "read"]
    end = max(calls.invokes[members[-1]], *(calls.returns[call] for call in reads))
    crashed = {call for call in members if end < calls.returns[call] < FOREVER}
    numbers = {call: number for number, call in enumerate(members)}
    return Witness(
        kept=[call for call in members if call not in crashed],
        crashed=sorted(crashed),
        members=members,
        window=Window(0, frozenset({0}), end=end),
        calls=Calls(
            calls.key,
            [*range(len(members))],
            [calls.invokes[call] for call in members],
            [FOREVER if call in crashed else calls.returns[call] for call in members],
            [calls.indices[call] for call in members],
        ),
        kinds=_few(calls, kinds, members, crashed, set(map(freeze, refutation.elements or ()))),
        refutation=Refutation(
            refutation.rule, [numbers[call] for call in refutation.core], elements=refutation.elements
        ),
        lane=lane,
        explored=explored,
        elements=refutation.elements,
    )


def _few(calls: Calls, kinds: Kinds, members: list[int], crashed: set[int], chosen: set[Hashable]) -> Kinds:
    """Return a kind for each member, with nothing but the chosen elements."""
    described = []
    for number in members:
        call = kinds.calls[calls.kinds[number]]
        if call.f == "read":
            call = call._replace(result=[value for value in call.result if freeze(value) in chosen])
        if number in crashed:
            call = call._replace(result=None, known=False)
        described.append(call)
    initial = tuple(value for value in kinds.values[kinds.initial] or () if freeze(value) in chosen)
    nothing = [NONE] * len(members)
    observer = [call.f == "read" for call in described]
    return Kinds(described, observer, [False] * len(members), nothing, nothing, nothing, [initial], 0)
