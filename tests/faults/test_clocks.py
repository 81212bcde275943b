"""Clocks: set, seen to be as they were set, and set right again; several faults on one node add up."""

import random

import pytest

from splitbrain.backend import SetClock, SetDisk
from splitbrain.errors import UsageError
from splitbrain.faults.base import ClusterView, Room
from splitbrain.faults.dials import Dials
from splitbrain.plan import Plan, PlannedFault

NODES = ("n1", "n2", "n3", "n4", "n5")


def fault(kind, target=None, *, name="c", at=1.0, lasts=1.0, **parameters):
    return PlannedFault(name, kind, lasts, at=at, target=target, parameters=parameters)


def plan(*faults):
    return Plan(seed=3, duration=20.0, recovery=3.0, faults=faults)


def begin(faults, planned, bound=0.0):
    return faults[planned.fault].begin(planned, ClusterView(NODES, clock_bound=bound), random.Random(1))


def test_skewed_clocks_of_several_nodes_go_opposite_ways(faults):
    injection = begin(faults, fault("clock-skew", ("n1", "n2", "n3"), drift=0.25, offset=2.0))
    assert injection.begin == (
        SetClock("n1", 1.25, 2.0),
        SetClock("n2", 0.75, -2.0),
        SetClock("n3", 1.25, 2.0),
    )
    assert injection.end == (SetClock("n1"), SetClock("n2"), SetClock("n3"))


def test_a_skew_goes_the_way_that_its_sign_says(faults):
    assert begin(faults, fault("clock-skew", ("n4",), drift=-0.5, offset=-3)).begin == (
        SetClock("n4", 0.5, -3.0),
    )


def test_no_clock_stands_still_or_runs_backwards_however_much_its_neighbour_drifts(faults):
    settings = begin(faults, fault("clock-skew", "all", drift=9.0)).begin
    assert [round(setting.rate, 6) for setting in settings] == [10.0, 0.1, 10.0, 0.1, 10.0]


def test_a_skew_that_names_nothing_moves_the_wall_clock_alone(faults):
    (setting,) = begin(faults, fault("clock-skew", ("n1",))).begin
    assert setting.rate == 1.0
    assert setting.offset != 0


def test_a_drift_within_the_bound_costs_no_node_and_a_larger_one_all_that_it_hits(faults):
    planned = fault("clock-skew", ("n1", "n2"), drift=0.05)
    assert begin(faults, planned, bound=0.05).lost == ()
    assert begin(faults, planned, bound=0.04).lost == ("n1", "n2")
    assert begin(faults, fault("clock-skew", ("n1",), offset=100.0)).lost == ()
    assert begin(faults, fault("clock-jump", "all", by=-100.0)).lost == ()


def test_a_jump_moves_the_wall_clocks_all_the_same_way_and_leaves_their_rates(faults):
    assert begin(faults, fault("clock-jump", ("n1", "n2"), by=-7.5)).begin == (
        SetClock("n1", 1.0, -7.5),
        SetClock("n2", 1.0, -7.5),
    )


@pytest.mark.parametrize("bound", [0.0, 0.001, 0.2])
def test_drawn_drifts_keep_to_the_bound_and_are_none_where_the_system_bears_none(faults, bound):
    dice = random.Random(7)
    drawn = [faults["clock-skew"].draw(dice, Room(NODES, (), 2, 0, bound)) for _ in range(300)]
    drifts = [draw.parameters.get("drift", 0.0) for draw in drawn]
    assert all(abs(drift) <= bound for drift in drifts)
    assert all(draw.parameters["offset"] for draw in drawn)
    assert {draw.target for draw in drawn} == {"one", "minority"}
    if bound:
        assert min(drifts) < -bound / 2
        assert max(drifts) > bound / 2


@pytest.mark.parametrize(
    ("planned", "words"),
    [
        (fault("clock-skew", drift=0), "no clock is skewed"),
        (fault("clock-skew", drift=-0.95), "from -0.9 to 9"),
        (fault("clock-skew", offset=float("nan")), "nan"),
        (fault("clock-jump", by=0), "no clock jumps"),
        (fault("clock-jump", offset=1), "no parameter 'offset'"),
    ],
)
def test_a_clock_fault_that_says_nothing_or_too_much_is_refused(faults, planned, words):
    with pytest.raises(UsageError, match=words):
        faults[planned.fault].check(planned, NODES, ())


@pytest.mark.parametrize("planned", [fault("clock-skew", "all", drift=0.1), fault("clock-jump", "minority")])
def test_clocks_that_are_as_they_were_set_are_the_evidence(stage, planned):
    scene = stage(plan(planned)).run(1.5)
    assert set(scene.cluster.clocks.values()) != {(1.0, 0.0)}
    record = scene.run(4).record("c")
    assert (record.bit, record.healed) == (True, True)
    assert scene.whole


def test_a_clock_that_is_not_as_it_was_set_did_not_bite(stage):
    scene = stage(plan(fault("clock-jump", ("n1",), by=5.0)))
    scene.cluster._set_clock = lambda ticket, _action: scene.cluster.done(
        ticket, {"rate": 1.0, "offset": 0.0}
    )
    record = scene.run(4).record("c")
    assert (record.bit, record.healed) == (False, True)


def test_a_jump_amid_a_skew_adds_to_it_and_takes_only_itself_back(stage):
    scene = stage(
        plan(
            fault("clock-skew", ("n1",), name="s", at=1.0, lasts=4.0, drift=0.5, offset=2.0),
            fault("clock-jump", ("n1",), name="j", at=2.0, lasts=1.0, by=10.0),
        )
    )
    seen = [scene.run(at).cluster.clocks["n1"] for at in (1.5, 2.5, 3.5, 5.5)]
    assert seen == [(1.5, 2.0), (1.5, 12.0), (1.5, 2.0), (1.0, 0.0)]
    assert all((record.bit, record.healed) == (True, True) for record in scene.run(6).nemesis.records)


def test_the_final_heal_sets_every_clock_right(stage):
    faults = [
        fault("clock-skew", "all", name=f"s{at}", at=float(at), lasts=15.0, drift=0.1) for at in range(1, 4)
    ]
    assert stage(plan(*faults)).run(5).heal().whole


def test_settings_of_clocks_and_disks_add_up_by_node_and_leave_no_residue():
    dials = Dials()
    dials.turn("a", SetClock("n1", 1.5, 0.1))
    assert dials.turn("b", SetClock("n1", 0.5, 0.2)) == SetClock("n1", 0.75, 0.1 + 0.2)
    assert dials.turn("b", SetClock("n2", 0.5)) == SetClock("n2", 0.5)
    assert dials.turn("a", SetDisk("n1", lose_syncs=True)) == SetDisk("n1", lose_syncs=True)
    assert dials.turn("b", SetDisk("n1", delay=0.2)) == SetDisk("n1", lose_syncs=True, delay=0.2)
    assert dials.turn("a", SetDisk("n1")) == SetDisk("n1", delay=0.2)
    dials.turn("a", SetClock("n1"))
    assert dials.turn("b", SetClock("n1")) == SetClock("n1", 1.0, 0.0)
