"""The reference systems on the local cluster: the whole way from a client's request to a synced log."""

from __future__ import annotations

import pytest

from splitbrain.backend import ClearLinks, Kill, LinkPolicy, NodeNoted, PowerCut, Restart, SetLinks

pytestmark = pytest.mark.cluster

KV = "splitbrain.systems.kv:KvSystem"
RAFT = "splitbrain.systems.raft:RaftSystem"


def leaders(harness) -> list[str]:
    """Return who was elected, in the order in which it was noted."""
    return [
        event.node
        for event in harness.events
        if isinstance(event, NodeNoted) and event.kind == "role" and event.fields["role"] == "leader"
    ]


def test_kv_keeps_an_answered_write_through_kill_and_power_cut(deploy):
    harness = deploy(1, system=KV)
    for number, end in enumerate((Kill("n1"), PowerCut("n1", seed=1, tear=True))):
        assert harness.request("n1", type="write", key="x", value=number)["type"] == "write_ok"
        harness.do(end)
        harness.do(Restart("n1"))
        assert harness.request("n1", type="read", key="x")["value"] == number


def test_five_raft_nodes_elect_a_leader_and_another_once_it_is_cut_off_and_a_third_when_that_dies(deploy):
    harness = deploy(5, system=RAFT, watch=("role",))
    harness.settle(lambda: leaders(harness), "a leader")
    first = leaders(harness)[-1]
    others = [node for node in harness.cluster.nodes if node != first]
    cut = LinkPolicy(cut=True)
    harness.do(
        SetLinks("alone", {ends: cut for other in others for ends in ((first, other), (other, first))})
    )
    harness.settle(lambda: leaders(harness)[-1] != first, "a leader of the majority")
    second = leaders(harness)[-1]
    harness.do(ClearLinks("alone"))
    before = len(leaders(harness))
    harness.do(Kill(second))
    harness.settle(lambda: len(leaders(harness)) > before and leaders(harness)[-1] != second, "a new leader")
    write = {"type": "write", "key": "x", "value": 1}
    harness.settle(lambda: harness.request(leaders(harness)[-1], **write)["type"] == "write_ok", "a commit")
    assert harness.do(Restart(second))["pid"]


def test_a_raft_node_that_was_down_gets_a_snapshot_and_comes_back_from_it(deploy):
    harness = deploy(
        3, system=RAFT, watch=("role", "snapshot-installed"), snapshot_after=3, snapshot_chunk=64
    )
    harness.settle(lambda: leaders(harness), "a leader")
    leader = leaders(harness)[-1]
    away = next(node for node in harness.cluster.nodes if node != leader)
    harness.do(Kill(away))
    for number in range(10):
        write = {"type": "write", "key": f"k{number}", "value": number}
        harness.settle(lambda write=write: harness.request(leader, **write)["type"] == "write_ok", "a commit")
    harness.do(Restart(away))
    harness.settle(
        lambda: any(
            isinstance(event, NodeNoted) and event.node == away and event.kind == "snapshot-installed"
            for event in harness.events
        ),
        "the snapshot",
    )
    for _ in range(2):
        harness.do(PowerCut(away, seed=1))
        assert harness.do(Restart(away))["pid"]
    read = {"type": "read", "key": "k0"}
    harness.settle(lambda: harness.request(leader, **read).get("value") == 0, "a read")
