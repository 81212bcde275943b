"""How a store of one's own is simulated from pytest; docs/simulation.md tells it step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from primary_copy import FollowerReadsSystem, PrimaryCopySystem

from splitbrain.testing import ViolationFound, replay, simulate

if TYPE_CHECKING:
    from pathlib import Path


def test_the_primary_copy_keeps_its_promises() -> None:
    """Thirty runs, each with faults, latencies and operations of its own."""
    result = simulate(PrimaryCopySystem, seeds=30)
    assert result.outcomes["ok"] > 500


def test_reads_from_a_copy_are_not_linearizable(tmp_path: Path) -> None:
    """The replay file that a violation leaves convicts the code again, and acquits the mended one."""
    with pytest.raises(ViolationFound, match="LIN") as failure:
        simulate(FollowerReadsSystem, seeds=30, shrink_seconds=2, directory=tmp_path)
    kept = failure.value.path
    with pytest.raises(ViolationFound, match="LIN"):
        replay(kept)
    assert not replay(kept, PrimaryCopySystem).same
