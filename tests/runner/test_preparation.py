"""What can't be done is refused before anything is deployed."""

import json

import pytest

from splitbrain.errors import UsageError
from splitbrain.faults.base import check_usable
from splitbrain.registry import find, names
from splitbrain.runner.preparation import RunOptions, prepare
from splitbrain.systems.kv import KvSystem


class Steady(KvSystem):
    clock_bound = 0.05


class Elastic(KvSystem):
    membership = True


def options(tmp_path, **more):
    return RunOptions(
        **{"system": "kv", "store": tmp_path, "time_limit": 40.0, "seed": 1, "nodes": 3, **more}
    )


def refusal(tmp_path, **more):
    with pytest.raises(UsageError) as caught:
        prepare(options(tmp_path, **more))
    return str(caught.value)


@pytest.mark.parametrize("name", ["reorder", "clock-skew", "clock-jump", "lost-sync", "slow-disk", "bit-rot"])
def test_a_fault_that_the_backend_can_not_do_is_refused_with_where_it_can_be_done(tmp_path, name):
    assert refusal(tmp_path, faults=(name,)) == f"The fault {name} can't be done on local; use --on sim."
    assert prepare(options(tmp_path, faults=(name,), on="sim")).test["faults"] == [name]


def test_a_plan_is_held_to_the_backend_too(tmp_path):
    path = tmp_path / "plan.json"
    entry = {"fault": "slow-disk", "at": 1, "for": 1}
    path.write_text(json.dumps({"version": 1, "duration": 5, "faults": [entry]}))
    planned = {"plan": str(path), "time_limit": None}
    assert "slow-disk can't be done on local" in refusal(tmp_path, **planned)
    assert prepare(options(tmp_path, **planned, on="sim")).plan.faults


def test_a_fault_that_the_system_knows_nothing_of_is_refused_before_time_is_found_too_short(tmp_path):
    sentence = "The fault membership needs a system with membership, which kv has not."
    assert refusal(tmp_path, faults=("membership",), time_limit=0.1, on="sim") == sentence
    check_usable("membership", find("faults", "membership").make(), "sim", Elastic)


def test_every_fault_can_be_done_in_simulation_and_the_others_say_where():
    for name in names("faults"):
        check_usable(name, find("faults", name).make(), "sim", Elastic)
    local = {
        name for name in names("faults") if "local" in (find("faults", name).value.backends or ("local",))
    }
    assert local == {
        *("partition", "kill", "pause", "power-cut", "slow", "lossy", "duplicate"),
        "membership",
    }


def test_drawn_clocks_keep_to_the_bound_of_the_system(tmp_path):
    reference = f"{__file__}:Steady"
    for seed in range(20):
        drawn = options(tmp_path, system=reference, faults=("clock-skew",), on="sim", seed=seed)
        for entry in prepare(drawn).plan.faults:
            assert 0.025 <= abs(entry.parameters["drift"]) <= 0.05
