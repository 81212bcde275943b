"""Each seeded bug has a replay file that convicts it, and convicts nothing else.

A file here is the smallest story that was found of its bug: `splitbrain run raft --bug NAME --on sim`, then
`splitbrain shrink RUN`. It holds for the code as it is, so it may have to be made anew when the protocol
is changed; what must not happen is that the unmutated system breaks a promise in it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from splitbrain import registry
from splitbrain.exploration.repeat import repeat
from splitbrain.exploration.replay_file import read_replay

FILES = sorted(Path(__file__).parent.glob("*.json"))
SYSTEMS = ("kv", "raft")


def bugs_of(system):
    return {bug.name: bug for bug in registry.find("systems", system).value.bugs}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_replay_convicts_the_bug_that_it_was_made_for(file):
    replayed = read_replay(file)
    repeated = repeat(replayed)
    accepted = {kind for name in replayed.case.bugs for kind in bugs_of(replayed.case.system)[name].verdicts}
    assert set(repeated.assessment.kinds) & accepted, repeated.remarks


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_unmutated_system_breaks_no_promise_in_a_replay(file):
    assert repeat(read_replay(file), bugs=()).assessment.violations == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_seeded_bug_has_a_replay(system):
    cases = [read_replay(file).case for file in FILES]
    assert {name for case in cases if case.system == system for name in case.bugs} == set(bugs_of(system))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_replay_is_short_enough_to_be_read(file):
    case = read_replay(file).case
    assert case.operations is not None
    assert len(case.operations) <= 10
    assert len(case.plan.faults) + len(case.crash_points) <= 6
    assert len(case.deviations) <= 10
