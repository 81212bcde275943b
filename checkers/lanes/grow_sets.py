"""The polynomial lane for sets that only grow and are read as a whole: n log n, and no conditions.

*Restriction.* Choose some elements, leave out the adds of all others, and let every read name the chosen ones
only. A linearization stays one, since what a call does to one element has nothing to do with the others. So a
contradiction about few elements refutes the whole. A read that names an element twice is refuted by itself,
as is one of an element that nobody adds and that was not there at first.

*Stages.* The set never shrinks, so any two reads are ordered by inclusion: S1 < S2 < ... < Sk are the sets
that were read. An element belongs to the first stage i whose Si has it (to none if it was there at first).
Cut a linearization into slots: in slot 2i elements of stage i come in, in slot 2i+1 the set is Si and is
read. Calls get a *lower* and an *upper* slot:

- a read of Si: 2i+1, both;
- *the bringer* of an element of stage i, which is the add of it that was invoked first, whatever became of
  it: 2i, both;
- another completed add of that element: 2i at least;
- a completed add of an element that nobody read: behind all reads;
- a completed add of what was there at first, and a read that any state explains: anywhere;
- the other crashed adds are left out, as nothing needs them.

*Necessary.* Let L be a linearization, and e of stage i. Some add a of e is the first in L; it stands behind
the reads of S(i-1) and in front of those of Si, and so does any other add of e stand behind these reads. Move
the bringer directly in front of a, or put it there if it crashed and isn't in L. Nobody whom it passes had
returned when it was invoked: such a call would have returned before a was invoked as well, and stands behind
it. For all others nothing changes. Then leave out the crashed adds that bring nothing. So if there is a
linearization, there is one in which each call is in a slot from its lower to its upper one; and therefore
*no call with a lower slot L returned before one with an upper slot less than L was invoked*.

*Sufficient.* Give each call the slot s: the lower one if that is the upper one, too; else the largest lower
slot of the call itself and of all that had returned when it was invoked. Order by s, and by invocation in a
slot. Real time: let x have returned before y was invoked. Whoever had returned before x was invoked, had
before y was. So s(x) is a lower slot of x, or of somebody before y; by the condition it is at most the upper
slot of y, and at most s(y) if y has a choice. Thus x stands in front. Legality: in slot 2i+1 just the
elements of stages up to i, and those from the start, are in. Their bringers are in slots up to 2i. No add is
in a slot below 2j if its element is of stage j, or below 2k+2 if nobody read it.

*Evidence.* A call b whose upper slot is below the lower one of a call a that had returned, is about at most
two elements and two reads, whichever these are:

- b is a read without some element e, and a an add of e, or a read that has e: e was in, and b *missed* it;
- b brings e2, and a is a read that has e2: it read what *nobody had added* yet;
- b brings e2, and a adds some e of a later stage: the read of e2's stage has e2 and not e, out of *order*.
  (If it was invoked after a had returned, it missed e, which is plainer.)

Of the adds of an element its bringer is evidence enough, beside a: without the others the condition still
fails.

Values may repeat, anything may crash. Abdulla et al. (arXiv 2509.17795) treat sets whose operations are about
one element each; reads of the whole tie the elements together, and their inclusions untie them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Linearization, Refutation
from splitbrain.checkers.values import ANYTHING, freeze

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Outcome
    from splitbrain.checkers.watch import Watch

_ANYWHERE: Final = 0
_NO_END: Final = 1 << 62
"""The upper slot of a call that may be late."""
_LEFT_OUT: Final = -1
"""In place of a slot: the call is in no linearization that is looked for."""


def decide(calls: Calls, kinds: Kinds, watch: Watch) -> Outcome:
    """Decide one set.

    Raises:
        BudgetExceeded: the time or the memory is spent.
    """
    history = _History(calls, kinds, watch)
    stages = _stages(history, watch)
    if isinstance(stages, Refutation):
        return stages
    lower, upper = _slots(history, stages, watch)
    return _in_slots(history, stages, lower, upper, watch)


class _History:
    """The calls of one set by what they do.

    `added` has the element that a call of some kind adds, `reads` the kinds of completed reads that say what
    is in; of the `silent` kinds it is known whether they completed. `bringers` are the adds that were invoked
    first, by element, and `initial` are the elements that are there from the start.
    """

    def __init__(self, calls: Calls, kinds: Kinds, watch: Watch) -> None:
        self.calls = calls
        self.described = kinds.calls
        self.initial: dict[Hashable, Any] = {
            freeze(value): value for value in kinds.values[kinds.initial] or ()
        }
        self.added: dict[int, Hashable] = {}
        self.reads: list[int] = []
        self.silent: dict[int, bool] = {}
        for kind in watch.over(list(dict.fromkeys(calls.kinds)), "sorted the calls by what they do"):
            call = kinds.calls[kind]
            if call.f == "add":
                self.added[kind] = freeze(call.value)
            elif not call.known or call.result is ANYTHING:
                self.silent[kind] = call.known
            else:
                self.reads.append(kind)
        self.bringers: dict[Hashable, int] = {}
        for number, kind in enumerate(watch.over(calls.kinds, "looked for the first add of each element")):
            if kind in self.added:
                self.bringers.setdefault(self.added[kind], number)

    def names(self, number: int) -> list[Hashable]:
        """Return the elements that a completed read found, or the one that an add adds."""
        call = self.described[self.calls.kinds[number]]
        return [freeze(call.value)] if call.f == "add" else [*map(freeze, call.result)]

    def calls_of(self, *kinds: int) -> list[int]:
        """Return the calls of these kinds by their invocations."""
        chosen = set(kinds)
        return [number for number, kind in enumerate(self.calls.kinds) if kind in chosen]

    def completed_adds(self, elements: Iterable[Hashable]) -> list[int]:
        """Return the completed adds of some elements, the one that returned first in front."""
        chosen = set(elements)
        kinds = [kind for kind, element in self.added.items() if element in chosen]
        found = [number for number in self.calls_of(*kinds) if self.calls.returns[number] != FOREVER]
        return sorted(found, key=self.calls.returns.__getitem__)

    def refuted(self, rule: str, core: Sequence[int], *elements: Hashable) -> Refutation:
        """Return a refutation by a few calls, and by the bringers of the elements that one of them found."""
        reads = (call for call in core if self.calls.kinds[call] not in self.added)
        found = {name for call in reads for name in self.names(call)}
        calls = list(core)
        values = []
        for element in dict.fromkeys(elements):
            if element in found and element in self.bringers and element not in self.initial:
                calls.append(self.bringers[element])
            values.append(self._value(element, core))
        return Refutation(rule, list(dict.fromkeys(calls)), elements=values)

    def _value(self, element: Hashable, core: Iterable[int]) -> Any:
        """Return an element as it was given: at first, by an add, or by a read of the core."""
        if element in self.initial:
            return self.initial[element]
        if element in self.bringers:
            return self.described[self.calls.kinds[self.bringers[element]]].value
        results = (self.described[self.calls.kinds[call]].result for call in core)
        return next(value for result in results for value in result if freeze(value) == element)


class _Stages(NamedTuple):
    """The stage of each element that was read and not there at first, of each kind of read, and the last."""

    of_element: Mapping[Hashable, int]
    of_read: Mapping[int, int]
    last: int


def _stages(history: _History, watch: Watch) -> _Stages | Refutation:
    """Put the reads into a chain, or refute one, or two.

    Sets are compared with their neighbours only, and two of them are held at a time.
    """
    of_element: dict[Hashable, int] = {}
    of_read: dict[int, int] = {}
    previous, before, stage = frozenset(history.initial), None, 0
    results = {kind: history.described[kind].result for kind in history.reads}
    watch.begin("compared the reads", sum(map(len, results.values())))
    for kind in sorted(results, key=lambda kind: len(results[kind])):
        result = results[kind]
        found = frozenset(map(freeze, watch.part(result)))
        if len(found) < len(result):
            return _named_twice(history, kind)
        if not previous <= found:
            return _apart(history, before, kind, previous, found)
        if before is None or len(found) > len(previous):
            stage += 1
            for element in found - previous:
                if element not in history.bringers:
                    return history.refuted("never-added", history.calls_of(kind)[:1], element)
                of_element[element] = stage
        of_read[kind] = stage
        previous, before = found, kind
    return _Stages(of_element, of_read, stage)


def _named_twice(history: _History, kind: int) -> Refutation:
    seen: set[Hashable] = set()
    for element in map(freeze, history.described[kind].result):
        if element in seen:
            break
        seen.add(element)
    return history.refuted("named-twice", history.calls_of(kind)[:1], element)


def _slots(history: _History, stages: _Stages, watch: Watch) -> tuple[list[int], list[int]]:
    """Return the lower and the upper slot of each call; the lower one is `_LEFT_OUT` if it needs none."""
    lower: list[int] = []
    upper: list[int] = []
    bringers, initial, returns = history.bringers, history.initial, history.calls.returns
    behind = 2 * stages.last + 2
    for number, kind in enumerate(watch.over(history.calls.kinds, "gave the calls their slots")):
        needed = returns[number] != FOREVER
        end = _NO_END
        if kind in stages.of_read:
            slot = end = 2 * stages.of_read[kind] + 1
        elif kind in history.silent:
            slot = _ANYWHERE
        else:
            element = history.added[kind]
            stage = stages.of_element.get(element)
            if stage is None:
                slot = _ANYWHERE if element in initial else behind
            else:
                slot = 2 * stage
                if bringers[element] == number:
                    end, needed = slot, True
        lower.append(slot if needed else _LEFT_OUT)
        upper.append(end)
    return lower, upper


def _in_slots(
    history: _History, stages: _Stages, lower: Sequence[int], upper: Sequence[int], watch: Watch
) -> Linearization | Refutation:
    """Give each call its slot, or refute the first one that has none."""
    invokes, returns = history.calls.invokes, history.calls.returns
    ends = [call for call, returned in enumerate(returns) if returned != FOREVER]
    watch.begin("sorted the calls by return")
    watch.sort(ends, returns.__getitem__)
    slots = [_LEFT_OUT] * len(invokes)
    largest, highest, ended = _ANYWHERE, -1, 0
    for call, invoked in enumerate(watch.over(invokes, "compared the slots")):
        while ended < len(ends) and returns[ends[ended]] < invoked:
            if lower[ends[ended]] > largest:
                highest = ends[ended]
                largest = lower[highest]
            ended += 1
        if lower[call] == _LEFT_OUT:
            continue
        if largest > upper[call]:
            return _too_late(history, stages, highest, call)
        slots[call] = lower[call] if lower[call] == upper[call] else max(lower[call], largest)
    placed = [call for call, slot in enumerate(slots) if slot != _LEFT_OUT]
    watch.begin("sorted the calls by slot")
    watch.sort(placed, slots.__getitem__)
    return Linearization(placed)


def _too_late(history: _History, stages: _Stages, early: int, late: int) -> Refutation:
    """Refute two calls of which the early one had returned, and has the larger lower slot."""
    calls, added = history.calls, history.added
    early_kind, late_kind = calls.kinds[early], calls.kinds[late]
    if late_kind not in added:
        found = set(history.names(late))
        return _missed(history, [each for each in history.names(early) if each not in found], early, late)
    element = added[late_kind]
    if early_kind not in added:
        return history.refuted("added-later", (early,), element)
    stage = stages.of_element[element]
    reads = history.calls_of(*(kind for kind, of_read in stages.of_read.items() if of_read == stage))
    if calls.returns[early] < calls.invokes[reads[-1]]:
        return _missed(history, [added[early_kind]], early, reads[-1])
    return history.refuted("added-out-of-order", (reads[0], early), added[early_kind], element)


def _apart(
    history: _History,
    smaller: int | None,
    larger: int,
    one: frozenset[Hashable],
    other: frozenset[Hashable],
) -> Refutation:
    """Refute the larger of two kinds of reads, or both: it is without something that the smaller one has.

    Where there is no smaller one, that was there at first.
    """
    gone, more = _by_bringer(history, one - other), _by_bringer(history, other - one)
    for rule, suspects in (
        ("initially-there", [each for each in gone if each in history.initial]),
        ("never-added", [each for each in more if each not in history.bringers]),
    ):
        if suspects:
            return history.refuted(rule, history.calls_of(larger)[:1], suspects[0])
    assert smaller is not None
    returns, invokes = history.calls.returns, history.calls.invokes
    for present, absent, elements in ((smaller, larger, gone), (larger, smaller, more)):
        known = [*history.calls_of(present), *history.completed_adds(elements)]
        early, late = min(known, key=returns.__getitem__), history.calls_of(absent)[-1]
        if returns[early] < invokes[late]:
            return _missed(history, elements, early, late)
    pair = [history.calls_of(kind)[0] for kind in (smaller, larger)]
    return history.refuted("incomparable", pair, gone[0], more[0])


def _by_bringer(history: _History, elements: Iterable[Hashable]) -> list[Hashable]:
    """Put elements in an order that depends on the history alone."""
    return sorted(elements, key=lambda each: (history.bringers.get(each, -1), repr(each)))


def _missed(history: _History, elements: Iterable[Hashable], early: int, late: int) -> Refutation:
    """Refute a read without elements that were in: they are *stale* if a later read has them, else *lost*.

    A completed add that had returned says more plainly that its element was in than a read does.
    """
    elements = _by_bringer(history, elements)
    adds = history.completed_adds(elements)
    element, invoked = elements[0], history.calls.invokes[late]
    if adds and history.calls.returns[adds[0]] < invoked:
        early = adds[0]
        element = history.added[history.calls.kinds[early]]
    invokes, kinds = history.calls.invokes, history.calls.kinds
    later = {kinds[call]: call for call in history.calls_of(*history.reads) if invokes[call] > invoked}
    again = any(element in history.names(call) for call in later.values())
    return history.refuted("stale" if again else "lost", (late, early), element)
