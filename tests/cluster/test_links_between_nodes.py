"""Link policies on real processes: each is laid, seen to bite, and lifted."""

from __future__ import annotations

import pytest

from splitbrain.backend import (
    CLIENTS,
    ClearLinks,
    ClientMessage,
    LinkCounters,
    LinkPolicy,
    Probe,
    SetLinks,
)

pytestmark = pytest.mark.cluster

BOTH_WAYS = (("n1", "n2"), ("n2", "n1"))


@pytest.fixture
def pair(deploy):
    """Two nodes whose links carry lines."""
    harness = deploy(2)
    harness.connect()
    return harness


def arrives(harness, source="n1", destination="n2", within=0.1) -> bool:
    return harness.do(Probe(source, destination, within))["arrived"]


def test_a_one_way_cut_blocks_one_way_and_heals(pair):
    assert pair.do(SetLinks("cut", {("n1", "n2"): LinkPolicy(cut=True)})) == {"links": 1}
    assert not arrives(pair)
    assert arrives(pair, "n2", "n1")
    assert pair.do(ClearLinks("cut")) == {"links": 1}
    assert arrives(pair)


def test_a_cut_both_ways_blocks_both_ways_and_messages_sent_meanwhile_are_lost(pair):
    pair.do(SetLinks("cut", dict.fromkeys(BOTH_WAYS, LinkPolicy(cut=True))))
    assert not arrives(pair)
    assert not arrives(pair, "n2", "n1")
    pair.request("n1", type="say", to="n2", count=3)
    pair.settle(lambda: pair.do(LinkCounters())["dropped"] >= 3 + 2)
    pair.do(ClearLinks("cut"))
    assert arrives(pair)
    assert pair.heard("n2", "n1") == []


def test_a_held_link_delivers_everything_in_order_after_it_heals(pair):
    pair.do(SetLinks("hold", {("n1", "n2"): LinkPolicy(hold=True)}))
    pair.request("n1", type="say", to="n2", count=50)
    assert not arrives(pair)
    assert pair.heard("n2", "n1") == []
    pair.do(ClearLinks("hold"))
    pair.settle(lambda: len(pair.heard("n2", "n1")) >= 50)
    assert pair.heard("n2", "n1") == list(range(50))
    assert pair.do(LinkCounters())["held"] >= 50


def test_a_delay_is_what_a_probe_measures(pair):
    pair.do(SetLinks("slow", {("n1", "n2"): LinkPolicy(delay=0.08)}))
    outcome = pair.do(Probe("n1", "n2", 2.0))
    assert outcome["arrived"]
    assert 0.08 <= outcome["seconds"] < 0.5
    assert pair.do(LinkCounters())["delayed"] >= 1
    pair.do(ClearLinks("slow"))
    assert pair.do(Probe("n1", "n2"))["seconds"] < 0.08


def test_a_lossy_link_loses_and_doubles_whole_messages_and_counts_them(pair):
    pair.do(SetLinks("lossy", {("n1", "n2"): LinkPolicy(loss=0.3, duplicate=0.3)}))
    before = pair.do(LinkCounters())
    pair.request("n1", type="say", to="n2", count=400)
    pair.settle(lambda: pair.do(LinkCounters())["lines"] >= before["lines"] + 400)
    pair.do(ClearLinks("lossy"))
    assert arrives(pair, within=2.0)
    counters = pair.do(LinkCounters())
    assert 70 < counters["lost"] < 170
    assert 50 < counters["duplicated"] < 130
    pair.settle(lambda: len(pair.heard("n2", "n1")) >= 400 - counters["lost"] + counters["duplicated"])
    heard = pair.heard("n2", "n1")
    assert heard == sorted(heard)
    assert len(heard) - len(set(heard)) == counters["duplicated"]
    assert 400 - len(set(heard)) == counters["lost"]


def test_a_throttled_link_takes_its_time_with_long_messages(pair):
    pair.do(SetLinks("slow", {("n1", "n2"): LinkPolicy(rate=100_000.0)}))
    began = pair.cluster.now()
    pair.request("n1", type="say", to="n2", count=4, padding=5_000)
    pair.settle(lambda: len(pair.heard("n2", "n1")) == 4)
    assert (pair.cluster.now() - began) / 1e9 >= 4 * 5_000 / 100_000


def test_faults_that_overlap_on_a_link_end_one_by_one(pair):
    pair.do(SetLinks("first", {("n1", "n2"): LinkPolicy(cut=True)}))
    pair.do(SetLinks("second", dict.fromkeys(BOTH_WAYS, LinkPolicy(cut=True))))
    pair.do(ClearLinks("first"))
    assert not arrives(pair)
    pair.do(ClearLinks("second"))
    assert arrives(pair)
    assert arrives(pair, "n2", "n1")
    assert pair.do(ClearLinks("second")) == {"links": 0}


def test_cutting_node_links_leaves_clients_alone(pair):
    pair.do(SetLinks("cut", dict.fromkeys(BOTH_WAYS, LinkPolicy(cut=True))))
    assert pair.request("n1", type="read")["type"] == "read_ok"


def test_a_request_to_a_node_that_is_cut_from_clients_has_no_effect(pair):
    pair.do(SetLinks("cut", {(CLIENTS, "n1"): LinkPolicy(cut=True)}))
    assert not arrives(pair, CLIENTS, "n1")
    pair.cluster.send("c2", "n1", {"type": "write", "value": 1, "msg_id": 1})
    assert pair.do(ClearLinks("cut")) == {"links": 1}
    assert arrives(pair, CLIENTS, "n1")
    assert pair.request("n1", client="c2", type="read")["values"] == []


def test_a_held_reply_reaches_its_client_after_the_heal(pair):
    pair.do(SetLinks("hold", {("n1", CLIENTS): LinkPolicy(hold=True), ("n2", "n1"): LinkPolicy(cut=True)}))
    pair.cluster.send("c2", "n1", {"type": "write", "value": 1, "msg_id": 1})
    pair.settle(lambda: pair.do(LinkCounters())["held"] >= 1)
    assert not [event for event in pair.events if isinstance(event, ClientMessage)]
    assert pair.do(ClearLinks("hold")) == {"links": 2}
    pair.once(ClientMessage, client="c2")
    assert arrives(pair, "n1", CLIENTS)


def test_a_link_of_a_node_that_does_not_exist_is_answered_with_a_sentence(pair):
    done = pair.attempt(SetLinks("cut", {("n1", "n9"): LinkPolicy(cut=True)}))
    assert done.error == "The cluster has no node 'n9'."


@pytest.mark.parametrize(
    ("links", "sentence"),
    [
        ({("n1", "n1"): LinkPolicy(cut=True)}, "There is no link from 'n1' to itself."),
        ({(CLIENTS, CLIENTS): LinkPolicy(cut=True)}, "There is no link from 'clients' to itself."),
        ({("n1", "n2"): LinkPolicy(rate=0.0)}, "A link's rate must be more than 0 bytes a second, not 0.0."),
    ],
)
def test_a_policy_that_means_nothing_is_answered_with_a_sentence_and_lays_nothing(pair, links, sentence):
    done = pair.attempt(SetLinks("own", {**links, ("n2", "n1"): LinkPolicy(cut=True)}))
    assert done.error == sentence
    assert pair.do(Probe("n2", "n1"))["arrived"]
