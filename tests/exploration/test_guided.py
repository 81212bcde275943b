"""Scripts written by Hypothesis."""

import pytest
from hypothesis import HealthCheck, given, settings

from splitbrain.checkers.verdict import NodeNote
from splitbrain.exploration.assess import assess
from splitbrain.exploration.campaign import plan_campaign
from splitbrain.exploration.case import case_from_json
from splitbrain.exploration.draw import surveyed
from splitbrain.exploration.guided import cases, explore, features
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.exploration.space import Limits
from splitbrain.faults.schedule import validate_plan

RAFT = surveyed("raft", (), Limits())


@given(cases(RAFT))
@settings(
    max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
def test_every_script_is_a_case_that_can_be_carried_out(case):
    assert case_from_json(case.to_json()).to_json() == case.to_json()
    kinds = {each.kind for each in RAFT.vocabulary.notes}
    validate_plan(case.plan, RAFT.faults, case.names, tuple(RAFT.described.roles), kinds)


@pytest.fixture(scope="module")
def search():
    task = plan_campaign("kv", ("ack-before-sync",), Limits(), sample=2)
    return explore(task, seeds=300)


def test_a_search_finds_a_bug_and_keeps_its_case(search):
    campaign, failing = search
    (found,) = campaign.findings
    case = failing[found.seed]
    resolved = resolve(case)
    assert found.kinds == assess(resolved, simulate(case, resolved)).kinds
    assert campaign.runs <= 300
    assert campaign.coverage.runs > 0


def test_the_same_search_finds_the_same(search):
    campaign, failing = search
    again, cases_again = explore(campaign.task, seeds=300)
    assert again.findings == campaign.findings
    assert cases_again == failing


def test_a_search_ends_after_the_runs_that_it_was_given():
    campaign, failing = explore(plan_campaign("kv", (), Limits(), sample=0), first=7, seeds=12)
    assert (campaign.first, campaign.runs) == (7, 12)
    assert not failing


def test_features_are_notes_their_flags_and_their_order():
    class Seen:
        def __init__(self, *kinds):
            self.notes = {
                "n1": [
                    NodeNote("n1", at, at, kind, {"own": True, "term": at}) for at, kind in enumerate(kinds)
                ]
            }

    one, other = features(Seen("voted", "elected")), features(Seen("elected", "voted"))
    assert ("voted", ("own", True)) in one & other
    assert one != other
    assert features(Seen("voted", "voted")) == {("voted", ("own", True))}
