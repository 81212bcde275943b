"""The contradiction of a witness in sentences, so that a person sees it at once.

Everything here is words about a witness; nothing decides anything.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from splitbrain.checkers.evidence import contents_story, grow_story, sums_story
from splitbrain.checkers.evidence.cut_story import CutStory
from splitbrain.checkers.evidence.names import Names
from splitbrain.checkers.evidence.order import forced_order
from splitbrain.checkers.evidence.values import listed, name_of_key, sentence
from splitbrain.checkers.normalise import NONE
from splitbrain.checkers.outcome import HELD_BY_TWO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.evidence.order import Stale
    from splitbrain.checkers.evidence.witness import Witness
    from splitbrain.checkers.normalise import Kinds
    from splitbrain.histories.history import History

_EDGES_TOLD = 12
_LOOKING = {"read": ("to read", "read"), "get": ("to get it", "got")}
"""What began, and what came of it; of another operation "its cas" and "found"."""


class Story:
    """Says how the operations of one witness contradict each other.

    Operations are numbered as in the witness's `calls`; `start` and `earlier` are the numbers of those that
    it has behind its members. `order` is what is forced among those that are `shown`.
    """

    def __init__(
        self, history: History, kinds: Kinds, witness: Witness, shown: Sequence[int], *, key_named: bool
    ) -> None:
        self.calls = witness.calls
        self.kinds = kinds._replace(initial=witness.window.initial)
        self.names = Names(history, self.kinds, witness, shown, key_named=key_named)
        self.operations = self.names.operations
        self.members = self.names.members
        behind = range(len(self.members), len(self.operations))
        self.start: int | None = behind[0] if behind else None
        self.earlier: int | None = behind[1] if len(behind) > 1 else None
        self.order = forced_order(self.calls, self.kinds, shown, self.names.brief, self.start)
        told_as_stale = not (self.names.of_set or self.names.of_lock)
        self._stale = self.order.stale if told_as_stale else None
        """A stale call, if that is what to tell: sets and locks have words of their own."""
        self._refutation = witness.refutation
        self._cut = (
            None
            if witness.refutation.cut is None
            else CutStory(self.names, witness.refutation, witness.refutation.cut, self.start)
        )
        self._key_named = key_named

    # Names of things.

    def name(self, number: int) -> str:
        """Return a call in words, with its process and position."""
        return self.names.name(number)

    def _value(self, identifier: int) -> str:
        return self.names.value(identifier)

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
        verb = "found" if self._finds(number) else "left"
        return f"{self.name(number)} {verb} {self._value(self._holds(number))}"

    def _finds(self, number: int) -> bool:
        return self.kinds.writes[self.calls.kinds[number]] == NONE

    def _since(self) -> str:
        return "" if self.start is None else " since"

    # The headline.

    def _of_its_own(self) -> contents_story.Contents | sums_story.Sums | grow_story.Growing | None:
        """Return who tells of a data type that has words of its own, if the rule is one of its."""
        if self._refutation.rule in contents_story.RULES:
            return contents_story.Contents(self.calls, self.kinds, self.names)
        if self._refutation.rule in sums_story.RULES:
            return sums_story.Sums(self.calls, self.kinds, self.members, self.names, origin=self._origin())
        if self._refutation.rule in grow_story.RULES:
            return grow_story.Growing(self.calls, self.operations)
        return None

    def headline(self) -> str:  # noqa: C901, PLR0911 - one return a kind of contradiction
        """Return the contradiction in one clause."""
        refutation = self._refutation
        told_apart = self._of_its_own()
        if told_apart is not None:
            return told_apart.headline(refutation)
        core = [self.name(number) for number in refutation.core]
        if refutation.rule == "never-written":
            return self._observed(refutation.core[0], self.start)
        if refutation.rule == "read-from-the-future":
            first = "the first to write that value"
            return f"{core[0]} had returned before {core[1]} was invoked, {first}{self._since()}"
        if refutation.rule == "two-cas":
            value = self._value(self._needs(refutation.core[-1]))
            return f"{core[-2]} and {core[-1]} both replaced {value}, which was there only once"
        if refutation.rule == "cas-cycle":
            return f"each of {listed(core)} needs the value of the one before it, in a circle"
        if refutation.rule == "counted":
            return f"no order of its {len(self.members)} operations has each crashed one at most once"
        if refutation.rule == "element":
            return f"{core[0]} is possible in no order of the operations before it"
        if refutation.rule == HELD_BY_TWO:
            return f"{core[0]} and {core[1]} had both returned before either lock was released"
        if self._stale is not None:
            return self._overwritten(self._stale)
        if self._cut is None:
            told = [*self.members] if self.start is None else [self.start, *self.members]
            return f"{listed([self.name(number) for number in told])} contradict each other"
        return self._cut.headline()

    def _overwritten_step_by_step(self, stale: Stale) -> list[str]:
        """Tell how the value came to be overwritten, in real time or by what others found."""
        value = self._value(self._needs(stale.reader))
        first = []
        if stale.writer is None:
            origin = f"The initial value is {value}" if self.start is None else self._origin()
            first = [f"{origin}."]
        nobody = f"No{' other' * (stale.writer is not None)} operation can have written {value}"
        when = "by then" if self.start is None else "since"
        return [*first, *(f"{edge.text}." for edge in stale.steps), f"{nobody} {when}."]

    def _observed(self, call: int, start: int | None) -> str:
        """Say that a call observed what nobody wrote since the start."""
        value = self._value(self._needs(call))
        if start is None:
            return f"{self.name(call)} observed {value}, which no operation writes{self.names.key_of(call)}"
        if self.earlier is not None:
            since = f"{self._origin()}, and no operation wrote {value} since"
            return f"{self._too_late(call, '')}: {since}"
        left = "" if self._finds(start) else f", which left {self._value(self._holds(start))}"
        return f"{self.name(call)} came after {self.name(start)}{left}, and no operation wrote {value} since"

    def _overwritten(self, stale: Stale) -> str:
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
        named = name_of_key(key)
        return f"{named}={value}" if named == key else f"the value {value} of key {named}"

    # The sentences.

    def sentences(self) -> list[str]:
        """Return the contradiction step by step."""
        told_apart = self._of_its_own()
        if told_apart is not None:
            return told_apart.sentences(self._refutation)
        rule = self._refutation.rule
        tellers = {
            "never-written": self._never_written,
            "read-from-the-future": self._from_the_future,
            "two-cas": self._two_cas,
            "cas-cycle": self._cas_cycle,
            HELD_BY_TWO: self._held_by_two,
        }
        if rule in tellers:
            return tellers[rule]()
        if self._stale is not None and rule not in ("prices", "supply"):
            return self._overwritten_step_by_step(self._stale)
        return self._order_of_values() if rule in ("cas-chain", "zones") else self._rest()

    def _never_written(self) -> list[str]:
        (call,) = self._refutation.core
        if self.start is None:
            return [f"{sentence(self._origin())}, so {self._value(self._needs(call))} was never there."]
        start, told = self.names.brief(self.start), []
        if self.earlier is not None:
            told.append(f"{self._outcome(self.earlier)}, and had returned before {start} was invoked.")
        until = f"at position {self.calls.returns[self.start]}, before {self.names.brief(call)} was invoked"
        return [*told, f"{start} had returned {until}."]

    def _from_the_future(self) -> list[str]:
        value = self._value(self._needs(self._refutation.core[0]))
        return [f"{sentence(self._origin())}, and no operation writes {value} earlier{self._since()}."]

    def _two_cas(self) -> list[str]:
        *writer, one, other = self._refutation.core
        nobody = f"{self._origin()}, and no operation writes it{self._since()}"
        source = f"Only {self.name(writer[0])} writes it{self._since()}" if writer else sentence(nobody)
        return [
            f"{source}.",
            f"{self.names.brief(one)} and {self.names.brief(other)} can't both have found it.",
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
            told.append(f"{sentence(self._origin())}{': it was there before all others' * initially}.")
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

    # Where no rule names the contradiction.

    def _rest(self) -> list[str]:
        if self._cut is None:
            return self._forced()
        told = [] if self.start is None or len(self.members) == 1 else [f"{sentence(self._origin())}."]
        return [*told, *self._cut.sentences()]

    def _forced(self) -> list[str]:
        """Say what is forced: all that can be said of a rule which has no words of its own here."""
        told = [f"{edge.text}." for edge in self.order.edges]
        more = len(told) - _EDGES_TOLD
        rest = [f"({more} more such precedences are left out.)"] if more > 0 else []
        return [*told[:_EDGES_TOLD], *rest, "No order that keeps to this gives these results."]
