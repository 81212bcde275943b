from collections import Counter
from random import Random

import pytest

from splitbrain import registry
from splitbrain.errors import UsageError
from splitbrain.generators import Completion, Context, Invocation
from splitbrain.generators import limit as first
from splitbrain.generators.simulation import LATENCY, crashing, imperfect, simulate
from splitbrain.workloads.base import Workload
from splitbrain.workloads.kv import KvWorkload
from splitbrain.workloads.register import RegisterWorkload

READS = {"read", "get"}


class Store:
    """A correct store: it applies each operation when it is invoked, and answers later."""

    def __init__(self):
        self.values = {}

    def __call__(self, invocation, number):
        f, key, value = invocation.f, invocation.key, invocation.value
        found = self.values.get(key)
        fields, result = {}, value
        if f in READS:
            result = found
        elif f in {"write", "put"}:
            self.values[key] = value
        elif f == "append":
            self.values[key] = (found or "") + value
        elif f == "delete":
            self.values[key] = None
        elif found == value[0]:
            self.values[key] = value[1]
        else:
            fields = {"applied": False}
        time = invocation.time + LATENCY + number % 50
        return Completion(invocation, "ok", result, time, fields=fields)


def run(workload, operations=20_000, seed=1, responder=None, **options):
    generator = workload.generator(workload.settle(options), Random(seed))
    return simulate(first(operations, generator), responder or Store(), concurrency=10, limit=operations)


def invoked(events):
    return [event for event in events if isinstance(event, Invocation)]


def written(operation):
    if operation.f == "cas":
        return operation.value[1]
    return operation.value if operation.f in {"write", "put", "append"} else None


@pytest.mark.parametrize("workload", [RegisterWorkload(), KvWorkload()])
def test_no_value_is_written_twice_in_a_whole_run(workload):
    values = [value for each in invoked(run(workload)) if (value := written(each)) is not None]
    assert len(values) > 8000
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("workload", [RegisterWorkload(), KvWorkload()])
def test_each_function_that_is_declared_is_attempted_and_no_other(workload):
    counts = Counter(each.f for each in invoked(run(workload)))
    assert set(counts) == set(workload.functions)
    assert min(counts.values()) > 800


@pytest.mark.parametrize("workload", [RegisterWorkload(), KvWorkload()])
def test_a_good_share_of_cas_applies_and_a_good_share_compares_unequal(workload):
    cas = [each for each in run(workload) if isinstance(each, Completion) and each.invocation.f == "cas"]
    unequal = sum(each.fields.get("applied") is False for each in cas)
    assert 0.1 < unequal / len(cas) < 0.7


@pytest.mark.parametrize("workload", [RegisterWorkload(), KvWorkload()])
def test_a_key_retires_after_its_operations_and_is_revisited_by_reads_alone(workload):
    events = invoked(run(workload))
    bound = workload.options["operations_per_key"]
    load = Counter(each.key for each in events)
    assert len(load) > 0.95 * len(events) / bound
    mutations = Counter(each.key for each in events if each.f not in READS)
    assert max(mutations.values()) <= bound
    last_change = {each.key: number for number, each in enumerate(events) if each.f not in READS}
    late = [
        each for number, each in enumerate(events)
        if each.f in READS and number > last_change.get(each.key, number) + 3000
    ]  # fmt: skip
    assert len(late) > 50


def test_without_revisits_a_key_has_exactly_its_operations():
    events = invoked(run(KvWorkload(), operations=6000, keys=3, operations_per_key=20, revisit=0.0))
    load = Counter(each.key for each in events)
    assert max(load.values()) == 20
    assert sum(count == 20 for count in load.values()) >= len(load) - 5


def test_several_keys_are_alive_at_a_time():
    events = invoked(run(RegisterWorkload(), operations=200))
    assert len({each.key for each in events}) == 5


@pytest.mark.parametrize("workload", [RegisterWorkload(), KvWorkload()])
def test_a_seed_repeats_a_run_and_another_seed_does_not(workload):
    assert run(workload, 500) == run(workload, 500)
    assert invoked(run(workload, 500)) != invoked(run(workload, 500, seed=2))


@pytest.mark.parametrize("workload", [RegisterWorkload(), KvWorkload()])
@pytest.mark.parametrize("responder", [crashing, imperfect])
def test_operations_go_on_when_they_fail_or_crash(workload, responder):
    assert len(invoked(run(workload, 2000, responder=responder))) == 2000


def test_an_unequal_cas_teaches_nothing_and_an_applied_one_its_new_value():
    workload = RegisterWorkload()
    generator = workload.generator({"keys": 1, "revisit": 0.0}, Random(1))
    context = Context.start(1)

    def learn(generator, fields):
        cas = Invocation("cas", "k0", [None, "new"], 0, 0)
        return generator.update(context, Completion(cas, "ok", cas.value, 1, fields=fields))

    assert learn(generator, {"applied": False}) == generator
    assert learn(generator, {}).live[0].known == "new"


def test_a_value_that_no_correct_store_would_show_does_not_stop_the_workload():
    def garbage(invocation, _number):
        return Completion(invocation, "ok", {"not": ["a", "string"]}, invocation.time + 1)

    assert len(invoked(run(KvWorkload(), 1000, responder=garbage))) == 1000


def test_the_values_of_a_kv_key_stay_short():
    store = Store()
    run(KvWorkload(), responder=store)
    assert max(len(value) for value in store.values.values() if value) < 200


def test_the_workloads_are_registered_under_their_names():
    for name in ("register", "kv"):
        found = registry.find("workloads", name).value
        assert found.name == name
        assert issubclass(found, Workload)
        assert registry.find("models", found.model).value.name == found.model


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"colour": 1}, "has no option 'colour'; it has: keys, operations_per_key, revisit"),
        ({"keys": "many"}, "is a value like 5, not 'many'"),
        ({"keys": True}, "is a value like 5, not True"),
        ({"keys": 0}, "must be at least 1"),
        ({"revisit": 2}, "a share from 0 to 1"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_with_what_would(options, sentence):
    with pytest.raises(UsageError, match=sentence):
        RegisterWorkload().generator(options, Random(1))


def test_a_workload_of_ones_own_needs_a_generator_alone(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from splitbrain import generators as gen\n"
        "from splitbrain.workloads.base import Workload\n"
        "class Reads(Workload):\n"
        "    name, summary, model, functions = 'reads', 'one key, read', 'register', ('read',)\n"
        "    def generator(self, options, random):\n"
        "        return gen.repeat({'f': 'read', 'key': 'x'})\n"
    )
    workload = registry.find("workloads", f"{file}:Reads").value()
    events = simulate(first(3, workload.generator(workload.settle({}), Random(1))))
    assert [each.f for each in invoked(events)] == ["read"] * 3
    assert workload.final_generator({}, Random(1)) is None
