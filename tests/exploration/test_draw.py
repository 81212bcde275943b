"""What cases are drawn."""

from collections import Counter

import pytest

from splitbrain.errors import UsageError
from splitbrain.exploration.case import case_from_json
from splitbrain.exploration.dice import dice
from splitbrain.exploration.draw import draw, draw_case, surveyed
from splitbrain.exploration.space import Limits, open_space
from splitbrain.faults.schedule import validate_plan

SEEDS = range(300)


@pytest.fixture(scope="module")
def raft():
    return surveyed("raft", (), Limits())


@pytest.fixture(scope="module")
def drawn(raft):
    return [draw(raft, seed) for seed in SEEDS]


def test_the_same_seed_gives_the_same_case():
    first = [draw_case("kv", (), seed).to_json() for seed in range(20)]
    surveyed.cache_clear()
    assert [draw_case("kv", (), seed).to_json() for seed in range(20)] == first


def test_a_bug_changes_nothing_of_what_is_drawn():
    for seed in range(20):
        sane, mutated = draw_case("kv", (), seed), draw_case("kv", ("ack-before-sync",), seed)
        assert {**sane.to_json(), "bugs": ["ack-before-sync"]} == mutated.to_json()


def test_a_case_survives_its_file(drawn):
    for case in drawn:
        assert case_from_json(case.to_json()).to_json() == case.to_json()


def test_every_plan_can_be_carried_out(raft, drawn):
    roles, kinds = tuple(raft.described.roles), {each.kind for each in raft.vocabulary.notes}
    for case in drawn:
        validate_plan(case.plan, raft.faults, case.names, roles, kinds)


def test_crash_points_and_stray_messages_name_what_there_is(raft, drawn):
    labels, types = dict(raft.vocabulary.labels), dict(raft.vocabulary.messages)
    for case in drawn:
        for point in case.crash_points:
            assert point.node in case.names
            assert point.ordinal < labels[point.label]
        for deviation in case.deviations:
            assert {deviation.message.source, deviation.message.destination} <= set(case.names)
            assert deviation.message.ordinal < types[deviation.message.type]


def test_everything_takes_part_now_and_then(raft, drawn):
    faults = Counter(entry.fault for case in drawn for entry in case.plan.faults)
    assert set(faults) == set(raft.faults)
    assert {case.nodes for case in drawn} == set(raft.sizes())
    assert {case.workload for case in drawn} == set(raft.workloads)
    waiting = Counter(e.when.note for case in drawn for e in case.plan.faults if e.when is not None)
    heard = {each.kind for each in raft.vocabulary.notes}
    assert set(waiting) <= heard
    assert len(waiting) > len(heard) / 2
    assert {len(case.crash_points) for case in drawn} >= {0, 1, 2, 3}
    lasting = [case for case in drawn if case.plan.duration > case.patience]
    assert 0 < len(lasting) < len(drawn) / 5


def test_much_is_left_out_of_each_case(drawn):
    kinds = [len({entry.fault for entry in case.plan.faults}) for case in drawn]
    assert sum(count <= 2 for count in kinds) > len(drawn) / 2
    assert max(kinds) >= 3


def test_faults_overlap(drawn):
    def overlaps(plan):
        timed = [entry for entry in plan.faults if entry.at is not None]
        return any(one.at < other.at < one.at + one.lasts for one in timed for other in timed)

    assert sum(overlaps(case.plan) for case in drawn) > len(drawn) / 5


def test_another_fault_reshuffles_nothing_else():
    small = open_space("raft", (), Limits(faults=("kill",)))
    large = open_space("raft", (), Limits(faults=("kill", "pause", "power-cut")))
    plans = 0
    for seed in range(50):
        one, other = draw(small, seed), draw(large, seed)
        parts = ("nodes", "workload", "settings", "concurrency", "rate", "operation_timeout", "environment")
        assert [getattr(one, part) for part in parts] == [getattr(other, part) for part in parts]
        assert one.plan.duration == other.plan.duration
        plans += one.plan != other.plan
    assert plans > 0


def test_the_user_s_limits_hold():
    space = open_space("raft", (), Limits(nodes=4, workload="kv", faults=("pause",)))
    for seed in range(50):
        case = draw(space, seed)
        assert (case.nodes, case.workload) == (4, "kv")
        assert {entry.fault for entry in case.plan.faults} <= {"pause"}
        assert not case.crash_points


def test_without_faults_nothing_goes_wrong():
    for seed in range(50):
        case = draw_case("kv", (), seed, limits=Limits(faults=()))
        assert not case.plan.faults
        assert not case.crash_points
        assert not case.deviations


def test_a_system_of_one_node_is_drawn_with_one():
    assert {draw_case("kv", (), seed).nodes for seed in range(50)} == {1}


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(nodes=1, faults=("partition",)), "partition needs at least 2 nodes"),
        (Limits(faults=("earthquake",)), "no fault 'earthquake'"),
        (Limits(workload="bank"), "no workload 'bank'"),
    ],
)
def test_what_can_t_be_had_is_a_usage_error(limits, said):
    with pytest.raises(UsageError, match=said):
        open_space("raft", (), limits)


def test_the_vocabulary_is_what_nodes_were_heard_to_say(raft):
    kinds = {each.kind: dict(each.fields) for each in raft.vocabulary.notes}
    assert kinds["voted"]["own"] == (False, True)
    assert set(kinds["role"]["role"]) == {"candidate", "follower", "leader"}
    # Names, digests and numbers tell no situations apart.
    assert not {"for", "leader", "term", "digest"} & {name for each in kinds.values() for name in each}
    assert "started" not in kinds
    assert {"persist", "sync", "send append_entries", "note elected"} <= {
        label for label, _ in raft.vocabulary.labels
    }


def test_dice_keep_to_their_distributions():
    these = dice(7, "test")
    assert all(2.0 <= these.spread(2.0, 50.0) <= 50.0 for _ in range(500))
    ordinals = Counter(these.ordinal(100) for _ in range(2000))
    assert min(ordinals) == 0
    assert max(ordinals) == 99
    assert ordinals[0] > 10 * ordinals[50]
    assert these.ordinal(0) == 0
    assert Counter(these.weighted([("a", 9.0), ("b", 1.0)]) for _ in range(1000))["a"] > 800
