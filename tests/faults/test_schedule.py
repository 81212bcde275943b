import math
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitbrain.errors import UsageError
from splitbrain.faults.schedule import QUIET_START, SHORT_GAP, SHORT_WINDOW, STAGGER, draw_plan, validate_plan
from splitbrain.plan import plan_from_json
from splitbrain.registry import find
from splitbrain.registry import names as registered
from splitbrain.runner.timeline import claims, stretches

SECOND = 1_000_000_000
EVERY = {name: find("faults", name).value() for name in registered("faults")}
USUAL = [EVERY[name] for name in ("partition", "kill", "pause")]

chosen_faults = st.lists(st.sampled_from(sorted(EVERY)), min_size=1, max_size=5, unique=True).map(
    lambda names: [EVERY[name] for name in names]
)


def names(size):
    return tuple(f"n{number}" for number in range(1, size + 1))


def draw(faults=USUAL, size=5, seed=1, duration=20.0, recovery=3.0, **more):
    return draw_plan(
        faults, names(size), duration=duration, recovery=recovery, seed=seed, roles=("leader",), **more
    )


def slots(plan):
    """Join windows that overlap: (start, end, entries)."""
    joined = []
    for entry in plan.faults:
        end = entry.at + entry.lasts
        if joined and entry.at < joined[-1][1]:
            start, last, entries = joined[-1]
            joined[-1] = (start, max(last, end), [*entries, entry])
        else:
            joined.append((entry.at, end, [entry]))
    return joined


@given(chosen_faults, st.integers(2, 9), st.integers(0, 10**6), st.floats(40, 300), st.floats(0.5, 5))
@settings(max_examples=150, deadline=None)
def test_every_plan_places_each_fault_twice_with_quiet_between_and_ends_in_time(
    faults, size, seed, duration, recovery
):
    plan = draw(faults, size, seed, duration, recovery)
    counts = Counter(entry.fault for entry in plan.faults)
    assert set(counts) == {fault.name for fault in faults}
    assert min(counts.values()) >= 2
    assert max(counts.values()) - min(counts.values()) == 0
    assert plan.faults[0].at >= QUIET_START
    assert all(entry.at + entry.lasts <= duration for entry in plan.faults)
    assert all(entry.lasts >= SHORT_WINDOW for entry in plan.faults)
    rows = slots(plan)
    assert all(later[0] - earlier[1] >= SHORT_GAP - 0.01 for earlier, later in pairwise(rows))
    assert all(len(entries) <= 2 for _, _, entries in rows)
    assert len({entry.id for entry in plan.faults}) == len(plan.faults)
    assert plan.recovery > recovery


@given(chosen_faults, st.integers(2, 9), st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_every_plan_is_valid_and_survives_its_file(faults, size, seed):
    plan = draw(faults, size, seed, 60.0)
    validate_plan(plan, EVERY, names(size), ("leader",), kinds=())
    assert plan_from_json(plan.to_json()) == plan


@given(chosen_faults, st.integers(2, 9), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_a_seed_always_draws_the_same_plan(faults, size, seed):
    assert draw(faults, size, seed, 60.0) == draw(faults, size, seed, 60.0)


def test_seeds_draw_different_plans():
    assert len({str(draw(seed=seed)) for seed in range(30)}) == 30


@given(st.integers(3, 9), st.integers(0, 10**6), st.sampled_from(["majority", "any"]))
@settings(max_examples=100, deadline=None)
def test_the_first_occurrence_of_each_fault_leaves_the_system_what_it_needs(size, seed, availability):
    faults = USUAL
    plan = draw(faults, size, seed, 60.0, availability=availability)
    cost = {"leader": 1, None: 1, "one": 1, "minority": (size - 1) // 2}
    shape_cost = {"leader-alone": 1, "one-node": 1, "halves": (size - 1) // 2}
    seen = set()
    for _, _, entries in slots(plan):
        first = [entry for entry in entries if entry.fault not in seen]
        seen.update(entry.fault for entry in entries)
        if len(first) == len(entries):
            lost = sum(
                shape_cost[entry.parameters["shape"]] if entry.fault == "partition" else cost[entry.target]
                for entry in entries
            )
            assert claims(availability, lost, size)


def test_twenty_seconds_of_the_usual_faults_can_hold_the_system_to_its_claim():
    for seed in range(200):
        plan = draw(seed=seed)
        assert Counter(entry.fault for entry in plan.faults) == {"partition": 2, "kill": 2, "pause": 2}
        rows = slots(plan)
        assert any(len(entries) == 2 for _, _, entries in rows)
        assert any(later[0] - earlier[1] > 3.5 for earlier, later in pairwise(rows))
        long_enough = {
            entry.fault
            for start, end, entries in rows
            if end - start - 2 * STAGGER > 3.0
            for entry in entries
        }
        assert long_enough == {"partition", "kill", "pause"}


def test_targets_mix_the_leader_with_random_nodes_and_wild_ones_occur():
    plans = [draw(seed=seed, duration=duration) for seed in range(100) for duration in (20.0, 120.0)]
    entries = [entry for plan in plans for entry in plan.faults]
    kills = Counter(entry.target for entry in entries if entry.fault == "kill")
    assert kills["leader"] > kills["all"] > 0
    assert kills["minority"] > 0
    shapes = Counter(entry.parameters["shape"] for entry in entries if entry.fault == "partition")
    assert set(shapes) == {"leader-alone", "halves", "one-node", "one-way", "bridge", "majorities-ring"}


def test_three_nodes_are_never_hit_by_two_faults_at_once():
    for seed in range(50):
        assert all(len(entries) == 1 for _, _, entries in slots(draw(size=3, seed=seed)))


def test_a_fault_that_another_could_hide_overlaps_none():
    kinds = [EVERY[name] for name in ("lost-sync", "kill", "partition", "pause")]
    plans = [draw(kinds, seed=seed, duration=40.0) for seed in range(60)]
    rows = [entries for plan in plans for _, _, entries in slots(plan)]
    assert any(len(entries) == 2 for entries in rows)
    assert all(len(entries) == 1 for entries in rows if "lost-sync" in [entry.fault for entry in entries])


def test_drawn_drifts_keep_to_the_bound_that_the_system_gives():
    def drifts(bound):
        plans = [draw([EVERY["clock-skew"]], seed=seed, clock_bound=bound) for seed in range(30)]
        return [entry.parameters.get("drift", 0.0) for plan in plans for entry in plan.faults]

    assert set(drifts(0.0)) == {0.0}
    assert 0.04 < max(map(abs, drifts(0.05))) <= 0.05


def test_a_time_that_is_too_short_names_the_least_that_will_do():
    with pytest.raises(UsageError, match="least --time-limit is") as caught:
        draw(duration=3.0)
    least = float(str(caught.value).rsplit(" ", 1)[1].rstrip("."))
    assert len(draw(duration=least).faults) == 6
    with pytest.raises(UsageError):
        draw(duration=math.nextafter(least - 0.1, 0))


def test_a_partition_of_one_node_is_refused():
    with pytest.raises(UsageError, match="at least 2 nodes"):
        draw(size=1)


def test_faults_keep_the_names_under_which_they_were_asked_for():
    plan = draw({"./mine.py:Kill": EVERY["kill"]})
    assert next((entry.id, entry.fault) for entry in plan.faults) == ("kill-1", "./mine.py:Kill")


def elect(scene, term):
    """Let a node that runs and is linked to a majority lead, if the leader does not; return the term."""
    cluster = scene.cluster

    def serves(node):
        linked = [
            other
            for other in cluster.nodes
            if other == node
            or (
                cluster.runs(other)
                and not cluster.link(node, other).cut
                and not cluster.link(other, node).cut
            )
        ]
        return cluster.runs(node) and len(linked) > len(cluster.nodes) / 2

    able = [node for node in cluster.nodes if serves(node)]
    if not able or scene.leader in [(node, cluster.processes[node].pid) for node in able]:
        return term
    leader = cluster.leader = able[term % len(able)]
    scene.leader = (leader, cluster.processes[leader].pid)
    cluster.note(leader, "role", role="leader", term=term + 1)
    return term + 1


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_random_plans_bite_and_heal_on_a_cluster_that_elects_leaders(stage, size):
    kinds = [fault for fault in EVERY.values() if fault.minimum_nodes <= size]
    for seed in range(12):
        faults = kinds if seed % 2 else [fault for fault in USUAL if fault in kinds]
        usual = 20.0 if size >= 5 else 50.0
        plan = draw(faults, size, seed, 120.0 if seed % 2 else usual)
        scene = stage(plan, size)
        scene.leader, term = None, 0
        for tick in range(round(plan.duration * 5)):
            term = elect(scene, term)
            for node in scene.cluster.nodes:
                scene.cluster.write(node)
            scene.run((tick + 1) / 5)
        scene.heal()
        assert scene.whole
        for record in scene.nemesis.records:
            assert (record.bit, record.healed, record.error) == (True, True, None), (seed, record)
        every = stretches(scene.nemesis.records, scene.cluster.clock + 4 * SECOND)
        held = [
            each for each in every if claims("majority", len(each.lost), size) and each.end - each.start > 3e9
        ]
        assert any(not each.active for each in held)
        assert size < 3 or any(each.active for each in held)
