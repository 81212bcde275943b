"""What docs/extending.md says: its code is in docs/examples, its commands do what it promises."""

import json
import re
import shlex
import textwrap
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CHAPTERS = (REPOSITORY / "docs" / "extending.md").read_text()
BLOCK = re.compile(r"(?:<!-- (?P<file>\S+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL)
BLOCKS = [found.groupdict() for found in BLOCK.finditer(CHAPTERS)]
MODELS = (REPOSITORY / "docs" / "models.md").read_text()
COMMANDS = [block["text"].strip() for block in BLOCKS if block["language"] == "sh"]

VOLATILE, HOT_KEY, CHECK, FREEZE, PLANNED, COUNTER, AMNESIA, EARLY, LISTED = COMMANDS

cluster = [pytest.mark.cluster, pytest.mark.timeout(120)]


@pytest.fixture
def typed(splitbrain):
    """Type a command of the chapters where they say it runs."""

    def type_in(command, *more):
        name, *arguments = shlex.split(command)
        assert name == "splitbrain"
        return splitbrain(*arguments, *more, cwd=REPOSITORY)

    return type_in


def plan_of(ended):
    return json.loads((ended.run / "plan.json").read_text())


def checks(ended):
    return {check["checker"]: check["valid"] for check in ended.verdict["checks"]}


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_block_of_code_stands_in_the_example_that_it_names(number):
    block = BLOCKS[number]
    if block["language"] == "sh":
        assert block["text"].count("\n") == 1
        return
    assert block["file"] is not None
    wanted = block["text"].splitlines()
    lines = (REPOSITORY / block["file"]).read_text().splitlines()
    # A chapter shows a member without the indentation of its class, or the comma of its list.
    windows = (textwrap.dedent("\n".join(lines[at : at + len(wanted)])) for at in range(len(lines)))
    assert any(window.rstrip(",").splitlines() == wanted for window in windows)


def test_a_command_that_an_example_names_for_itself_is_one_of_the_chapters():
    for path in (REPOSITORY / "docs" / "examples").glob("*.py"):
        for command in re.findall(r"^ *(splitbrain .*)$", path.read_text(), re.MULTILINE):
            assert command in COMMANDS or command in MODELS, path.name


def test_the_model_refutes_a_counter_that_goes_back_and_accepts_it_up_to_there(typed, tmp_path):
    refuted = typed(CHECK)
    assert refuted.code == 1
    assert refuted.verdict["method"] == "configurations"
    *_, history = shlex.split(CHECK)
    lines = (REPOSITORY / history).read_text().splitlines(keepends=True)
    shorter = tmp_path / "shorter.jsonl"
    shorter.write_text("".join(lines[:-2]))
    accepted = typed(CHECK.replace(history, str(shorter)))
    assert (accepted.code, accepted.verdict["valid"]) == (0, True)


def test_a_registered_name_is_listed_and_found(splitbrain, examples, tmp_path, monkeypatch):
    installed = tmp_path / "splitbrain_examples-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: splitbrain-examples\nVersion: 1\n")
    groups = tomllib.loads((examples / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in points.items())
        for group, points in groups.items()
    ]
    (installed / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{examples}")
    for group, points in groups.items():
        kind = group.removeprefix("splitbrain.")
        if kind != "checkers":
            listed = splitbrain(kind).verdict[kind]
            assert set(points) <= {row["name"] for row in listed}
    assert splitbrain("check", "--model", "counter", examples / "counter.jsonl").code == 1
    # Refused for its leaders, not for its name: it was found.
    ended = splitbrain("run", "volatile", "--nodes", 3, "--faults", "freeze-leader", "--time-limit", 20)
    assert ended.code == 64
    assert "freeze-leader-1: the target 'leader'" in ended.err


class TestRuns:
    pytestmark = cluster

    def test_the_system_that_forgets_is_convicted_when_it_is_killed(self, typed):
        ended = typed(VOLATILE, "--seed", 1)
        assert ended.code == 1
        assert ended.kinds == {"LIN"}

    def test_the_workload_runs_on_a_system_of_ours_and_on_its_own_key_alone(self, typed):
        ended = typed(HOT_KEY, "--seed", 1)
        assert ended.code == 0, ended.verdict.get("reason")
        lines = [json.loads(line) for line in (ended.run / "history.jsonl").read_text().splitlines()]
        invoked = [line["f"] for line in lines if line["type"] == "invoke"]
        assert {line["key"] for line in lines} == {"hot"}
        assert invoked.count("read") > 4 * invoked.count("write") > 0

    def test_the_fault_bites_beside_ours_and_stands_in_the_plan(self, typed, examples):
        ended = typed(FREEZE, "--seed", 1)
        assert ended.code == 0, ended.verdict.get("reason")
        own = f"{examples}/freeze_leader.py:FreezeLeader"
        assert {entry["fault"] for entry in plan_of(ended)["faults"]} == {"kill", own}
        outcome = json.loads((ended.run / "outcome.json").read_text())
        frozen = [record for record in outcome["records"] if record["fault"] == own]
        assert len(frozen) >= 2
        assert all(record["bit"] and record["healed"] and len(record["nodes"]) == 1 for record in frozen)

    def test_a_plan_finds_its_fault_beside_itself_and_is_replayed_from_another_directory(
        self, typed, splitbrain, tmp_path
    ):
        first = typed(PLANNED, "--seed", 1)
        assert first.code == 0, first.verdict.get("reason")
        second = splitbrain("replay", first.run, cwd=tmp_path)
        assert second.code == 0, second.err
        assert plan_of(second) == plan_of(first)

    def test_the_counter_keeps_its_promises_by_its_own_workload_model_and_checker(
        self, typed, splitbrain, tmp_path
    ):
        ended = typed(COUNTER, "--seed", 1)
        assert ended.code == 0, ended.verdict.get("reason")
        assert checks(ended) == {"linearizable": True, "nothing-forgotten": True, "crash": True}
        again = splitbrain("check", ended.run, cwd=tmp_path)
        assert (again.code, checks(again)) == (0, checks(ended))

    def test_the_bug_without_a_plan_is_convicted_by_reads_and_by_notes(self, typed):
        ended = typed(AMNESIA, "--seed", 1)
        assert ended.code == 1
        assert ended.kinds == {"LIN", "FORGOTTEN"}

    def test_the_bug_with_a_plan_beside_it_is_convicted_under_that_plan(self, typed, examples):
        ended = typed(EARLY, "--seed", 1)
        assert ended.code == 1
        assert "FORGOTTEN" in ended.kinds
        planned = json.loads((examples / "plans" / "early-answer.json").read_text())
        followed = [entry["id"] for entry in plan_of(ended)["faults"]]
        assert followed == [entry["id"] for entry in planned["faults"]]


def test_the_last_chapter_lists_what_there_is(typed):
    assert {"kv", "register"} <= {row["name"] for row in typed(LISTED).verdict["workloads"]}


def test_a_bug_without_a_plan_asks_for_one(splitbrain, examples):
    ended = splitbrain("run", f"{examples}/counter.py:CounterSystem", "--bug", "amnesia")
    assert ended.code == 64
    assert "--faults or --plan" in ended.err
