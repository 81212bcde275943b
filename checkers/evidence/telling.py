"""A witness as JSON-native data: its operations, why one comes before another, and its story."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.evidence.story import STATES_SHOWN, Story
from splitbrain.checkers.evidence.values import show
from splitbrain.checkers.normalise import FOREVER, NONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from splitbrain.checkers.evidence.witness import Witness
    from splitbrain.checkers.normalise import Kinds
    from splitbrain.histories.history import History

_STUCK = ("never-written", "read-from-the-future", "never-inserted", "removed-from-the-future")
"""Rules of which the first call is the one that no order explains."""
SHOWN = 60
"""A witness of more calls than this is told by its cut; the calls around it are listed."""


class Teller:
    """Turns one witness into a summary and evidence."""

    def __init__(self, history: History, kinds: Kinds, witness: Witness, *, key_named: bool) -> None:
        self._story = Story(history, kinds, witness)
        self._witness = witness
        self._calls = witness.calls
        self._kinds = self._story.kinds
        self._operations = self._story.operations
        self._crashed = {number for number, call in enumerate(witness.members) if call in witness.crashed}
        self._key_named = key_named

    def summary(self) -> str:
        """Return one sentence that names the key and the operations."""
        where = f"Key {show(self._calls.key)} is" if self._key_named else "The history is"
        return f"{where} not linearizable: {self._story.headline()}."

    def evidence(self) -> dict[str, Any]:
        """Return the witness as JSON-native data: operations, edges, story, cut.

        `start` is the position of the operation whose outcome the others begin with, if they don't begin
        with the history.
        """
        shown = self._shown()
        start, stuck = self._story.start, self._stuck()
        evidence: dict[str, Any] = {
            "key": self._calls.key,
            "start": None if start is None else self._operations[start].invoke,
            "stuck": None if stuck is None else self._operations[stuck].invoke,
            "operations": [self._operation(number) for number in shown],
            "edges": self._edges(shown),
            "story": self._story.sentences(),
        }
        if self._witness.refutation.cut is not None:
            evidence["cut"] = self._cut(shown)
        return evidence

    def _stuck(self) -> int | None:
        """Return the call that no order explains, where one can be named."""
        refutation = self._witness.refutation
        if refutation.cut is not None:
            return refutation.cut.stuck
        return refutation.core[0] if refutation.rule in _STUCK else None

    def _shown(self) -> list[int]:
        """Return the calls to list in the order of their invocations: all, or those around the cut."""
        count = len(self._operations)
        cut = self._witness.refutation.cut
        shown = set(range(count))
        if count > SHOWN:
            near = set(self._witness.refutation.core[:SHOWN]) if cut is None else {cut.stuck, *cut.open}
            latest = sorted(range(count), key=self._end, reverse=True)
            shown = near | set(latest[: max(0, SHOWN - len(near))])
        return sorted(shown, key=self._calls.invokes.__getitem__)

    def _end(self, number: int) -> int:
        returned = self._calls.returns[number]
        return self._calls.invokes[number] if returned == FOREVER else returned

    def _operation(self, number: int) -> dict[str, Any]:
        operation = self._operations[number]
        crashed = number in self._crashed
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
                    one, other = self._story.short(earlier), self._story.short(later)
                    text = f"{one} had returned when {other} was invoked"
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
            yield (
                sources[0],
                call,
                why,
                f"{self._story.short(call)} {verb} the value of {self._story.short(sources[0])}",
            )

    def _cut(self, shown: Sequence[int]) -> dict[str, Any]:
        cut = self._witness.refutation.cut
        assert cut is not None
        return {
            "stuck": self._operations[cut.stuck].invoke,
            "states": [_plain(state) for state in cut.states[:STATES_SHOWN]],
            "states_in_all": len(cut.states),
            "open": [self._operations[call].invoke for call in cut.open],
            "window": [self._operations[call].invoke for call in shown],
        }


def _plain(state: Any) -> Any:
    """Return a model's state if it is JSON, else its text."""
    try:
        json.dumps(state)
    except (TypeError, ValueError):
        return repr(state)
    return state
