"""What Raft says about itself to the harness."""

from __future__ import annotations

from itertools import product

from splitbrain.systems.raft import RaftSystem, node
from splitbrain.systems.raft.settings import read_settings


def test_every_combination_of_the_variations_works():
    names = sorted(RaftSystem.variations)
    for values in product(*(RaftSystem.variations[name] for name in names)):
        assert read_settings(dict(zip(names, values, strict=True)))


def test_the_notes_that_show_a_milestone_are_documented():
    documented = {line.split()[0] for line in node.__doc__.splitlines() if line.startswith("    ")}
    assert {pattern.kind for pattern in RaftSystem.milestones.values()} <= documented


def test_the_clock_bound_is_that_of_the_leases():
    assert RaftSystem.clock_bound == read_settings({}).clock_bound == 0.2


def test_it_bears_what_its_rules_are_for():
    assert {"reorder", "clock-skew", "membership", "power-cut"} <= set(RaftSystem.bears)
    assert RaftSystem.membership
