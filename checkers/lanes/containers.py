"""What the lanes for queues, stacks and priority queues have in common: the history, value by value.

Every value is put in at most once, so it has an insertion, perhaps a removal, and any number of peeks.
Their *restriction* lemma is the ground of everything: take a linearization and leave out some values with
all their operations; what remains is a linearization. For each of the three types this is plain: whoever
stands first in line, on top, or is largest, still does when others are gone. So

- a contradiction among the operations of a few values (and of calls that found the container empty)
  refutes the whole;
- *a crashed insertion is free*: if no completed operation saw its value, the value may be left out;
  if one did, the insertion took effect and its return is infinite.

*A crashed removal* may have taken any value that nobody else removed, or nothing: see `settling`.

*Time* is counted in gaps: gap g is behind the event at position g, up to the next. An operation may take
effect in the gaps from its invocation to the one before its return. In each gap there are three phases:
values go, then whoever looks looks, then values come.

Sources: Henzinger, Sezgin & Vafeiadis (CONCUR 2013) and Bouajjani, Emmi, Enea & Hamza (ICALP 2015) for the
conditions by values; Lee & Mathur (arXiv 2410.04581) for doing it in n log n; Abdulla et al. (arXiv
2509.17795) for where earlier proofs go wrong. The proofs in these modules stand on their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from splitbrain.checkers.normalise import FOREVER
from splitbrain.checkers.outcome import Refutation, Undecided
from splitbrain.checkers.values import ANYTHING, freeze

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from splitbrain.checkers.normalise import Calls, Kinds

NOBODY: Final = -1
"""In place of a call: there is none."""
NEVER: Final = FOREVER + 1
"""When a value that stays is removed: after everything, crashed calls too."""
UNSETTLED: Final = "the crashed operations found may not have taken the values that are missing"
"""Why there is no answer where a linearization needs more crashed removals, or earlier ones."""
LEAVES, LOOKS, COMES = 0, 1, 2
"""The phases of a gap."""


_HOLES = 4
"""More positions a call than this are numbered anew."""


class Words(NamedTuple):
    """What a type calls its operations."""

    insert: str
    remove: str
    peek: str


WORDS: Mapping[str, Words] = {
    "fifo-queue": Words("enqueue", "dequeue", "peek"),
    "queue": Words("enqueue", "dequeue", "peek"),
    "stack": Words("push", "pop", "peek"),
    "priority-queue": Words("insert", "poll", "peek"),
}


@dataclass(slots=True)
class Contents:
    """The calls of one container, by value (values are numbered in the order of their insertions).

    `insertions` and `removals` are calls or `NOBODY`; a value that was there from the start has no
    insertion. `added` and `stored` are when the insertion was invoked and when it returned, `asked` and
    `taken` the same of the removal. `first` is the earliest return of all calls of the value and `last`
    their latest invocation. `empties` are the calls that found nothing, `crashed` the crashed removals,
    both by invocation. A removal that is made up has no call but a time (`settling`).
    """

    values: list[Any]
    insertions: list[int]
    removals: list[int]
    peeks: dict[int, list[int]]
    added: list[int]
    stored: list[int]
    asked: list[int]
    taken: list[int]
    first: list[int]
    last: list[int]
    empties: list[int]
    crashed: list[int]

    def is_made_up(self, value: int) -> bool:
        """Tell whether the removal of a value is made up."""
        return self.removals[value] == NOBODY and self.asked[value] != NEVER

    def calls_of(self, value: int) -> list[int]:
        """Return the calls of a value: its insertion, peeks, and removal."""
        named = (self.insertions[value], *self.peeks.get(value, ()), self.removals[value])
        return [call for call in named if call != NOBODY]

    def core(self, values: Iterable[int], others: Iterable[int] = ()) -> list[int]:
        """Return all calls of some values, and others; with the crashed removals that may have taken one."""
        chosen = list(dict.fromkeys(values))
        calls = [call for value in chosen for call in self.calls_of(value)]
        if any(self.removals[value] == NOBODY for value in chosen):
            calls += self.crashed
        return list(dict.fromkeys([*calls, *others]))


def gather(calls: Calls, kinds: Kinds, discipline: str) -> Contents | Refutation | Undecided:
    """Sort the calls by value, or refute them by what holds for any container, or say what doesn't fit."""
    words = WORDS[discipline]
    rows = _Rows(calls, kinds, words)
    if rows.strange is not None:
        return Undecided(rows.strange)
    initial = kinds.values[kinds.initial] or ()
    inserted: dict[Hashable, int] = {freeze(value): NOBODY for value in initial}
    if len(inserted) < len(initial):
        return Undecided("a value is there twice from the start")
    inserted_twice: set[Hashable] = set()
    for name, call in rows.insertions:
        if name in inserted:
            inserted_twice.add(name)
        else:
            inserted[name] = call
    for name, call in (*rows.removals, *rows.peeks):
        if name not in inserted:
            return Refutation("never-inserted", (call,))
    observed = {name for name, _ in (*rows.removals, *rows.peeks)}
    if inserted_twice:
        return Undecided("a value is inserted twice")
    return _contents(calls, rows, list(initial), inserted, observed)


class _Rows:
    """The calls by what they do: insertions, removals and peeks with the (frozen) value, and the others."""

    def __init__(self, calls: Calls, kinds: Kinds, words: Words) -> None:
        self.insertions: list[tuple[Hashable, int]] = []
        self.removals: list[tuple[Hashable, int]] = []
        self.peeks: list[tuple[Hashable, int]] = []
        self.empties: list[int] = []
        self.crashed: list[int] = []
        self.values: dict[Hashable, Any] = {}
        self.strange: str | None = None
        described = kinds.calls
        for call, kind in enumerate(calls.kinds):
            f, value, result, known, applied, *_ = described[kind]
            if f == words.insert:
                name = freeze(value)
                self.values[name] = value
                self.insertions.append((name, call))
            elif not known:
                self.crashed.append(call)
            elif result is None:
                self.empties.append(call)
            elif f == words.remove:
                self.removals.append((freeze(result), call))
            else:
                self.peeks.append((freeze(result), call))
            if not applied or result is ANYTHING or (f == words.insert and value is None):
                self.strange = f"{f} has a result that the lane doesn't know"


def _contents(  # noqa: C901 - one check after the other
    calls: Calls, rows: _Rows, initial: list[Any], inserted: dict[Hashable, int], observed: set[Hashable]
) -> Contents | Refutation:
    """Build the columns, without the crashed insertions of values that nobody saw."""
    invokes, returns = calls.invokes, calls.returns
    contents = Contents([], [], [], {}, [], [], [], [], [], [], rows.empties, rows.crashed)
    numbers: dict[Hashable, int] = {}
    for place, value in enumerate(initial):
        numbers[freeze(value)] = place
        before = 2 * (place - len(initial))
        _append(contents, value, NOBODY, before, before + 1)
    for name, call in inserted.items():
        if call != NOBODY and (returns[call] != FOREVER or name in observed):
            numbers[name] = len(contents.values)
            _append(contents, rows.values[name], call, invokes[call], returns[call])
    insertions, removals, added = contents.insertions, contents.removals, contents.added
    first, last = contents.first, contents.last
    for name, call in rows.removals:
        value = numbers[name]
        if removals[value] != NOBODY:
            known = [each for each in (insertions[value], removals[value], call) if each != NOBODY]
            return Refutation("removed-twice", known)
        if returns[call] < added[value]:
            return Refutation("removed-from-the-future", (call, insertions[value]))
        removals[value] = call
        contents.asked[value] = last[value] = max(invokes[call], added[value])
        contents.taken[value] = returns[call]
        first[value] = min(first[value], returns[call])
    for name, call in rows.peeks:
        value = numbers[name]
        if returns[call] < added[value]:
            return Refutation("removed-from-the-future", (call, insertions[value]))
        removal = removals[value]
        if removal != NOBODY and returns[removal] < invokes[call]:
            known = [each for each in (insertions[value], removal, call) if each != NOBODY]
            return Refutation("peeked-after-removal", known)
        contents.peeks.setdefault(value, []).append(call)
        first[value] = min(first[value], returns[call])
        last[value] = max(last[value], invokes[call])
    for value, removal in enumerate(removals):
        if removal == NOBODY:
            last[value] = NEVER
    return contents


def dense(calls: Calls) -> Calls:
    """Return the calls with their positions numbered without holes, if there are many holes."""
    ends = [returned for returned in calls.returns if returned != FOREVER]
    if not calls.invokes or max(calls.invokes[-1], *ends, 0) <= _HOLES * len(calls.invokes):
        return calls
    numbers = {position: number for number, position in enumerate(sorted([*calls.invokes, *ends]))}
    numbers[FOREVER] = FOREVER
    return calls._replace(
        invokes=[numbers[position] for position in calls.invokes],
        returns=[numbers[position] for position in calls.returns],
    )


def _append(contents: Contents, value: Any, call: int, added: int, stored: int) -> None:
    contents.values.append(value)
    contents.insertions.append(call)
    contents.removals.append(NOBODY)
    contents.added.append(added)
    contents.stored.append(stored)
    contents.asked.append(NEVER)
    contents.taken.append(NEVER)
    contents.first.append(stored)
    contents.last.append(added)
