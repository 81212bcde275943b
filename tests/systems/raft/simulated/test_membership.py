"""Membership changes in virtual time (Ongaro's thesis, chapter 4; raft-dev, 2015)."""

from __future__ import annotations

import pytest

from splitbrain.systems.contract import SECOND
from splitbrain.systems.raft.node import RaftNode
from splitbrain.systems.raft.system import RaftSystem


def settled(cluster):
    cluster.run_until(lambda: bool(cluster.leader()), 5)
    cluster.run(0.5)
    return cluster.leader()


def change(cluster, kind, server, number, *, seconds=5.0):
    """Ask whoever leads until the change is confirmed, as an administrator does."""
    end = cluster.time + int(seconds * SECOND)
    while cluster.time < end:
        if cluster.leader():
            cluster.request(cluster.leader(), "admin", number, type=kind, server=server)
        cluster.run_until(lambda: bool(cluster.answers("admin", number)), 0.3, expect=False)
        if any(body["type"] == f"{kind}_ok" for body in cluster.answers("admin", number)):
            return
        cluster.run(0.05)
    raise AssertionError(f"{kind} {server} was not confirmed")


def members(cluster):
    return cluster.node(cluster.leader()).configuration.members


def test_a_cluster_shrinks_to_one_server_and_grows_back_under_load(make_cluster):
    """4.1: one server at a time, any number of times; reads and appends go on."""
    cluster = make_cluster(snapshot_after=8)
    cluster.add_clients(3)
    settled(cluster)
    number = 0
    for kind, names in (("remove_server", cluster.names[:0:-1]), ("add_server", cluster.names[1:])):
        for name in names:
            number += 1
            change(cluster, kind, name, number)
    assert members(cluster) == tuple(cluster.names)
    served = len(cluster.acknowledged)
    cluster.run(1)
    assert len(cluster.acknowledged) > served
    cluster.check_logs()


def test_the_leader_can_be_removed_and_the_others_go_on(make_cluster):
    """4.2.2: it steps down when the entry is committed."""
    cluster = make_cluster(size=3)
    old = settled(cluster)
    change(cluster, "remove_server", old, 1)
    cluster.run(2)
    new = cluster.leader()
    assert new not in ("", old)
    assert cluster.node(old).role == "follower"
    assert old not in members(cluster)


def test_a_removed_server_that_keeps_running_disturbs_nobody(make_cluster):
    """4.2.3: it never learns of its removal, and asks for pre-votes for ever."""
    cluster = make_cluster()
    leader = settled(cluster)
    removed = next(name for name in cluster.names if name != leader)
    change(cluster, "remove_server", removed, 1)
    term = cluster.node(leader).term
    cluster.run(10)
    assert any(source == removed and body["type"] == "request_prevote" for source, _, body in cluster.sent)
    assert (cluster.leader(), cluster.node(leader).term, cluster.node(removed).term) == (leader, term, term)


class EarlyChange(RaftNode):
    """A leader changes the configuration before it has committed anything."""

    def may_change_configuration(self, led):
        return True


def part_two_configurations(cluster):
    """Ongaro's counterexample: S1 removes S4 and S2 removes S1, from one old configuration."""
    s1, s2, s3, s4 = cluster.names
    cluster.elect(s1)
    cluster.run(0.3)
    cluster.isolate(s1)
    cluster.request(s1, "a1", 1, type="remove_server", server=s4)
    cluster.run(0.005)
    cluster.trap("elected", lambda _: cluster.isolate(s3), lambda name, _: name == s2)
    cluster.elect(s2)
    cluster.request(s2, "a2", 1, type="remove_server", server=s1)
    cluster.request(s2, "c", 1, type="append", key="k", value="t,")
    cluster.run(0.3)
    cluster.heal()
    cluster.isolate(s1, s3)
    cluster.elect(s1)


def test_without_the_current_term_rule_two_configurations_share_no_majority(make_cluster, broken):
    """Ongaro 2015: {S2, S4} commits what {S1, S3} has never heard of, and S1 is elected."""
    cluster = type(make_cluster())(EarlyChange, 4)
    with pytest.raises(broken, match="LC: n1 leads term 3 without committed entry"):
        part_two_configurations(cluster)
    assert cluster.answers("c", 1) == [{"type": "append_ok"}]


def test_with_the_current_term_rule_the_early_change_is_refused_and_nothing_is_lost(make_cluster):
    """Ongaro 2015: S2 can't commit its no-op with S4 alone, so it changes nothing."""
    cluster = make_cluster(size=4)
    part_two_configurations(cluster)
    assert [body["code"] for body in cluster.answers("a2", 1)] == [11]
    assert cluster.answers("c", 1) == []
    assert cluster.leader() == "n1"
    cluster.heal()
    cluster.run(3)
    cluster.check_logs()


def hurt(cluster):
    victim, fault = cluster.random.choice(cluster.names), cluster.random.randrange(6)
    if cluster.node(victim) is None:
        cluster.restart(victim)
    elif fault == 0:
        cluster.kill(victim)
    elif fault == 1:
        cluster.power_cut(victim)
    elif fault == 2:
        cluster.heal()
        cluster.isolate(*cluster.random.sample(cluster.names, 2))


def change_at_random(cluster, seconds):
    """Ask every node for changes while nodes and links fail, then heal all."""
    end, number = cluster.time + int(seconds * SECOND), 0
    while cluster.time < end:
        number += 1
        kind = cluster.random.choice(("add_server", "remove_server"))
        for name in cluster.up():
            cluster.request(name, "admin", number, type=kind, server=cluster.random.choice(cluster.names))
        hurt(cluster)
        cluster.check_logs()
        cluster.run(cluster.random.uniform(0.01, 0.3))
    cluster.heal()
    for name in cluster.names:
        if cluster.node(name) is None:
            cluster.restart(name)
    cluster.run(2)


@pytest.mark.parametrize("part", range(2))
def test_changes_at_random_amid_faults_break_no_invariant(make_cluster, part):
    """Figure 3 holds through changes, crashes, partitions and snapshots, and changes get done afterwards."""
    seen = set()
    for seed in range(4 * part, 4 * part + 4):
        cluster = make_cluster(seed=seed, snapshot_after=(3, 1000)[seed % 2])
        cluster.add_clients(3)
        change_at_random(cluster, 3)
        for number, name in enumerate(cluster.names, 1000):
            change(cluster, "add_server", name, number)
        served = len(cluster.acknowledged)
        cluster.run(1)
        cluster.check_logs()
        assert len(cluster.acknowledged) > served
        seen |= {
            name
            for name, pattern in RaftSystem.milestones.items()
            if any(pattern.matches(kind, fields) for _, kind, fields in cluster.notes)
        }
    assert seen == set(RaftSystem.milestones)
