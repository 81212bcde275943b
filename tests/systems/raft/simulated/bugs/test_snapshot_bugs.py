"""Bugs of snapshots, each in a schedule made for it; without the bug the promise holds in it."""

from __future__ import annotations

import pytest

from splitbrain.systems.contract import Received


def repeat_entries_behind_a_snapshot(cluster, act):
    """A message arrives again when a snapshot covers the entry before it; then the leader is lost."""
    leader = act.settle(cluster)
    near, far = act.others(cluster, leader)
    cluster.run(0.05)
    cluster.isolate(far)
    early = None
    log = cluster.node(near).log
    for number in range(20):
        act.write(cluster, leader, f"c{number}", f"t{number}")
        cluster.run_until(lambda number=number: bool(cluster.answers(f"c{number}", 1)), 1)
        sent = [body for source, dest, body in cluster.sent if (source, dest) == (leader, near)]
        early = early or [body for body in sent if body.get("entries")][-1]
        if early["previous"] < log.base_index < log.last_index:
            break
    assert early["previous"] < log.base_index < log.last_index
    cluster.step(near, Received(leader, early))
    cluster.run(0.005)
    cluster.kill(leader)
    cluster.heal()
    cluster.run(3)


def repeat_a_snapshot(cluster, act):
    """A follower gets a snapshot, acknowledges what follows, and gets it again; then the leader is lost."""
    leader = act.settle(cluster)
    near, far = act.others(cluster, leader)
    cluster.isolate(near)
    for number in range(8):
        act.write(cluster, leader, f"c{number}", f"t{number}")
        cluster.run_until(lambda number=number: bool(cluster.answers(f"c{number}", 1)), 1)
    assert cluster.node(leader).log.base_index > cluster.node(near).log.last_index
    cluster.heal()
    cluster.run_until(lambda: cluster.node(near).log.base_index > 0, 1)
    cluster.isolate(far)
    act.write(cluster, leader, "d", "last")
    cluster.run_until(lambda: bool(cluster.answers("d", 1)), 1)
    snapshots = [
        body
        for source, dest, body in cluster.sent
        if (source, dest, body["type"]) == (leader, near, "install_snapshot")
    ]
    cluster.step(near, Received(leader, snapshots[-1]))
    cluster.run(0.005)
    cluster.kill(leader)
    cluster.heal()
    cluster.run(3)


def cut_power_while_a_snapshot_is_written(cluster, act):
    """A follower loses power when the first write of a snapshot is durable; then the leader is lost."""
    leader = act.settle(cluster)
    near, far = act.others(cluster, leader)
    cluster.run(0.05)
    cluster.isolate(far)

    def half_written():
        return "truncate" in cluster.machines[near].disk[-1]

    for number in range(20):
        act.write(cluster, leader, f"c{number}", f"t{number}")
        cluster.run_until(
            lambda number=number: half_written() or bool(cluster.answers(f"c{number}", 1)), 1, expect=False
        )
        if half_written():
            break
    cluster.power_cut(near)
    cluster.restart(near)
    cluster.kill(leader)
    cluster.heal()
    cluster.run(3)


def retry_after_a_snapshot(cluster, act):
    """All servers restart from snapshots that hold an operation, and its client sends it again."""
    leader = act.settle(cluster)
    act.write(cluster, leader, "c", "t")
    cluster.run(0.5)
    for name in cluster.names:
        assert cluster.node(name).log.base_index >= 2
        cluster.kill(name)
    for name in cluster.names:
        cluster.restart(name)
    leader = act.settle(cluster)
    act.write(cluster, leader, "c", "t")
    cluster.run(0.5)
    act.read(cluster, leader, "r")


SCHEDULES = {
    "compacted-is-conflict": (("compacted-is-conflict",), 3, repeat_entries_behind_a_snapshot),
    "snapshot-drops-suffix": (("snapshot-drops-suffix",), 3, repeat_a_snapshot),
    "snapshot-log-gap": (("snapshot-log-gap",), 3, cut_power_while_a_snapshot_is_written),
    "dedupe-not-in-snapshot": (("dedupe-not-in-snapshot",), 3, retry_after_a_snapshot),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_seeded_bug_breaks_its_promise_in_a_schedule_made_for_it(convict, name):
    convict(*SCHEDULES[name])


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_promise_holds_in_that_schedule_without_the_bug(acquit, name):
    acquit(*SCHEDULES[name])
