import random

import pytest

from splitbrain.backend import CLIENTS, ClearLinks, LinkPolicy, SetLinks
from splitbrain.errors import UsageError
from splitbrain.faults.base import ClusterView, UnresolvedTargetError
from splitbrain.faults.partition import SHAPES
from splitbrain.faults.record import FaultRecord
from splitbrain.faults.schedule import validate_plan
from splitbrain.faults.topology import split
from splitbrain.plan import Plan, PlannedFault, Trigger, plan_from_json

NODES = ("n1", "n2", "n3", "n4", "n5")
VIEW = ClusterView(NODES, roles={"leader": "n2"})


def entry(kind, target=None, *, when=None, at=1.0, lasts=1.0, **parameters):
    at = None if when else at
    return PlannedFault("f", kind, lasts, at=at, when=when, target=target, parameters=parameters)


def begin(faults, planned, view=VIEW, seed=1):
    return faults[planned.fault].begin(planned, view, random.Random(seed))


def refusal(faults, planned, nodes=NODES, roles=("leader",)):
    with pytest.raises(UsageError) as caught:
        validate_plan(Plan(1, 20.0, 3.0, (planned,)), faults, nodes, roles, kinds=("voted", "role"))
    return str(caught.value)


# Targets


@pytest.mark.parametrize(
    ("target", "count"), [(None, 1), ("one", 1), ("all", 5), ("minority", 2), ("majority", 3)]
)
def test_words_for_numbers_choose_that_many_nodes(faults, target, count):
    chosen = [begin(faults, entry("kill", target), seed=seed).nodes for seed in range(20)]
    assert {len(nodes) for nodes in chosen} == {count}
    assert count == 5 or len(set(chosen)) > 1


def test_roles_others_and_lists_name_nodes(faults):
    assert begin(faults, entry("pause", "leader")).nodes == ("n2",)
    assert begin(faults, entry("pause", "others")).nodes == ("n1", "n3", "n4", "n5")
    assert begin(faults, entry("pause", ("n5", "n1"))).nodes == ("n5", "n1")
    view = ClusterView(NODES, noter="n4")
    assert begin(faults, entry("pause", "others", when=Trigger("voted")), view).nodes == (
        "n1",
        "n2",
        "n3",
        "n5",
    )
    assert begin(faults, entry("pause", "noter", when=Trigger("voted")), view).nodes == ("n4",)


def test_choices_avoid_nodes_that_are_down_or_stopped_or_hit(faults):
    view = ClusterView(NODES, down=frozenset(["n1"]), paused=frozenset(["n2"]), hit=frozenset(["n3"]))
    for seed in range(20):
        assert set(begin(faults, entry("kill", "minority"), view, seed).nodes) == {"n4", "n5"}


def test_a_role_that_nobody_plays_is_unresolved(faults):
    for planned in (
        entry("kill", "leader"),
        entry("kill", "others"),
        entry("partition", shape="leader-alone"),
    ):
        with pytest.raises(UnresolvedTargetError, match="leader"):
            begin(faults, planned, ClusterView(NODES, roles={"leader": None}))


# Partitions


def test_every_shape_cuts_something_and_is_lifted_by_its_own_name(faults):
    for shape in SHAPES:
        injection = begin(faults, entry("partition", shape=shape))
        (laid,) = injection.begin
        assert isinstance(laid, SetLinks)
        assert laid.links
        assert set(laid.links.values()) == {LinkPolicy(cut=True)}
        assert set(injection.bites.links) == set(injection.heals.links) == set(laid.links)
        assert injection.end == (ClearLinks("f"),)


@pytest.mark.parametrize(
    ("parameters", "target", "lost"),
    [
        ({"shape": "leader-alone"}, None, ("n2",)),
        ({"shape": "one-node"}, ("n4",), ("n4",)),
        ({"shape": "halves"}, ("n1", "n2"), ("n1", "n2")),
        ({}, ("n1", "n2", "n3"), ("n4", "n5")),
        ({}, "others", ("n2",)),
        ({"groups": [["n1", "n2"], ["n3"]]}, None, ("n1", "n2", "n3")),
        ({"shape": "bridge"}, None, NODES),
        ({"shape": "majorities-ring"}, None, NODES),
        ({"shape": "one-way", "direction": "out"}, ("n1",), NODES),
    ],
)
def test_a_partition_costs_whoever_is_not_in_the_largest_clean_group(faults, parameters, target, lost):
    injection = begin(faults, entry("partition", target, **parameters))
    # Of two groups of equal size either may serve.
    assert injection.lost == lost or len(injection.lost) == len(lost) == 3


def test_halves_cut_a_minority_off(faults):
    sides = {begin(faults, entry("partition"), seed=seed).lost for seed in range(20)}
    assert {len(side) for side in sides} == {2}
    assert len(sides) > 3


def test_explicit_links_are_cut_as_they_stand(faults):
    injection = begin(faults, entry("partition", links=[["n1", "n2"], [CLIENTS, "n3"]]))
    assert set(injection.begin[0].links) == {("n1", "n2"), (CLIENTS, "n3")}
    assert injection.bites.links == (("n1", "n2"),)


def test_clients_of_the_smaller_side_are_cut_off_on_request_and_never_probed(faults):
    injection = begin(faults, entry("partition", ("n1",), clients=True, hold=True))
    links = injection.begin[0].links
    assert set(links) == split([["n1"]], NODES) | {(CLIENTS, "n1"), ("n1", CLIENTS)}
    assert set(links.values()) == {LinkPolicy(hold=True)}
    assert not [link for link in injection.bites.links if CLIENTS in link]


# Bad links


def test_what_a_network_may_always_do_costs_no_node_and_the_rest_all_that_it_hits(faults):
    for kind in ("duplicate", "reorder"):
        assert begin(faults, entry(kind, "all")).lost == ()
    for kind in ("slow", "lossy"):
        assert begin(faults, entry(kind, ("n1", "n2"))).lost == ("n1", "n2")


def test_each_bad_link_is_bad_in_its_own_way(faults):
    def laid(planned):
        return set(begin(faults, planned).begin[-1].links.values())

    assert laid(entry("duplicate", probability=0.2)) == {LinkPolicy(duplicate=0.2)}
    assert laid(entry("reorder", probability=0.2)) == {LinkPolicy(reorder=0.2)}
    assert laid(entry("lossy", loss=0.2)) == {LinkPolicy(loss=0.2)}
    assert laid(entry("slow", delay=0.2, jitter=0.1)) == {LinkPolicy(delay=0.2, jitter=0.1)}


# Validation


@pytest.mark.parametrize(
    ("planned", "words"),
    [
        (entry("flood"), "no fault 'flood'"),
        (entry("kill", "chairman"), "'chairman'"),
        (entry("kill", ("n9",)), "no node 'n9'"),
        (entry("kill", ("n1", "n1")), "twice"),
        (entry("kill", ()), "empty"),
        (entry("kill", "noter"), "trigger"),
        (entry("kill", speed=3), "no parameter 'speed'"),
        (entry("kill", lasts=0.0), "more than 0 seconds"),
        (entry("kill", at=25.0), "25 s into a run of 20 s"),
        (entry("kill", when=Trigger("voted", node="n9")), "'n9'"),
        (entry("kill", when=Trigger("dreamt")), "note 'dreamt'"),
        (entry("power-cut", tear="yes"), "true or false"),
        (entry("slow", delay=-1), "at least 0"),
        (entry("slow", delay=0), "nothing is slow"),
        (entry("slow", jitter=True), "`jitter`"),
        (entry("lossy", loss=1.5), "from 0 to 1"),
        (entry("duplicate", probability="often"), "'often'"),
        (entry("partition", shape="star"), "majorities-ring"),
        (entry("partition", shape="halves", groups=[["n1"]]), "one of"),
        (entry("partition", "all"), "two sides"),
        (entry("partition", NODES), "two sides"),
        (entry("partition", "leader", shape="bridge"), "takes no target"),
        (entry("partition", direction="in"), "one-way alone"),
        (entry("partition", shape="one-way", direction="up"), '"in" or "out"'),
        (entry("partition", groups=[["n1"], ["n1", "n2"]]), "two groups"),
        (entry("partition", groups=[list(NODES)]), "cut nothing"),
        (entry("partition", groups=[["n7"]]), "no node 'n7'"),
        (entry("partition", groups="n1"), "list of lists"),
        (entry("partition", links=[["n1", "n1"]]), "a pair"),
        (entry("partition", links=[["n1", "n2"]], clients=True), "two sides"),
        (entry("partition", "leader", links=[["n1", "n2"]]), "leave out target"),
    ],
)
def test_a_plan_that_can_not_be_carried_out_is_refused_with_its_reason(faults, planned, words):
    sentence = refusal(faults, planned)
    assert words in sentence
    assert sentence.startswith("f: ")
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("planned", "size", "words"),
    [
        (entry("partition"), 1, "at least 2 nodes"),
        (entry("partition", shape="majorities-ring"), 3, "at least 4 nodes"),
        (entry("partition", shape="bridge"), 2, "at least 3 nodes"),
        (entry("kill", "minority"), 2, "no minority"),
        (entry("kill", "others", when=Trigger("voted")), 1, '"others"'),
    ],
)
def test_a_cluster_that_is_too_small_for_a_fault_is_refused(faults, planned, size, words):
    assert words in refusal(faults, planned, NODES[:size])


def test_a_system_without_leaders_has_no_leader_to_isolate(faults):
    assert "leader" in refusal(faults, entry("partition", shape="leader-alone"), roles=())
    assert "leader" in refusal(faults, entry("kill", "leader"), roles=())
    assert "leader" in refusal(faults, entry("kill", "others"), roles=())


def test_a_plan_of_every_target_and_parameter_is_accepted(faults):
    document = {
        "version": 1,
        "duration": 20.0,
        "faults": [
            {
                "fault": "partition",
                "at": 1,
                "for": 1,
                "parameters": {"groups": [["n1"], ["n2", "n3"]], "clients": True},
            },
            {"fault": "partition", "at": 1, "for": 1, "parameters": {"shape": "one-way", "direction": "out"}},
            {"fault": "kill", "when": {"note": "voted", "node": "leader"}, "for": 1, "target": "noter"},
            {"fault": "power-cut", "at": 1, "for": 1, "target": ["n1", "n3"], "parameters": {"tear": False}},
            {
                "fault": "slow",
                "at": 1,
                "for": 1,
                "target": "minority",
                "parameters": {"delay": 0.1, "jitter": 1},
            },
            {"fault": "lossy", "at": 1, "for": 1, "target": "leader", "parameters": {"loss": 1}},
            {"fault": "duplicate", "at": 1, "for": 1, "target": "all"},
        ],
    }
    plan = plan_from_json(document)
    validate_plan(plan, faults, NODES, ("leader",), kinds=("voted",))
    assert plan_from_json(plan.to_json()) == plan


def test_a_record_survives_its_file():
    import dataclasses
    import json

    record = FaultRecord(
        "k", "kill", ("n1",), ("n1",), began=1, ended=2, cleared=3, bit=True, evidence=({"a": 1},)
    )
    assert FaultRecord.from_json(json.loads(json.dumps(dataclasses.asdict(record)))) == record
