"""`--timeout` and `--max-memory`: an unknown at once, with a sentence and never a traceback."""

import json

import pytest

from splitbrain.main import main


def _write(path, operations, f="write"):
    lines = []
    for number in range(operations):
        value = [number % 7, True] if f == "add" else number
        for kind in ("invoke", "ok"):
            told = value if kind == "ok" or f == "write" else value[0]
            lines.append(json.dumps({"process": number % 5, "type": kind, "f": f, "value": told}))
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.mark.parametrize("operations", [1, 20_500])
@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--max-memory", "1", "the memory budget of 1 MB ran out"),
        ("--timeout", "0", "the time budget of 0 s ran out"),
        ("--timeout", "0.000001", "the time budget of 1e-06 s ran out"),
    ],
)
@pytest.mark.parametrize("method", ["auto", "zones", "priced", "configurations"])
def test_a_check_without_means_is_unknown_at_once(operations, option, value, says, method, tmp_path, capsys):  # noqa: PLR0917 - one table
    path = _write(tmp_path / "history.jsonl", operations)
    assert main(["check", path, option, value, "--method", method]) == 2
    told = capsys.readouterr()
    assert says in " ".join(told.out.split())
    assert "0 of them crashed and open to the end" in " ".join(told.out.split())
    assert told.err == ""


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--timeout", "-1"),
        ("--timeout", "nan"),
        ("--timeout", "inf"),
        ("--timeout", "1e300"),
        ("--timeout", "soon"),
        ("--max-memory", "0"),
        ("--max-memory", "-5"),
        ("--max-memory", "nan"),
        ("--max-memory", "0.5"),
    ],
)
@pytest.mark.parametrize("verb", ["check", "explain"])
def test_means_that_are_no_number_are_refused_with_a_sentence(verb, option, value, tmp_path, capsys):
    assert main([verb, _write(tmp_path / "history.jsonl", 1), option, value]) == 64
    told = capsys.readouterr()
    assert told.out == ""
    assert option in told.err
    assert "Traceback" not in told.err


def test_guessing_the_data_type_is_a_part_of_checking(tmp_path, capsys):
    path = _write(tmp_path / "history.jsonl", 5000, "add")
    assert main(["check", path, "--timeout", "0", "--json"]) == 2
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["valid"] == "unknown"
    assert "while its data type was guessed (--model names it)" in verdict["reason"]
    assert verdict["model"] is None
    assert main(["check", path, "--timeout", "0"]) == 2
    assert "None" not in capsys.readouterr().out


def test_the_help_says_what_the_time_does_not_include(capsys):
    assert main(["check", "--help"]) == 0
    assert "counted from when it has been read" in " ".join(capsys.readouterr().out.split())
