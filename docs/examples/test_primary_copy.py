"""How a store of one's own is simulated from pytest; docs/simulation.md tells it step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from primary_copy import FollowerReadsSystem, PrimaryCopySystem

from splitbrain.testing import ViolationFound, replay, simulate

if TYPE_CHECKING:
    from pathlib import Path


def test_the_primary_copy_keeps_its_promises() -> None:
    """Sixty runs, each with faults, latencies and operations of its own."""
    result = simulate(PrimaryCopySystem, seeds=60)
    assert result.outcomes["ok"] > 1_000


def test_reads_from_a_copy_are_not_linearizable(tmp_path: Path) -> None:
    """The replay file that a violation leaves convicts the code again, and acquits the mended one."""
    with pytest.raises(ViolationFound, match="LIN") as failure:
        simulate(FollowerReadsSystem, seeds=60, directory=tmp_path)
    kept = failure.value.path
    with pytest.raises(ViolationFound, match="LIN"):
        replay(kept)
    assert not replay(kept, PrimaryCopySystem).same
