"""A witness as JSON-native data: its operations, why one comes before another, and its story."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.evidence import grow_story
from splitbrain.checkers.evidence.story import Story
from splitbrain.checkers.evidence.values import show
from splitbrain.checkers.normalise import FOREVER

if TYPE_CHECKING:
    from splitbrain.checkers.evidence.order import Edge
    from splitbrain.checkers.evidence.witness import Witness
    from splitbrain.checkers.normalise import Kinds
    from splitbrain.checkers.outcome import Cut
    from splitbrain.histories.history import History

_STUCK = (
    "never-written",
    "read-from-the-future",
    "never-inserted",
    "removed-from-the-future",
    *grow_story.RULES,
)
"""Rules of which the first call is the one that no order explains."""
SHOWN = 60
"""A witness of more calls than this is told by its cut; the calls around it are listed."""
STATES_SHOWN = 20
"""Of the states at a cut so many are listed."""
ORDER_SHOWN = 200
"""Of the order that came furthest, so many calls are listed: the last."""


class Teller:
    """Turns one witness into a summary and evidence."""

    def __init__(self, history: History, kinds: Kinds, witness: Witness, *, key_named: bool) -> None:
        self._shown = _shown(witness)
        self._story = Story(history, kinds, witness, self._shown, key_named=key_named)
        self._witness = witness
        self._calls = witness.calls
        self._kinds = self._story.kinds
        self._operations = self._story.operations
        crashed = set(witness.crashed)
        self._crashed = {number for number, call in enumerate(witness.members) if call in crashed}
        self._key_named = key_named

    def summary(self) -> str:
        """Return one sentence that names the key and the operations."""
        where = f"Key {show(self._calls.key)} is" if self._key_named else "The history is"
        return f"{where} not linearizable{self._seen_by()}: {self._story.headline()}."

    def _seen_by(self) -> str:
        """Say what the witness is about, if operations do more than it looks at."""
        keys = self._witness.keys
        return "" if keys is None else f", seen by key {', '.join(map(show, keys))} alone"

    def evidence(self) -> dict[str, Any]:
        """Return the witness as JSON-native data: operations, edges, story, cut.

        `start` is the position of the operation whose outcome the others begin with, if they don't begin
        with the history. `circle` are those of the edges that run in a circle, if some do. `elements` are
        what the witness is about of a set: a read's result shows these alone, of as many as it `found`.
        """
        order = self._story.order
        start, stuck = self._story.start, self._stuck()
        evidence: dict[str, Any] = {
            "key": self._calls.key,
            "start": None if start is None else self._operations[start].invoke,
            "stuck": None if stuck is None else self._operations[stuck].invoke,
            "operations": [self._operation(number) for number in self._shown],
            "edges": [self._edge(edge) for edge in order.edges],
            "circle": [self._edge(edge) for edge in order.circle],
            "story": self._story.sentences(),
        }
        if self._witness.elements is not None:
            evidence["elements"] = list(self._witness.elements)
        if self._witness.refutation.cut is not None:
            evidence["cut"] = self._cut(self._witness.refutation.cut)
        if self._witness.furthest is not None:
            evidence["furthest"] = self._cut(self._witness.furthest)
        return evidence

    def _stuck(self) -> int | None:
        """Return the call that no order explains, where one can be named."""
        refutation = self._witness.refutation
        if refutation.cut is not None:
            return refutation.cut.stuck
        if self._story.order.stale is not None:
            return self._story.order.stale.reader
        return refutation.core[0] if refutation.rule in _STUCK else None

    def _operation(self, number: int) -> dict[str, Any]:
        operation = self._operations[number]
        crashed = number in self._crashed
        observed_fail = operation.status == "fail"
        result, few = operation.result, {}
        if self._witness.elements is not None and operation.f == "read":
            few = {"found": len(result)}
            result = self._kinds.calls[self._calls.kinds[number]].result
        return few | {
            "position": operation.invoke,
            "process": operation.process,
            "f": operation.f,
            "value": operation.value,
            "result": None if crashed else result,
            "status": "crashed" if crashed else "ok" if observed_fail else operation.status,
            "invoke": operation.invoke,
            "complete": operation.complete,
            "applied": operation.applied and not observed_fail,
            **({} if self._key_named or operation.key is None else {"key": operation.key}),
        }

    def _edge(self, edge: Edge) -> dict[str, Any]:
        return {
            "from": self._operations[edge.earlier].invoke,
            "to": self._operations[edge.later].invoke,
            "why": edge.why,
            "text": edge.text,
        }

    def _cut(self, cut: Cut) -> dict[str, Any]:
        return {
            "stuck": self._operations[cut.stuck].invoke,
            "states": [_plain(state) for state in cut.states[:STATES_SHOWN]],
            "states_in_all": len(cut.states),
            "words": self._story.names.states(cut.states),
            "open": [self._operations[call].invoke for call in cut.open],
            "window": [self._operations[call].invoke for call in self._shown],
            "order": [self._operations[call].invoke for call in cut.order[-ORDER_SHOWN:]],
            "order_in_all": len(cut.order),
        }


def _shown(witness: Witness) -> list[int]:
    """Return the calls to list in the order of their invocations: all, or those around the cut or core."""
    invokes, returns = witness.calls.invokes, witness.calls.returns
    count = len(invokes)
    cut = witness.refutation.cut
    shown = set(range(count))

    def end(number: int) -> int:
        return invokes[number] if returns[number] == FOREVER else returns[number]

    if count > SHOWN:
        near = set(witness.refutation.core[:SHOWN]) if cut is None else {cut.stuck, *cut.open}
        latest = sorted(range(count), key=end, reverse=True)
        shown = near | set(latest[: max(0, SHOWN - len(near))])
    return sorted(shown, key=invokes.__getitem__)


def _plain(state: Any) -> Any:
    """Return a model's state if it is JSON, else its text."""
    try:
        json.dumps(state)
    except (TypeError, ValueError):
        return repr(state)
    return state
