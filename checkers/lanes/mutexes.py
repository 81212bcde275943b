"""The polynomial lane for mutexes: one sort.

*Condition*: every process alternates acquire and release, beginning with acquire; it calls one thing at a
time, and calls nothing after a crashed call. So each process has a row of *holds*: an acquire, and the
release behind it.

*Necessary.* A process holds the lock for certain from the return of its acquire to the invocation of the
release. Suppose two do at one instant. In a linearization cut there, each process has acquired as often as
it has released, or once more, and these two once more: two acquires without a release between them. That
holds whether or not the lock minds who releases it.

*Enough.* If no two do, let each hold take effect from directly before the return of its acquire to directly
after the invocation of its release. A crashed acquire never happened: nobody waits for its process. A
crashed release happened at once. An acquire without a release holds to the end.

So sort the holds by the return of the acquire; each release must have been invoked before the next of these.
Where one wasn't, the two acquires had returned, and up to then no process could have released either hold.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import HELD_BY_TWO, Linearization, Refutation, Undecided

if TYPE_CHECKING:
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome
    from splitbrain.checkers.watch import Watch

_NOBODY = -1
_FREE = (None, "free")
"""The states in which nobody holds the lock."""


class _Hold(NamedTuple):
    """A hold for certain: when, and by which calls."""

    start: int
    end: int
    acquire: int
    release: int


def decide(calls: Calls, kinds: Kinds, watch: Watch) -> Outcome:
    """Decide one mutex, or say why the lane doesn't apply to it.

    Raises:
        BudgetExceeded: the time or the memory is spent.
    """
    if kinds.values[kinds.initial] not in _FREE:
        return Undecided("the lock is held from the start")
    holds = _holds(calls, kinds, watch)
    if isinstance(holds, Undecided):
        return holds
    watch.begin("sorted the holds")
    watch.sort(holds)
    for before, after in pairwise(watch.over(holds, "compared the holds")):
        if before.end > after.start:
            return Refutation(HELD_BY_TWO, [before.acquire, after.acquire])
    order: list[int] = []
    for hold in watch.over(holds, "wrote the holds out"):
        order.append(hold.acquire)
        if hold.release != _NOBODY:
            order.append(hold.release)
    return Linearization(order)


def _holds(calls: Calls, kinds: Kinds, watch: Watch) -> list[_Hold] | Undecided:
    """Return the holds, or say which process does something else."""
    acquired: dict[int | None, int] = {}
    released_at: dict[int | None, int] = {}
    crashed: set[int | None] = set()
    holds: list[_Hold] = []
    for call, (kind, invoked, returned) in enumerate(
        zip(watch.over(calls.kinds, "looked for holds"), calls.invokes, calls.returns, strict=True)
    ):
        f, process = kinds.calls[kind].f, kinds.calls[kind].process
        if process in crashed or invoked < released_at.get(process, -1):
            return Undecided(f"process {process} goes on after a call that hasn't returned")
        if f == "release":
            acquire = acquired.pop(process, None)
            if acquire is None or calls.returns[acquire] > invoked:
                return Undecided(f"process {process} releases what it hasn't acquired")
            holds.append(_Hold(calls.returns[acquire], invoked, acquire, call))
            released_at[process] = returned
        elif process in acquired:
            return Undecided(f"process {process} acquires twice")
        elif returned != FOREVER:
            acquired[process] = call
        if returned == FOREVER:
            crashed.add(process)
    holds.extend(_Hold(calls.returns[acquire], FOREVER, acquire, _NOBODY) for acquire in acquired.values())
    return holds
