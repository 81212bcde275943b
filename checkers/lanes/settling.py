"""Crashed removals: from a solver of histories without them to an answer about histories with them.

A crashed removal may have taken any value that nobody else removed, or nothing. Let c be the earliest
invocation among them. Give every value that was never removed a removal of its own, from c to infinity.
Each linearization of the history is one of this *generous* history too: move each crashed removal to the
value that it took, and take out at the very end, in the order in which the container gives them, what is
still in. So a contradiction in the generous history refutes the original.

Conversely, take a linearization of the generous history. A made-up removal that nobody needs is left out:
no later call sees that the value is gone. Another one moves directly in front of the first call that needs
it: until then nobody notices. Sort these by where they stand and the crashed removals by invocation; the
i-th made-up removal becomes the i-th crashed one, if that was invoked before all those returned that stand
behind it. If all find theirs, this is a linearization of the original.

If one doesn't, the crashed removals are *assigned* to the values in this order, which makes a history
without crashed removals. If that has a linearization, so has the original. If not, another assignment
might, and there is no answer.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.lanes.containers import NOBODY, UNSETTLED, Contents
from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Linearization, Refutation, Undecided

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from splitbrain.checkers.normalise import Calls
    from splitbrain.checkers.outcome import Outcome
    from splitbrain.checkers.watch import Watch


class Step(NamedTuple):
    """One step of a linearization of the generous history.

    `call` is `NOBODY` if the removal is made up; then `rank` is that of its value. If the call `sees`, it
    needs that all values of a higher rank than this are gone. `value` is that which it is about, if any.
    """

    call: int
    rank: int
    value: int
    sees: bool


class _Need(NamedTuple):
    """A made-up removal, the place of the first step that needs it, and what orders those of one place."""

    needed_at: int
    order: int
    place: int
    value: int


def settled(
    contents: Contents,
    calls: Calls,
    solve: Callable[[Contents, Calls, Watch], list[Step] | Refutation],
    watch: Watch,
) -> Outcome:
    """Decide contents that may have crashed removals with a solver for such that have none."""
    if not contents.crashed:
        steps = solve(contents, calls, watch)
        return steps if isinstance(steps, Refutation) else Linearization([step.call for step in steps])
    steps = solve(generous(contents, calls, watch), calls, watch)
    if isinstance(steps, Refutation):
        return steps
    needs = _needs(steps, watch)
    order = _moved(steps, needs, contents.crashed, calls, watch)
    if order is not None:
        return Linearization(order)
    steps = solve(assigned(contents, calls, [need.value for need in needs], watch), calls, watch)
    if isinstance(steps, Refutation):
        return Undecided(UNSETTLED)
    return Linearization([step.call for step in steps])


def generous(contents: Contents, calls: Calls, watch: Watch) -> Contents:
    """Give each value that was never removed a removal that may take effect from the first crashed one on."""
    missing = [value for value, removal in enumerate(contents.removals) if removal == NOBODY]
    earliest = calls.invokes[contents.crashed[0]]
    return _with_removals(contents, calls, dict.fromkeys(missing, (NOBODY, earliest)), watch)


def assigned(contents: Contents, calls: Calls, values: Sequence[int], watch: Watch) -> Contents:
    """Let the first crashed removal have taken the first of these values, and so on."""
    pairs = zip(values, contents.crashed, strict=False)
    made = {value: (call, calls.invokes[call]) for value, call in pairs}
    return _with_removals(contents, calls, made, watch)


def _with_removals(
    contents: Contents, calls: Calls, made: dict[int, tuple[int, int]], watch: Watch
) -> Contents:
    """Add removals of values that stay: call (or `NOBODY`) and earliest invocation."""
    removals = list(contents.removals)
    asked, taken, last = list(contents.asked), list(contents.taken), list(contents.last)
    for value, (call, invoked) in watch.over(list(made.items()), "made up removals of values that stay"):
        seen = [calls.invokes[peek] for peek in contents.peeks.get(value, ())]
        removals[value] = call
        asked[value] = last[value] = max([invoked, contents.added[value], *seen])
        taken[value] = FOREVER
    return replace(contents, removals=removals, asked=asked, taken=taken, last=last)


def _needs(steps: Sequence[Step], watch: Watch) -> list[_Need]:
    """Return the made-up removals that some step needs, by that step."""
    needs: list[_Need] = []
    places: list[int] = []
    ranks: list[int] = []
    for place in watch.over(range(len(steps) - 1, -1, -1), "looked which removals are missing"):
        step = steps[place]
        if step.call == NOBODY:
            nearest = bisect_left(ranks, step.rank) - 1
            if nearest >= 0:
                needs.append(_Need(places[nearest], -step.rank, place, step.value))
        elif step.sees:
            while ranks and ranks[-1] >= step.rank:
                ranks.pop()
                places.pop()
            ranks.append(step.rank)
            places.append(place)
    watch.begin("sorted the missing removals")
    watch.sort(needs)
    return needs


def _moved(
    steps: Sequence[Step], needs: Sequence[_Need], crashed: Sequence[int], calls: Calls, watch: Watch
) -> list[int] | None:
    """Write out the steps from the back, with a crashed removal in front of each step that needs one."""
    left = len(needs)
    if left > len(crashed):
        return None
    order: list[int] = []
    soonest = FOREVER
    for place in watch.over(range(len(steps) - 1, -1, -1), "put crashed removals in"):
        call = steps[place].call
        if call == NOBODY:
            continue
        soonest = min(soonest, calls.returns[call])
        order.append(call)
        while left and needs[left - 1].needed_at == place:
            left -= 1
            if calls.invokes[crashed[left]] > soonest:
                return None
            order.append(crashed[left])
    order.reverse()
    return order
