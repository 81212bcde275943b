"""The exit codes of DESIGN, each held by a test; click's own codes clash with them."""

import json

import click
import pytest

from splitbrain import cli
from splitbrain.errors import HarnessError, UsageError
from splitbrain.main import main

VALID_LINES = [
    '{"process": 0, "type": "invoke", "f": "write", "key": "x", "value": 1}',
    '{"process": 0, "type": "ok", "f": "write", "key": "x", "value": 1}',
]
INVALID_LINES = [
    *VALID_LINES,
    '{"process": 0, "type": "invoke", "f": "read", "key": "x", "value": null}',
    '{"process": 0, "type": "ok", "f": "read", "key": "x", "value": 2}',
]
EMPTY = ['{"process": 0, "type": "invoke", "f": "write", "key": "x", "value": 1}']
MALFORMED = ['{"process": 0, "type": "wrong"}']


@pytest.fixture
def file(tmp_path):
    def write(name, lines):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    return write


def test_a_valid_history_exits_0(file, capsys):
    assert main(["check", file("valid", VALID_LINES)]) == 0
    assert "valid" in capsys.readouterr().out.lower()


def test_an_invalid_history_exits_1(file, capsys):
    assert main(["check", file("invalid", INVALID_LINES)]) == 1
    assert "invalid" in capsys.readouterr().out.lower()


def test_a_history_in_which_nothing_completed_exits_2(file):
    assert main(["check", file("empty", EMPTY)]) == 2


def test_a_malformed_history_exits_64_and_names_file_and_line(file, capsys):
    path = file("malformed", MALFORMED)
    assert main(["check", path]) == 64
    error = capsys.readouterr().err
    assert path in error
    assert "line 1" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("valid", "empty"), 2),
        (("empty", "invalid"), 1),
        (("invalid", "malformed", "valid"), 64),
    ],
)
def test_of_several_files_the_worst_one_decides(names, code, file):
    lines = {"valid": VALID_LINES, "empty": EMPTY, "invalid": INVALID_LINES, "malformed": MALFORMED}
    assert main(["check", *[file(name, lines[name]) for name in names]]) == code


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["check"],
        ["check", "no-such-file"],
        ["check", "--no-such-option", "x"],
        ["run", "no-such-system"],
        ["run", "raft", "--faults", "meteor"],
        ["run", "raft", "--bug", "no-such-bug"],
        ["run", "raft", "--workload", "no-such-workload"],
        ["run", "kv", "--faults", "partition"],
        ["run", "raft", "--time-limit", "x"],
        ["run", "raft", "--nodes", "0"],
        ["run", "raft", "--plan", "no-such-plan"],
        ["run", "raft", "--require", "beauty>3"],
        ["run", "./no-such-file.py:System"],
        ["replay", "no-such-run"],
        ["verify", "no-such-certificate", "no-such-file"],
        ["bugs", "no-such-system"],
    ],
    ids=" ".join,
)
def test_a_mistake_of_the_caller_exits_64_with_one_sentence(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 64
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("splitbrain: ")
    assert len(captured.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (["frobnicate"], "verify"),
        (["run", "no-such-system"], "raft"),
        (["run", "raft", "--faults", "meteor"], "power-cut"),
        (["run", "raft", "--bug", "no-such-bug"], "forget-vote"),
        (["run", "raft", "--workload", "no-such-workload"], "register"),
    ],
    ids=["verb", "system", "fault", "bug", "workload"],
)
def test_an_unknown_name_is_answered_with_the_known_ones(arguments, known, capsys):
    assert main(arguments) == 64
    assert known in capsys.readouterr().err


SHAPE = {
    "valid",
    "reason",
    "operations",
    "seconds",
    "method",
    "checks",
    "violations",
    "gates",
    "measurements",
    "coverage",
    "replay",
}


def test_json_is_one_object_of_the_documented_shape_on_one_line_and_nothing_else(file, capsys, tmp_path):
    proof = tmp_path / "proof.json"
    for name, lines in {"valid": VALID_LINES, "invalid": INVALID_LINES, "empty": EMPTY}.items():
        main(["check", "--json", "--certificate", str(proof), file(name, lines)])
        (line,) = capsys.readouterr().out.splitlines()
        verdict = json.loads(line)
        assert verdict.keys() >= SHAPE
        assert verdict["valid"] == {"valid": True, "invalid": False, "empty": "unknown"}[name]
        assert verdict["checks"][0]["certificate"] == (None if name == "empty" else str(proof))


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (UsageError("no"), 64),
        (HarnessError("no"), 70),
        (click.UsageError("no"), 64),
        (click.Abort(), 2),
        (KeyboardInterrupt(), 2),
        (RuntimeError("a bug of ours"), 70),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_how_a_command_ends_maps_to_its_code(raised, code, monkeypatch, capsys):
    def fail(**_):
        raise raised

    monkeypatch.setattr(cli.command, "main", fail)
    assert main([]) == code
    assert "splitbrain: " in capsys.readouterr().err


def test_help_and_version_exit_0(capsys):
    assert main(["--help"]) == 0
    assert main(["--version"]) == 0
    assert "splitbrain 0." in capsys.readouterr().out
