import pytest

from splitbrain import generators as gen
from splitbrain.generators import Completion, Context, GeneratorError, Invocation
from splitbrain.generators.simulation import simulate

READ = {"f": "read", "key": "x"}


def invoked(events):
    return [event for event in events if isinstance(event, Invocation)]


def values(events):
    return [event.value for event in invoked(events)]


def write(value):
    return {"f": "write", "key": "x", "value": value}


def test_a_dict_is_one_operation_of_a_free_process_at_the_present_time():
    context = Context.start(2)._replace(time=7, free=0b10)
    answer, following = gen.lift(READ).op(context)
    assert answer == Invocation("read", "x", None, process=1, time=7)
    assert following.op(context)[0] is None


def test_a_dict_waits_while_no_thread_is_free():
    generator = gen.lift(READ)
    assert generator.op(Context.start(2)._replace(free=0)) == (gen.PENDING, generator)


def test_a_dict_with_a_process_waits_for_that_process():
    generator = gen.lift({"f": "read", "process": 1})
    assert generator.op(Context.start(2)._replace(free=0b01))[0] == gen.PENDING
    assert generator.op(Context.start(2))[0].process == 1


def test_a_dict_with_a_retired_process_is_exhausted_instead_of_waiting_forever():
    context = Context.start(2)._replace(processes=(0, 3))
    assert gen.lift({"f": "read", "process": 1}).op(context)[0] is None


def test_a_list_is_its_members_in_order_and_skips_empty_ones():
    assert values(simulate([write(1), None, [write(2), write(3)], [], write(4)])) == [1, 2, 3, 4]


def test_a_function_is_asked_again_until_it_returns_none():
    def function(context):
        return [write(context.time), write("again")] if context.time < 20 else None

    assert values(simulate(function, concurrency=1)) == [0, "again"]


def test_a_function_may_seed_its_own_randomness_from_the_context():
    def function(context):
        return write(context.draw % 100)

    one, same, other = (values(simulate(gen.limit(20, function), seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert len(set(one)) > 10


def test_a_function_that_never_has_an_operation_is_refused_by_name():
    with pytest.raises(GeneratorError, match="barren"):
        simulate(barren)


def barren(_context):
    return []


def test_none_is_exhausted():
    assert simulate(None) == []


@pytest.mark.parametrize("value", [{"key": "x"}, {"f": 3}, {"f": "read", "colour": "red"}, 7, iter([READ])])
def test_what_is_no_generator_is_refused_with_what_would_be(value):
    with pytest.raises(GeneratorError, match=r"An operation is a dict|A generator is"):
        gen.lift(value)


def test_a_generator_that_waits_although_nothing_is_open_is_refused():
    class Stuck(gen.Generator):
        def op(self, context):
            return gen.PENDING, self

    with pytest.raises(GeneratorError, match="waits forever"):
        simulate(Stuck())


def test_an_info_retires_the_process_and_its_thread_goes_on_under_a_new_number():
    from splitbrain.generators.simulation import crashing

    events = invoked(simulate(gen.limit(30, gen.repeat(READ)), crashing, concurrency=3))
    for thread in range(3):
        processes = [event.process for event in events if event.process % 3 == thread]
        assert processes == [thread + 3 * life for life in range(len(processes))]
        assert len(processes) >= 5


def test_every_thread_gets_its_share_of_operations():
    from splitbrain.generators.simulation import perfect

    events = invoked(simulate(gen.limit(4000, gen.delay(20e-9, gen.repeat(READ))), perfect, concurrency=4))
    counts = [sum(event.process == process for event in events) for process in range(4)]
    assert min(counts) > 800


def test_asking_a_generator_twice_gives_the_same_answer_twice():
    from random import Random

    random = Random(5)
    generator = gen.stagger(
        1e-8,
        gen.mix(
            [gen.cycle([write(1), write(2)]), gen.reserve(1, gen.repeat(READ), gen.repeat(write(3)))], random
        ),
        random,
    )
    context = Context.start(3, draw=12345)
    for step in range(300):
        first, second = generator.op(context), generator.op(context)
        assert first == second
        answer, generator = first
        if isinstance(answer, Invocation):
            completion = Completion(answer, "ok", None, context.time)
            assert generator.update(context, completion) == generator.update(context, completion)
            generator = generator.update(context, completion)
        context = context._replace(time=context.time + 4, draw=context.draw * 31 + step)
