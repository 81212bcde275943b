"""The lane of `lanes/zones.py` over columns: its rules, for all keys at once.

The theory stands there; this is how each step becomes sorting and scanning. Calls are numbered in the
order of their invocations, clusters with the initial ones first (one for each key, in the order of keys)
and then by the number of their writer. Two tools do most of the work:

- *the last one assigned stays*: writing a column into a table leaves for each place the last entry, so a
  cluster's latest invocation, or one of two rivals, costs one assignment;
- *prefix maxima in segments*: add to the values of each segment (a key, a chain) more than all before it
  can reach, take one running maximum, and subtract again.

Chains of cas are walked one link after the other, in plain Python: that costs a tenth of a microsecond a
link, and a chain may be as long as the history, where doubling steps would not be faster.

A key that breaks a rule is refuted at once; what later steps compute for it is not looked at. Steps never
mix keys, so it does not disturb the others.
"""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from splitbrain.checkers.lanes.columns.necessary import first
from splitbrain.checkers.normalise import FOREVER, NONE
from splitbrain.checkers.outcome import Refutation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from splitbrain.checkers.lanes.columns.accesses import Accesses
    from splitbrain.checkers.lanes.columns.identities import Bools, Ints

_BEFORE_EVERYTHING = -1
_NOBODY = -1


class Zoned(NamedTuple):
    """What the lane found: refuted keys with cores of call numbers, or else an order of the calls.

    `order` holds key after key the linearization of its calls, but for those `aside`, the observers that it
    still has to take in. It is empty if a key is refuted.
    """

    refuted: dict[int, Refutation]
    order: Ints
    aside: Ints


def observed_values(calls: Accesses) -> Bools:
    """Tell of each value whether a completed call read or compared it, or a crashed cas that is observed."""
    observed = np.zeros(calls.values, np.bool_)
    reading = calls.reads != NONE
    crashed = calls.returns == FOREVER
    observed[calls.reads[reading & ~crashed]] = True
    links = np.flatnonzero(reading & crashed)
    sources: dict[int, list[int]] = {}
    for written, read in zip(calls.writes[links].tolist(), calls.reads[links].tolist(), strict=True):
        sources.setdefault(written, []).append(read)
    pending = [written for written in sources if observed[written]]
    while pending:
        for read in sources.pop(pending.pop(), ()):
            observed[read] = True
            if read in sources:
                pending.append(read)
    return observed


def ambiguous(calls: Accesses, observed: Bools, writers: Ints) -> Bools:
    """Tell of each key whether an observed value of it has no writer or several."""
    keys = np.zeros(len(calls.initial), np.bool_)
    reading = calls.reads != NONE
    values = calls.reads[reading]
    keys[calls.key[reading][observed[values] & (writers[values] != 1)]] = True
    return keys


def decide(calls: Accesses, observed: Bools) -> Zoned:
    """Decide keys of which each observed value has one writer, unless calls that exclude a value matter."""
    clusters = _clusters(calls, observed)
    refuted: dict[int, Refutation] = {}
    links = _links(calls, clusters, refuted)
    chains = _chains(clusters, links, refuted)
    named = _Named(calls, clusters, chains)
    _within_chains(clusters, chains, named, refuted)
    blocks = _blocks(clusters, chains)
    ranked = _in_order(clusters, blocks, named, refuted)
    if refuted:
        nothing = np.zeros(0, np.int64)
        return Zoned(refuted, nothing, nothing)
    aside = np.flatnonzero((calls.writes == NONE) & (calls.reads == NONE))
    return Zoned(refuted, _written_out(calls, clusters, chains, blocks, ranked), aside)


class _Clusters(NamedTuple):
    """The cluster of each call (`NONE`: none), and of each cluster its key, writer and zone."""

    of_call: Ints
    key: Ints
    writer: Ints
    earliest: Ints
    latest: Ints
    of_value: Ints


def _clusters(calls: Accesses, observed: Bools) -> _Clusters:
    keys = len(calls.initial)
    completed = calls.returns != FOREVER
    mutating = calls.writes != NONE
    writer = np.flatnonzero(mutating & (completed | observed[calls.writes]))
    of_value = np.full(calls.values, NONE)
    of_value[calls.initial] = np.arange(keys)
    of_value[calls.writes[writer]] = np.arange(keys, keys + len(writer))
    of_call = np.full(len(calls.key), NONE)
    reading = ~mutating & (calls.reads != NONE)
    of_call[reading] = of_value[calls.reads[reading]]
    of_call[writer] = np.arange(keys, keys + len(writer))
    members = np.flatnonzero(of_call != NONE)
    count = keys + len(writer)
    earliest, latest = np.full(count, FOREVER), np.full(count, _BEFORE_EVERYTHING)
    np.minimum.at(earliest, of_call[members], calls.returns[members])
    latest[of_call[members]] = calls.invokes[members]  # the last one is the latest
    earliest[:keys] = _BEFORE_EVERYTHING
    return _Clusters(
        of_call,
        np.concatenate([np.arange(keys), calls.key[writer]]),
        np.concatenate([np.full(keys, _NOBODY), writer]),
        earliest,
        latest,
        of_value,
    )


class _Links(NamedTuple):
    """From the cluster of the value that a cas replaced to its own."""

    source: Ints
    target: Ints


def _links(calls: Accesses, clusters: _Clusters, refuted: dict[int, Refutation]) -> _Links:
    """Return the links; refute keys in which two of them lead out of one cluster, and leave theirs out."""
    keys = len(calls.initial)
    writers = clusters.writer[keys:]
    target = keys + np.flatnonzero(calls.reads[writers] != NONE)
    source = clusters.of_value[calls.reads[clusters.writer[target]]]
    one = first(source, target, len(clusters.writer))
    for position in np.flatnonzero(one[source] != target).tolist():
        rivals = [source[position], one[source[position]], target[position]]
        _refute(refuted, int(clusters.key[target[position]]), "two-cas", clusters.writer[rivals])
    if not refuted:
        return _Links(source, target)
    sound = ~np.isin(clusters.key[target], list(refuted))
    return _Links(source[sound], target[sound])


class _Chains(NamedTuple):
    """The chains written out: `clusters` of chain after chain, in each by its links.

    `number` says which chain each of them is in, `rank` its place there; `heads` are the first of each.
    """

    clusters: Ints
    number: Ints
    rank: Ints
    heads: Ints


def _chains(clusters: _Clusters, links: _Links, refuted: dict[int, Refutation]) -> _Chains:
    """Follow the links from those clusters that none leads to; refute keys with circles."""
    following = np.full(len(clusters.writer), NONE)
    following[links.source] = links.target
    preceded = np.zeros(len(clusters.writer), np.bool_)
    preceded[links.target] = True
    heads = links.source[~preceded[links.source]]
    walked: list[int] = []
    lengths: list[int] = []
    onward = following.tolist()
    for head in heads.tolist():
        begun, current = len(walked), head
        while current != NONE:
            walked.append(current)
            current = onward[current]
        lengths.append(len(walked) - begun)
    sizes = np.array(lengths, np.int64)
    chains = _Chains(
        np.array(walked, np.int64),
        np.repeat(np.arange(len(heads)), sizes),
        np.arange(len(walked)) - np.repeat(np.cumsum(sizes) - sizes, sizes),
        heads,
    )
    preceded[chains.clusters] = False
    for cluster in np.flatnonzero(preceded).tolist():
        if int(clusters.key[cluster]) in refuted:
            continue
        circle = [cluster]
        while onward[circle[-1]] != cluster:
            circle.append(onward[circle[-1]])
        _refute(refuted, int(clusters.key[cluster]), "cas-cycle", clusters.writer[circle])
    return chains


class _Named:
    """Names the calls of a contradiction, from an index that is made when the first one is asked for."""

    def __init__(self, calls: Accesses, clusters: _Clusters, chains: _Chains) -> None:
        self._calls, self._clusters, self._chains = calls, clusters, chains

    @cached_property
    def _by_cluster(self) -> tuple[Ints, Ints]:
        order = np.argsort(self._clusters.of_call, kind="stable")
        return order, self._clusters.of_call[order]

    @cached_property
    def _places(self) -> Ints:
        places = np.full(len(self._clusters.writer), NONE)
        places[self._chains.clusters] = np.arange(len(self._chains.clusters))
        return places

    def _members(self, cluster: int) -> Ints:
        order, sorted_clusters = self._by_cluster
        begin, end = np.searchsorted(sorted_clusters, [cluster, cluster + 1])
        return order[begin:end]

    def returned_first(self, cluster: int) -> int:
        """Return the call of a cluster that returned first; the initial write, if it has one, is nobody's."""
        if cluster < len(self._calls.initial):
            return _NOBODY
        members = self._members(cluster)
        return int(members[np.argmin(self._calls.returns[members])])

    def invoked_last(self, cluster: int) -> int:
        """Return the call of a cluster that was invoked last."""
        members = self._members(cluster)
        return int(members[-1]) if len(members) else _NOBODY

    def corners(self, head: int) -> tuple[int, int]:
        """Return the first of a block's calls to return, and the last to be invoked."""
        clusters, chains, place = self._clusters, self._chains, self._places[head]
        block = np.array([head])
        if place != NONE:
            block = chains.clusters[place : np.searchsorted(chains.number, chains.number[place], "right")]
        early, late = block[np.argmin(clusters.earliest[block])], block[np.argmax(clusters.latest[block])]
        return self.returned_first(early), self.invoked_last(late)


def _within_chains(
    clusters: _Clusters, chains: _Chains, named: _Named, refuted: dict[int, Refutation]
) -> None:
    """Refute keys in which some call returned before one was invoked that stands earlier in its chain."""
    begun = _greatest_before(clusters.latest[chains.clusters], chains.number)
    for place in np.flatnonzero(clusters.earliest[chains.clusters] < begun).tolist():
        late = int(chains.clusters[place])
        if int(clusters.key[late]) in refuted:
            continue
        before = chains.clusters[place - chains.rank[place] : place + 1]
        start = int(np.argmax(clusters.latest[before] == begun[place]))
        links = clusters.writer[before[start:]]
        core = [*links, named.invoked_last(int(before[start])), named.returned_first(late)]
        _refute(refuted, int(clusters.key[late]), "cas-chain", core)


class _Blocks(NamedTuple):
    """The clusters that no link leads to, each with the zone of all that is chained behind it."""

    heads: Ints
    earliest: Ints
    latest: Ints


def _blocks(clusters: _Clusters, chains: _Chains) -> _Blocks:
    earliest, latest = clusters.earliest.copy(), clusters.latest.copy()
    head = chains.heads[chains.number]
    np.minimum.at(earliest, head, clusters.earliest[chains.clusters])
    np.maximum.at(latest, head, clusters.latest[chains.clusters])
    alone = np.ones(len(clusters.writer), np.bool_)
    alone[chains.clusters[chains.rank > 0]] = False
    heads = np.flatnonzero(alone)
    return _Blocks(heads, earliest[heads], latest[heads])


def _in_order(clusters: _Clusters, blocks: _Blocks, named: _Named, refuted: dict[int, Refutation]) -> Ints:
    """Return the blocks sorted within each key; refute keys in which one must precede one before it."""
    place = np.minimum(blocks.earliest, blocks.latest)
    key = clusters.key[blocks.heads]
    ranked = np.argsort(key * (int(place.max()) + 2) + place)
    key = key[ranked]
    latest = _greatest_before(blocks.latest[ranked], key)
    for position in np.flatnonzero(blocks.earliest[ranked] < latest).tolist():
        number = int(key[position])
        if number in refuted:
            continue
        before = ranked[np.searchsorted(key, number) : position]
        other = before[np.argmax(blocks.latest[before])]
        corners = [named.corners(int(blocks.heads[block])) for block in (other, ranked[position])]
        _refute(refuted, number, "zones", chain.from_iterable(corners))
    return ranked


def _written_out(
    calls: Accesses, clusters: _Clusters, chains: _Chains, blocks: _Blocks, ranked: Ints
) -> Ints:
    """Return the calls block by block, cluster by cluster, each writer in front of its readers."""
    sizes = np.ones(len(clusters.writer), np.int64)
    np.add.at(sizes, chains.heads[chains.number], chains.rank > 0)
    heads = blocks.heads[ranked]
    place = np.zeros(len(clusters.writer), np.int64)
    place[heads] = np.cumsum(sizes[heads]) - sizes[heads]
    place[chains.clusters] = place[chains.heads[chains.number]] + chains.rank
    members = np.flatnonzero(clusters.of_call != NONE)
    reads = calls.writes[members] == NONE
    return members[np.argsort(2 * place[clusters.of_call[members]] + reads, kind="stable")]


def _greatest_before(values: Ints, segment: Ints) -> Ints:
    """Return the greatest value that stands before each one in its segment; segments are numbered upwards."""
    before = np.full(len(values), _BEFORE_EVERYTHING)
    if len(values) > 1:
        step = int(values.max()) + 2
        running = np.maximum.accumulate(values + segment * step) - segment * step
        same = segment[1:] == segment[:-1]
        before[1:][same] = running[:-1][same]
    return before


def _refute(refuted: dict[int, Refutation], key: int, rule: str, core: Iterable[int]) -> None:
    """Refute a key, unless that was done before. The initial write is no call."""
    if key not in refuted:
        named = dict.fromkeys(int(call) for call in core if call != _NOBODY)
        refuted[key] = Refutation(rule, tuple(named))
