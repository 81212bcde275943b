"""A failing case becomes small and stays the same failure; the same budget of runs gives the same result."""

from dataclasses import replace
from itertools import count

import pytest

from splitbrain.errors import UsageError
from splitbrain.exploration.assess import assess
from splitbrain.exploration.case import Operation, case_from_json
from splitbrain.exploration.order import Pass
from splitbrain.exploration.passes import calm
from splitbrain.exploration.reshape import incidents
from splitbrain.exploration.shrink import shrink
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.plan import Plan, PlannedFault
from splitbrain.simulation.deviations import Address, CrashPoint, Deviation
from splitbrain.simulation.environment import CALM, Disk, Environment, Network

from .stories import LOST_WRITE, MILLISECOND, STALE_READ

WEATHER = Environment(
    Network(300_000, 2_000_000, 0.02, 9_000_000, loss=0.01, duplicate=0.02, reorder=0.1),
    Disk(200_000, 900_000),
    rates={"n1": 1.001},
)
NOISE = tuple(
    PlannedFault(f"{name}-{number}", name, 0.2, at=0.3 + 0.2 * number)
    for number, name in enumerate(["slow", "lossy", "duplicate", "pause"])
)
STORMY_READ = replace(
    STALE_READ,
    nodes=5,
    operations=None,
    rate=60.0,
    concurrency=10,
    seed=4,
    settings={"heartbeat": 0.04},
    plan=Plan(1, 2.6, 1.0, tuple(sorted((*STALE_READ.plan.faults, *NOISE), key=lambda each: each.instant))),
    environment=WEATHER,
    patience=3.0,
)
"""The stale read somewhere in a stream of operations on five nodes, among faults that it does not need."""

STORMY_WRITE = replace(
    LOST_WRITE,
    operations=None,
    rate=80.0,
    concurrency=5,
    plan=replace(LOST_WRITE.plan, duration=1.5, recovery=0.5),
    environment=WEATHER,
    crash_points=(CrashPoint("n1", "sync", 40, False, 90 * MILLISECOND),),
)
"""The lost write somewhere in a stream of operations."""

LATE_SYNC = replace(
    LOST_WRITE,
    plan=Plan(1, 0.6, 0.0, (PlannedFault("cut-1", "power-cut", 0.1, at=0.2, target=("n1",)),)),
    operations=(
        Operation(0, 1, "write", "k1", 5),
        Operation(100 * MILLISECOND, 0, "write", "k0", 1),
        Operation(400 * MILLISECOND, 1, "read", "k0"),
    ),
    deviations=(
        Deviation(Address("n1", "disk", "sync", 0), 700_000),
        Deviation(Address("n1", "disk", "sync", 1), 150_000_000),
        Deviation(Address("c0", "n1", "write", 0), 2_000_000),
    ),
)
"""The power fails at a fixed time, and one late sync, of those that are spelled out, lets it bite."""


def kinds_of(case):
    resolved = resolve(case)
    return assess(resolved, simulate(case, resolved)).kinds


def failing(case, kind="LIN"):
    """The case under the first seed that breaks this promise: which one that is, is not what is tested."""
    for seed in range(60):
        seeded = replace(case, seed=seed)
        if kind in kinds_of(seeded):
            return seeded
    raise AssertionError(f"no seed shows {kind}")


@pytest.fixture(scope="module")
def stormy_write():
    return failing(STORMY_WRITE)


@pytest.fixture(scope="module")
def small_read():
    return shrink(failing(STORMY_READ), seconds=None, runs=500)


def test_a_stale_read_shrinks_to_a_write_a_read_and_a_partition(small_read):
    case = small_read.case
    assert kinds_of(case) == ("LIN",)
    assert sorted(each.f for each in case.operations) in (["read", "write"], ["read", "write", "write"])
    assert [each.fault for each in case.plan.faults] == ["partition"]
    assert case.nodes == 3
    assert (case.environment, case.deviations, dict(case.settings)) == (CALM, (), {})
    assert (case.plan.recovery, case.patience) == (0.0, 0.0)


def test_sizes_before_and_after_are_told(small_read):
    assert small_read.before.operations > 100
    assert (small_read.before.faults, small_read.before.nodes) == (5, 5)
    assert small_read.before.deviations > 1000
    assert small_read.after.operations == len(small_read.case.operations)
    assert str(small_read.after).endswith("1 fault, 0 deviations")


def test_the_small_case_survives_being_written_down(small_read):
    assert case_from_json(small_read.case.to_json()) == small_read.case


def test_a_lost_write_shrinks_to_one_fault_and_a_few_operations(stormy_write):
    shrunk = shrink(stormy_write, seconds=None, runs=400)
    assert kinds_of(shrunk.case) == ("LIN",)
    assert len(shrunk.case.operations) <= 5
    assert len(incidents(shrunk.case)) == 1
    assert shrunk.case.concurrency <= 2


def test_of_a_schedule_the_deviation_that_matters_is_left():
    assert kinds_of(LATE_SYNC) == ("LIN",)
    assert kinds_of(replace(LATE_SYNC, deviations=LATE_SYNC.deviations[::2])) == ()
    case = shrink(LATE_SYNC, seconds=None, runs=400).case
    assert len(case.deviations) <= 1
    assert len(case.operations) == 2
    assert kinds_of(case) == ("LIN",)


def test_a_drawn_schedule_that_matters_is_spelled_out():
    """The disk is slow by chance alone: what is left of that is one deviation, or a simpler way to lose."""
    case = replace(LATE_SYNC, deviations=(), environment=Environment(disk=Disk(sync=150_000_000, spread=1)))
    assert kinds_of(case) == ("LIN",)
    small = shrink(case, seconds=None, runs=400).case
    assert small.environment.disk == Disk()
    assert len(small.deviations) <= 1


def test_of_drifting_clocks_the_one_that_matters_is_left():
    case = replace(LOST_WRITE, environment=Environment(rates={"n1": 1.01, "n2": 0.99}))
    drifts = calm(case, None)
    assert next(iter(next(drifts))).environment == CALM
    tried = []
    batch = drifts.send(None)
    while True:
        candidate = next(iter(batch))
        tried.append(dict(candidate.environment.rates))
        try:
            batch = drifts.send(0 if candidate.environment.rates == {"n2": 0.99} else None)
        except StopIteration:
            break
    assert tried == [{}, {"n2": 0.99}, {}]


def test_the_same_runs_give_the_same_result_however_many_processes_try(stormy_write):
    alone = shrink(stormy_write, seconds=None, runs=60)
    several = shrink(stormy_write, seconds=None, runs=60, workers=2)
    assert alone == several
    assert alone.runs == 60
    assert not alone.complete


def test_time_that_is_up_ends_it_with_what_there_is(stormy_write):
    ticks = count()
    shrunk = shrink(stormy_write, seconds=25, clock=lambda: next(ticks))
    assert not shrunk.complete
    assert 15 <= shrunk.runs <= 25
    assert "LIN" in kinds_of(shrunk.case)
    assert shrunk.after.operations < shrunk.before.operations


def test_passes_that_undo_each_other_come_to_an_end(monkeypatch):
    def other_seed(case, facts):
        yield [replace(case, seed=case.seed + 1 if case.seed % 2 else case.seed - 1)]

    turns = replace(LOST_WRITE, seed=2)
    assert {kinds_of(replace(turns, seed=seed)) for seed in (1, 2)} == {("LIN",)}
    for name in ("PASSES", "TIDYING", "WEATHER"):
        monkeypatch.setattr(f"splitbrain.exploration.shrink.{name}", (Pass("turns", other_seed),))
    shrunk = shrink(turns, seconds=None)
    assert shrunk.complete
    assert shrunk.runs <= 2


def test_an_interrupt_ends_it_with_what_there_is(stormy_write):
    asked = count()
    shrunk = shrink(stormy_write, seconds=None, interrupted=lambda: next(asked) >= 30)
    assert not shrunk.complete
    assert 0 < shrunk.runs <= 30
    assert "LIN" in kinds_of(shrunk.case)


def test_what_is_as_small_as_it_gets_stays_as_it_is(small_read):
    again = shrink(small_read.case, seconds=None, runs=700)
    assert again.after.operations <= small_read.after.operations
    assert again.case.plan.faults[0].fault == "partition"


def test_progress_is_told_with_sizes_that_never_grow(stormy_write):
    told = []
    shrink(
        stormy_write,
        seconds=None,
        runs=80,
        progress=lambda name, size, runs: told.append((name, size.operations, size.faults, runs)),
    )
    sizes = [operations for _, operations, _, _ in told if operations]
    assert sizes == sorted(sizes, reverse=True)
    assert [runs for *_, runs in told] == sorted(runs for *_, runs in told)


def test_a_run_that_broke_nothing_cant_be_shrunk():
    with pytest.raises(UsageError, match="shows no violation"):
        shrink(replace(LOST_WRITE, bugs=()))


def test_a_kind_that_the_run_does_not_show_is_refused():
    with pytest.raises(UsageError, match="no violation of the kind 'ES'; it shows LIN"):
        shrink(LOST_WRITE, "ES")


def test_the_kind_asked_for_is_the_one_that_stays():
    everyone = PlannedFault("all-1", "kill", 0.1, at=0.5, target="all")
    case = replace(
        STALE_READ,
        bugs=("forget-vote", "unconfirmed-read"),
        plan=replace(STALE_READ.plan, faults=(everyone, *STALE_READ.plan.faults)),
    )
    case = failing(case)
    assert len(kinds_of(case)) > 1
    shrunk = shrink(case, kinds_of(case)[-1], seconds=None, runs=60)
    assert shrunk.kind == kinds_of(case)[-1]
    assert shrunk.kind in kinds_of(shrunk.case)
