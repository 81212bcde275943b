from itertools import pairwise
from random import Random

from splitbrain import generators as gen
from splitbrain.generators import Context, Invocation, Pending
from splitbrain.generators.simulation import imperfect, quick, simulate

READ = {"f": "read"}
SECOND = 1_000_000_000


def times(events):
    return [event.time for event in events if isinstance(event, Invocation)]


def test_delay_spaces_operations_evenly():
    assert times(simulate(gen.limit(4, gen.delay(1, gen.repeat(READ))))) == [
        0,
        SECOND,
        2 * SECOND,
        3 * SECOND,
    ]


def test_stagger_keeps_its_rate_on_average_and_varies_between_nothing_and_twice_the_mean():
    instants = times(simulate(gen.limit(2000, gen.stagger(1, gen.repeat(READ), Random(3))), quick))
    distances = [after - before for before, after in pairwise(instants)]
    assert 0.95 < instants[-1] / (1999 * SECOND) < 1.05
    assert min(distances) < 0.05 * SECOND
    assert 1.9 * SECOND < max(distances) <= 2 * SECOND


def test_a_pause_of_the_clock_is_not_followed_by_a_burst():
    generator = gen.delay(1, gen.repeat(READ))
    context = Context.start(1)
    _, generator = generator.op(context)
    late = context._replace(time=100 * SECOND)
    burst = 0
    while True:
        answer, generator = generator.op(late)
        if isinstance(answer, Pending):
            break
        burst += 1
    assert burst == 3  # the one that was due, and the two intervals that are made up for
    assert answer.until == 101 * SECOND


def test_a_slightly_late_question_does_not_lower_the_rate():
    generator = gen.delay(1, gen.repeat(READ))
    context = Context.start(1)
    _, generator = generator.op(context)
    _, generator = generator.op(context._replace(time=SECOND + 5))
    assert generator.op(context._replace(time=SECOND + 6))[0] == Pending(2 * SECOND)


def test_time_limit_counts_from_the_first_question():
    generator = gen.time_limit(2, gen.delay(0.5, gen.repeat(READ)))
    assert times(simulate([gen.sleep(10), generator])) == [
        10 * SECOND, 10 * SECOND + SECOND // 2, 11 * SECOND, 11 * SECOND + SECOND // 2,
    ]  # fmt: skip


def test_time_limit_ends_a_generator_that_waits_for_an_event_that_never_comes():
    class Stuck(gen.Generator):
        def op(self, context):
            return gen.PENDING, self

    assert times(simulate([gen.time_limit(1, Stuck()), READ])) == [SECOND]


def test_time_limit_wakes_at_its_end_and_not_at_a_later_operation():
    answer, _ = gen.time_limit(1, gen.sleep(5)).op(Context.start(1))
    assert answer == Pending(SECOND)


def test_sleep_separates_the_members_of_a_list():
    assert times(simulate([READ, gen.sleep(1), READ], quick)) == [0, SECOND]


def test_operations_run_in_the_order_of_their_times_whatever_the_outcomes():
    events = simulate(
        gen.limit(500, gen.stagger(5e-9, gen.repeat(READ), Random(1))), imperfect, concurrency=5
    )
    instants = [event.time for event in events]
    assert instants == sorted(instants)
    assert len(events) == 1000
