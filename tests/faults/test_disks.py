"""Disks that lie, dawdle, rot or are emptied, and the evidence of each."""

import pytest

from splitbrain.backend import Kill, PowerCut, Restart, SetDisk, SpoilDisk
from splitbrain.errors import UsageError
from splitbrain.plan import Plan, PlannedFault

NODES = ("n1", "n2", "n3", "n4", "n5")
DISK = (Kill, PowerCut, Restart, SetDisk, SpoilDisk)


def fault(kind, target=("n1",), *, name="d", at=1.0, lasts=1.0, **parameters):
    return PlannedFault(name, kind, lasts, at=at, target=target, parameters=parameters)


def plan(*faults):
    return Plan(seed=3, duration=20.0, recovery=3.0, faults=faults)


def outcome(scene, name="d"):
    record = scene.record(name)
    return record.bit, record.healed


def test_a_disk_that_loses_syncs_bites_at_the_power_cut_that_ends_it(stage):
    scene = stage(plan(fault("lost-sync"))).run(1.2)
    assert scene.cluster.disks["n1"].lose_syncs
    assert scene.cluster.runs("n1")
    scene.cluster.write("n1")
    assert outcome(scene.run(4)) == (True, True)
    assert [type(action) for action in scene.did(DISK)] == [SetDisk, PowerCut, SetDisk, Restart]
    assert scene.whole


def test_the_nodes_of_a_lying_disk_are_down_from_its_power_cut_to_their_restart(stage):
    """The nemesis has to know: a partition that probed them would see a silence that isn't its own."""
    scene = stage(
        plan(
            fault("lost-sync", at=1.0, lasts=1.0),
            fault("partition", ("n1",), name="p", at=2.05, lasts=0.2),
        )
    )
    scene.run(8)
    assert scene.record("p").bit is None
    assert scene.record("p").healed is True


def test_a_power_cut_that_finds_everything_written_is_no_evidence_of_a_lying_disk(stage):
    scene = stage(plan(fault("lost-sync")))
    scene.cluster._power_cut = lambda ticket, action: scene.cluster._end(
        ticket, action, unsynced=0, kept=0, torn=False
    )
    assert outcome(scene.run(4)) == (None, True)


def test_a_disk_that_would_not_lie_did_not_bite(stage):
    scene = stage(plan(fault("lost-sync")))
    scene.cluster._set_disk = lambda ticket, _action: scene.cluster.done(
        ticket, {"lose_syncs": False, "delay": 0.0}
    )
    assert outcome(scene.run(4)) == (False, True)


def test_a_lying_disk_that_is_not_set_right_has_not_healed(stage):
    scene = stage(plan(fault("lost-sync"))).run(1.5)
    scene.cluster._set_disk = lambda ticket, _action: scene.cluster.done(
        ticket, {"lose_syncs": True, "delay": 0.0}
    )
    assert outcome(scene.run(4))[1] is False


def test_a_node_whose_power_was_cut_at_the_end_and_that_stays_away_has_not_healed(stage):
    scene = stage(plan(fault("lost-sync")))
    scene.cluster.refuse = {Restart: "n1 did not become ready"}
    assert outcome(scene.run(4))[1] is False


def test_a_slow_disk_is_slow_for_as_long_as_it_lasts(stage):
    scene = stage(plan(fault("slow-disk", ("n1", "n2"), delay=0.25))).run(1.5)
    assert [scene.cluster.disks[node].delay for node in NODES] == [0.25, 0.25, 0, 0, 0]
    assert outcome(scene.run(4)) == (True, True)
    assert scene.record("d").lost == ("n1", "n2")
    assert scene.whole


@pytest.mark.parametrize(("kind", "left"), [("bit-rot", 4), ("wiped-disk", 0)])
def test_a_disk_is_spoilt_while_its_node_is_down(stage, kind, left):
    scene = stage(plan(fault(kind))).run(1.5)
    assert not scene.cluster.runs("n1")
    assert outcome(scene.run(4)) == (True, True)
    assert [type(action) for action in scene.did(DISK)] == [Kill, SpoilDisk, Restart]
    assert [scene.cluster.disks[node].synced for node in NODES] == [left, 5, 5, 5, 5]


def test_a_disk_of_a_node_that_another_fault_took_down_is_spoilt_all_the_same(stage):
    scene = stage(plan(fault("kill", name="k", lasts=3.0), fault("wiped-disk", at=2.0, lasts=0.5))).run(8)
    assert outcome(scene) == outcome(scene, "k") == (True, True)
    assert [type(action) for action in scene.did(DISK)] == [Kill, SpoilDisk, Restart]


def test_an_empty_disk_has_nothing_to_spoil_and_that_is_no_evidence(stage):
    scene = stage(plan(fault("wiped-disk")))
    scene.cluster.disks["n1"].synced = 0
    assert outcome(scene.run(4)) == (None, True)


def test_each_disk_rots_and_each_power_fails_by_a_seed_of_its_own(stage):
    scene = stage(plan(fault("bit-rot", NODES), fault("lost-sync", NODES, name="l", at=4.0))).run(8)
    for kind in (SpoilDisk, PowerCut):
        assert len({action.seed for action in scene.did(kind)}) == 5


@pytest.mark.parametrize(
    ("planned", "words"),
    [
        (fault("slow-disk", delay=0), "no disk is slow"),
        (fault("lost-sync", share=1), "it takes none"),
        (fault("bit-rot", records=2), "it takes none"),
    ],
)
def test_a_disk_fault_that_says_nothing_or_too_much_is_refused(faults, planned, words):
    with pytest.raises(UsageError, match=words):
        faults[planned.fault].check(planned, NODES, ())
