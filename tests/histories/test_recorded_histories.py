"""The recorded histories say what `verdicts.json` says: decided by trying every order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from splitbrain.histories import read_history

FOLDER = Path(__file__).parents[2] / "histories" / "recorded"
VERDICTS = json.loads((FOLDER / "verdicts.json").read_text())


def apply(state, operation):
    """Return (state afterwards, the result it must have had, whether a cas applied)."""
    match operation.f:
        case "read" | "get":
            return state, state, True
        case "write" | "put":
            return operation.value, operation.value, True
        case "append":
            return (state or "") + operation.value, operation.value, True
        case "delete":
            return None, None, True
        case "cas":
            old, new = operation.value
            return (new if state == old else state), operation.value, state == old
    raise AssertionError(operation.f)


def linearizable(pending, state=None):
    """Try every operation that nothing pending precedes; crashed ones may be left out."""
    if all(operation.status == "info" for operation in pending):
        return True
    deadline = min(operation.complete for operation in pending if operation.status == "ok")
    for operation in pending:
        if operation.invoke < deadline:
            after, result, applied = apply(state, operation)
            agrees = operation.status == "info" or (result, applied) == (
                operation.result,
                operation.applied,
            )
            if agrees and linearizable([other for other in pending if other is not operation], after):
                return True
    return False


@pytest.mark.parametrize("entry", VERDICTS, ids=lambda entry: entry["file"])
def test_brute_force_confirms_the_recorded_verdict(entry):
    history = read_history(FOLDER / entry["file"])
    verdict = all(
        linearizable([history[index] for index in indices if history[index].status != "fail"])
        for indices in history.by_key().values()
    )
    assert verdict is entry["valid"]


def test_every_recorded_history_has_a_verdict_and_both_verdicts_occur():
    assert {entry["file"] for entry in VERDICTS} == {path.name for path in FOLDER.glob("*.jsonl")}
    assert {entry["valid"] for entry in VERDICTS} == {True, False}


def test_the_two_keys_would_be_refuted_as_one_register():
    operations = list(read_history(FOLDER / "register-two-keys.jsonl"))
    assert not linearizable(operations)


def test_the_index_of_every_line_is_its_position():
    for entry in VERDICTS:
        lines = (FOLDER / entry["file"]).read_text().splitlines()
        assert [json.loads(line)["index"] for line in lines] == list(range(len(lines)))
