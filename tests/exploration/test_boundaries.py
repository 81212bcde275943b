"""Crashes at every point between two effects."""

from dataclasses import replace

import pytest

from splitbrain.exploration.boundaries import crash_everywhere, crash_points, scenario
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.exploration.space import Limits, open_space


def small(*bugs):
    case = scenario(open_space("kv", bugs, Limits()))
    return replace(case, plan=replace(case.plan, duration=0.6))


def test_there_is_a_point_after_every_effect_by_kill_and_by_power_cut():
    case = small()
    resolved = resolve(case)
    census = simulate(case, resolved, census=True).census
    points = crash_points(case, resolved)
    assert len(points) == len(set(points)) == 2 * sum(census.values())
    assert {(point.node, point.label) for point in points} == set(census)
    assert {"persist", "sync", "reply write_ok"} <= {point.label for point in points}
    ordinals = [point.ordinal for point in points]
    assert ordinals == sorted(ordinals)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_early_answer_is_convicted_at_power_cuts_alone(jobs):
    boundaries = crash_everywhere(small("ack-before-sync"), jobs=jobs)
    assert boundaries.tried == boundaries.points
    assert boundaries.harmful
    assert all(each.point.power for each in boundaries.harmful)
    assert {kind for each in boundaries.harmful for kind in each.kinds} == {"LIN"}
    assert len(boundaries.harmful) < boundaries.points / 2


def test_no_crash_harms_the_sane_system():
    boundaries = crash_everywhere(small())
    assert boundaries.tried == boundaries.points > 50
    assert not boundaries.harmful


def test_it_can_end_at_the_first_harm():
    boundaries = crash_everywhere(small("ack-before-sync"), stop_at_first=True)
    assert len(boundaries.harmful) == 1
    assert boundaries.tried < boundaries.points


def test_the_scenario_of_raft_holds_an_election_and_serves():
    case = scenario(open_space("raft", (), Limits()))
    assert case.nodes == 3
    outcome = simulate(case, resolve(case))
    assert any(note.kind == "elected" for notes in outcome.notes.values() for note in notes)
    assert sum(line["type"] == "ok" for line in outcome.lines) > 5
