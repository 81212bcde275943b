"""Crash points and planned faults that hit the same node: each lets the other have its way."""

from splitbrain.exploration.case import Case
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.plan import Plan, PlannedFault, Trigger
from splitbrain.simulation.deviations import CrashPoint

MILLISECOND = 1_000_000
SECOND = 1_000 * MILLISECOND


def run(*faults, crash):
    plan = Plan(1, 3.0, 1.0, tuple(faults))
    case = Case("kv", 1, "kv", 1, plan, rate=50.0, crash_points=(crash,))
    return simulate(case, resolve(case))


def lives(outcome):
    return [note.time / SECOND for note in outcome.notes["n1"] if note.kind == "started"]


def test_a_node_that_crashed_as_a_fault_brought_it_back_can_be_hit_again():
    outcome = run(
        PlannedFault("kill-1", "kill", 0.3, at=0.5),
        PlannedFault("power-cut-1", "power-cut", 0.2, when=Trigger("appended", after=1.0), target="noter"),
        crash=CrashPoint("n1", "note recovered", 1, power=False, lasts=10 * MILLISECOND),
    )
    begin, killed_again, back, after_power_cut = lives(outcome)
    assert begin == 0.0
    assert 0.8 <= killed_again < back < 0.9
    assert after_power_cut > 1.2
    assert any(note.kind == "appended" and note.time > 2 * SECOND for note in outcome.notes["n1"])


def test_a_fault_that_takes_hold_of_a_crashed_node_keeps_it_down():
    outcome = run(
        PlannedFault("kill-1", "kill", 1.0, at=1.0),
        crash=CrashPoint("n1", "note answered", 0, power=False, lasts=SECOND),
    )
    _, back = lives(outcome)
    assert back >= 2.0
