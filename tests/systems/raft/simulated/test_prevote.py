"""Servers that are cut off, or can't hear, disturb nobody (thesis 9.6 and 4.2.3), in virtual time."""

from __future__ import annotations


def settled(cluster):
    cluster.run_until(lambda: bool(cluster.leader()), 5)
    cluster.run(0.5)
    return cluster.leader()


def test_a_server_that_was_cut_off_returns_without_deposing_the_leader(make_cluster):
    """9.6: its term did not rise while it was alone."""
    cluster = make_cluster()
    leader = settled(cluster)
    term = cluster.node(leader).term
    away = next(name for name in cluster.names if name != leader)
    cluster.isolate(away)
    cluster.run(5)
    cluster.heal()
    cluster.run(2)
    assert cluster.leader() == leader
    assert {cluster.node(name).term for name in cluster.names} == {term}
    assert cluster.node(away).leader == leader


def test_a_server_that_can_send_but_not_receive_keeps_nobody_from_leading(make_cluster):
    """9.6: the others grant its pre-votes again and again, and still elect one of themselves."""
    cluster = make_cluster()
    leader = settled(cluster)
    deaf = next(name for name in cluster.names if name != leader)
    cluster.cuts = {(name, deaf) for name in cluster.names}
    cluster.run(2)
    assert cluster.leader() == leader
    cluster.kill(leader)
    cluster.run(3)
    assert cluster.leader() not in ("", leader, deaf)
    assert any(kind == "pre-voted" and fields["for"] == deaf for _, kind, fields in cluster.notes)
