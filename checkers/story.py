"""A refuted sub-history told so that a person sees the contradiction at once.

Everything here is plain data and sentences about a witness; nothing decides anything.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.normalise import FOREVER, NONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.witness import Witness
    from splitbrain.histories.history import History
    from splitbrain.histories.operation import Operation

SHOWN = 60
"""A witness of more calls than this is told by its cut; the calls around it are listed."""
_STATES_SHOWN = 20
_LONGEST_VALUE = 80


class Teller:
    """Names the operations of one witness and says how they contradict each other."""

    def __init__(self, history: History, kinds: Kinds, witness: Witness, *, key_named: bool) -> None:
        self._witness = witness
        self._calls: Calls = witness.calls
        self._kinds = kinds
        self._operations: list[Operation] = [history[index] for index in witness.calls.indices]
        self._crashed = set(witness.crashed)
        self._key_named = key_named

    def summary(self) -> str:
        """Return one sentence that names the key and the operations."""
        where = f"Key {show(self._calls.key)} is" if self._key_named else "The history is"
        return f"{where} not linearizable: {self._headline()}."

    def evidence(self) -> dict[str, Any]:
        """Return the witness as JSON-native data: operations, edges, story, cut."""
        shown = self._shown()
        evidence: dict[str, Any] = {
            "key": self._calls.key,
            "operations": [self._operation(number) for number in shown],
            "edges": self._edges(shown),
            "story": self._story(),
        }
        if self._witness.refutation.cut is not None:
            evidence["cut"] = self._cut(shown)
        return evidence

    def _shown(self) -> list[int]:
        """Return the calls to list: all, or of a large witness those around the cut."""
        count = len(self._operations)
        cut = self._witness.refutation.cut
        if count <= SHOWN or cut is None:
            return list(range(count))
        near = {cut.stuck, *cut.open}
        latest = sorted(range(count), key=self._end, reverse=True)
        return sorted(near | set(latest[: max(0, SHOWN - len(near))]))

    def _end(self, number: int) -> int:
        returned = self._calls.returns[number]
        return self._calls.invokes[number] if returned == FOREVER else returned

    def _operation(self, number: int) -> dict[str, Any]:
        operation = self._operations[number]
        crashed = self._witness.members[number] in self._crashed
        observed_fail = operation.status == "fail"
        return {
            "position": operation.invoke,
            "process": operation.process,
            "f": operation.f,
            "value": operation.value,
            "result": None if crashed else operation.result,
            "status": "crashed" if crashed else "ok" if observed_fail else operation.status,
            "invoke": operation.invoke,
            "complete": operation.complete,
            "applied": operation.applied and not observed_fail,
        }

    # Names of things.

    def name(self, number: int) -> str:
        """Return a call in words, such as "read 7 (process 3, line 12)"."""
        operation = self._operations[number]
        return f"{self.short(number)} (process {operation.process}, position {operation.invoke})"

    def short(self, number: int) -> str:
        """Return what a call did, such as "write 7"."""
        operation = self._operations[number]
        call = self._kinds.calls[self._calls.kinds[number]]
        if operation.f in ("read", "get", "txn"):
            return f"{operation.f} {show(operation.result if call.known else operation.value)}"
        if operation.f == "delete":
            return "delete"
        unequal = "" if call.applied else " (compared unequal)"
        return f"{operation.f} {show(operation.value)}{unequal}"

    def _value(self, identifier: int) -> str:
        return show(self._kinds.values[identifier])

    def _holds(self, number: int) -> int:
        """Return the value that the register holds just after the call."""
        kind = self._calls.kinds[number]
        written = self._kinds.writes[kind]
        return self._kinds.reads[kind] if written == NONE else written

    # Edges.

    def _edges(self, shown: Sequence[int]) -> list[dict[str, Any]]:
        edges = [*self._real_time(shown), *self._reads_from(shown)]
        return [
            {"from": self._operations[a].invoke, "to": self._operations[b].invoke, "why": why, "text": text}
            for a, b, why, text in edges
        ]

    def _real_time(self, shown: Sequence[int]) -> Iterable[tuple[int, int, str, str]]:
        """Yield the precedences in real time that don't follow from others."""
        invokes, returns = self._calls.invokes, self._calls.returns
        for later in shown:
            before = [call for call in shown if returns[call] < invokes[later]]
            latest_begin = max((invokes[call] for call in before), default=-1)
            for earlier in before:
                if returns[earlier] > latest_begin:
                    text = f"{self.short(earlier)} had returned when {self.short(later)} was invoked"
                    yield earlier, later, "real-time", text

    def _reads_from(self, shown: Sequence[int]) -> Iterable[tuple[int, int, str, str]]:
        """Yield who read or replaced whose value, where only one call of the witness writes it."""
        kinds, column = self._kinds, self._calls.kinds
        writers: dict[int, list[int]] = {}
        for call in range(len(column)):
            if kinds.writes[column[call]] != NONE:
                writers.setdefault(kinds.writes[column[call]], []).append(call)
        listed = set(shown)
        for call in shown:
            value = kinds.reads[column[call]]
            sources = writers.get(value, [])
            if (
                value in (NONE, kinds.initial)
                or len(sources) != 1
                or sources[0] not in listed
                or sources[0] == call
            ):
                continue
            replaces = kinds.writes[column[call]] != NONE
            why, verb = ("overwrites", "replaced") if replaces else ("reads", "returned")
            yield sources[0], call, why, f"{self.short(call)} {verb} the value of {self.short(sources[0])}"

    # The contradiction in words.

    def _headline(self) -> str:
        refutation = self._witness.refutation
        core = [self.name(number) for number in refutation.core]
        if refutation.rule == "never-written":
            return f"{core[0]} observed a value that no operation writes"
        if refutation.rule == "read-from-the-future":
            return f"{core[0]} had returned before {core[1]} was invoked, the first to write that value"
        if refutation.rule == "two-cas":
            return f"{core[-2]} and {core[-1]} both replaced a value that was there only once"
        if refutation.rule == "cas-cycle":
            return f"each of {_listed(core)} needs the value of the one before it, in a circle"
        if refutation.cut is None or len(self._operations) <= 6:
            return f"{_listed([self.name(n) for n in range(len(self._operations))])} contradict each other"
        return f"{self.name(refutation.cut.stuck)} is possible in no order of the operations before it"

    def _story(self) -> list[str]:
        rule = self._witness.refutation.rule
        tellers = {
            "never-written": self._never_written,
            "read-from-the-future": self._from_the_future,
            "two-cas": self._two_cas,
            "cas-cycle": self._cas_cycle,
            "cas-chain": self._order_of_values,
            "zones": self._order_of_values,
        }
        return tellers.get(rule, self._last_cut)()

    def _never_written(self) -> list[str]:
        (call,) = self._witness.refutation.core
        value = self._value(self._kinds.reads[self._calls.kinds[call]])
        return [
            f"{self.name(call)} observed {value}.",
            f"The initial value is {self._value(self._kinds.initial)}, and no operation writes {value}.",
        ]

    def _from_the_future(self) -> list[str]:
        reader, writer = self._witness.refutation.core[:2]
        value = self._value(self._kinds.reads[self._calls.kinds[reader]])
        initial = self._value(self._kinds.initial)
        return [
            f"{self.name(reader)} observed {value} and had returned before {self.name(writer)} was invoked.",
            f"No operation writes {value} earlier, and the initial value is {initial}.",
        ]

    def _two_cas(self) -> list[str]:
        *writer, one, other = self._witness.refutation.core
        value = self._value(self._kinds.reads[self._calls.kinds[one]])
        source = (
            f"only {self.name(writer[0])} writes it"
            if writer
            else "it is the initial value, written by nobody"
        )
        return [
            f"{value} was there only once: {source}.",
            f"{self.name(one)} found {value} and replaced it.",
            f"{self.name(other)} found {value} and replaced it as well: for one of them it was gone.",
        ]

    def _cas_cycle(self) -> list[str]:
        core = self._witness.refutation.core
        needs = [
            f"{self.name(late)} needs the value that only {self.name(early)} writes."
            for early, late in pairwise([core[-1], *core])
        ]
        return [*needs, "So none of them can come first."]

    def _order_of_values(self) -> list[str]:
        """Tell a conflict of two values, or of two values on one chain of cas: each must come first."""
        invokes, returns = self._calls.invokes, self._calls.returns
        core = self._witness.refutation.core
        told: list[str] = []
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
            for call in range(len(self._operations))
            if NONE
            not in (self._kinds.reads[self._calls.kinds[call]], self._kinds.writes[self._calls.kinds[call]])
        ]
        told.extend(
            f"{self.name(call)} found {self._value(self._kinds.reads[self._calls.kinds[call]])}"
            f" and put {self._value(self._holds(call))} directly after it."
            for call in links
        )
        values = {self._holds(call) for call in core}
        if self._kinds.initial in values:
            told.append(
                f"{self._value(self._kinds.initial)} is the initial value: it was there before all others."
            )
        return [*told, "Each value was there once, without a gap, so they can't be put in order."]

    def _last_cut(self) -> list[str]:
        cut = self._witness.refutation.cut
        if cut is None:
            return []
        states = ", ".join(show(state) for state in cut.states[:_STATES_SHOWN])
        more = (
            f" or one of {len(cut.states) - _STATES_SHOWN} others" if len(cut.states) > _STATES_SHOWN else ""
        )
        running = [self.name(call) for call in cut.open if call != cut.stuck]
        told = [f"Just before {self.name(cut.stuck)} returned, it could only be {states}{more}."]
        if running:
            told.append(f"Also running then: {_listed(running[:10])}.")
        told.append(
            f"From none of these states can {self.short(cut.stuck)} come about, in any order of what ran."
        )
        return told

    def _cut(self, shown: Sequence[int]) -> dict[str, Any]:
        cut = self._witness.refutation.cut
        assert cut is not None
        return {
            "stuck": self._operations[cut.stuck].invoke,
            "states": [_plain(state) for state in cut.states[:_STATES_SHOWN]],
            "states_in_all": len(cut.states),
            "open": [self._operations[call].invoke for call in cut.open],
            "window": [self._operations[call].invoke for call in shown],
        }


def show(value: Any) -> str:
    """Return a value as JSON, cut short where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return (
        text
        if len(text) <= _LONGEST_VALUE
        else f"{text[: _LONGEST_VALUE // 2]}...{text[-_LONGEST_VALUE // 4 :]}"
    )


def _plain(state: Any) -> Any:
    """Return a model's state if it is JSON, else its text."""
    try:
        json.dumps(state)
    except (TypeError, ValueError):
        return repr(state)
    return state


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
