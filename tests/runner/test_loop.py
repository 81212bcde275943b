"""How long the loop waits: until something is due, the phase is over, or as long as the backend likes."""

import pytest

from splitbrain.faults.nemesis import Nemesis
from splitbrain.generators import delay
from splitbrain.plan import Plan, PlannedFault
from splitbrain.registry import find
from splitbrain.runner.interpreter import Interpreter
from splitbrain.runner.loop import LONGEST_SLEEP, drive
from splitbrain.systems.client import SessionClient

SECOND = 1_000_000_000


class Lines:
    def __init__(self):
        self.lines = []

    def append(self, line):
        self.lines.append(line)
        return len(self.lines) - 1


class Silent:
    """A cluster in which nothing happens but time: each wait lasts as long as it was asked to."""

    nodes = ("n1", "n2", "n3")

    def __init__(self):
        self.clock = 0
        self.waits = []
        self.sent = []

    def now(self):
        return self.clock

    def poll(self, until):
        self.waits.append((self.clock, until))
        self.clock = max(self.clock, until)
        return []

    def send(self, client, dest, body):
        self.sent.append(self.clock)

    def retire(self, client):
        pass

    def perform(self, action):
        raise AssertionError(f"nothing was planned, and yet {action} was asked for")


class Virtual(Silent):
    longest_sleep = None


def run(backend, operations=None, faults=()):
    journal = Lines()
    interpreter = Interpreter(
        operations,
        concurrency=1,
        nodes=backend.nodes,
        client=lambda name, preferred: SessionClient(name, backend.nodes, preferred, {}),
        journal=journal,
        timeout=SECOND,
    )
    nemesis = Nemesis(
        Plan(1, 10.0, 2.0, faults),
        {"kill": find("faults", "kill").make()},
        backend,
        roles={},
        journal=journal.append,
        record=interpreter.record_nemesis,
    )
    course = drive(
        backend,
        interpreter,
        nemesis,
        duration=10 * SECOND,
        recovery=2 * SECOND,
        final=None,
        interrupted=lambda: False,
        watch=lambda *_: None,
    )
    return course, journal


def test_a_backend_in_real_time_is_never_waited_for_longer_than_an_interrupt_may_take():
    backend = Silent()
    course, _ = run(backend)
    assert max(until - since for since, until in backend.waits) == LONGEST_SLEEP
    assert course.ended == 12 * SECOND


def test_a_backend_of_its_own_bound_is_waited_for_that_long():
    backend = Silent()
    backend.longest_sleep = SECOND
    run(backend)
    assert backend.waits[0] == (0, SECOND)


def test_a_backend_in_virtual_time_is_waited_for_until_the_phase_is_over():
    backend = Virtual()
    course, _ = run(backend)
    assert backend.waits == [(0, 10 * SECOND), (10 * SECOND, 12 * SECOND)]
    assert course.ended == 12 * SECOND


def test_a_wait_ends_when_an_operation_or_a_fault_is_due():
    backend = Virtual()
    once = delay(3.0, [{"f": "read", "key": "k"}])
    faults = (PlannedFault("k", "kill", 1.0, at=20.0),)
    run(backend, once, faults)
    assert backend.sent
    assert all(since < until for since, until in backend.waits)


@pytest.mark.parametrize(
    ("served", "patience", "lasts"), [(False, 0, 2), (False, 7, 7), (True, 7, 2), (True, 0, 2)]
)
def test_a_recovery_lasts_as_planned_and_until_patience_ends_while_nothing_is_served(served, patience, lasts):
    backend = Virtual()
    interpreter = Interpreter(
        None, concurrency=1, nodes=backend.nodes, client=lambda *_: None, journal=Lines(), timeout=SECOND
    )
    nemesis = Nemesis(Plan(1, 1.0, 2.0), {}, backend, roles={}, journal=print, record=print)
    course = drive(
        backend,
        interpreter,
        nemesis,
        duration=SECOND,
        recovery=2 * SECOND,
        final=None,
        interrupted=lambda: False,
        watch=lambda *_: None,
        patience=patience * SECOND,
        served=lambda _now: served,
    )
    assert course.ended == (1 + lasts) * SECOND
