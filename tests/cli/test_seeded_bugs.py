"""Each seeded bug is convicted on real processes under the plan that was made for it.

Real processes interleave as they like, so a bug has three tries; how often one is enough is
measured in docs/benchmarks.md.
"""

import pytest

from splitbrain import registry

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

TARGETS = [
    ("kv", "ack-before-sync"),
    ("kv", "torn-tail-as-data"),
    ("raft", "ack-before-sync"),
    ("raft", "commit-old-term"),
    ("raft", "forget-vote"),
    ("raft", "no-dedupe"),
    ("raft", "skip-log-check"),
    ("raft", "unconfirmed-read"),
]

AT_NIGHT = [
    ("raft", "accept-stale-term"),
    ("raft", "commit-past-new"),
    ("raft", "early-config-change"),
    ("raft", "keep-stale-tail"),
    ("raft", "split-vote-write"),
]
"""These take a quarter of a minute each, and tests/replays convicts them in milliseconds."""


@pytest.mark.parametrize(
    ("system", "bug"),
    [*TARGETS, *(pytest.param(*each, marks=pytest.mark.nightly) for each in AT_NIGHT)],
)
def test_the_bug_is_convicted_as_documented(system, bug, splitbrain):
    described = registry.find("systems", system).value
    wanted = next(set(each.verdicts) for each in described.bugs if each.name == bug)
    ends = []
    for seed in (1, 2, 3):
        ended = splitbrain("run", system, "--bug", bug, "--seed", seed)
        ends.append((ended.code, ended.kinds))
        if ended.code == 1:
            break
    assert ends[-1][0] == 1, ends
    assert ends[-1][1] & wanted, ends
