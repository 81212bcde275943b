"""Lease reads in virtual time, on clocks that drift (Ongaro's thesis, section 6.4.1)."""

from __future__ import annotations

import pytest

from splitbrain.systems.contract import MILLISECOND, SECOND
from splitbrain.systems.raft.node import RaftNode


class NoMargin(RaftNode):
    """A lease lasts the whole election timeout of the leader's own clock."""

    def lease_duration(self):
        return self.limits.election_minimum


def read_at_a_slow_clock(cluster):
    """The old leader's clock is as slow, its voters' are as fast as the bound allows; a successor writes."""
    cluster.latency = cluster.sync = (MILLISECOND // 5, MILLISECOND // 5)
    old, new, _ = cluster.names
    cluster.rates = dict.fromkeys(cluster.names, 1.05) | {old: 0.95}
    cluster.elect(old)
    cluster.run(0.3)
    node = cluster.node(old)
    begun = node.lease_start(node.leadership)
    cluster.run_until(lambda: node.lease_start(node.leadership) > begun, 1)
    cluster.isolate(old)
    cluster.run(0.384)
    cluster.time_out(new)
    cluster.attempted.add("t")
    cluster.run_until(lambda: cluster.leader() == new, 0.01)
    cluster.request(new, "c", 1, type="append", key="k", value="t,")
    cluster.run_until(lambda: bool(cluster.answers("c", 1)), 0.01)
    cluster.acknowledged.append("t")
    cluster.request(old, "r", 1, type="read", key="k")
    for answer in cluster.answers("r", 1):
        cluster.check_read((answer.get("value") or "").split(",")[:-1], 1, 0)


def test_without_the_margin_for_clocks_a_lease_outlives_the_election_of_another_leader(make_cluster, broken):
    """6.4.1: the bound must be taken off."""
    cluster = type(make_cluster())(NoMargin, 3, settings={"reads": "lease"})
    with pytest.raises(broken, match="LIN: a read missed t"):
        read_at_a_slow_clock(cluster)


def test_with_the_margin_the_lease_is_over_when_another_leader_is_elected(make_cluster):
    """6.4.1: the read waits for a round that the old leader can't have."""
    cluster = make_cluster(size=3, reads="lease")
    read_at_a_slow_clock(cluster)
    assert cluster.answers("r", 1) == []


@pytest.mark.parametrize("seed", range(4))
def test_lease_reads_are_linearizable_amid_partitions_restarts_and_drift(make_cluster, seed):
    """6.4.1: every read sees every append that was acknowledged before it began."""
    cluster = make_cluster(seed=seed, size=3 + 2 * (seed % 2), reads="lease", snapshot_after=20)
    cluster.rates = {name: cluster.random.choice((0.95, 1.0, 1.05)) for name in cluster.names}
    cluster.add_clients(5)
    end = cluster.time + 4 * SECOND
    while cluster.time < end:
        cluster.run(cluster.random.uniform(0.05, 0.5))
        victim = cluster.leader() or cluster.random.choice(cluster.names)
        cluster.heal()
        if cluster.random.random() < 0.5:
            cluster.isolate(victim)
        else:
            cluster.kill(victim)
            cluster.run(cluster.random.uniform(0.0, 0.4))
            cluster.restart(victim)
    cluster.heal()
    cluster.run(2)
    leases = [fields["lease"] for _, kind, fields in cluster.notes if kind == "read-answered"]
    assert sum(leases) > len(leases) / 2
    cluster.check_logs()
