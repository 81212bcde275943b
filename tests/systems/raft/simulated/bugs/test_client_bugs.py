"""Bugs towards clients, each in a schedule made for it; without the bug the promise holds in it."""

from __future__ import annotations

import pytest


def read_at_a_deposed_leader(cluster, act):
    """The old leader doesn't hear of the new one, and a client reads there."""
    old = act.settle(cluster)
    cluster.isolate(old)
    new = act.others(cluster, old)[0]
    cluster.elect(new)
    act.write(cluster, new, "c", "t")
    cluster.run_until(lambda: bool(cluster.answers("c", 1)), 1)
    cluster.acknowledged.append("t")
    assert cluster.node(old).role == "leader"
    act.read(cluster, old, "r")


def read_by_a_slow_clock(cluster, act):
    """The old leader's clock is slow, so a successor is elected and writes while its lease seems to last."""
    old, new, _ = cluster.names
    cluster.rates = dict.fromkeys(cluster.names, 1.0) | {old: 0.4}
    cluster.elect(old)
    cluster.run(0.3)
    cluster.isolate(old)
    cluster.run(0.45)
    cluster.time_out(new)
    cluster.run_until(lambda: cluster.leader() == new, 0.05)
    act.write(cluster, new, "c", "t")
    cluster.run_until(lambda: bool(cluster.answers("c", 1)), 0.05)
    cluster.acknowledged.append("t")
    assert cluster.node(old).role == "leader"
    act.read(cluster, old, "r", seconds=0.1)


def retry_after_commit(cluster, act):
    """The leader dies after the commit and before the answer; the client asks the next leader."""
    leader = act.settle(cluster)
    cluster.trap("committed", cluster.kill, lambda name, _: name == leader)
    act.write(cluster, leader, "c", "t")
    cluster.run_until(lambda: cluster.node(leader) is None, 1)
    assert not cluster.answers("c", 1)
    new = act.settle(cluster)
    act.write(cluster, new, "c", "t")
    cluster.run_until(lambda: bool(cluster.answers("c", 1)), 1)
    act.read(cluster, new, "r")


SCHEDULES = {
    "unconfirmed-read": (("unconfirmed-read",), 5, read_at_a_deposed_leader),
    "lease-without-margin": (("lease-without-margin",), 3, read_by_a_slow_clock),
    "no-dedupe": (("no-dedupe",), 5, retry_after_commit),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_seeded_bug_breaks_its_promise_in_a_schedule_made_for_it(convict, name):
    convict(*SCHEDULES[name])


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_promise_holds_in_that_schedule_without_the_bug(acquit, name):
    acquit(*SCHEDULES[name])
