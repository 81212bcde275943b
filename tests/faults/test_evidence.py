"""What counts as having seen a fault bite."""

import pytest

from splitbrain.backend import Probe
from splitbrain.faults.evidence import Observation, links_silent


def probe(within, *, arrived):
    outcome = {"arrived": arrived, "seconds": 0.001 if arrived else None}
    return Observation("bite", Probe("n1", "n2", within), outcome)


def test_a_probe_that_was_given_its_time_and_did_not_arrive_shows_a_cut():
    assert links_silent([probe(0.3, arrived=False)]) is True
    assert links_silent([probe(0.3, arrived=False), probe(0.3, arrived=True)]) is False


@pytest.mark.parametrize("within", [0.0, 0.005])
def test_a_probe_that_had_no_time_to_arrive_shows_nothing(within):
    """A fault that found its target late may have next to no time left."""
    assert links_silent([probe(within, arrived=False)]) is None
    assert links_silent([probe(within, arrived=False), probe(0.3, arrived=False)]) is True


def test_a_probe_that_arrived_refutes_a_cut_however_little_time_it_had():
    assert links_silent([probe(0.005, arrived=True), probe(0.3, arrived=False)]) is False
