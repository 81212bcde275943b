"""A model of one's own: a counter, as a counter behaves when operations come one at a time.

splitbrain check --model docs/examples/counter_model.py:Counter docs/examples/counter.jsonl

The history beside it reads less after it has read more, and so it is refuted.
"""

from __future__ import annotations

from typing import Any, ClassVar

from splitbrain.checkers.models import ILLEGAL, Call, Model


class Counter(Model):
    """A number that only grows: `add` an amount, `read` the total."""

    name: ClassVar[str] = "counter"
    summary: ClassVar[str] = "a number: add n, read"
    functions: ClassVar[tuple[str, ...]] = ("add", "read")
    initial = 0
    observers = frozenset({"read"})

    def step(self, state: Any, call: Call) -> Any:
        """Return the total after an operation, or ILLEGAL where it can't have read what it did."""
        if call.f == "add":
            return state + call.value
        return state if not call.known or call.result == state else ILLEGAL
