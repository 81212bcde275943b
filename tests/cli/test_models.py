"""What docs/models.md says: its table, its example, and `check` without a model or with a wrong one."""

import json
import re
import shlex
from pathlib import Path

import pytest

from splitbrain.checkers.models import BUILT_IN

REPOSITORY = Path(__file__).parents[2]
CHAPTER = (REPOSITORY / "docs" / "models.md").read_text()
BLOCK = re.compile(r"(?:<!-- (?P<file>\S+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL)
BLOCKS = [found.groupdict() for found in BLOCK.finditer(CHAPTER)]
ROW = re.compile(r"^\| `([a-z-]+)` \| (.*) \|", re.MULTILINE)


def test_the_table_has_every_model_and_every_operation():
    rows = dict(ROW.findall(CHAPTER))
    assert set(rows) == {model.name for model in BUILT_IN}
    inherited = ("and ", "the same")
    for model in BUILT_IN:
        row = rows[model.name]
        named = set(re.findall(r"`([a-z]+)\b", row))
        if not row.startswith(inherited) and model.name != "kv":
            assert named >= set(model.functions), model.name


def test_the_example_stands_in_its_files():
    for block in BLOCKS:
        if block["file"] is not None:
            assert block["text"].strip() in (REPOSITORY / block["file"]).read_text()
    (code,) = (block["text"] for block in BLOCKS if block["language"] == "python")
    body = [line for line in code.splitlines() if line.strip() and '"""' not in line]
    assert len(body) <= 10


def test_the_example_refutes_a_maximum_that_went_down(splitbrain, tmp_path):
    (command,) = (block["text"].strip() for block in BLOCKS if block["language"] == "sh")
    _, *arguments = shlex.split(command)
    assert splitbrain(*arguments, cwd=REPOSITORY).code == 1
    right = tmp_path / "right.jsonl"
    right.write_text(
        (REPOSITORY / arguments[-1]).read_text().replace('"read", "value": 3', '"read", "value": 5')
    )
    assert splitbrain(*arguments[:-1], right, cwd=REPOSITORY).code == 0


@pytest.fixture
def written(tmp_path):
    def write(*calls):
        file = tmp_path / "history.jsonl"
        lines = [
            {"process": 0, "type": kind, "f": f, "value": value}
            for f, asked, told in calls
            for kind, value in (("invoke", asked), ("ok", told))
        ]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return file

    return write


def test_every_data_type_is_guessed_decided_and_verified(splitbrain, written, tmp_path):
    proof = tmp_path / "proof.json"
    history = written(("push", 1, 1), ("push", 2, 2), ("pop", None, 1))
    ended = splitbrain("check", history, "--certificate", proof)
    assert (ended.code, ended.verdict["model"]) == (1, "stack")
    assert splitbrain("verify", proof, history).code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "position 2 fits no model that those before it fit (fifo-queue, queue): push is not one of"),
        (["--model", "fifo-queue"], "position 2 doesn't fit the model fifo-queue: push is not one of"),
    ],
)
def test_where_no_model_fits_the_operation_is_named_and_nothing_is_decided(
    splitbrain, written, options, words
):
    ended = splitbrain("check", written(("enqueue", 1, 1), ("push", 2, 2)), *options)
    assert ended.code == 64
    assert words in ended.err
    assert "Traceback" not in ended.err


def test_an_initial_state_that_is_none_is_refused(splitbrain, written):
    ended = splitbrain("check", written(("enqueue", 1, 1)), "--initial", "7")
    assert ended.code == 64
    assert "fifo-queue can't begin with 7" in ended.err
