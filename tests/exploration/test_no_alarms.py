"""The unmutated systems under whatever a seed draws: any violation is a mistake of ours, or of theirs."""

from __future__ import annotations

import pytest

from splitbrain.exploration.campaign import explore, plan_campaign
from splitbrain.exploration.pool import cores
from splitbrain.exploration.space import Limits


def run(system, first, seeds):
    return explore(
        plan_campaign(system, (), Limits()), first=first, seeds=seeds, jobs=cores(), keep_going=True
    )


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("system", "seeds"), [("raft", 1_500), ("kv", 500)])
def test_two_thousand_seeds_raise_no_alarm_and_see_every_milestone(system, seeds):
    campaign = run(system, 0, seeds)
    assert campaign.findings == ()
    assert campaign.unrepeated == ()
    assert campaign.runs == seeds
    assert campaign.missed == ()
    assert len(campaign.undecided) < seeds // 10


@pytest.mark.nightly
@pytest.mark.parametrize(("system", "seeds"), [("raft", 80_000), ("kv", 20_000)])
def test_a_hundred_thousand_seeds_raise_no_alarm(system, seeds):
    campaign = run(system, 1_000_000, seeds)
    assert campaign.findings == ()
    assert campaign.unrepeated == ()
