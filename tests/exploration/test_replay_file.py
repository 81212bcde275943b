"""A replay file says the same for good: it reads back as it was written, and anything else is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from splitbrain.errors import UsageError
from splitbrain.exploration.case import Case, Operation
from splitbrain.exploration.replay_file import (
    Expectation,
    Replay,
    pretty,
    read_replay,
    replay_from_json,
    write_replay,
)
from splitbrain.plan import Plan, PlannedFault, Trigger
from splitbrain.simulation.deviations import Address, CrashPoint, Deviation
from splitbrain.simulation.environment import Environment, Network

CASE = Case(
    "raft",
    3,
    "register",
    5,
    Plan(
        2,
        3.5,
        0.0,
        (
            PlannedFault("kill-1", "kill", 0.5, when=Trigger("voted", {"own": False}), target="noter"),
            PlannedFault("cut-1", "partition", 1.5, at=0.25, parameters={"shape": "leader-alone"}),
        ),
    ),
    bugs=("forget-vote",),
    settings={"heartbeat": 0.1},
    operations=(Operation(0, 0, "write", "k0", 1), Operation(5, 1, "cas", "k0", [1, 2])),
    environment=Environment(Network(latency=3, loss=0.5), rates={"n1": 1.5}),
    deviations=(
        Deviation(Address("n1", "n2", "vote", 3), None),
        Deviation(Address("n1", "n2", "vote", 4), 7, 9),
    ),
    crash_points=(CrashPoint("n2", "send vote", 1, True, 1000, 3),),
)
REPLAY = Replay(
    "two leaders", CASE, Expectation(("ES", "LIN"), "n1 and n2 lead term 1.", "00ff"), ("vote",), ("voted",)
)


def written(tmp_path):
    path = tmp_path / "kept" / "two-leaders.json"
    write_replay(path, REPLAY)
    return path


def test_a_replay_reads_back_as_it_was_written(tmp_path):
    assert read_replay(written(tmp_path)) == REPLAY


def test_writing_what_was_read_changes_no_byte(tmp_path):
    path = written(tmp_path)
    before = path.read_bytes()
    write_replay(path, read_replay(path))
    assert path.read_bytes() == before


def test_each_operation_fault_and_deviation_stands_on_a_line_of_its_own(tmp_path):
    lines = [line.strip().rstrip(",") for line in written(tmp_path).read_text().splitlines()]
    assert '[5, 1, "cas", "k0", [1, 2]]' in lines
    assert '["n1", "n2", "vote", 4, 7, 9]' in lines
    assert sum(line.startswith('{"id"') for line in lines) == 2
    assert sum(line.startswith('{"node": "n2"') for line in lines) == 1


def test_one_operation_more_changes_one_line(tmp_path):
    more = replace(CASE, operations=(Operation(0, 1, "read", "k0"), *CASE.operations))
    one, other = (pretty(each.to_json()).splitlines() for each in (REPLAY, replace(REPLAY, case=more)))
    assert len(other) == len(one) + 1
    assert len(set(other) - set(one)) == 1


def test_lines_are_short_enough_to_review(tmp_path):
    listed = ('{"id"', "[", '{"node"', '"title"')
    for line in written(tmp_path).read_text().splitlines():
        assert len(line) <= 112 or line.strip().startswith(listed)


def test_a_file_of_ones_own_is_referred_to_from_the_replay_files_folder(tmp_path):
    mine = tmp_path / "systems" / "mine.py"
    case = replace(CASE, system=f"{mine}:Mine", workload=f"{mine}:Load", bugs=())
    path = tmp_path / "kept" / "mine.json"
    write_replay(path, replace(REPLAY, case=case))
    stored = json.loads(path.read_text())["case"]
    assert stored["system"] == "../systems/mine.py:Mine"
    assert stored["workload"] == "mine.py:Load"
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (tmp_path / "kept").rename(moved / "kept")
    found = read_replay(moved / "kept" / "mine.json").case
    assert found.system == f"{moved}/systems/mine.py:Mine"
    assert found.workload == f"{moved}/systems/mine.py:Load"


def broken(change):
    document = json.loads(json.dumps(REPLAY.to_json()))
    change(document)
    return document


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d.update(format="jepsen"), "`format` must be 'splitbrain-replay', not \"jepsen\""),
        (lambda d: d.pop("format"), "this is no replay file"),
        (lambda d: d.update(version=2), "`version` is 2, and this splitbrain .* reads version 1"),
        (lambda d: d.update(extra=1), "no field `extra`"),
        (lambda d: d.pop("title"), "`title` must be a text; it is missing"),
        (lambda d: d["expect"].update(kinds="LIN"), '`expect.kinds` must be a list; it is "LIN"'),
        (lambda d: d["expect"].update(kinds=[1]), "`expect.kinds` must be a list of texts"),
        (lambda d: d["expect"].update(seed=1), "no field `expect.seed`"),
        (lambda d: d["vocabulary"].pop("notes"), "`vocabulary.notes` must be a list; it is missing"),
        (lambda d: d.pop("case"), "`case`: a case is one JSON object"),
        (lambda d: d["case"].update(nodes="many"), "`case`: `nodes` must be a number"),
        (lambda d: d["case"].update(colour=1), "`case`: a case has no field 'colour'"),
        (lambda d: d["case"]["deviations"].append(["n1"]), "`case`: A deviation is"),
        (lambda d: d["case"]["operations"].append([0, 9, "read", None, None]), "on a thread that there"),
    ],
)
def test_what_breaks_the_format_is_refused_by_field(change, sentence):
    with pytest.raises(UsageError, match=sentence):
        replay_from_json(broken(change))


@pytest.mark.parametrize("document", [None, [], "text", 7])
def test_json_that_is_no_object_is_no_replay_file(document):
    with pytest.raises(UsageError, match="no replay file"):
        replay_from_json(document)


def test_a_file_that_is_not_json_is_named(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text('{"format": ')
    with pytest.raises(UsageError, match=f"The replay file {path} is not JSON"):
        read_replay(path)


def test_a_sentence_about_a_field_names_the_file(tmp_path):
    path = tmp_path / "old.json"
    path.write_text(json.dumps(broken(lambda d: d.update(version=0))))
    with pytest.raises(UsageError, match=f"^{path}: `version` is 0"):
        read_replay(path)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(UsageError, match="can't be read: No such file"):
        read_replay(tmp_path / "missing.json")


def test_a_folder_that_cant_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't be written"):
        write_replay(Path(tmp_path / "file" / "replay.json"), REPLAY)
