"""The same case has the same trace in any process; where it has not, the first differing step is named."""

from dataclasses import replace
from pathlib import Path

import pytest

from splitbrain import registry
from splitbrain.exploration.case import Case
from splitbrain.exploration.determinism import compare_traces
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.plan import Plan, PlannedFault
from splitbrain.simulation.environment import Disk, Environment, Network

UNFAITHFUL = f"{Path(__file__).with_name('unfaithful.py')}:UnfaithfulSystem"
CASE = Case(UNFAITHFUL, 3, "register", 7, Plan(0, 0.3, 0.1), patience=0.0)

EVERY_FAULT = ("partition", "kill", "power-cut", "pause", "slow", "lossy", "duplicate")


def rough(system, nodes):
    """A case of a system in which every fault that it bears occurs, in a network that does everything."""
    known = set(registry.names("faults")) - {"membership"}
    names = [name for name in (*EVERY_FAULT, *sorted(known - set(EVERY_FAULT))) if name in known]
    if nodes == 1:
        names = [name for name in names if registry.find("faults", name).value.minimum_nodes == 1]
    faults = tuple(
        PlannedFault(f"{name}-1", name, lasts=0.35, at=round(0.6 + 0.25 * number, 3))
        for number, name in enumerate(names)
    )
    network = Network(200_000, 3_000_000, 0.05, 40_000_000, loss=0.02, duplicate=0.05, reorder=0.2)
    return Case(
        system,
        nodes,
        "register",
        11,
        Plan(5, 0.6 + 0.25 * (len(names) + 2), 1.0, faults),
        rate=40.0,
        environment=Environment(network, Disk(100_000, 2_000_000)),
    )


@pytest.mark.parametrize(("system", "nodes"), [("kv", 1), ("raft", 5)])
def test_a_built_in_system_under_every_fault_has_one_trace_whatever_the_hash_seed(system, nodes):
    case = rough(system, nodes)
    assert {each.fault for each in case.plan.faults} >= {"kill", "power-cut", "pause"}
    resolved = resolve(case)
    began = [each for each in simulate(case, resolved).records if each.began is not None]
    assert len(began) >= len(case.plan.faults) - 1
    divergence = compare_traces(case, resolved)
    assert divergence is None, divergence.sentence()


def test_a_faithful_node_is_not_accused():
    assert compare_traces(CASE) is None


def found_in(bug, case=CASE):
    divergence = compare_traces(replace(case, bugs=(bug,)), hash_seeds=("1",))
    assert divergence is not None
    return divergence


def test_a_node_that_reads_the_clock_is_named_with_its_line():
    divergence = found_in("clock")
    assert "set-timer n1" in divergence.here
    assert "set-timer n1" in divergence.there
    assert divergence.here != divergence.there
    assert (divergence.node, divergence.time) == ("n1", 0)
    assert f"step {divergence.step}," in divergence.sentence()
    assert "time.time_ns() is called at unfaithful.py line" in divergence.hint


def test_a_node_that_throws_the_global_dice_is_named_with_its_line():
    divergence = found_in("dice")
    assert "send n1" in divergence.here
    assert "gossip" in divergence.here
    assert "random.getrandbits() is called at unfaithful.py line" in divergence.hint


def test_a_node_that_iterates_over_a_set_is_told_of_its_hash_seed():
    divergence = compare_traces(replace(CASE, bugs=("set",)))
    assert divergence is not None
    assert "note n1" in divergence.here
    assert "colour" in divergence.there
    assert "set" in divergence.hint
    assert "clock" not in divergence.hint


def test_a_node_that_changes_a_body_after_sending_it_is_told_which():
    slow = replace(CASE, environment=Environment(Network(latency=30_000_000)))
    divergence = found_in("body", slow)
    assert "raised BodyError" in divergence.here
    assert "was changed to" in divergence.here
    assert "never changed once it is sent" in divergence.sentence()


def test_a_node_that_keeps_something_in_its_class_is_told_that_it_outlives_the_run():
    case = replace(CASE, bugs=("class",))
    resolved = resolve(case)
    simulate(case, resolved)
    divergence = compare_traces(case, resolved)
    assert divergence is not None
    assert "lives" in divergence.here
    assert "outlives a run" in divergence.hint
