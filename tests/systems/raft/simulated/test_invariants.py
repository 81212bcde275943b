"""Raft under random torment in virtual time: no invariant breaks, and it serves again afterwards."""

from __future__ import annotations

import pytest

from splitbrain.systems.contract import SECOND


def hurt_and_heal(cluster, seconds, every=0.15):
    """Hurt the cluster at random for that long, then heal it and let it run for two more seconds."""
    end = cluster.time + int(seconds * SECOND)
    cluster.loss, cluster.duplicate = cluster.random.choice(((0.0, 0.0), (0.02, 0.05), (0.15, 0.1)))
    while cluster.time < end:
        hurt(cluster)
        cluster.check_logs()
        cluster.run(every * cluster.random.uniform(0.2, 2))
    cluster.loss = cluster.duplicate = 0.0
    cluster.heal()
    for name in cluster.names:
        if cluster.node(name) is None:
            cluster.restart(name)
    cluster.run(2)
    cluster.check_logs()


def hurt(cluster):
    name = cluster.random.choice(cluster.names)
    down = [other for other in cluster.names if cluster.node(other) is None]
    fault = cluster.random.randrange(8)
    if down and (fault < 3 or len(down) > len(cluster.names) // 2):
        cluster.restart(cluster.random.choice(down))
    elif fault == 3:
        cluster.kill(name)
    elif fault == 4:
        cluster.power_cut(cluster.leader() or name)
    elif fault == 5:
        for victim in cluster.random.sample(cluster.names, cluster.random.randint(1, len(cluster.names))):
            cluster.power_cut(victim)
    elif fault == 6:
        cluster.heal()
        cluster.isolate(*cluster.random.sample(cluster.names, cluster.random.randint(1, 2)))
    else:
        cluster.cuts.add((name, cluster.random.choice(cluster.names)))


def torment(make_cluster, seed, **settings):
    settings = {"batch": 3 if seed % 2 else 500} | settings
    cluster = make_cluster(size=3 if seed % 3 == 0 else 5, seed=seed, **settings)
    cluster.add_clients(4)
    hurt_and_heal(cluster, 2)
    served = len(cluster.acknowledged)
    cluster.run(1)
    assert len(cluster.acknowledged) > served, f"seed {seed}: nothing is served two seconds after the heal"
    return cluster


@pytest.mark.parametrize("part", range(3))
def test_crashes_power_cuts_partitions_loss_and_duplicates_break_no_invariant(make_cluster, part):
    """Figure 3: election safety, log matching, leader completeness and state-machine safety always hold."""
    for seed in range(6 * part, 6 * part + 6):
        torment(make_cluster, seed)


SNAPSHOTS = [
    {"snapshot_after": 3, "snapshot_chunk": 64},
    {"snapshot_after": 3},
    {"snapshot_after": 8, "snapshot_chunk": 512, "batch": 1},
]


@pytest.mark.parametrize("settings", SNAPSHOTS, ids=str)
def test_snapshots_every_few_entries_break_no_invariant(make_cluster, settings):
    """7: figure 3 holds through compaction, restarts from snapshots and installed ones."""
    seen = set()
    for seed in range(3):
        seen |= {kind for _, kind, _ in torment(make_cluster, seed, **settings).notes}
    assert {"snapshot-taken", "snapshot-installed"} <= seen


def test_a_follower_catches_up_by_snapshot_while_the_leader_goes_on_compacting(make_cluster):
    """7, thesis 5.1: a slow transfer ends, however fast the log grows."""
    cluster = make_cluster(snapshot_after=3, snapshot_chunk=20)
    cluster.add_clients(8)
    cluster.run(1)
    away = next(name for name in cluster.names if name != cluster.leader())
    cluster.isolate(away)
    cluster.run(1)
    cluster.heal()
    cluster.run_until(
        lambda: cluster.node(away).applied_index >= cluster.node(cluster.leader()).applied_index, 2
    )
    assert "snapshot-installed" in {kind for name, kind, _ in cluster.notes if name == away}
    cluster.clients = {}
    cluster.run(0.5)
    states = [cluster.node(name).machine.snapshot() for name in cluster.names]
    assert states == [states[0]] * 5


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


def test_two_servers_with_one_seed_draw_different_timeouts(make_cluster):
    """5.2: the spread makes split votes rare, so a common seed must not undo it."""
    cluster = make_cluster()
    assert len({cluster.node(name).patience for name in cluster.names}) == 5


def test_three_of_five_elect_one_of_them_and_go_on_when_it_dies(make_cluster):
    """5.2: the cluster has a leader as long as a majority can talk to each other."""
    cluster = make_cluster()
    cluster.run_until(lambda: bool(cluster.leader()), 5)
    for _ in range(2):
        leader = cluster.leader()
        cluster.kill(leader)
        cluster.run_until(lambda: bool(cluster.leader()), 5)
    cluster.kill(cluster.leader())
    cluster.run(5)
    assert cluster.leader() == ""
