"""Simulating anyone's class from a test: what passes, what fails, and what a failure leaves behind."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from splitbrain.errors import UsageError
from splitbrain.systems.client import SessionClient
from splitbrain.testing import Inconclusive, NotDeterministic, ViolationFound, replay, simulate

FILE = Path(__file__).with_name("stores.py")


@pytest.fixture(scope="module")
def stores():
    """Import the stores as a test imports a module beside it."""
    spec = importlib.util.spec_from_file_location("stores", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["stores"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["stores"]


@pytest.fixture(scope="module")
def failure(stores, tmp_path_factory):
    with pytest.raises(ViolationFound) as caught:
        simulate(
            stores.HastySingle,
            seeds=200,
            faults=["power-cut"],
            shrink_seconds=20.0,
            directory=tmp_path_factory.mktemp("replays"),
        )
    return caught.value


def test_a_sound_system_passes_and_what_was_done_is_counted(stores):
    result = simulate(stores.Single, seeds=12)
    assert result.runs == 12
    assert result.virtual > 12
    assert result.outcomes["ok"] > 100
    assert result.steps > result.outcomes["ok"]


def test_a_broken_promise_fails_with_the_story_and_the_place_of_the_replay_file(failure):
    assert failure.kinds == ("LIN",)
    assert failure.narrative in str(failure)
    assert f"replay file: {failure.path}" in str(failure)
    assert "loses its power" in failure.narrative
    assert failure.path.with_suffix(".txt").read_text() == failure.narrative
    assert failure.path.with_suffix(".svg").read_text().startswith("<svg")


def test_what_is_left_of_the_run_is_small(failure):
    case = json.loads(failure.path.read_text())["case"]
    assert len(case["operations"]) <= 10
    assert case["system"] == "HastySingle" or case["system"].endswith("stores.py:HastySingle")


def test_the_replay_file_convicts_again_and_acquits_the_mended_class(failure, stores):
    with pytest.raises(ViolationFound, match="LIN"):
        replay(failure.path)
    acquitted = replay(failure.path, stores.Single)
    assert acquitted.same is False
    assert any("trace is another one" in remark for remark in acquitted.remarks)


def test_the_seed_alone_finds_the_violation_again(failure, stores, tmp_path):
    with pytest.raises(ViolationFound) as caught:
        simulate(
            stores.HastySingle,
            seeds=[failure.seed],
            faults=["power-cut"],
            check_determinism=False,
            shrink_seconds=0,
            directory=tmp_path,
        )
    assert caught.value.seed == failure.seed
    assert len(list(tmp_path.iterdir())) == 3


def test_a_node_class_by_itself_is_enough(stores):
    result = simulate(stores.Store, nodes=1, seeds=4, workload="kv", check_determinism=False)
    assert result.runs == 4


def test_a_class_inside_a_function_works_and_two_of_one_name_are_not_confused(stores, tmp_path):
    def local(base):
        class Local(base):
            pass

        return Local

    options = {"nodes": 1, "faults": ["power-cut"], "workload": "register", "seeds": 60, "shrink_seconds": 0}
    assert simulate(local(stores.Store), **options).runs == 60
    with pytest.raises(ViolationFound, match="LIN"):
        simulate(local(stores.Hasty), directory=tmp_path, **options)
    (kept,) = tmp_path.glob("*.json")
    with pytest.raises(ViolationFound, match="LIN"):
        replay(kept, local(stores.Hasty))
    replay(kept, local(stores.Store))


def test_a_node_that_raises_is_a_crash_with_its_log(stores, tmp_path):
    with pytest.raises(ViolationFound, match="CRASH") as caught:
        simulate(
            stores.Raising, nodes=1, seeds=20, check_determinism=False, shrink_seconds=0.5, directory=tmp_path
        )
    assert "KeyError: 'cas'" in caught.value.narrative


@pytest.mark.parametrize(("name", "hint"), [("Dicing", "random"), ("Unordered", "set")])
def test_a_node_that_is_not_deterministic_is_told_with_the_first_step_that_differs(stores, name, hint):
    with pytest.raises(NotDeterministic) as caught:
        simulate(getattr(stores, name), nodes=1, seeds=5)
    assert caught.value.divergence.node == "n1"
    assert "here:" in str(caught.value)
    assert hint in str(caught.value)


def test_unseeded_dice_are_noticed_in_a_class_that_no_other_process_can_load(stores):
    class Local(stores.Dicing):
        pass

    with pytest.raises(NotDeterministic, match="Both ran in one process"):
        simulate(Local, nodes=1, seeds=5)


def test_a_node_that_never_answers_is_convicted_of_silence(stores, tmp_path):
    with pytest.raises(ViolationFound, match="LIVE"):
        simulate(
            stores.Mute, nodes=1, seeds=20, check_determinism=False, shrink_seconds=0, directory=tmp_path
        )


def test_runs_in_which_nothing_ever_succeeds_prove_nothing(stores, monkeypatch):
    # As if each run were too rough for a silence to be the node's own fault.
    monkeypatch.setattr("splitbrain.exploration.assess.liveness", lambda *_: [])
    with pytest.raises(Inconclusive, match="no operation succeeded"):
        simulate(stores.Mute, nodes=1, seeds=3, check_determinism=False)


def test_settings_of_the_test_win_over_those_of_the_system(stores):
    seen = set()

    class Curious(stores.Store):
        def __init__(self, name, peers, settings):
            super().__init__(name, peers, settings)
            seen.add(settings.get("colour"))

    simulate(Curious, nodes=1, seeds=1, settings={"colour": "blue"}, check_determinism=False)
    assert "blue" in seen


def test_the_time_that_runs_may_take_is_kept_to_but_one_is_made(stores):
    assert simulate(stores.Single, seeds=10_000, seconds=0.0, check_determinism=False).runs == 1


@pytest.mark.parametrize(
    ("tested", "options", "sentence"),
    [
        (int, {}, "can't be simulated"),
        ("Single", {"client": SessionClient}, "has a client of its own"),
        ("Single", {"seeds": 0}, "At least one seed"),
        ("Single", {"workload": "nothing"}, "There is no workload 'nothing'"),
        ("Single", {"faults": ["hail"]}, "There is no fault 'hail'"),
        ("Single", {"bugs": ["none"]}, "has no seeded bug 'none'"),
        ("nosuch", {}, "There is no system 'nosuch'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_in_a_sentence(stores, tested, options, sentence):
    with pytest.raises(UsageError, match=sentence):
        simulate(getattr(stores, str(tested), tested), **options)


def test_a_seeded_bug_of_a_system_of_ours_is_found_by_name(tmp_path):
    with pytest.raises(ViolationFound, match="LIN"):
        simulate(
            "kv",
            bugs=["ack-before-sync"],
            seeds=100,
            check_determinism=False,
            shrink_seconds=0,
            directory=tmp_path,
        )
    (kept,) = tmp_path.glob("*.json")
    assert replay(kept, bugs=()).same is False
