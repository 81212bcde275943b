"""Simulation from one's own tests: `simulate` runs seeds of a system, `replay` a file that was kept.

    from splitbrain.testing import simulate

    def test_my_node_is_linearizable():
        simulate(MyNode, seeds=200)

With pytest there is also a fixture, `simulator`, whose seeds are set on the command line. docs/simulation.md
is the guide. Each name is imported on first use, since pytest loads this package whenever it starts.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from splitbrain.testing.failures import Inconclusive, NotDeterministic, SimulationFailure, ViolationFound
    from splitbrain.testing.replaying import replay
    from splitbrain.testing.simulating import Simulation, simulate

_HOMES = {
    "Inconclusive": "splitbrain.testing.failures",
    "NotDeterministic": "splitbrain.testing.failures",
    "Simulation": "splitbrain.testing.simulating",
    "SimulationFailure": "splitbrain.testing.failures",
    "ViolationFound": "splitbrain.testing.failures",
    "replay": "splitbrain.testing.replaying",
    "simulate": "splitbrain.testing.simulating",
}

__all__ = [
    "Inconclusive",
    "NotDeterministic",
    "Simulation",
    "SimulationFailure",
    "ViolationFound",
    "replay",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
