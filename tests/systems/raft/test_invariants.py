"""Raft under random torment in virtual time: no invariant breaks, and it serves again afterwards."""

from __future__ import annotations

import pytest


def torment(make_cluster, seed):
    cluster = make_cluster(size=3 if seed % 3 == 0 else 5, seed=seed, batch=3 if seed % 2 else 500)
    cluster.add_clients(4)
    cluster.torment(2)
    served = len(cluster.acknowledged)
    cluster.run(1)
    assert len(cluster.acknowledged) > served, f"seed {seed}: nothing is served two seconds after the heal"
    return cluster


@pytest.mark.parametrize("part", range(3))
def test_crashes_power_cuts_partitions_loss_and_duplicates_break_no_invariant(make_cluster, part):
    """Figure 3: election safety, log matching, leader completeness and state-machine safety always hold."""
    for seed in range(6 * part, 6 * part + 6):
        torment(make_cluster, seed)


@pytest.mark.nightly
@pytest.mark.parametrize("hundred", range(1, 6))
def test_hundreds_of_seeds_break_no_invariant(make_cluster, hundred):
    """Figure 3, over more schedules."""
    for seed in range(100 * hundred, 100 * hundred + 100):
        torment(make_cluster, seed)


def test_all_nodes_hold_one_state_when_the_cluster_has_come_to_rest(make_cluster):
    """5.3: replicas that apply one log hold one state."""
    cluster = torment(make_cluster, 4)
    cluster.clients = {}
    cluster.run(1)
    states = [cluster.node(name).machine.snapshot() for name in cluster.names]
    assert states == [states[0]] * 5
    assert {cluster.node(name).applied_index for name in cluster.names} == {
        cluster.node(cluster.leader()).log.last_index
    }


def test_one_seed_gives_one_execution(make_cluster):
    """The node is deterministic: the same events give the same notes."""
    first, second = (torment(make_cluster, 7) for _ in range(2))
    assert first.notes == second.notes
    assert first.sent == second.sent
