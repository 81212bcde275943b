from splitbrain import generators as gen
from splitbrain.generators import Completion, Invocation
from splitbrain.generators.simulation import LATENCY, crashing, perfect, simulate

ONE, TWO = {"f": "write", "value": 1}, {"f": "write", "value": 2}


def invoked(events):
    return [event for event in events if isinstance(event, Invocation)]


def values(events):
    return [event.value for event in invoked(events)]


def test_limit_ends_after_that_many_operations():
    assert values(simulate(gen.limit(3, gen.repeat(ONE)))) == [1, 1, 1]
    assert values(simulate(gen.limit(0, ONE))) == []


def test_once_takes_one_operation():
    assert values(simulate(gen.once([ONE, TWO]))) == [1]


def test_repeat_does_not_advance_the_generator_and_cycle_does():
    assert values(simulate(gen.repeat([ONE, TWO], 3))) == [1, 1, 1]
    assert values(simulate(gen.cycle([ONE, TWO], 2))) == [1, 2, 1, 2]
    assert values(simulate(gen.limit(5, gen.cycle([ONE, TWO])))) == [1, 2, 1, 2, 1]


def test_cycle_of_nothing_ends():
    assert simulate(gen.cycle(None)) == []
    assert simulate(gen.cycle(ONE, 0)) == []


def test_until_ok_goes_on_through_failures_and_stops_at_the_first_success():
    outcomes = iter(["fail", "info", "fail", "ok", "ok", "ok"])

    def responder(invocation, _number):
        return Completion(invocation, next(outcomes), None, invocation.time + LATENCY)

    assert len(invoked(simulate(gen.until_ok(gen.repeat(ONE)), responder, concurrency=1))) == 4


def test_until_ok_is_not_satisfied_by_the_success_of_an_operation_that_is_not_its_own():
    def responder(invocation, _number):
        kind = "ok" if invocation.value == 2 or invocation.time > 100 else "fail"
        return Completion(invocation, kind, None, invocation.time + LATENCY)

    others = gen.limit(50, gen.repeat(TWO))
    events = invoked(simulate(gen.any_of(gen.until_ok(gen.repeat(ONE)), others), responder))
    mine = [event for event in events if event.value == 1]
    assert len(mine) == 12
    assert mine[-1].time > 100


def test_process_limit_bounds_how_many_processes_an_outage_can_cost():
    events = invoked(simulate(gen.process_limit(5, gen.repeat(ONE)), crashing, concurrency=2))
    assert len({event.process for event in events}) == len(events) == 5
    assert len(invoked(simulate(gen.limit(40, gen.process_limit(5, gen.repeat(ONE))), perfect))) == 40
