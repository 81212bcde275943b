"""`splitbrain explore`, as a stranger would use it."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def explore(splitbrain, tmp_path):
    def call(*arguments, json_output=True):
        return splitbrain("explore", *arguments, "--store", tmp_path / "store", json_output=json_output)

    return call


def test_a_sane_system_passes(explore):
    ended = explore("kv", "--seeds", 40)
    assert ended.code == 0
    assert ended.verdict["valid"] is True
    assert ended.verdict["runs"] == 40
    assert all(ended.verdict["milestones"].values())
    assert ended.verdict["coverage"]["rules"]["node.serve"]
    assert ended.out.count("\n") == 1


def test_a_bug_is_convicted_and_its_replay_file_convicts_it_again(explore, splitbrain):
    ended = explore("kv", "--bug", "ack-before-sync", "--seeds", 300, "--jobs", 1)
    assert ended.code == 1
    (violation,) = ended.verdict["violations"]
    assert violation["kind"] == "LIN"
    assert Path(violation["file"]).is_file()
    again = splitbrain("replay", violation["file"])
    assert again.code == 1
    assert again.kinds == {"LIN"}


def test_every_crash_of_a_seed_s_case_names_the_points_that_do_harm(explore):
    ended = explore("kv", "--bug", "ack-before-sync", "--every-crash")
    assert ended.code == 1
    (violation,) = ended.verdict["violations"]
    assert violation["crash"]["fault"] == "power-cut"
    case = json.loads(Path(ended.verdict["files"]["LIN"]).read_text(encoding="utf-8"))["case"]
    assert case["crash_points"] == [violation["crash"]]


def test_a_guided_search_convicts_too(explore):
    ended = explore("kv", "--bug", "ack-before-sync", "--guided", "--seeds", 300)
    assert ended.code == 1
    assert ended.kinds == {"LIN"}


def test_people_are_told_what_was_reached(explore):
    ended = explore("kv", "--seeds", 20, "--coverage", json_output=False)
    assert ended.code == 0
    assert "No violation in 20 runs" in ended.out
    assert "node.serve" in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch"], "no system 'nosuch'"),
        (["kv", "--bug", "nosuch"], "no seeded bug 'nosuch'"),
        (["raft", "--faults", "earthquake"], "no fault 'earthquake'"),
        (["kv", "--faults", ""], "names no fault"),
        (["kv", "--case", "3"], "--case is for --every-crash"),
        (["kv", "--every-crash", "--guided"], "choose one"),
        (["kv", "--seeds", "0"], "seeds"),
        (["kv", "--every-crash", "--case", "missing.json"], "missing.json"),
    ],
)
def test_a_mistake_is_one_sentence(explore, arguments, said):
    ended = explore(*arguments)
    assert ended.code == 64
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert not ended.out
