"""Tasks over several processes."""

import multiprocessing
from pathlib import Path

import pytest

from splitbrain.errors import HarnessError
from splitbrain.exploration.campaign import Task, plan_campaign
from splitbrain.exploration.pool import results
from splitbrain.exploration.space import Limits
from splitbrain.exploration.vocabulary import Vocabulary

DOUBTFUL = Path(__file__).with_name("doubtful.py")


def task(system):
    return Task(f"{DOUBTFUL}:{system}", (), Limits(), Vocabulary(), sample=0)


def test_results_are_the_same_however_many_processes_share_the_work():
    kv = plan_campaign("kv", ("ack-before-sync",), Limits())
    alone = dict(results(kv, range(40), 1))
    shared = dict(results(kv, range(40), 2))
    assert alone == shared
    assert list(alone) == list(range(40))
    assert any(sighting.kinds for sighting in alone.values())


def test_a_process_that_dies_is_reported_with_what_it_was_at():
    with pytest.raises(HarnessError, match=r"to run number 5 died \(exit code 9\)"):
        list(results(task("DeadlySystem"), [5, 6], 2))


def test_a_run_that_can_t_be_carried_out_is_reported_with_its_seed():
    with pytest.raises(HarnessError, match=r"Number 11 .*seed 11: .*n1 did not come up"):
        list(results(task("StillbornSystem"), [11], 2))


def test_closing_ends_the_workers():
    runs = results(plan_campaign("kv", (), Limits()), iter(range(10**9)), 2)
    next(runs)
    assert len(multiprocessing.active_children()) == 2
    runs.close()
    assert not multiprocessing.active_children()
