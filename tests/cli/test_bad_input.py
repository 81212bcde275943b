"""Histories that are none, or say what can't be: one sentence, the right exit code, never a traceback."""

import json

import pytest

from splitbrain.main import main

STEERING = "fr\nob\x1b[31m\u202e"
"""What would steer a terminal."""


def history(*calls, **fields):
    """Return the text of calls one after the other: (f, value, result)."""
    lines = []
    for f, value, result in calls:
        lines.append({"process": 0, "type": "invoke", "f": f, "value": value})
        lines.append({"process": 0, "type": "ok", "f": f, "value": result, **fields})
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.fixture
def refusal(tmp_path, capsys):
    """Check a text as a file; return the one sentence that refuses it."""

    def check(text, *options):
        file = tmp_path / "history"
        file.write_text(text)
        assert main(["check", str(file), "--json", *options]) == 64
        out, err = capsys.readouterr()
        assert out == ""
        assert err.endswith("\n")
        assert err[:-1].isprintable()
        return err

    return check


@pytest.mark.parametrize("text", ["", "\n \n", "[]", "; none\n", '{"process": "nemesis", "f": "kill"}\n'])
def test_an_empty_history_is_inconclusive_in_every_form(text, tmp_path, capsys):
    file, page = tmp_path / "history", tmp_path / "page.html"
    file.write_text(text)
    files = ["--witness", str(page), "--dot", str(tmp_path / "dot"), "--certificate", str(tmp_path / "proof")]
    assert main(["check", str(file), "--json", "--vacuity", *files]) == 2
    assert "nothing was tested" in json.loads(capsys.readouterr().out)["reason"]
    assert page.exists()
    assert main(["explain", str(file)]) == 2


@pytest.mark.parametrize("options", [(), ("--model", "register")])
@pytest.mark.parametrize("f", [STEERING, "", "f" * 100_000])
def test_the_name_of_an_operation_steers_no_terminal_and_fills_no_screen(f, options, refusal):
    sentence = refusal(history(("write", 1, 1), (f, 1, 1)), *options)
    assert "position 2" in sentence
    assert len(sentence) < 800


@pytest.mark.parametrize("value", [STEERING, "x" * 100_000, [[STEERING]], {STEERING: None}, [1] * 10_000])
@pytest.mark.parametrize("call", ["cas", "transfer", "txn", "append", "insert"])
def test_a_value_of_the_wrong_shape_is_named_safely_and_briefly(value, call, refusal):
    if call == "append" and isinstance(value, str):
        value = [value]
    sentence = refusal(history((call, value, None)))
    assert "position 0" in sentence
    assert len(sentence) < 800


@pytest.mark.parametrize("initial", [STEERING, ["x" * 100_000], {STEERING: STEERING}])
@pytest.mark.parametrize("model", ["counter", "mutex", "bank", "priority-queue", "multi-register"])
def test_an_initial_value_of_the_wrong_shape_is_named_safely_and_briefly(initial, model, refusal):
    if model == "multi-register" and isinstance(initial, dict):
        initial = [initial]
    sentence = refusal("", "--model", model, "--initial", json.dumps(initial))
    assert "can't begin with" in sentence
    assert len(sentence) < 400


@pytest.mark.parametrize(
    ("f", "value"),
    [
        ("read", 1),
        ("write", 1),
        ("get", 1),
        ("put", 1),
        ("append", "a"),
        ("delete", None),
        ("txn", [["r", "x", None]]),
        ("txn", [["append", "x", 1]]),
        ("add", 1),
        ("enqueue", 1),
        ("acquire", None),
    ],
)
def test_only_a_cas_can_be_marked_as_not_applied(f, value, refusal):
    assert "not applied" in refusal(history((f, value, value), applied=False))


def test_a_sum_never_becomes_too_long_to_be_written(tmp_path, refusal, capsys):
    largest = 10**4000 - 1
    file = tmp_path / "sums"
    file.write_text(history(("add", largest, None), ("add", largest, None), ("read", None, 3)))
    assert main(["check", str(file), "--model", "counter", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["valid"] is False
    assert "too long" in refusal(history(("add", largest + 1, None)))
    assert "too long" in refusal("", "--model", "counter", "--initial", str(largest + 1))


@pytest.mark.parametrize("model", [[], {}, STEERING, None])
def test_a_certificate_of_a_strange_model_is_refused(model, tmp_path, capsys):
    file, proof = tmp_path / "history", tmp_path / "proof"
    file.write_text(history(("write", 1, 1)))
    proof.write_text(json.dumps({"kind": "linearizations", "model": model}))
    assert main(["verify", str(proof), str(file)]) == 64
    assert capsys.readouterr().err[:-1].isprintable()
