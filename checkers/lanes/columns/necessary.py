"""The cheap necessary conditions of `lanes/necessary.py`, for all keys at once.

A column has no first broken condition by itself: each condition marks the calls that break it, and of each
key the first marked call is told, so that both lanes name the same contradiction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from splitbrain.checkers.normalise import FOREVER, NONE
from splitbrain.checkers.outcome import Refutation

if TYPE_CHECKING:
    from splitbrain.checkers.lanes.columns.accesses import Accesses
    from splitbrain.checkers.lanes.columns.identities import Ints


def refute(calls: Accesses, writers: Ints) -> dict[int, Refutation]:
    """Return the refuted keys, with cores of call numbers; `writers` counts those of each value."""
    mutators = np.flatnonzero(calls.writes != NONE)
    first_writer = first(calls.writes[mutators], mutators, calls.values)
    needing = np.flatnonzero((calls.reads != NONE) & (calls.returns != FOREVER))
    value, key = calls.reads[needing], calls.key[needing]
    writer = first_writer[value]
    later = value != calls.initial[key]
    unwritten = later & (writer == NONE)
    # An unwritten value has no first writer, and NONE finds the last call: it doesn't matter what that says.
    early = later & ~unwritten & (calls.returns[needing] < calls.invokes[writer])
    replacing = needing[(calls.writes[needing] != NONE) & (writers[value] == 1)]
    first_replacing = first(calls.reads[replacing], replacing, calls.values)
    again = replacing[first_replacing[calls.reads[replacing]] != replacing]
    broken = np.unique(np.concatenate([needing[unwritten | early], again]))
    keys, places = np.unique(calls.key[broken], return_index=True)
    refuted = {}
    for number, call in zip(keys.tolist(), broken[places].tolist(), strict=True):
        read = calls.reads[call]
        source, rival = int(first_writer[read]), int(first_replacing[read])
        if read != calls.initial[number] and source == NONE:
            refuted[number] = Refutation("never-written", (call,))
        elif read != calls.initial[number] and calls.returns[call] < calls.invokes[source]:
            refuted[number] = Refutation("read-from-the-future", (call, source))
        else:
            core = (rival, call) if source == NONE else (source, rival, call)
            refuted[number] = Refutation("two-cas", core)
    return refuted


def first(values: Ints, calls: Ints, count: int) -> Ints:
    """Return for each value below `count` the first of the calls that it goes with, or `NONE`."""
    found = np.full(count, NONE)
    found[values[::-1]] = calls[::-1]  # of several the one assigned last stays
    return found
