"""Lines read by the block say what they say one by one: the same history, or the same refusal."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

import pytest

from splitbrain.histories import HistoryError, read_history
from splitbrain.histories.builder import HistoryBuilder
from splitbrain.histories.readers.json_lines import parse_object

BASE = {"index": 0, "time": 5, "process": 0, "type": "invoke", "f": "write", "key": "x", "value": 1}
FIELDS = {
    "process": (0, 1, 2, True, 1.0, "nemesis", None, 2**63, 2**64, -(2**63)),
    "type": ("ok", "invoke", "info", "fail", None, ["ok"], "bad"),
    "f": ("write", "read", None, ["f"], 7),
    "key": ("x", "y", None, 1, True, 1.0, [1], 2**70, {"k": 1}),
    "value": (1, None, "a:b", "{", "[", ":[", [1, 2], [[1], 2], {"a": 1}, 2**70, 1e300, "9" * 20, "\u2028"),
    "time": (1, 2.5, None, True, "late", 2**63, 2**70, -1),
    "applied": (True, False, False, None, 1),
    "error": (None, "timeout", ["a", 2**70]),
}
"""What a field may hold, right and wrong."""
SPLITS = ("\n", "\n\n", "\r\n", " \n ", ",", "},{", "\n{}", "]\n[", ',"a":[\n', '"\n"', "{", ":")


def one_by_one(path):
    builder = HistoryBuilder(str(path))
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if line and not line.isspace():
            builder.add(number, parse_object(line, str(path), number))
    return builder.finish()


def answer(read, path):
    try:
        history = read(path)
    except HistoryError as error:
        return str(error).replace("torn last line: ", "")
    return (list(map(repr, history)), history.nemesis, history.functions, history.keys, list(history.key))


def plain(rng):
    """Return the fields of lines that are a history."""
    lines, running = [], {}
    for _ in range(rng.randrange(12)):
        process = rng.randrange(3)
        if process in running:
            lines.append({**running.pop(process), "type": rng.choice(("ok", "ok", "fail", "info"))})
        else:
            fields = {
                "process": process,
                "f": rng.choice(("write", "read")),
                "key": rng.choice(("x", 1, None)),
            }
            running[process] = {**BASE, **fields, "value": rng.choice((1, "a", None, [1, 2]))}
            lines.append(running[process])
    return lines


def disturbed(rng, lines):
    """Return the text of the lines after a few changes."""
    for _ in range(rng.randrange(3) if lines else 0):
        fields = rng.choice(lines)
        name = rng.choice(sorted(FIELDS))
        fields[name] = rng.choice(FIELDS[name])
        if rng.random() < 0.2:
            del fields[name]
    separators = rng.choice(((",", ":"), (", ", ": ")))
    text = "".join(json.dumps(fields, separators=separators) + "\n" for fields in lines)
    if rng.random() < 0.05:
        text = text.replace("}\n", ',"f":"write"}\n', rng.randrange(2))
    if rng.random() < 0.2:
        cut = rng.randrange(len(text) + 1)
        text = text[:cut] + rng.choice(SPLITS) + text[cut + rng.randrange(3) :]
    return text


@pytest.mark.parametrize("seed", range(3))
def test_a_block_of_lines_is_read_as_its_lines_are(seed):
    rng = random.Random(seed)
    accepted = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "history.jsonl")
        for _ in range(2000):
            path.write_text(disturbed(rng, plain(rng)), encoding="utf-8")
            fast = answer(lambda path: read_history(path, format="jsonl"), path)
            assert fast == answer(one_by_one, path), path.read_text()
            accepted += not isinstance(fast, str)
    assert accepted > 500


@pytest.mark.parametrize(
    "text",
    [
        '{"process":0},{"value":[1\n2]}\n',
        '{"process":0},{"value":[{}\n{}]}\n',
        '{"process":0},{"value":"\n{"}\n',
        '{"process":0,"value":"\n{"}\n',
        '{},{"value":[1\n{}]}\n',
        '{"process":0,"type":"invoke","f":"a"},\n{"process":1,"type":"invoke","f":"a"}\n',
        '{"process":0,"type":"invoke","f":"a"},5\n{"process":1,"type":"invoke","f":"a"}\n',
        ' {"process":0,"type":"invoke","f":"a"},{"value":[1\n{"process":1,"type":"invoke"}]}\n',
        '7\n{"process":0,"type":"invoke","f":"a"},{}\n',
        '{"process":0,"type":"invoke","f":"a"},[5\n{"process":1,"f":"a"}]\n',
        '{"process":0,"type":"invoke","f":"a","f":"a"}\n',
        '{"process":0,"type":"invoke","f":"a","f":"a"}\n{"process":1,"type":"invoke","f":"a:"}\n',
        '{"process":0,"type":"invoke","f":"a","value":' + "[" * 200 + "]" * 200 + "}\n",
    ],
)
def test_lines_that_are_objects_only_together_are_refused(tmp_path, text):
    path = tmp_path / "history"
    path.write_text(text)
    with pytest.raises(HistoryError):
        read_history(path, format="jsonl")
    assert answer(lambda path: read_history(path, format="jsonl"), path) == answer(one_by_one, path)


def test_an_error_deep_in_a_long_file_names_its_line(tmp_path):
    path = tmp_path / "history"
    whole = "".join(
        json.dumps({**BASE, "process": process % 7, "type": kind}) + "\n"
        for process in range(3000)
        for kind in ("invoke", "ok")
    )
    path.write_text(whole + json.dumps({**BASE, "type": "ok"}) + "\n")
    with pytest.raises(HistoryError, match=r"line 6001: .*completed already at position 5993 \(line 5994\)"):
        read_history(path)


def test_an_integer_beyond_64_bits_is_read_exactly_among_small_ones(tmp_path):
    path = tmp_path / "history"
    path.write_text("".join(json.dumps({**BASE, "process": n, "value": 2**70 + n}) + "\n" for n in range(3)))
    assert [operation.value for operation in read_history(path)] == [2**70, 2**70 + 1, 2**70 + 2]
