"""Administrators' requests to real nodes, and what only a simulator can do."""

from __future__ import annotations

import pytest

from splitbrain.backend import (
    ClientDisconnected,
    ClientMessage,
    ClientUnreachable,
    Kill,
    LinkCounters,
    LinkPolicy,
    Pause,
    Request,
    Restart,
    Resume,
    SetClock,
    SetDisk,
    SetLinks,
    SpoilDisk,
)

pytestmark = pytest.mark.cluster
KV = "splitbrain.systems.kv:KvSystem"
APPEND = {"type": "append", "key": "k", "value": "a"}


def client_events(harness):
    return [
        event
        for event in harness.events
        if isinstance(event, ClientMessage | ClientUnreachable | ClientDisconnected)
    ]


def test_a_request_that_is_made_twice_is_carried_out_twice_and_no_client_hears_of_it(deploy):
    harness = deploy(1, system=KV, watch=())
    for _ in range(2):
        assert harness.do(Request("n1", APPEND))["answer"]["type"] == "append_ok"
    assert harness.do(Request("n1", {"type": "read", "key": "k"}))["answer"]["value"] == "aa"
    assert client_events(harness) == []


def test_a_request_to_a_node_that_is_down_has_no_answer_and_does_not_wait_for_one(deploy):
    harness = deploy(1, watch=())
    harness.do(Kill("n1"))
    # Longer than the harness waits for anything.
    assert harness.do(Request("n1", {"type": "read"}, within=1000.0)) == {"answer": None}
    harness.do(Restart("n1"))
    assert harness.do(Request("n1", {"type": "read"}))["answer"]["values"] == []


def test_a_request_that_a_stopped_node_leaves_lying_is_given_up_and_its_late_answer_dropped(deploy):
    harness = deploy(1, watch=())
    harness.do(Pause("n1"))
    began = harness.cluster.now()
    assert harness.do(Request("n1", {"type": "write", "value": 1}, within=0.1)) == {"answer": None}
    assert harness.cluster.now() - began >= 100_000_000
    harness.do(Resume("n1"))
    assert harness.request("n1", type="read")["values"] == [1]
    assert len(client_events(harness)) == 1


@pytest.mark.parametrize(
    "action",
    [
        SetClock("n1", rate=1.1),
        SetDisk("n1", lose_syncs=True),
        SpoilDisk("n1", "wipe"),
        SetLinks("f", {("n1", "n2"): LinkPolicy(reorder=0.5)}),
    ],
)
def test_what_only_the_simulator_can_do_ends_with_a_sentence_that_says_so(deploy, action):
    done = deploy(2, watch=()).attempt(action)
    assert done.outcome == {}
    assert done.error.endswith("(--on sim).")


def test_no_line_between_real_processes_is_ever_reordered(deploy):
    assert deploy(2, watch=()).do(LinkCounters())["reordered"] == 0
