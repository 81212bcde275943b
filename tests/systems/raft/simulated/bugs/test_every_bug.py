"""What holds for every seeded bug."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import splitbrain.systems.raft as package
from splitbrain.systems.description import find_bug, mutated
from splitbrain.systems.raft.node import RaftNode
from splitbrain.systems.raft.system import RaftSystem

BUGS = [bug.name for bug in RaftSystem.bugs]


@pytest.mark.parametrize("bug", BUGS)
def test_a_seeded_bug_survives_a_run_without_faults(make_cluster, settings, bug):
    cluster = make_cluster(bug, seed=3, **settings([bug]))
    cluster.add_clients(5)
    cluster.run(1.5)
    cluster.check_logs()
    assert len(cluster.acknowledged) > 75


@pytest.mark.parametrize("bug", RaftSystem.bugs, ids=BUGS)
def test_a_bug_overrides_exactly_one_rule_and_names_its_source_and_plan(bug):
    own = [name for name, value in vars(bug.node).items() if callable(value)]
    assert len(own) == 1
    assert hasattr(RaftNode, own[0])
    assert bug.source
    assert {find_bug(RaftSystem, name).plan for name in bug.needs} <= {bug.plan}
    plan = json.loads((Path(package.__file__).parent / "plans" / bug.plan).read_text())
    assert plan["faults"]
    if bug.options.get("on") != "sim":
        assert plan["duration"] + plan["recovery"] <= 15


def test_bugs_combine_into_one_node():
    node = mutated(RaftSystem, tuple(BUGS))
    assert all(issubclass(node, bug.node) for bug in RaftSystem.bugs)
    assert node("n1", ["n2"], {}).majority == 2
