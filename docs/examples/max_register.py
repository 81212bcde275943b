"""A model of one's own, as short as it gets.

splitbrain check --model docs/examples/max_register.py:MaxRegister docs/examples/max_register.jsonl

The history beside it reads 3 after 5 had been written, and so it is refuted.
"""

from __future__ import annotations

from typing import Any

from splitbrain.checkers.models import ILLEGAL, Call, Model


class MaxRegister(Model):
    """Keeps the largest number that was ever written: `write n`, `read`."""

    name = "max-register"
    functions = ("write", "read")
    initial = 0
    observers = frozenset({"read"})

    def step(self, state: int, call: Call) -> Any:
        """Return the largest number after the call, or ILLEGAL where a read can't have found what it did."""
        if call.f == "write":
            return max(state, call.value)
        return state if not call.known or call.result == state else ILLEGAL
