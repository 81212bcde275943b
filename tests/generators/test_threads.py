from random import Random

import pytest

from splitbrain import generators as gen
from splitbrain.generators import Completion, Context, GeneratorError, Invocation
from splitbrain.generators.simulation import crashing, imperfect, perfect, simulate


def say(value):
    return {"f": "write", "value": value}


def invoked(events):
    return [event for event in events if isinstance(event, Invocation)]


def test_on_threads_keeps_to_its_threads_even_when_their_processes_change():
    generator = gen.limit(12, gen.on_threads(lambda thread: thread % 2 == 1, gen.repeat(say(1))))
    assert {event.process % 4 for event in invoked(simulate(generator, crashing, concurrency=4))} == {1, 3}


def test_on_threads_that_do_not_exist_is_exhausted():
    assert simulate(gen.on_threads({7}, say(1)), concurrency=2) == []


def test_clients_run_on_all_threads():
    events = invoked(simulate(gen.clients(gen.limit(3, gen.repeat(say(1)))), concurrency=3))
    assert {event.process for event in events} == {0, 1, 2}


def test_reserve_gives_each_generator_its_threads_and_the_last_one_the_rest():
    generator = gen.reserve(2, gen.repeat(say("a")), 1, gen.repeat(say("b")), gen.repeat(say("c")))
    events = invoked(simulate(gen.limit(600, generator), imperfect, concurrency=6))
    threads = {value: {event.process % 6 for event in events if event.value == value} for value in "abc"}
    assert threads == {"a": {0, 1}, "b": {2}, "c": {3, 4, 5}}


def test_reserve_shares_a_common_rate_by_the_number_of_threads():
    generator = gen.stagger(1, gen.reserve(1, gen.repeat(say("a")), gen.repeat(say("b"))), Random(1))
    events = invoked(simulate(gen.limit(2000, generator), perfect, concurrency=4))
    assert 420 < sum(event.value == "a" for event in events) < 580


def test_reserve_goes_on_when_a_range_is_exhausted():
    generator = gen.reserve(1, gen.limit(1, gen.repeat(say("a"))), gen.limit(5, gen.repeat(say("b"))))
    assert len(invoked(simulate(generator))) == 6


def test_reserve_asks_for_pairs_and_for_enough_threads():
    with pytest.raises(GeneratorError, match="pairs"):
        gen.reserve(2, say(1))
    with pytest.raises(GeneratorError, match="wants 3 threads"):
        simulate(gen.reserve(3, say(1), say(2)), concurrency=2)


def test_each_thread_runs_its_own_copy():
    events = invoked(simulate(gen.each_thread([say(1), say(2)]), concurrency=3))
    for thread in range(3):
        assert [event.value for event in events if event.process == thread] == [1, 2]


def test_each_thread_tells_a_copy_of_its_own_thread_alone():
    def responder(invocation, _number):
        kind = "ok" if invocation.process % 3 == 0 or invocation.time >= 30 else "fail"
        return Completion(invocation, kind, None, invocation.time + 10)

    events = invoked(simulate(gen.each_thread(gen.until_ok(gen.repeat(say(1)))), responder, concurrency=3))
    assert [sum(event.process == process for event in events) for process in range(3)] == [1, 4, 4]


def test_each_thread_is_not_exhausted_while_a_thread_that_is_busy_may_have_more():
    generator = gen.each_thread(say(1))
    context = Context.start(2)
    first, generator = generator.op(context)
    other = 1 - first.process
    answer, _ = generator.op(context._replace(free=0))
    assert answer == gen.PENDING
    second, generator = generator.op(context._replace(free=1 << other))
    assert second.process == other
    assert generator.op(context)[0] is None


def test_a_phase_begins_when_the_last_operation_of_the_phase_before_has_ended():
    def responder(invocation, _number):
        return Completion(invocation, "ok", None, invocation.time + 10 * (invocation.process + 1))

    events = simulate(gen.phases([say("a")] * 3, say("b")), responder, concurrency=3)
    begin = next(event for event in invoked(events) if event.value == "b")
    assert begin.time == 30
    assert max(event.time for event in events if event.process == 2 and isinstance(event, Completion)) == 30


def test_then_runs_its_second_generator_after_the_first():
    assert [event.value for event in invoked(simulate(gen.then(say("a"), say("b"))))] == ["a", "b"]


def test_a_run_is_main_then_final_reads_on_each_thread():
    main = gen.time_limit(1e-6, gen.stagger(2e-8, gen.clients(gen.repeat(say(1))), Random(1)))
    final = gen.each_thread(gen.until_ok(gen.repeat({"f": "read"})))
    events = simulate(gen.phases(main, final), imperfect, concurrency=3)
    reads = [event for event in events if isinstance(event, Completion) and event.invocation.f == "read"]
    assert sum(event.type == "ok" for event in reads) == 3
    assert min(event.invocation.time for event in reads) >= max(
        event.time for event in events if isinstance(event, Completion) and event.invocation.f == "write"
    )
