"""What directed schedules are made of, and the two trials of each: with its bug and without.

A schedule is a function of a cluster and of these helpers; it drives the cluster to where the rule counts.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from splitbrain.systems.description import find_bug
from splitbrain.systems.raft.system import RaftSystem

SEEDS = range(4)


def settle(cluster):
    cluster.run_until(lambda: bool(cluster.leader()), 5)
    leader = cluster.leader()
    cluster.run_until(lambda: cluster.node(leader).applied_index >= cluster.node(leader).log.last_index, 5)
    return leader


def write(cluster, leader, client, token):
    """Append a token through a leader, without waiting for the answer."""
    cluster.attempted.add(token)
    cluster.request(leader, client, 1, type="append", key="k", value=f"{token},")


def read(cluster, node, client, *, seconds=1.0):
    """Read through a node and hold the answer against what was acknowledged before."""
    before = len(cluster.acknowledged)
    cluster.request(node, client, 1, type="read", key="k")
    cluster.run_until(lambda: bool(cluster.answers(client, 1)), seconds, expect=False)
    for answer in cluster.answers(client, 1):
        if answer.get("code") != 11:
            cluster.check_read((answer.get("value") or "").split(",")[:-1], before, 0)


def others(cluster, *names):
    return [name for name in cluster.names if name not in names]


@pytest.fixture
def act():
    return SimpleNamespace(settle=settle, write=write, read=read, others=others)


def settings_of(bugs):
    """The settings that snapshots need; those of time are the schedule's own affair."""
    options = [find_bug(RaftSystem, bug).options.get("settings", {}) for bug in bugs]
    return {name: each[name] for each in options for name in each if name != "election"}


@pytest.fixture
def settings():
    return settings_of


@pytest.fixture
def convict(make_cluster, broken, act):
    """Run a schedule with its bugs in the nodes: under every seed a promise breaks that they may break."""

    def run(bugs, size, schedule):
        accepted = {word for bug in bugs for word in find_bug(RaftSystem, bug).verdicts}
        for seed in SEEDS:
            with pytest.raises(broken) as raised:
                schedule(make_cluster(*bugs, size=size, seed=seed, **settings_of(bugs)), act)
            assert raised.value.word in accepted

    return run


@pytest.fixture
def acquit(make_cluster, act):
    """Run the same schedule without the bugs: nothing breaks."""

    def run(bugs, size, schedule):
        for seed in SEEDS:
            cluster = make_cluster(size=size, seed=seed, **settings_of(bugs))
            schedule(cluster, act)
            cluster.check_logs()

    return run
