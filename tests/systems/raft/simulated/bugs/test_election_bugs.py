"""Bugs of elections, each in a schedule made for it; without the bug the promise holds in it."""

from __future__ import annotations

import pytest

from splitbrain.systems.contract import Received, TimerFired
from splitbrain.systems.raft import messages


def vote_twice(cluster, act):
    """Two candidates of one term; the voters of the first restart before the second can ask them."""
    first, second, *voters = cluster.names
    cluster.isolate(second)
    for candidate in (first, second):
        cluster.node(candidate).election_deadline = 0
        cluster.step(candidate, TimerFired("election"))
    cluster.run_until(lambda: cluster.leader() == first, 0.2)
    for voter in voters:
        cluster.kill(voter)
        cluster.restart(voter)
    cluster.heal()
    cluster.isolate(first)
    cluster.run(0.3)


def cut_power_between_two_writes(cluster, act):
    """A voter loses power right after its vote left; back again, another candidate of that term asks it."""
    *candidates, voter = cluster.names
    cluster.trap("voted", cluster.power_cut, lambda name, _: name == voter)
    for candidate in candidates:
        cluster.time_out(candidate)
        consent = messages.prevote(0, 1, granted=True)
        cluster.step(candidate, Received(voter, consent))
    cluster.run_until(lambda: bool(cluster.leader()), 0.2)
    assert cluster.node(voter) is None
    cluster.isolate(cluster.leader())
    cluster.restart(voter)
    cluster.run(0.2)


def elect_a_laggard(cluster, act):
    """A follower misses entries while it is cut off, and asks for votes when the leader is."""
    leader = act.settle(cluster)
    laggard = act.others(cluster, leader)[0]
    cluster.isolate(laggard)
    act.write(cluster, leader, "c", "t")
    cluster.run(2)
    assert cluster.node(leader).commit_index > cluster.node(laggard).log.last_index
    cluster.heal()
    cluster.isolate(leader)
    cluster.forget_leaders()
    cluster.time_out(laggard)
    cluster.run(3)


SCHEDULES = {
    "forget-vote": (("forget-vote",), 5, vote_twice),
    "split-vote-write": (("split-vote-write",), 3, cut_power_between_two_writes),
    "skip-log-check": (("skip-log-check",), 5, elect_a_laggard),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_seeded_bug_breaks_its_promise_in_a_schedule_made_for_it(convict, name):
    convict(*SCHEDULES[name])


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_promise_holds_in_that_schedule_without_the_bug(acquit, name):
    acquit(*SCHEDULES[name])


@pytest.mark.parametrize("bug", ["", "prevote-refreshes-leader"])
def test_a_server_that_asks_and_never_hears_silences_all_others_if_their_consent_puts_them_off(
    make_cluster, act, bug
):
    for seed in range(4):
        cluster = make_cluster(*filter(None, [bug]), seed=seed)
        leader = act.settle(cluster)
        deaf = act.others(cluster, leader)[0]
        cluster.run(0.05)
        cluster.kill(leader)
        cluster.cuts = {(name, deaf) for name in cluster.names}
        cluster.forget_leaders()
        cluster.time_out(deaf)
        cluster.run(5)
        assert bool(cluster.leader()) == (not bug)
