"""splitbrain: finds the executions in which a distributed system breaks its promises.

The names below are the public API; each is imported on first use, so that `import splitbrain`
costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from splitbrain.checkers.evidence.graph import witness_graph
    from splitbrain.checkers.portfolio import check_linearizable
    from splitbrain.checkers.verdict import CheckResult, Violation
    from splitbrain.checkers.verification import verify
    from splitbrain.errors import HarnessError, UsageError
    from splitbrain.histories import History, Operation, build_history, read_history

__version__ = "0.1.0"

_HOMES = {
    "CheckResult": "splitbrain.checkers.verdict",
    "HarnessError": "splitbrain.errors",
    "History": "splitbrain.histories",
    "Operation": "splitbrain.histories",
    "UsageError": "splitbrain.errors",
    "Violation": "splitbrain.checkers.verdict",
    "build_history": "splitbrain.histories",
    "check_linearizable": "splitbrain.checkers.portfolio",
    "read_history": "splitbrain.histories",
    "verify": "splitbrain.checkers.verification",
    "witness_graph": "splitbrain.checkers.evidence.graph",
}

__all__ = [
    "CheckResult",
    "HarnessError",
    "History",
    "Operation",
    "UsageError",
    "Violation",
    "build_history",
    "check_linearizable",
    "read_history",
    "verify",
    "witness_graph",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
