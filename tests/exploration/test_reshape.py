"""What a case refers to follows when parts of it go or move."""

from dataclasses import replace

from splitbrain.exploration.case import Case, Operation
from splitbrain.exploration.reshape import (
    cut_off,
    incidents,
    moved_up,
    on_threads,
    plain_values,
    spelled_out,
    with_incidents,
    without_nodes,
)
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.plan import Plan, PlannedFault, Trigger
from splitbrain.simulation.deviations import Address, CrashPoint, Deviation
from splitbrain.simulation.environment import Environment

from .stories import STALE_READ

SECOND = 1_000_000_000


def fault(name, **fields):
    return PlannedFault(name, "kill", 0.5, **{"at": 0.2, **fields})


CASE = Case(
    "raft",
    5,
    "register",
    0,
    Plan(
        0,
        4.0,
        3.0,
        (
            fault("listed", target=("n2", "n4")),
            fault("alone", target=("n2",)),
            PlannedFault("groups", "partition", 1.0, at=0.3, parameters={"groups": [["n1", "n2"], ["n3"]]}),
            PlannedFault(
                "links", "partition", 1.0, at=0.4, parameters={"links": [["n1", "n2"], ["n5", "n4"]]}
            ),
            fault("watching", at=None, when=Trigger("voted", node="n2", after=1.0)),
            fault("any", at=None, when=Trigger("voted", after=2.0), target="noter"),
        ),
    ),
    concurrency=10,
    operations=tuple(Operation(thread * SECOND // 2, thread, "write", "k1", thread) for thread in range(10)),
    deviations=(
        Deviation(Address("n1", "n2", "vote", 0), None),
        Deviation(Address("n5", "n3", "vote", 1), 7),
        Deviation(Address("c0", "n4", "write", 0), 7),
    ),
    crash_points=(CrashPoint("n2", "sync", 0, True, 1), CrashPoint("n5", "sync", 0, True, 1)),
    environment=Environment(rates={"n2": 2.0, "n5": 1.1}),
)


def test_what_refers_to_a_node_that_went_goes_with_it_and_the_rest_moves_up():
    smaller = without_nodes(CASE, ("n2",))
    assert smaller.names == ("n1", "n2", "n3", "n4")
    faults = {each.id: each for each in smaller.plan.faults}
    assert sorted(faults) == ["any", "groups", "links", "listed"]
    assert faults["listed"].target == ("n3",)
    assert faults["groups"].parameters == {"groups": [["n1"], ["n2"]]}
    assert faults["links"].parameters == {"links": [["n4", "n3"]]}
    assert [each.to_json()[:3] for each in smaller.deviations] == [
        ["n4", "n2", "vote"],
        ["c0", "n3", "write"],
    ]
    assert [each.node for each in smaller.crash_points] == ["n4"]
    assert smaller.environment.rates == {"n4": 1.1}


def test_threads_keep_the_node_that_they_preferred():
    smaller = without_nodes(CASE, ("n2",))
    by_value = {each.value: each.thread for each in smaller.operations}
    old = dict(enumerate(["n1", "n2", "n3", "n4", "n5"] * 2))
    new = {"n1": "n1", "n3": "n2", "n4": "n3", "n5": "n4"}
    for value, thread in by_value.items():
        if old[value] != "n2":
            assert smaller.names[thread % 4] == new[old[value]]
    assert len(set(by_value.values())) == 10
    assert smaller.concurrency == max(by_value.values()) + 1


def test_operations_on_other_threads_need_no_more_threads_than_they_use():
    alone = on_threads(CASE, dict.fromkeys(range(10), 0))
    assert (alone.concurrency, {each.thread for each in alone.operations}) == (1, {0})


def test_a_run_that_is_cut_off_loses_what_would_begin_later():
    shorter = cut_off(CASE, SECOND, patient=False)
    assert (shorter.plan.duration, shorter.plan.recovery, shorter.patience) == (1.0, 0.0, 0.0)
    assert all(each.instant < 1.0 for each in shorter.plan.faults)
    assert len(shorter.plan.faults) == 4
    assert [each.value for each in shorter.operations] == [0, 1]


def test_a_patient_run_that_is_cut_off_keeps_its_recovery():
    shorter = cut_off(CASE, SECOND, patient=True)
    assert (shorter.plan.recovery, shorter.patience) == (CASE.plan.recovery, CASE.patience)
    assert shorter.operations == CASE.operations


def test_what_comes_after_a_gap_moves_up_together():
    moved = moved_up(CASE, SECOND, SECOND // 2)
    assert [each.at for each in moved.operations][:4] == [0, SECOND // 2, SECOND // 2, SECOND]
    faults = {each.id: each.instant for each in moved.plan.faults}
    assert faults["listed"] == 0.2
    assert faults["watching"] == 0.5
    assert moved.plan.duration == 3.5


def test_keys_and_values_are_numbered_as_they_appear_and_stay_apart():
    operations = (
        Operation(0, 0, "write", "k9", 70),
        Operation(1, 0, "cas", "k9", [70, 31]),
        Operation(2, 0, "write", "k2", 31),
        Operation(3, 0, "read", "k9", None),
    )
    plain = plain_values(replace(CASE, operations=operations))
    assert [(each.key, each.value) for each in plain.operations] == [
        ("k0", 1),
        ("k0", [1, 2]),
        ("k1", 2),
        ("k0", None),
    ]


def test_incidents_are_faults_and_crash_points_and_can_be_put_back():
    assert len(incidents(CASE)) == 8
    assert with_incidents(CASE, incidents(CASE)) == replace(
        CASE, plan=replace(CASE.plan, faults=tuple(sorted(CASE.plan.faults, key=lambda each: each.instant)))
    )


def test_a_stream_of_operations_spelled_out_gives_the_same_run():
    stream = replace(STALE_READ, operations=None, rate=30.0)
    resolved = resolve(stream)
    first = simulate(stream, resolved, story=True)
    again = simulate(spelled_out(stream, first), resolved, story=True)
    assert len(first.lines) > 40
    assert again.lines == first.lines
    # Who has nothing more to do waits a little longer at the very end.
    one, other = ([each.line() for each in run.story.happenings] for run in (first, again))
    shared = min(len(one), len(other))
    assert one[:shared] == other[:shared]
