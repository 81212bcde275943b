"""What strangers did to the command: odd numbers, odd streams, odd targets. A verdict survives all of it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from splitbrain.main import main

COMMAND = [sys.executable, "-m", "splitbrain"]


def line(process, kind, f, value):
    return json.dumps({"process": process, "type": kind, "f": f, "key": "x", "value": value})


WRITE = [line(0, "invoke", "write", 1), line(0, "ok", "write", 1)]
STALE = [*WRITE, line(0, "invoke", "read", None), line(0, "ok", "read", 2)]


@pytest.fixture
def invalid(tmp_path):
    path = tmp_path / "invalid.jsonl"
    path.write_text("\n".join(STALE) + "\n")
    return path


def test_a_certificate_never_overwrites_the_history_it_speaks_of(invalid, capsys):
    before = invalid.read_text()
    assert main(["check", str(invalid), "--certificate", str(invalid)]) == 64
    assert "overwrite" in capsys.readouterr().err
    assert invalid.read_text() == before


@pytest.mark.parametrize("option", ["--time-limit", "--rate", "--operation-timeout"])
@pytest.mark.parametrize("number", ["nan", "inf", "1e300", "-1"])
def test_a_number_that_is_none_is_refused(option, number, capsys, tmp_path):
    assert main(["run", "kv", option, number, "--store", str(tmp_path / "store")]) == 64
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_an_empty_list_of_faults_is_no_run_without_faults(capsys):
    assert main(["run", "kv", "--faults", ""]) == 64
    assert "none" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["NaN", "[1, Infinity]", "[" * 100_000])
def test_an_initial_value_that_is_no_json_is_refused(text, invalid, capsys):
    assert main(["check", str(invalid), "--initial", text]) == 64
    assert "Traceback" not in capsys.readouterr().err


def test_a_certificate_nested_beyond_reason_is_refused(tmp_path, invalid, capsys):
    proof = tmp_path / "proof.json"
    proof.write_text("[" * 100_000)
    assert main(["verify", str(proof), str(invalid)]) == 64
    assert "Traceback" not in capsys.readouterr().err


def test_a_certificate_of_a_model_that_the_verifier_does_not_know_is_not_judged(tmp_path, invalid, capsys):
    proof = tmp_path / "proof.json"
    proof.write_text(
        json.dumps({"kind": "linearizations", "model": "mine.py:Counter", "keyed": True, "keys": []})
    )
    assert main(["verify", str(proof), str(invalid)]) == 64
    assert 'no model "mine.py:Counter" of its own' in capsys.readouterr().err


def test_a_certificate_of_a_history_with_keys_says_so_to_one_without(tmp_path, invalid, capsys):
    proof = tmp_path / "proof.json"
    assert main(["check", str(invalid), "--certificate", str(proof)]) == 1
    other = tmp_path / "other.jsonl"
    other.write_text("\n".join(WRITE).replace('"key": "x", ', "") + "\n")
    assert main(["verify", str(proof), str(other)]) == 64
    assert "the certificate speaks of a history in which every operation has a key" in capsys.readouterr().err


def test_what_was_not_decided_was_decided_by_nothing(tmp_path, capsys):
    path = tmp_path / "empty.jsonl"
    path.write_text("")
    assert main(["check", str(path)]) == 2
    assert "by auto" not in capsys.readouterr().out


def test_a_contradiction_in_the_log_itself_is_refused(tmp_path, capsys):
    path = tmp_path / "history.jsonl"
    path.write_text("\n".join([line(0, "invoke", "write", 1), line(0, "ok", "write", 2)]) + "\n")
    assert main(["check", str(path)]) == 64
    assert "invoked with 1 and completed with 2" in capsys.readouterr().err


def test_standard_input_is_a_history_too(invalid):
    done = subprocess.run(
        [*COMMAND, "check", "-"], input=invalid.read_bytes(), capture_output=True, check=False
    )
    assert done.returncode == 1


def ended(shell, *arguments):
    """Run the command in a shell, with `shell` behind it; return the exit code of the command itself."""
    words = " ".join(f"'{word}'" for word in [*COMMAND, *map(str, arguments)])
    done = subprocess.run(
        ["bash", "-c", f"{words} {shell}"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_closed_output_changes_no_verdict(invalid):
    assert ended(">&-", "check", invalid)[0] == 1
    assert ended(">&- 2>&-", "check", invalid)[0] == 1


def test_a_reader_that_goes_away_changes_no_verdict(invalid):
    code, error = ended("| true; exit ${PIPESTATUS[0]}", "check", invalid)
    assert (code, error) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_said_in_a_sentence(invalid):
    code, error = ended("> /dev/full", "check", invalid)
    assert code == 70
    assert "Traceback" not in error
    assert "No space left" in error


def test_sigterm_while_checking_is_an_interrupt(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen([*COMMAND, "check", str(pipe)], stderr=subprocess.PIPE, text=True)
    writer = os.open(pipe, os.O_WRONLY)  # returns when the command reads, so it is at work by then
    try:
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=30)
    finally:
        os.close(writer)
    assert process.returncode == 2
    assert "Interrupted" in error
