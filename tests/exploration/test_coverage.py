"""Which rules ran while which fault was on."""

from collections import Counter
from dataclasses import replace

import pytest

from splitbrain.exploration.case import Case
from splitbrain.exploration.coverage import CALM, Coverage, measure, merge, rules_of
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.plan import Plan, PlannedFault
from splitbrain.systems.kv.bugs import AckBeforeSync
from splitbrain.systems.kv.node import KvNode

ALONE = PlannedFault("partition-1", "partition", 1.5, at=1.5, parameters={"shape": "leader-alone"})
PAUSE = PlannedFault("pause-1", "pause", 0.5, at=2.0, target="one")


def case(*faults):
    return Case("raft", 3, "register", 5, Plan(5, 3.5, 1.0, tuple(faults)))


@pytest.fixture(scope="module")
def parted():
    chosen = case(ALONE, PAUSE)
    return measure(chosen, resolve(chosen))[1]


def test_rules_are_the_public_methods_of_the_system_s_own_classes():
    rules = rules_of(KvNode)
    assert rules["serve"] == "node.serve"
    assert {"replay", "answer", "records_to_replay"} <= set(rules)
    assert not {"step", "__init__"} & set(rules)


def test_a_rule_that_a_bug_breaks_is_still_that_rule():
    assert rules_of(AckBeforeSync) == rules_of(KvNode)


def test_measuring_changes_nothing(parted):
    chosen = case(ALONE, PAUSE)
    resolved = resolve(chosen)
    plain, (measured, _) = simulate(chosen, resolved), measure(chosen, resolved)
    assert (plain.steps, plain.lines, plain.ended) == (measured.steps, measured.lines, measured.ended)


def test_calls_are_counted_under_the_faults_of_their_time(parted):
    elections = parted.rules["election.begin_election"]
    assert elections[CALM] > 0  # the first leader
    assert elections["partition"] > 0  # the one after it was cut off
    assert parted.notes["elected"]["partition"] == 1
    # The pause lies within the partition, so what ran during it counts for both.
    assert parted.rules["node.on_peer"]["pause"] < parted.rules["node.on_peer"]["partition"]
    assert parted.faults == (CALM, "partition", "pause")


def test_without_faults_everything_is_calm():
    chosen = case()
    coverage = measure(chosen, resolve(chosen))[1]
    assert coverage.faults == (CALM,)
    assert coverage.rules["election.begin_election"][CALM] > 0


def test_rules_that_nothing_reached_come_first(parted):
    assert "storage.recover" not in parted.rules  # a function, no rule of the node
    assert parted.unreached
    assert list(parted.to_json())[:2] == ["runs", "unreached"]
    for name in parted.unreached:
        assert not any(parted.rules[name].values())
    assert "election.begin_election" not in parted.unreached


def test_every_call_of_a_rule_is_counted():
    calls = Counter()

    class Counted(KvNode):
        def serve(self, src, body):
            calls["serve"] += 1
            return super().serve(src, body)

    chosen = Case("kv", 1, "kv", 3, Plan(3, 1.0, 0.5))
    resolved = replace(resolve(chosen), node=Counted)
    _, coverage = measure(chosen, resolved)
    assert sum(coverage.rules["node.serve"].values()) == calls["serve"] > 0


def test_coverages_add_up():
    one = Coverage(1, {"a": {CALM: 2}, "b": {}}, {"n": {CALM: 1}})
    other = Coverage(2, {"a": {CALM: 1, "kill": 4}, "b": {}}, {})
    total = merge([one, other])
    assert total.runs == 3
    assert total.rules["a"] == {CALM: 3, "kill": 4}
    assert total.unreached == ("b",)
    assert total.notes == {"n": {CALM: 1}}
