"""Campaigns: what counts, when they end, and what they may claim."""

from pathlib import Path

import pytest

from splitbrain.exploration.campaign import Task, explore, plan_campaign
from splitbrain.exploration.space import Limits
from splitbrain.exploration.summary import judge, verdict_of
from splitbrain.exploration.vocabulary import Vocabulary

DOUBTFUL = Path(__file__).with_name("doubtful.py")


@pytest.fixture(scope="module")
def kv():
    return plan_campaign("kv", (), Limits(), sample=4)


@pytest.fixture(scope="module")
def broken():
    return plan_campaign("kv", ("ack-before-sync",), Limits(), sample=4)


def test_a_campaign_runs_the_seeds_that_it_was_given(kv):
    met = []
    campaign = explore(kv, first=100, seeds=12, progress=lambda tally: met.append(tally.runs))
    assert met == list(range(1, 13))
    assert (campaign.first, campaign.runs) == (100, 12)
    assert campaign.virtual > 12 * 10**9
    assert campaign.steps > 0
    assert campaign.coverage.runs == 3


def test_it_ends_at_the_first_violation(broken):
    campaign = explore(broken, seeds=300)
    (found,) = campaign.findings
    assert campaign.runs == found.seed + 1 < 300
    assert found.kinds == ("LIN",)
    assert judge(campaign) == (False, f"1 of {campaign.runs} runs broke a promise: LIN.")


def test_it_goes_on_if_it_is_to(broken):
    campaign = explore(broken, seeds=60, keep_going=True)
    assert campaign.runs == 60
    assert len(campaign.findings) > 1
    assert [each.seed for each in campaign.findings] == sorted(each.seed for each in campaign.findings)
    (grouped,) = verdict_of(campaign, {"LIN": "found.json"})["violations"]
    assert grouped["runs"] == len(campaign.findings)
    assert grouped["seeds"][0] == campaign.findings[0].seed
    assert grouped["replay"] == "splitbrain replay found.json"


def test_the_same_seeds_of_the_sane_system_show_nothing(kv):
    campaign = explore(kv, seeds=60)
    assert campaign.runs == 60
    assert not campaign.findings
    assert judge(campaign)[0] is True


def test_a_violation_that_does_not_come_back_convicts_nobody():
    task = Task(f"{DOUBTFUL}:ForgetfulSystem", (), Limits(), Vocabulary(), sample=0)
    campaign = explore(task, seeds=4)
    assert not campaign.findings
    assert campaign.unrepeated
    valid, reason = judge(campaign)
    assert valid == "unknown"
    assert "not deterministic" in reason


def test_a_campaign_that_missed_a_milestone_is_no_pass():
    task = Task(f"{DOUBTFUL}:DreamingSystem", (), Limits(), Vocabulary(), sample=0)
    campaign = explore(task, seeds=4)
    assert campaign.milestones["write"] == 4
    assert judge(campaign) == ("unknown", "No run saw an eclipse.")


def test_one_that_the_user_restricted_may_miss_it():
    task = Task(f"{DOUBTFUL}:DreamingSystem", (), Limits(faults=("kill",)), Vocabulary(), sample=0)
    campaign = explore(task, seeds=4)
    assert campaign.missed == ("eclipse",)
    assert judge(campaign)[0] is True


def test_an_interrupt_ends_it_with_what_there_is(kv):
    def interrupt(tally):
        if tally.runs == 5:
            raise KeyboardInterrupt

    campaign = explore(kv, seeds=100, progress=interrupt)
    assert campaign.runs == 5
    assert campaign.interrupted
    assert judge(campaign)[0] == "unknown"


def test_it_ends_when_its_time_is_up(kv):
    campaign = explore(kv, seconds=1e-9)
    assert campaign.runs == 1
