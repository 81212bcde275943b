"""`shrink` and `replay` as a stranger uses them: exit codes, files, sentences."""

import json
import shutil
from pathlib import Path

import pytest

from splitbrain.exploration.case import Case, Operation
from splitbrain.exploration.repeat import record
from splitbrain.exploration.replay_file import write_replay
from splitbrain.main import main
from splitbrain.plan import Plan, PlannedFault, Trigger

CUT = PlannedFault("cut-1", "power-cut", 0.1, when=Trigger("answered", {}, "n1"), target="noter")
IDLE = PlannedFault("pause-1", "pause", 0.1, at=0.32)
LOST_WRITE = Case(
    "kv",
    1,
    "register",
    0,
    Plan(1, 0.4, 0.0, (CUT, IDLE)),
    bugs=("ack-before-sync",),
    patience=0.0,
    concurrency=2,
    operations=(
        Operation(0, 0, "write", "k0", 1),
        Operation(300_000_000, 1, "read", "k0"),
        Operation(310_000_000, 1, "read", "k1"),
    ),
)


@pytest.fixture
def replay_file(tmp_path):
    path = tmp_path / "lost-write.json"
    write_replay(path, record(LOST_WRITE))
    return path


def test_a_replay_file_convicts_with_exit_code_1_and_the_recorded_trace(splitbrain, replay_file):
    ended = splitbrain("replay", replay_file)
    assert ended.code == 1
    assert ended.kinds == {"LIN"}
    assert ended.verdict["trace"]["recorded"] is True
    assert ended.out.count("\n") == 1


def test_the_mended_system_passes_with_exit_code_0_and_is_told_apart(splitbrain, replay_file):
    ended = splitbrain("replay", replay_file, "--without-bug", "ack-before-sync", json_output=False)
    assert ended.code == 0
    assert "VALID" in ended.out
    assert "trace:  another than the recorded one" in ended.out
    assert "recorded with other seeded bugs" in ended.out


def test_another_bug_can_be_seeded_into_a_replay(splitbrain, replay_file):
    ended = splitbrain(
        "replay", replay_file, "--without-bug", "ack-before-sync", "--bug", "torn-tail-as-data"
    )
    assert ended.code == 0
    assert ended.verdict["trace"]["recorded"] is False


def test_the_story_and_its_picture_come_with_a_replay(splitbrain, replay_file, tmp_path):
    picture = tmp_path / "story.svg"
    ended = splitbrain("replay", replay_file, "--narrative", "--svg", picture, json_output=False)
    assert "power" in ended.out
    assert picture.read_text().startswith(("<svg", "<?xml"))


def test_shrink_writes_a_smaller_replay_with_its_story_beside_it(splitbrain, replay_file, tmp_path):
    ended = splitbrain("shrink", replay_file, "--runs", 200)
    assert ended.code == 1
    small = tmp_path / "lost-write.shrunk.json"
    assert ended.verdict["files"] == [str(small.with_suffix(suffix)) for suffix in (".json", ".txt", ".svg")]
    assert all(Path(path).stat().st_size for path in ended.verdict["files"])
    assert ended.verdict["before"] == {"operations": 3, "faults": 2, "deviations": 0, "nodes": 1}
    assert ended.verdict["after"] == {"operations": 2, "faults": 1, "deviations": 0, "nodes": 1}
    assert "3 operations, 2 faults, 0 deviations -> 2, 1, 0" in ended.err
    again = splitbrain("replay", small)
    assert (again.code, again.verdict["trace"]["recorded"]) == (1, True)


def test_a_simulated_run_is_shrunk_into_its_own_directory_and_repeated_to_the_byte(splitbrain):
    first = splitbrain(
        "run", "kv", "--on", "sim", "--bug", "ack-before-sync", "--rate", 30, "--seed", 5, "--time-limit", 9
    )
    assert first.code == 1
    second = splitbrain("replay", first.run)
    assert second.code == 1
    assert (second.run / "history.jsonl").read_bytes() == (first.run / "history.jsonl").read_bytes()
    traces = [json.loads((run / "outcome.json").read_text())["trace"] for run in (first.run, second.run)]
    assert traces[0] == traces[1]
    assert f"The trace is that of {first.run}, step by step." in second.err
    outcome = json.loads((first.run / "outcome.json").read_text())
    (first.run / "outcome.json").write_text(json.dumps({**outcome, "trace": "of older code"}))
    assert "The trace is another" in splitbrain("replay", first.run).err
    shrunk = splitbrain("shrink", first.run, "--runs", 150)
    assert shrunk.code == 1
    assert (first.run / "shrunk-LIN.json").exists()


@pytest.fixture
def refused(capsys):
    """Call a verb that must end with exit code 64 and one sentence; return that."""

    def call(*arguments):
        assert main([str(argument) for argument in arguments]) == 64
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        return err

    return call


def test_a_real_run_is_sent_to_the_search(refused, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "test.json").write_text(json.dumps({"system": "kv", "on": "local"}))
    assert f"splitbrain replay {run} --on sim --search" in refused("shrink", run)
    assert f"splitbrain replay {run} --on sim --search" in refused("replay", run, "--on", "sim")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--system", "raft"], "is a replay of the system kv, not of raft"),
        (["--without-bug", "forget-vote"], "was recorded without the bug 'forget-vote'"),
        (["--bug", "forget-vote"], "kv has no seeded bug 'forget-vote'"),
        (["--on", "sim"], "--on is for run directories"),
        (["--kind", "LIN"], "--kind is for run directories"),
    ],
)
def test_what_does_not_fit_a_replay_file_is_refused(refused, replay_file, arguments, sentence):
    assert sentence in refused("replay", replay_file, *arguments)


def test_its_own_system_is_not_another_one(splitbrain, replay_file):
    assert splitbrain("replay", replay_file, "--system", "kv").code == 1


def test_a_replay_file_of_another_version_is_refused(refused, replay_file):
    document = json.loads(replay_file.read_text())
    replay_file.write_text(json.dumps({**document, "version": 9, "splitbrain": "7.0"}))
    sentence = refused("replay", replay_file)
    assert "`version` is 9" in sentence
    assert "written by splitbrain 7.0" in sentence


def test_a_replay_file_in_words_that_the_system_has_not_is_refused(refused, replay_file):
    document = json.loads(replay_file.read_text())
    document["case"]["deviations"] = [["c0", "n1", "scribble", 0, None]]
    replay_file.write_text(json.dumps(document))
    sentence = refused("replay", replay_file)
    assert f"{replay_file}: the vocabulary differs" in sentence
    assert "'scribble'" in sentence


def test_what_is_neither_run_nor_replay_is_refused(refused, tmp_path):
    assert "does not exist" in refused("replay", tmp_path / "nothing")
    assert "no run directory" in refused("replay", tmp_path)
    assert "no run directory" in refused("shrink", tmp_path)
    assert "can't be read" in refused("shrink", tmp_path / "nothing")


def test_a_replay_that_breaks_nothing_cant_be_shrunk(refused, tmp_path):
    path = tmp_path / "healthy.json"
    write_replay(path, record(Case("kv", 1, "register", 0, Plan(0, 0.2, 0.0), patience=0.0)))
    assert "nothing to shrink" in refused("shrink", path)


def test_a_replay_of_ones_own_system_moves_with_its_folder(splitbrain, examples, tmp_path):
    """The reference in the file is relative: what was committed together is found together."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    for name in ("counter.py", "counter_workload.py", "counter_model.py", "counter_notes.py"):
        shutil.copy(examples / name, here)
    case = Case(
        f"{here / 'counter.py'}:CounterSystem",
        1,
        "./counter_workload.py:CounterWorkload",
        0,
        Plan(0, 0.2, 0.0),
        patience=0.0,
    )
    write_replay(here / "calm.json", record(case))
    here.rename(there)
    ended = splitbrain("replay", there / "calm.json")
    assert (ended.code, ended.verdict["trace"]["recorded"]) == (0, True)
