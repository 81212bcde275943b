from collections import Counter
from random import Random

import pytest

from splitbrain import generators as gen
from splitbrain.generators import GeneratorError, Invocation
from splitbrain.generators.simulation import simulate


def say(value):
    return {"f": "write", "value": value}


def values(events):
    return [event.value for event in events if isinstance(event, Invocation)]


def test_mix_takes_from_each_generator_according_to_its_weight():
    generator = gen.mix([gen.repeat(say("a")), gen.repeat(say("b"))], Random(1), weights=[3, 1])
    counts = Counter(values(simulate(gen.limit(4000, generator))))
    assert 2850 < counts["a"] < 3150


def test_mix_of_one_seed_is_the_same_and_of_another_seed_is_not():
    def run(seed):
        return values(simulate(gen.limit(50, gen.mix([gen.repeat(say(n)) for n in range(5)], Random(seed)))))

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_mix_goes_on_with_the_others_when_one_is_exhausted():
    generator = gen.mix([gen.limit(3, gen.repeat(say("a"))), gen.limit(50, gen.repeat(say("b")))], Random(1))
    assert Counter(values(simulate(generator))) == {"a": 3, "b": 50}


@pytest.mark.parametrize("seed", range(8))
def test_mix_cedes_the_turn_of_a_generator_that_has_nothing_now(seed):
    per_thread = [gen.on_threads({thread}, gen.repeat(say(thread))) for thread in (0, 1)]
    events = simulate(gen.limit(2, gen.mix(per_thread, Random(seed))))
    # Both threads begin at once, although the draws often fall twice on the same one.
    assert [event.time for event in events[:2]] == [0, 0]
    assert sorted(values(events)) == [0, 1]


def test_mix_refuses_weights_that_do_not_fit():
    with pytest.raises(GeneratorError, match="one weight"):
        gen.mix([say(1), say(2)], Random(1), weights=[1])
    assert simulate(gen.mix([], Random(1))) == []


def test_any_of_takes_whatever_is_ready_and_takes_turns_among_the_ready():
    slow = gen.delay(1e-6, gen.limit(2, gen.repeat(say("slow"))))
    one, other = gen.limit(3, gen.repeat(say("a"))), gen.limit(3, gen.repeat(say("b")))
    assert values(simulate(gen.any_of(one, other, slow))) == ["a", "b", "slow", "a", "b", "a", "b", "slow"]


def test_flip_flop_alternates_and_ends_with_the_shorter():
    generator = gen.flip_flop(gen.repeat(say("on")), gen.limit(2, gen.repeat(say("off"))))
    assert values(simulate(generator)) == ["on", "off", "on", "off", "on"]


def test_map_changes_operations_and_filter_drops_them():
    counted = [say(n) for n in range(6)]
    doubled = gen.map_operations(lambda operation: operation._replace(value=2 * operation.value), counted)
    assert values(simulate(gen.filter_operations(lambda operation: operation.value % 3 == 0, doubled))) == [
        0,
        6,
    ]


def test_a_filter_that_nothing_passes_is_reported_instead_of_hanging():
    with pytest.raises(GeneratorError, match="refused 10000 operations"):
        simulate(gen.filter_operations(lambda _operation: False, gen.repeat(say(1))))
