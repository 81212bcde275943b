"""The contradiction of a witness in sentences, so that a person sees it at once.

Everything here is words about a witness; nothing decides anything.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.evidence import contents_story, sums_story
from splitbrain.checkers.evidence.order import forced_order
from splitbrain.checkers.evidence.shortage import shortage
from splitbrain.checkers.evidence.values import listed, show
from splitbrain.checkers.normalise import FOREVER, NONE
from splitbrain.checkers.values import freeze

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from splitbrain.checkers.evidence.order import Stale
    from splitbrain.checkers.evidence.witness import Witness
    from splitbrain.checkers.normalise import Kinds
    from splitbrain.checkers.outcome import Cut
    from splitbrain.histories.history import History
    from splitbrain.histories.operation import Operation

_LOCKING = ("acquire", "release")
_WITHOUT_VALUE = ("dequeue", "pop", "poll", "peek", *_LOCKING)
_PAIR = 2
_WITH_FINDING = ("add", "remove", "contains")
STATES_SHOWN = 20
"""More possible states than this are counted."""
_RETURNS_TOLD = 10
_CALLS_NAMED = 10
_EDGES_TOLD = 12
_LOOKING = {"read": ("to read", "read"), "get": ("to get it", "got")}
"""What began, and what came of it; of another operation "its cas" and "found"."""


class Story:
    """Names the operations of one witness and says how they contradict each other.

    Operations are numbered as in the witness's `calls`; `start` and `earlier` are the numbers of those that
    it has behind its members. `order` is what is forced among those that are `shown`.
    """

    def __init__(
        self, history: History, kinds: Kinds, witness: Witness, shown: Sequence[int], *, key_named: bool
    ) -> None:
        self.calls = witness.calls
        self.kinds = kinds._replace(initial=witness.window.initial)
        self.operations: list[Operation] = [history[index] for index in witness.calls.indices]
        self.members = range(len(witness.members))
        behind = range(len(self.members), len(self.operations))
        self.start: int | None = behind[0] if behind else None
        self.earlier: int | None = behind[1] if len(behind) > 1 else None
        self.order = forced_order(self.calls, self.kinds, shown, self.short, self.start)
        self._refutation = witness.refutation
        self._key_named = key_named

    # Names of things.

    def name(self, number: int) -> str:
        """Return a call in words, such as "read 7 (process 3, position 12)"."""
        operation = self.operations[number]
        return f"{self.short(number)} (process {operation.process}, position {operation.invoke})"

    def short(self, number: int) -> str:
        """Return what a call did, such as "write 7"."""
        operation = self.operations[number]
        call = self.kinds.calls[self.calls.kinds[number]]
        if operation.f == "delete":
            return "delete"
        if operation.f in _WITHOUT_VALUE:
            silent = not call.known or (operation.result is None and operation.f in _LOCKING)
            return operation.f if silent else f"{operation.f} -> {show(operation.result)}"
        found = operation.result
        if operation.f in _WITH_FINDING and call.known and isinstance(found, list) and len(found) == _PAIR:
            return f"{operation.f} {show(operation.value)} -> {show(found[1])}"
        if operation.f in ("read", "get", "txn"):
            return f"{operation.f} {show(operation.result if call.known else operation.value)}"
        unequal = "" if call.applied else " (compared unequal)"
        returned = call.known and freeze(operation.result) != freeze(operation.value)
        if operation.value is None:
            empty = " (found nothing)" if call.known and self.kinds.observer[self.calls.kinds[number]] else ""
            return f"{operation.f} {show(operation.result)}" if returned else f"{operation.f}{empty}"
        answer = f" -> {show(operation.result)}" if returned and operation.result is not None else ""
        return f"{operation.f} {show(operation.value)}{unequal}{answer}"

    def _value(self, identifier: int) -> str:
        return show(self.kinds.values[identifier])

    def _needs(self, number: int) -> int:
        return self.kinds.reads[self.calls.kinds[number]]

    def _holds(self, number: int) -> int:
        """Return the value that the register holds just after the call."""
        written = self.kinds.writes[self.calls.kinds[number]]
        return self._needs(number) if written == NONE else written

    def _origin(self) -> str:
        """Say what was there first: a clause."""
        if self.start is None:
            return f"the initial value is {self._value(self.kinds.initial)}"
        return self._outcome(self.start)

    def _outcome(self, number: int) -> str:
        """Say what was there just after a call: a clause."""
        verb = "found" if self.kinds.writes[self.calls.kinds[number]] == NONE else "left"
        return f"{self.name(number)} {verb} {self._value(self._holds(number))}"

    def _since(self) -> str:
        return "" if self.start is None else " since"

    # The headline.

    def _of_its_own(self) -> contents_story.Contents | sums_story.Sums | None:
        """Return who tells of a data type that has words of its own, if the rule is one of its."""
        if self._refutation.rule in contents_story.RULES:
            return contents_story.Contents(self.calls, self.kinds, self)
        if self._refutation.rule in sums_story.RULES:
            return sums_story.Sums(self.calls, self.kinds, self.members, self, origin=self._origin())
        return None

    def headline(self) -> str:  # noqa: C901, PLR0911 - one return a kind of contradiction
        """Return the contradiction in one clause."""
        refutation = self._refutation
        told_apart = self._of_its_own()
        if told_apart is not None:
            return told_apart.headline(refutation)
        core = [self.name(number) for number in refutation.core]
        if refutation.rule == "never-written" and self.start is None:
            return f"{core[0]} observed a value that no operation writes"
        if refutation.rule == "never-written":
            value = self._value(self._needs(refutation.core[0]))
            if self.earlier is not None:
                since = f"{self._origin()}, and no operation wrote {value} since"
                return f"{self._too_late(refutation.core[0], '')}: {since}"
            return f"{core[0]} observed {value}, but {self._origin()}, and no operation wrote {value} since"
        if refutation.rule == "read-from-the-future":
            first = "the first to write that value"
            return f"{core[0]} had returned before {core[1]} was invoked, {first}{self._since()}"
        if refutation.rule == "two-cas":
            return f"{core[-2]} and {core[-1]} both replaced a value that was there only once"
        if refutation.rule == "cas-cycle":
            return f"each of {listed(core)} needs the value of the one before it, in a circle"
        if refutation.rule == "counted":
            return f"no order of its {len(self.members)} operations has each crashed one at most once"
        if refutation.rule == "element":
            return f"{core[0]} is possible in no order of the operations before it"
        if refutation.rule == "held-by-two":
            return f"{core[0]} and {core[1]} had both returned before either lock was released"
        if self.order.stale is not None:
            return self._stale(self.order.stale)
        if refutation.cut is None:
            told = [*self.members] if self.start is None else [self.start, *self.members]
            return f"{listed([self.name(number) for number in told])} contradict each other"
        others = (
            "the operations before it" if self.start is None else f"what ran since {self.name(self.start)}"
        )
        return f"{self.name(refutation.cut.stuck)} is possible in no order of {others}"

    def _stale(self, stale: Stale) -> str:
        """Say that a value was overwritten before somebody began to look, who found it nevertheless."""
        return self._too_late(stale.reader, f" by {self.name(stale.overwriter)}")

    def _too_late(self, reader: int, by: str) -> str:
        operation, value = self.operations[reader], self._value(self._needs(reader))
        looking, found = _LOOKING.get(operation.f, (f"its {operation.f}", "found"))
        return (
            f"{self._named_value(value)} was overwritten{by} before process {operation.process} began"
            f" {looking} (position {operation.invoke}), yet it {found} {value}"
        )

    def _named_value(self, value: str) -> str:
        """Return a value with its key, as `x=7` where the key is a plain word."""
        key = self.calls.key
        if not self._key_named:
            return f"the value {value}"
        plain = isinstance(key, str) and key.isprintable() and key.isidentifier()
        return f"{key}={value}" if plain else f"the value {value} of key {show(key)}"

    # The sentences.

    def sentences(self) -> list[str]:
        """Return the contradiction step by step."""
        told_apart = self._of_its_own()
        if told_apart is not None:
            return told_apart.sentences(self._refutation)
        tellers = {
            "never-written": self._never_written,
            "read-from-the-future": self._from_the_future,
            "two-cas": self._two_cas,
            "cas-cycle": self._cas_cycle,
            "cas-chain": self._order_of_values,
            "zones": self._order_of_values,
            "held-by-two": self._held_by_two,
        }
        return tellers.get(self._refutation.rule, self._last_cut)()

    def _never_written(self) -> list[str]:
        (call,) = self._refutation.core
        value = self._value(self._needs(call))
        if self.start is None:
            return [
                f"{self.name(call)} observed {value}.",
                f"{_sentence(self._origin())}, and no operation writes {value}.",
            ]
        told = []
        if self.earlier is not None:
            before = f"had returned before {self.short(self.start)} was invoked"
            told.append(f"{self._outcome(self.earlier)}, and {before}.")
        return [
            *told,
            f"{self._origin()}, and had returned at position {self.calls.returns[self.start]}.",
            f"{self.name(call)} was invoked after that, and observed {value}.",
            f"No operation that may have taken effect in between writes {value}.",
        ]

    def _from_the_future(self) -> list[str]:
        reader, writer = self._refutation.core[:2]
        value = self._value(self._needs(reader))
        return [
            f"{self.name(reader)} observed {value} and had returned before {self.name(writer)} was invoked.",
            f"{_sentence(self._origin())}, and no operation writes {value} earlier{self._since()}.",
        ]

    def _two_cas(self) -> list[str]:
        *writer, one, other = self._refutation.core
        value = self._value(self._needs(one))
        nobody = f"{self._origin()}, and no operation writes it{self._since()}"
        source = f"only {self.name(writer[0])} writes it{self._since()}" if writer else nobody
        return [
            f"{value} was there only once: {source}.",
            f"{self.name(one)} found {value} and replaced it.",
            f"{self.name(other)} found {value} and replaced it as well: for one of them it was gone.",
        ]

    def _cas_cycle(self) -> list[str]:
        core = self._refutation.core
        needs = [
            f"{self.name(late)} needs the value that only {self.name(early)} writes{self._since()}."
            for early, late in pairwise([core[-1], *core])
        ]
        return [*needs, "So none of them can come first."]

    def _held_by_two(self) -> list[str]:
        one, other = self._refutation.core
        until = self.calls.returns[other]
        return [
            f"{self.name(one)} returned at position {self.calls.returns[one]}.",
            f"{self.name(other)} returned at position {until}.",
            f"Every process releases what it acquired, and neither of these two had begun to by {until}.",
        ]

    def _order_of_values(self) -> list[str]:
        """Tell a conflict of two values, or of two values on one chain of cas: each must come first."""
        invokes, returns = self.calls.invokes, self.calls.returns
        core = self._refutation.core
        told = []
        initially = self.kinds.initial in {self._holds(call) for call in core}
        if initially or self.start is not None:
            told.append(f"{_sentence(self._origin())}{': it was there before all others' * initially}.")
        for early in core:
            for late in core:
                held, then = self._holds(early), self._holds(late)
                if returns[early] < invokes[late] and held != then:
                    told.append(
                        f"{self.name(late)} was invoked after {self.name(early)} had returned:"
                        f" so {self._value(held)} was there before {self._value(then)}."
                    )
        links = [
            call
            for call in self.members
            if NONE not in (self._needs(call), self.kinds.writes[self.calls.kinds[call]])
        ]
        told.extend(
            f"{self.name(call)} found {self._value(self._needs(call))}"
            f" and put {self._value(self._holds(call))} directly after it."
            for call in links
        )
        once = f"Each value was there once{self._since()}, without a gap"
        return [*told, f"{once}, so they can't be put in order."]

    # A cut, where no rule names the contradiction.

    def _last_cut(self) -> list[str]:
        cut = self._refutation.cut
        if cut is None:
            return self._forced()
        told = [] if self.start is None else [f"{_sentence(self._origin())}."]
        told += self._returns(cut) or [
            f"Just before {self.name(cut.stuck)} returned, it could only be {self._states(cut.states)}."
        ]
        running = [self.name(call) for call in cut.open if call != cut.stuck]
        if running:
            told.append(f"Also running then: {listed(running[:_CALLS_NAMED])}.")
        if self._refutation.rule == "prices":
            return [*told, *shortage(self._refutation, self.short, self.name(cut.stuck))]
        if self._refutation.rule == "supply":
            return [
                *told,
                self._why_stuck(cut),
                *shortage(self._refutation, self.short, self.name(cut.stuck)),
            ]
        return [*told, self._why_stuck(cut)]

    def _forced(self) -> list[str]:
        """Say what is forced: all that can be said of a rule which has no words of its own here."""
        told = [f"{edge.text}." for edge in self.order.edges]
        more = len(told) - _EDGES_TOLD
        rest = [f"({more} more such precedences are left out.)"] if more > 0 else []
        return [*told[:_EDGES_TOLD], *rest, "No order that keeps to this gives these results."]

    def _why_stuck(self, cut: Cut) -> str:
        """Say which value was missing, if it is one that nobody was left to write."""
        stuck, needed = self.name(cut.stuck), self._needs(cut.stuck)
        left = [
            call
            for call in self.members
            if self.kinds.writes[self.calls.kinds[call]] == needed != NONE
            and (call in cut.open or self.calls.returns[call] == FOREVER)
            and call != cut.stuck
        ]
        gone = cut.passed[-1].needed if cut.passed else ()
        if needed != NONE and not left:
            return f"{stuck} needs {self._value(needed)}, and nothing that ran or never returned writes it."
        if needed != NONE and set(left) <= set(gone):
            writers = listed([self.name(call) for call in left])
            value = self._value(needed)
            return f"{stuck} needs {value}; only {writers} could still write it, and that is used up."
        ending = "From there" if len(cut.states) == 1 else "From none of these states"
        verb = "can't" if len(cut.states) == 1 else "can"
        return f"{ending} {stuck} {verb} come about, in any order of what was still to happen."

    def _returns(self, cut: Cut) -> Iterable[str]:
        """Say what was possible as each call returned: a sentence for each of the last few."""
        explained: set[int] = set()
        told = []
        for passed in cut.passed:
            new = [self.name(call) for call in passed.needed if call not in explained]
            explained.update(passed.needed)
            because = f"; this uses up {listed(new)}" if new else ""
            states = self._states(passed.states)
            told.append(f"When {self.name(passed.call)} returned, it could only be {states}{because}.")
        skipped = len(told) - _RETURNS_TOLD
        return [f"({skipped} earlier returns are left out.)", *told[skipped:]] if skipped > 0 else told

    def _states(self, states: Sequence[Any]) -> str:
        names = list(dict.fromkeys(map(self._state, states)))
        more = len(names) - STATES_SHOWN
        return listed(names if more <= 0 else [*names[:STATES_SHOWN], f"{more} others"], "or")

    def _state(self, state: Any) -> str:
        """Return a state in words. The walk doesn't tell states apart that no call looks for."""
        kinds, column = self.kinds, self.calls.kinds
        sought = [kinds.reads[column[call]] for call in self.members]
        sought += [kinds.differs[column[call]] for call in self.members]
        values = [kinds.values[value] for value in (*sought, kinds.initial) if value != NONE]
        flat = all(kinds.flat[column[call]] for call in self.members)
        prefix = isinstance(state, str) and not flat
        if any(
            show(value) == show(state) or (prefix and isinstance(value, str) and value.startswith(state))
            for value in values
        ):
            return show(state)
        if any(operation.f in _LOCKING for operation in self.operations):
            return "held"
        return "a value that none of these operations observes" if flat or prefix else show(state)


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:] if clause.startswith("the ") else clause
