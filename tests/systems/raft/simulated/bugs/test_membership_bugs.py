"""Bugs of membership changes, each in a schedule made for it; without the bug the promise holds in it."""

from __future__ import annotations

import pytest


def change_twice_from_one_configuration(cluster, act):
    """Ongaro's example: two leaders each remove a server from {1, 2, 3, 4}, so {1, 2} and {3, 4} decide."""
    s1 = act.settle(cluster)
    s2, s3, s4 = act.others(cluster, s1)
    cluster.run(0.05)
    cluster.isolate(s1)
    cluster.request(s1, "first", 1, type="remove_server", server=s4)
    cluster.run(0.01)

    def part(_name):
        cluster.heal()
        cluster.isolate(s1, s2)

    cluster.trap("elected", part, lambda name, _: name == s3)
    cluster.elect(s3)
    cluster.request(s3, "second", 1, type="remove_server", server=s1)
    cluster.run(3)
    assert len(cluster.node(s1).configuration.members) == 3


SCHEDULES = {
    "early-config-change": (("early-config-change",), 4, change_twice_from_one_configuration),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_seeded_bug_breaks_its_promise_in_a_schedule_made_for_it(convict, name):
    convict(*SCHEDULES[name])


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_promise_holds_in_that_schedule_without_the_bug(acquit, name):
    acquit(*SCHEDULES[name])
