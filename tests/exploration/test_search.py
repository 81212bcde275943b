"""A failing real run is the centre of a search: its plan in gist, everything else anew."""

import json
from dataclasses import replace

import pytest

from splitbrain.errors import UsageError
from splitbrain.exploration.repeat import check_case
from splitbrain.exploration.search import Tries, real_case, search, variation, violated
from splitbrain.exploration.session import USUAL
from splitbrain.exploration.simulate import resolve
from splitbrain.plan import Plan, PlannedFault, Trigger
from splitbrain.store import RunDirectory

from .stories import LOST_WRITE

PLAN = Plan(
    1,
    4.0,
    1.0,
    tuple(
        PlannedFault(
            f"cut-{number}",
            "power-cut",
            0.3,
            when=Trigger("answered", {"type": "write"}, "n1", skip=3, after=0.5 + number),
            target="noter",
        )
        for number in range(3)
    ),
)
TEST = {
    "version": 1,
    "system": "kv",
    "on": "local",
    "nodes": ["n1"],
    "workload": "register",
    "rate": 300.0,
    "concurrency": 8,
    "operation_timeout": 1.0,
    "seed": 99,
    "bugs": ["ack-before-sync"],
    "settings": {},
    "require": None,
}
VERDICT = {
    "valid": False,
    "violations": [{"kind": "LIN", "summary": "..."}, {"kind": "LC", "summary": "..."}],
}


@pytest.fixture
def run_directory(tmp_path):
    """A run directory as a real run leaves it, as far as a search reads it."""

    def make(**changes):
        documents = {"test": TEST, "plan": PLAN.to_json(), "verdict": VERDICT}
        for name, document in {**documents, **changes}.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(document))
        return RunDirectory(tmp_path)

    return make


def test_the_case_of_a_real_run_is_what_that_run_was(run_directory):
    case = real_case(run_directory())
    assert (case.system, case.nodes, case.bugs) == ("kv", 1, ("ack-before-sync",))
    assert (case.seed, case.rate, case.concurrency) == (99, 300.0, 8)
    assert (case.plan, case.environment) == (PLAN, USUAL)


def test_settings_that_are_the_systems_own_are_left_out(run_directory):
    settings = {"heartbeat": 0.05, "election": [0.4, 0.8], "batch": 7}
    raft = {**TEST, "system": "raft", "bugs": [], "settings": settings}
    assert real_case(run_directory(test=raft)).settings == {"batch": 7}


def test_the_first_kind_of_the_verdict_is_searched_for_or_the_one_asked_for(run_directory):
    directory = run_directory()
    assert violated(directory) == "LIN"
    assert violated(directory, "LC") == "LC"
    with pytest.raises(UsageError, match="shows no violation 'ES'; it shows LIN, LC"):
        violated(directory, "ES")


def test_a_run_that_broke_nothing_is_refused(run_directory):
    with pytest.raises(UsageError, match="broke no promise"):
        violated(run_directory(verdict={"valid": True, "violations": []}))


def test_a_simulated_run_is_sent_to_shrink(run_directory):
    with pytest.raises(UsageError, match="was simulated already; `splitbrain shrink"):
        real_case(run_directory(test={**TEST, "on": "sim"}))


@pytest.mark.parametrize("missing", ["workload", "seed", "bugs"])
def test_a_garbled_run_is_a_sentence_that_names_the_field(run_directory, missing):
    test = {name: value for name, value in TEST.items() if name != missing}
    with pytest.raises(UsageError, match=f"test.json of .* lacks or garbles '{missing}'"):
        real_case(run_directory(test=test))


def test_a_try_is_a_function_of_its_number(run_directory):
    base = real_case(run_directory())
    assert [variation(base, number) for number in range(20)] == [
        variation(base, number) for number in range(20)
    ]
    assert len({repr(variation(base, number)) for number in range(20)}) == 20


def test_the_first_try_has_the_plan_itself(run_directory):
    assert variation(real_case(run_directory()), 0).plan == PLAN


def test_tries_keep_to_the_gist_of_the_plan_and_can_be_run(run_directory):
    base = real_case(run_directory())
    resolved = resolve(base)
    known = {each.id for each in PLAN.faults}
    left_out = 0
    for number in range(200):
        case = variation(base, number)
        check_case(case, resolved)
        assert {each.id for each in case.plan.faults} <= known
        assert case.plan.duration <= PLAN.duration
        assert all(each.target == "noter" for each in case.plan.faults)
        assert 8.0 <= case.rate <= 80.0
        assert 2 <= case.concurrency <= 8
        left_out += len(PLAN.faults) - len(case.plan.faults)
    assert 20 < left_out < 200


def test_a_load_thinner_than_any_try_stays(run_directory):
    base = replace(real_case(run_directory()), rate=2.0, concurrency=1)
    assert {variation(base, number).rate for number in range(5)} == {2.0}


def test_a_search_finds_the_kind_and_the_case_shows_it_again(run_directory):
    base = real_case(run_directory())
    found = search(base, "LIN", seconds=60.0, runs=40, jobs=1)
    assert found.case is not None
    again = Tries(base).prepare()
    assert "LIN" in again(found.runs - 1)
    assert found.case == variation(base, found.runs - 1)


def test_a_search_in_vain_says_how_many_runs_and_what_else_it_saw(run_directory):
    base = real_case(run_directory())
    told = []
    found = search(
        base,
        "ES",
        seconds=60.0,
        runs=12,
        jobs=1,
        progress=lambda runs, kinds: told.append((runs, dict(kinds))),
    )
    assert (found.case, found.runs) == (None, 12)
    assert found.others["LIN"] >= 1
    assert [runs for runs, _ in told] == list(range(1, 13))
    assert told[-1][1] == found.others


def test_mended_code_is_searched_in_vain(run_directory):
    base = replace(real_case(run_directory()), bugs=())
    found = search(base, "LIN", seconds=60.0, runs=20, jobs=1)
    assert (found.case, found.others) == (None, {})


def test_time_that_is_up_ends_a_search():
    found = search(replace(LOST_WRITE, bugs=(), operations=None), "LIN", seconds=0.0, jobs=1)
    assert (found.case, found.runs) == (None, 1)
