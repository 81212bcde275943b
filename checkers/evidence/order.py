"""The order that a witness forces on its calls, and where it runs in a circle.

Suppose there were a linearization. Then these come one before the other in it:

- *real-time*: a call that had returned before another was invoked;
- *reads*, *overwrites*: the only writer of a value, before whoever read or replaced that value;
- *value*: let w be the only writer of a value (or let the value be there from the start, with no writer) and
  r a call that found it. A value that is written once is there once, without a gap. So no other mutator x
  lies between w and r: if w comes before x, so does r; and if x comes before r, it comes before w.

The last rule feeds itself, so it is applied until there is a circle, or nothing new. That needs calls that
each demand one value or nothing (`flat`), and of mutators it speaks of those alone that did take effect: they
completed, or somebody found their value. A circle contradicts the supposition, and is the shortest proof that
a person can follow. There need not be one: where values repeat, the order may be open and none of the
possible ones right.

Above all the rule finds the plainest contradiction, a *stale* call: r found w's value; x comes after w;
and something that comes after x, or x itself, had returned before r was invoked.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.normalise import FOREVER, NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from splitbrain.checkers.normalise import Calls, Kinds

MOST = 60
"""Among more calls no circle is looked for."""


class Edge(NamedTuple):
    """One call comes before another in every linearization; `text` says why, in words."""

    earlier: int
    later: int
    why: str
    text: str


class Stale(NamedTuple):
    """A call found a value that was overwritten before it began.

    `writer` had written the value (None: it was there from the start), `overwriter` comes after it, and
    `seen`, which is the overwriter or comes after it, had returned before `reader` was invoked. `steps` are
    the edges from the writer to the overwriter, on to `seen`, and on to the reader.
    """

    reader: int
    writer: int | None
    overwriter: int
    seen: int
    steps: Sequence[Edge] = ()


class Order(NamedTuple):
    """What is forced: the edges to show, those of them that run in a circle, and a stale call."""

    edges: Sequence[Edge]
    circle: Sequence[Edge]
    stale: Stale | None


def forced_order(
    calls: Calls, kinds: Kinds, shown: Sequence[int], name: Callable[[int], str], start: int | None = None
) -> Order:
    """Return the order that is forced among the shown calls; `name` puts a call into words.

    `calls` are all calls of the witness: who wrote a value alone must be alone among all. `start` is the
    call that left the value with which they begin, if that is among them.
    """
    plain = [*_real_time(calls, shown, name), *_reads_from(calls, kinds, shown, name)]
    if len(shown) > MOST or not all(kinds.flat[kind] for kind in calls.kinds):
        return Order(plain, _circle(plain) if len(shown) <= MOST else (), None)
    return _Saturation(calls, kinds, shown, name, start).saturate(plain)


def _real_time(calls: Calls, shown: Sequence[int], name: Callable[[int], str]) -> Iterator[Edge]:
    """Yield the precedences in real time that don't follow from others."""
    invokes, returns = calls.invokes, calls.returns
    for later in shown:
        before = [call for call in shown if returns[call] < invokes[later]]
        latest_begin = max((invokes[call] for call in before), default=-1)
        for earlier in before:
            if returns[earlier] > latest_begin:
                text = f"{name(earlier)} had returned when {name(later)} was invoked"
                yield Edge(earlier, later, "real-time", text)


def _reads_from(
    calls: Calls, kinds: Kinds, shown: Sequence[int], name: Callable[[int], str]
) -> Iterator[Edge]:
    """Yield who read or replaced whose value, where only one call of the witness writes it."""
    writers = _writers(calls, kinds)
    listed = set(shown)
    for call in shown:
        value = kinds.reads[calls.kinds[call]]
        sources = writers.get(value, [])
        if value in (NONE, kinds.initial) or len(sources) != 1 or sources[0] not in listed - {call}:
            continue
        replaces = kinds.writes[calls.kinds[call]] != NONE
        why, verb = ("overwrites", "replaced") if replaces else ("reads", "returned")
        yield Edge(sources[0], call, why, f"{name(call)} {verb} the value of {name(sources[0])}")


def _writers(calls: Calls, kinds: Kinds) -> dict[int, list[int]]:
    writers: dict[int, list[int]] = {}
    for call, kind in enumerate(calls.kinds):
        if kinds.writes[kind] != NONE:
            writers.setdefault(kinds.writes[kind], []).append(call)
    return writers


class _Finding(NamedTuple):
    """A call that found a value, and the value's only writer (None: it was there from the start)."""

    reader: int
    writer: int | None


class _Saturation:
    """Applies the rule of values until something contradicts itself."""

    def __init__(
        self,
        calls: Calls,
        kinds: Kinds,
        shown: Sequence[int],
        name: Callable[[int], str],
        start: int | None,
    ) -> None:
        self._calls = calls
        self._kinds = kinds
        self._shown = shown
        self._name = name
        self._start = start
        self._writers = _writers(calls, kinds)
        self._effective = self._took_effect()
        self._findings = list(self._find())
        self._mutators = [
            call
            for call in shown
            if call in self._effective and kinds.writes[calls.kinds[call]] != NONE and call != start
        ]

    def saturate(self, plain: Sequence[Edge]) -> Order:
        """Return the forced order with the edges by values that its circle needs."""
        circle = _circle(plain)
        if circle:
            return Order(plain, circle, None)
        known = {(edge.earlier, edge.later): edge for edge in reversed(plain)}
        while True:
            reach = _reachable(self._shown, known)
            stale = self._stale(reach)
            if stale is not None:
                circle = self._around(stale, known.values())
                before = [] if stale.writer is None else _path(known.values(), stale.writer, stale.overwriter)
                return _with_circle(plain, circle, stale._replace(steps=[*before, *circle[1:]]))
            new = [edge for edge in self._derived(reach) if (edge.earlier, edge.later) not in known]
            if circle or not new:
                return _with_circle(plain, circle, None)
            known.update({(edge.earlier, edge.later): edge for edge in new})
            circle = _circle(known.values())

    def _around(self, stale: Stale, known: Iterable[Edge]) -> list[Edge]:
        """Return the circle of a stale call: it came before its overwriter, which came before it."""
        closing = self._before_overwriter(stale.reader, stale.writer, stale.overwriter)
        seen, reader = self._name(stale.seen), self._name(stale.reader)
        text = f"{seen} had returned when {reader} was invoked"
        path = _path(known, stale.overwriter, stale.seen)
        return [closing, *path, Edge(stale.seen, stale.reader, "real-time", text)]

    def _find(self) -> Iterator[_Finding]:
        kinds, listed = self._kinds, set(self._shown)
        for call in self._shown:
            value = kinds.reads[self._calls.kinds[call]]
            if value == NONE or call not in self._effective:
                continue
            sources = self._writers.get(value, [])
            if value == kinds.initial and set(sources) <= {self._start}:
                yield _Finding(call, None)
            elif value != kinds.initial and len(sources) == 1 and sources[0] in listed - {call}:
                yield _Finding(call, sources[0])

    def _took_effect(self) -> set[int]:
        """Return the calls that did: they completed, or one that did found what they alone wrote."""
        column, reads, initial = self._calls.kinds, self._kinds.reads, self._kinds.initial
        effective = {call for call in range(len(column)) if self._calls.returns[call] != FOREVER}
        pending = list(effective)
        while pending:
            value = reads[column[pending.pop()]]
            sources = self._writers.get(value, ())
            if value != initial and len(sources) == 1 and sources[0] not in effective:
                effective.add(sources[0])
                pending.append(sources[0])
        return effective

    def _ends(self, finding: _Finding) -> Iterator[int]:
        """Yield the mutators after which the found value is gone, or not yet there."""
        value = self._kinds.reads[self._calls.kinds[finding.reader]]
        for call in self._mutators:
            if call not in finding and self._kinds.writes[self._calls.kinds[call]] != value:
                yield call

    def _derived(self, reach: dict[int, set[int]]) -> Iterator[Edge]:
        for finding in self._findings:
            reader, writer = finding
            for other in self._ends(finding):
                if writer is None or other in reach[writer]:
                    yield self._before_overwriter(reader, writer, other)
                elif reader in reach[other]:
                    one, source = self._name(other), self._name(writer)
                    text = f"{self._name(reader)} came after {one} and still found what {source} wrote"
                    yield Edge(other, writer, "value", text)

    def _before_overwriter(self, reader: int, writer: int | None, overwriter: int) -> Edge:
        found, after = self._name(reader), self._name(overwriter)
        source = self._start if writer is None else writer
        since = "what was there at first" if source is None else f"what {self._name(source)} left"
        return Edge(reader, overwriter, "value", f"{found} found {since}, which {after} put an end to")

    def _stale(self, reach: dict[int, set[int]]) -> Stale | None:
        """Return the stale call that was invoked last, if there is one."""
        invokes, returns = self._calls.invokes, self._calls.returns
        for finding in sorted(self._findings, key=lambda each: -invokes[each.reader]):
            reader, writer = finding
            for other in self._ends(finding):
                if writer is not None and other not in reach[writer]:
                    continue
                later = [call for call in (other, *reach[other]) if returns[call] < invokes[reader]]
                if later:
                    return Stale(reader, writer, other, other if other in later else min(later))
        return None


def _with_circle(plain: Sequence[Edge], circle: Sequence[Edge], stale: Stale | None) -> Order:
    """Show the plain edges, and of the others those on the circle."""
    return Order([*plain, *(edge for edge in circle if edge not in plain)], circle, stale)


def _reachable(nodes: Sequence[int], known: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    """Return for each call those that come after it."""
    after: dict[int, list[int]] = {node: [] for node in nodes}
    for earlier, later in known:
        after[earlier].append(later)
    reach: dict[int, set[int]] = {}
    for node in nodes:
        found: set[int] = set()
        pending = [node]
        while pending:
            for later in after[pending.pop()]:
                if later not in found:
                    found.add(later)
                    pending.append(later)
        reach[node] = found
    return reach


def _path(edges: Iterable[Edge], source: int, target: int) -> list[Edge]:
    """Return the shortest way along the edges; none if there is nowhere to go."""
    after: dict[int, list[Edge]] = {}
    for edge in edges:
        after.setdefault(edge.earlier, []).append(edge)
    came: dict[int, Edge | None] = {source: None}
    pending = deque([source])
    while pending and target not in came:
        for edge in after.get(pending.popleft(), ()):
            if edge.later not in came:
                came[edge.later] = edge
                pending.append(edge.later)
    path: list[Edge] = []
    step = came.get(target)
    while step is not None:
        path.append(step)
        step = came[step.earlier]
    return path[::-1]


def _circle(edges: Iterable[Edge]) -> list[Edge]:
    """Return a shortest circle, or nothing."""
    every = list(edges)
    best: list[Edge] = []
    for edge in every:
        back = _path(every, edge.later, edge.earlier)
        if back and (not best or len(back) + 1 < len(best)):
            best = [edge, *back]
    return best
