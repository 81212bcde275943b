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
    "no-dedupe": (("no-dedupe",), 5, retry_after_commit),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_seeded_bug_breaks_its_promise_in_a_schedule_made_for_it(convict, name):
    convict(*SCHEDULES[name])


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_promise_holds_in_that_schedule_without_the_bug(acquit, name):
    acquit(*SCHEDULES[name])
