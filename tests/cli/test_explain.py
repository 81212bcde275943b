"""`explain`, and the files that it and `check` write beside their answer."""

import json

import pytest

from splitbrain.main import main


def lines(*calls):
    for process, (f, value) in enumerate(calls):
        asked = None if f == "read" else value
        yield {"process": process, "type": "invoke", "f": f, "key": "x", "value": asked}
        yield {"process": process, "type": "ok", "f": f, "key": "x", "value": value}


@pytest.fixture
def history(tmp_path):
    def write(*calls, name="history.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(line) + "\n" for line in lines(*calls)))
        return path

    return write


STALE = (("write", 7), ("write", 8), ("read", 7))
VALID = (("write", 7), ("read", 7))


def test_explain_says_in_a_paragraph_what_contradicts_itself(history, capsys):
    assert main(["explain", str(history(*STALE))]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "x=7 was overwritten by write 8 (process 1, position 2) before process 2 began to read" in told
    assert "* 4 before 2:" in told


@pytest.mark.parametrize(
    ("calls", "arguments", "code"),
    [(STALE, [], 1), (VALID, [], 0), (VALID, ["--timeout", "0"], 2), ((), [], 2)],
)
def test_exit_codes_are_those_of_check(calls, arguments, code, history, capsys):
    path = str(history(*calls))
    assert main(["explain", path, *arguments]) == main(["check", path, *arguments]) == code
    assert main(["explain", path, *arguments, "--json"]) == code
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["explanation"]


def test_explain_takes_the_options_that_decide(history, capsys):
    path = str(history(("read", 3)))
    assert main(["explain", path, "--initial", "3"]) == 0
    assert main(["explain", path, "--initial", "4", "--model", "register"]) == 1
    assert "model register" in capsys.readouterr().out


def test_check_and_explain_write_page_graph_and_certificate(history, tmp_path):
    path = history(*STALE)
    for verb in ("check", "explain"):
        files = {name: tmp_path / f"{verb}.{name}" for name in ("html", "dot", "proof")}
        code = main(
            [
                *(verb, str(path), "--witness", str(files["html"]), "--dot", str(files["dot"])),
                *("--certificate", str(files["proof"])),
            ]
        )
        assert code == 1
        assert files["html"].read_text().startswith("<!doctype html>")
        assert files["dot"].read_text().startswith("digraph witness {")
        assert main(["verify", str(files["proof"]), str(path)]) == 0


def test_a_valid_history_has_a_page_and_no_graph(history, tmp_path, capsys):
    page, graph = tmp_path / "out.html", tmp_path / "out.dot"
    assert main(["check", str(history(*VALID)), "--witness", str(page), "--dot", str(graph)]) == 0
    assert "VALID" in page.read_text()
    assert not graph.exists()
    assert "no conflicting operations" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--witness", "--dot", "--certificate"])
def test_files_are_never_written_over_the_history_nor_over_each_other(option, history, tmp_path, capsys):
    path = history(*STALE)
    before = path.read_text()
    assert main(["check", str(path), option, str(path)]) == 64
    assert path.read_text() == before
    assert main(["check", str(path), str(path), option, str(tmp_path / "x")]) == 64
    assert f"{option} takes one file at a time" in capsys.readouterr().err
    other = "--dot" if option == "--witness" else "--witness"
    assert main(["check", str(path), option, str(tmp_path / "x"), other, str(tmp_path / "x")]) == 64


def test_a_file_that_cannot_be_written_is_one_sentence(history, tmp_path, capsys):
    assert main(["explain", str(history(*STALE)), "--witness", str(tmp_path / "no" / "x.html")]) == 64
    assert "can't be written" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--witness", "--dot", "--certificate"])
@pytest.mark.parametrize("place", ["nowhere/out", "", "."])
def test_a_file_that_has_no_place_to_be_is_refused_before_anything_is_decided(
    option, place, history, capsys, monkeypatch
):
    path = history(*STALE)
    monkeypatch.chdir(path.parent)
    assert main(["explain", str(path), option, place]) == 64
    said = capsys.readouterr()
    assert not said.out
    assert option in said.err


def test_of_a_model_of_ones_own_no_certificate_is_promised(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "from splitbrain.checkers.models import Register\nclass Mine(Register):\n    name = 'mine'\n"
    )
    path = tmp_path / "h.jsonl"
    read = {"process": 1, "type": "invoke", "f": "read", "value": None}
    path.write_text(f"{json.dumps(read)}\n{json.dumps({**read, 'type': 'ok', 'value': 3})}\n")
    assert main(["explain", str(path), "--model", "./mine.py:Mine"]) == 1
    assert "can't re-check this verdict" in " ".join(capsys.readouterr().out.split())


def test_vacuity_is_told_of_a_valid_history_and_lies_in_its_coverage(history, capsys):
    path = str(history(("write", 1), ("read", 1), ("write", 2), ("read", 2)))
    assert main(["check", path, "--vacuity"]) == 0
    assert (
        "plausible corruptions would have been noticed (stale 3 of 3, lost 2 of 2" in capsys.readouterr().out
    )
    assert main(["check", path, "--vacuity", "--json"]) == 0
    score = json.loads(capsys.readouterr().out)["coverage"]["vacuity"]
    assert score["noticed"] == score["corruptions"] > 5
    assert score["share"] == 1.0
    assert main(["check", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["coverage"] == {}


@pytest.fixture
def lossy(tmp_path):
    """A set of ninety elements of which the final read is without one; seventeen adds crashed."""
    path = tmp_path / "set.jsonl"
    told = []
    for number in range(90):
        line = {"process": number, "f": "add", "value": number}
        told += [{**line, "type": "invoke"}, {**line, "type": "info" if number % 5 == 4 else "ok"}]
    line = {"process": 99, "f": "read"}
    found = [number for number in range(90) if number != 7]
    told += [{**line, "type": "invoke", "value": None}, {**line, "type": "ok", "value": found}]
    path.write_text("".join(json.dumps(each) + "\n" for each in told))
    return path


def test_explain_names_the_element_that_a_set_lost(lossy, tmp_path, capsys):
    page, proof = tmp_path / "set.html", tmp_path / "set.proof"
    assert main(["explain", str(lossy), "--witness", str(page), "--certificate", str(proof)]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert (
        "process 7's add of 7 (position 14) had returned before process 99 began to read (position 180), yet"
        " its read of 89 elements is without 7: lost." in told
    )
    assert "read [] of 89" in told
    assert "read of 89 elements" in page.read_text()
    assert len(json.loads(proof.read_text())["operations"]) == 2
    assert main(["verify", str(proof), str(lossy)]) == 0
    assert main(["explain", str(lossy), "--model", "set-full"]) == 1
    assert "model set-full" in capsys.readouterr().out


def test_of_an_invalid_history_no_vacuity_is_asked(history, capsys):
    assert main(["check", str(history(*STALE)), "--vacuity", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["coverage"] == {}
