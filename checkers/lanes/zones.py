"""The polynomial lane: registers in which every observed value has one writer.

Gibbons & Korach (1997) decide such histories in n log n; Golab, Li & Shah (2011) restate their argument
with zones. This module extends it to compare-and-set and crashed calls.

*Clusters.* A cluster is the call that wrote a value and the calls that read it. In any linearization a
cluster is contiguous, since the value is there only once. Let f be its earliest return and s its latest
invocation. Some call of A returned before some call of B was invoked exactly if f(A) < s(B), strictly
(line positions differ); then A must precede B.

*Blocks.* A cas from v to w is the writer of w and needs v just before, so cluster w comes directly after
cluster v. Following these links gives blocks, contiguous in any linearization, whose inner order is
fixed. A linearization exists inside a block exactly if no call returned before its value's writer was
invoked, and no later cluster must precede an earlier one: f of each is at least the greatest s before it.
Two links out of one cluster, or a circle of links, can't be put in any order.

*Between blocks* "some call of A precedes some call of B" is again f(A) < s(B), with f and s of the whole
block. If such demands form a circle, let A be the block on it with the greatest s. Every other block B on
it has f(B) < s(its successor) <= s(A), so B must precede A; so must A's successor, which A must precede.
So there is a circle exactly if two blocks demand each other, and otherwise some order of the blocks, each
written out as writer, readers by invocation, next writer, ..., is a linearization.

*The order.* Sort blocks by min(f, s). Suppose A demands to precede B: f(A) < s(B). If B comes first in
the order, then min(f(B), s(B)) < min(f(A), s(A)) <= f(A) < s(B), so it is f(B) that is small: f(B) <
min(f(A), s(A)) <= s(A), and B demands to precede A as well. So without a conflict the order is right, and
a conflict shows as f(B) less than the greatest s of the blocks before B.

*Crashed calls* have no return. One whose value nobody observed is left out: the call may be taken from
any linearization, since the next call that isn't a blind write would have had to observe its value.
*Observed* means read or compared by a completed call, or by a crashed cas whose own value is observed.
One that is observed must have happened, with f = infinity.

*Conditions.* Every observed value has exactly one writer of any status, where the initial value counts as
written before everything and a delete writes null; and no call compared unequal. Calls that compared
unequal (and reads that any state explains) are taken out first: they are pure observers, so a refutation
without them stands. A linearization of the rest must take them in (`insertion.py`); if this one can't,
another might, and the lane gives no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.lanes.insertion import insert_observers
from splitbrain.checkers.normalise import FOREVER, NONE
from splitbrain.checkers.outcome import Linearization, Refutation, Undecided
from splitbrain.checkers.values import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome
    from splitbrain.checkers.watch import Watch

_BEFORE_EVERYTHING = -1
_NOBODY = -1
"""The writer of the initial value."""


def decide(calls: Calls, kinds: Kinds, watch: Watch) -> Outcome:  # noqa: PLR0911 - one return a rule
    """Decide one key, or say why the lane doesn't apply to it.

    Raises:
        BudgetExceeded: the time or the memory is spent.
    """
    if not all(map(kinds.flat.__getitem__, calls.kinds)):
        return Undecided("a call is more than an access to one register")
    observed = _observed_values(calls, kinds, watch)
    writers = _writers(calls, kinds, observed, watch)
    if isinstance(writers, Undecided):
        return writers
    clusters, aside = _clusters(calls, kinds, observed, writers, watch)
    chains = _chains(calls, kinds, clusters, watch)
    if isinstance(chains, Refutation):
        return chains
    blocks: list[_Block] = []
    for chain in watch.over(chains, "wrote the blocks out"):
        block = _block(calls, chain, watch)
        if isinstance(block, Refutation):
            return block
        blocks.append(block)
    order = _in_order(blocks, watch)
    if isinstance(order, Refutation):
        return order
    complete = insert_observers(calls, kinds, order, aside, watch)
    if complete is None:
        return Undecided("a call that compared unequal finds no place in the linearization of the others")
    return Linearization(complete)


def _observed_values(calls: Calls, kinds: Kinds, watch: Watch) -> set[int]:
    """Return the values that completed calls read or compared equal, transitively through crashed cas."""
    reads, writes = kinds.reads, kinds.writes
    observed: set[int] = set()
    crashed: dict[int, list[int]] = {}
    rows = zip(watch.over(calls.kinds, "looked at what was observed"), calls.returns, strict=True)
    for kind, returned in rows:
        value = reads[kind]
        if value == NONE:
            continue
        if returned != FOREVER:
            observed.add(value)
        else:
            crashed.setdefault(writes[kind], []).append(value)
    if crashed:
        pending = list(observed)
        while pending:
            for value in crashed.pop(pending.pop(), ()):
                if value not in observed:
                    observed.add(value)
                    pending.append(value)
    return observed


def _writers(calls: Calls, kinds: Kinds, observed: set[int], watch: Watch) -> dict[int, int] | Undecided:
    """Return the one writer of each observed value, or the reason why there isn't one."""
    writers = {kinds.initial: _NOBODY}
    writes = kinds.writes
    for index, kind in enumerate(watch.over(calls.kinds, "looked for the writers")):
        value = writes[kind]
        if value in observed:
            if value in writers:
                return Undecided(
                    f"the value {show(kinds.values[value])} was observed and has several writers"
                )
            writers[value] = index
    if len(writers) < len(observed | {kinds.initial}):
        return Undecided("a value was observed that nobody wrote")
    return writers


class _Cluster(NamedTuple):
    """The writer of a value (or `_NOBODY`) and the other calls that need the value, by invocation."""

    writer: int
    readers: list[int]


def _clusters(
    calls: Calls, kinds: Kinds, observed: set[int], writers: dict[int, int], watch: Watch
) -> tuple[dict[int, _Cluster], list[int]]:
    """Return the clusters by their writer, and the observers that were set aside."""
    reads, writes, differs = kinds.reads, kinds.writes, kinds.differs
    clusters = {writer: _Cluster(writer, []) for writer in writers.values()}
    aside: list[int] = []
    rows = zip(watch.over(calls.kinds, "gathered the readers of each value"), calls.returns, strict=True)
    for index, (kind, returned) in enumerate(rows):
        if writes[kind] == NONE:
            if reads[kind] == NONE or differs[kind] != NONE:
                aside.append(index)
            else:
                clusters[writers[reads[kind]]].readers.append(index)
        elif writes[kind] not in observed and returned != FOREVER:
            clusters[index] = _Cluster(index, [])
    return clusters, aside


def _chains(
    calls: Calls, kinds: Kinds, clusters: dict[int, _Cluster], watch: Watch
) -> list[list[_Cluster]] | Refutation:
    """Link each cas to the cluster of the value it replaced; refute forks and circles."""
    reads, writes = kinds.reads, kinds.writes
    writer_of = {writes[calls.kinds[writer]]: writer for writer in clusters if writer != _NOBODY}
    writer_of[kinds.initial] = _NOBODY
    following: dict[int, int] = {}
    for writer in watch.over(list(clusters), "linked each cas to the value that it replaced"):
        replaced = reads[calls.kinds[writer]] if writer != _NOBODY else NONE
        if replaced == NONE:
            continue
        source = writer_of[replaced]
        if source in following:
            rivals = (following[source], writer)
            return Refutation("two-cas", rivals if source == _NOBODY else (source, *rivals))
        following[source] = writer
    followers = set(following.values())
    chains = []
    seen = 0
    for first, cluster in watch.over(list(clusters.items()), "followed the chains of cas"):
        if first in followers:
            continue
        chain, current = [cluster], first
        while current in following:
            watch.turn()
            current = following[current]
            chain.append(clusters[current])
        seen += len(chain)
        chains.append(chain)
    if seen < len(clusters):
        return Refutation("cas-cycle", _circle(following, {c.writer for chain in chains for c in chain}))
    return chains


def _circle(following: dict[int, int], placed: set[int]) -> list[int]:
    """Return the writers on some circle of links among those that no chain reached."""
    start = next(writer for writer in following if writer not in placed)
    circle = [start]
    while following[circle[-1]] != start:
        circle.append(following[circle[-1]])
    return circle


class _Block(NamedTuple):
    """A chain written out, with its earliest return and latest invocation and the calls that have them."""

    order: list[int]
    earliest: int
    latest: int
    returner: int
    invoker: int


def _block(calls: Calls, chain: Sequence[_Cluster], watch: Watch) -> _Block | Refutation:
    """Write out a chain and check the order inside it."""
    invokes, returns = calls.invokes, calls.returns
    order: list[int] = []
    earliest, latest = FOREVER, _BEFORE_EVERYTHING
    returner = invoker = _NOBODY
    for position, (writer, readers) in enumerate(chain):
        watch.turn()
        begun = latest
        if writer == _NOBODY:
            earliest = _BEFORE_EVERYTHING
            members = readers
        else:
            members = [writer, *readers]
            for reader in readers:
                if returns[reader] < invokes[writer]:
                    return Refutation("read-from-the-future", (reader, writer))
        for member in members:
            if returns[member] < begun:
                return Refutation("cas-chain", _between(chain[: position + 1], member, invoker))
        for member in members:
            if returns[member] < earliest:
                earliest, returner = returns[member], member
            if invokes[member] > latest:
                latest, invoker = invokes[member], member
        order.extend(members)
    return _Block(order, earliest, latest, returner, invoker)


def _between(chain: Sequence[_Cluster], late: int, early: int) -> list[int]:
    """Return the two calls that contradict each other and the cas that chain one's value to the other's."""
    first = next(i for i, cluster in enumerate(chain) if early in (cluster.writer, *cluster.readers))
    links = [cluster.writer for cluster in chain[first:] if cluster.writer != _NOBODY]
    return list(dict.fromkeys([*links, early, late]))


def _in_order(blocks: list[_Block], watch: Watch) -> list[int] | Refutation:
    """Sort the blocks and check that none must precede one that comes before it."""
    watch.begin("sorted the blocks")
    watch.sort(blocks, key=lambda block: min(block.earliest, block.latest))
    order: list[int] = []
    last: _Block | None = None
    for block in watch.over(blocks, "compared the blocks"):
        if last is not None and block.earliest < last.latest:
            return Refutation("zones", _conflict(last, block))
        if last is None or block.latest > last.latest:
            last = block
        order.extend(block.order)
    return order


def _conflict(one: _Block, other: _Block) -> list[int]:
    """Return the four calls of two blocks that demand each other (the initial write is nobody's)."""
    named = (one.returner, one.invoker, other.returner, other.invoker)
    return [call for call in dict.fromkeys(named) if call != _NOBODY]
