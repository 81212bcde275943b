"""One history in every format; detection from content; torn ends; where an error lies."""

from __future__ import annotations

import os
import threading

import pytest

from splitbrain.histories import FORMATS, HistoryError, read_history

JSON_LINES = """\
{"process": 4, "type": "invoke", "f": "read", "value": null}
{"process": "nemesis", "type": "info", "f": "start", "value": null}

{"process": 1, "type": "invoke", "f": "cas", "value": [2, 4]}
{"process": 4, "type": "ok", "f": "read", "value": 3}
{"process": 1, "type": "info", "f": "cas", "value": [2, 4], "error": "timed-out"}
"""
JSON_ARRAY = "[" + ",\n".join(line for line in JSON_LINES.splitlines() if line) + "]"
EDN_LINES = """\
; a comment
{:process 4, :type :invoke, :f :read, :value nil}
{:process :nemesis, :type :info, :f :start, :value nil}

{:process 1, :type :invoke, :f :cas, :value [2 4]} ; another
#_ {:process 9, :type :invoke}
{:process 4, :type :ok, :f :read, :value 3}
{:process 1, :type :info, :f :cas, :value [2 4], :error :timed-out}
"""
EDN_VECTOR = f"[{EDN_LINES}]"
EDN_LIST = f"; all of it\n({EDN_LINES})\n"
EDN_RECORDS = EDN_LINES.replace("{:process", "#jepsen.history.Op{:process")
LOG_TABS = """\
INFO  jepsen.util - 4\t:invoke\t:read\tnil
INFO  jepsen.util - :nemesis\t:info\t:start\tnil
INFO  jepsen.util - 1\t:invoke\t:cas\t[2 4]
INFO  jepsen.util - 4\t:ok\t:read\t3
INFO  jepsen.util - 1\t:info\t:cas\t:timed-out
"""
LOG_SPACES = "".join(
    " ".join(line.split("\t")).replace(":invoke ", ":invoke    ") + "\n" for line in LOG_TABS.splitlines()
)
LOG_TODAY = "".join(
    f"2026-01-01 10:00:00,000{{GMT}}\tINFO\t[jepsen worker 1] jepsen.util: {line.split(' - ')[1]}\n"
    for line in LOG_TABS.splitlines()
)
SAMPLES = {
    "json-lines": (JSON_LINES, "jsonl"),
    "json-array": (JSON_ARRAY, "json"),
    "edn-lines": (EDN_LINES, "edn"),
    "edn-vector": (EDN_VECTOR, "edn"),
    "edn-list": (EDN_LIST, "edn"),
    "edn-records": (EDN_RECORDS, "edn"),
    "log-tabs": (LOG_TABS, "jepsen-log"),
    "log-spaces": (LOG_SPACES, "jepsen-log"),
    "log-today": (LOG_TODAY, "jepsen-log"),
}


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("before", ["", "\ufeff", "\n \n\t\n", "\ufeff\r\n"])
def test_every_format_is_recognised_by_content_and_reads_the_same(write, sample, before):
    text, _ = SAMPLES[sample]
    expected = read_history(write(JSON_LINES, "reference"))
    history = read_history(write(before + text))
    read, cas = history
    assert list(history) == list(expected)
    assert (read.invoke, read.complete, cas.invoke, cas.complete) == (0, 3, 2, 4)
    assert (cas.status, cas.error) == ("info", "timed-out")
    assert [entry["position"] for entry in history.nemesis] == [1]


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_format_can_be_named_outright(write, sample):
    text, name = SAMPLES[sample]
    assert len(read_history(write("\ufeff" + text), format=name)) == 2


@pytest.mark.parametrize("sample", SAMPLES)
def test_windows_line_ends_change_nothing(write, sample):
    text, _ = SAMPLES[sample]
    expected = read_history(write(text, "reference"))
    assert list(read_history(write(text.replace("\n", "\r\n")))) == list(expected)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_pipe_is_read_like_a_file(tmp_path, sample):
    text, _ = SAMPLES[sample]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(text))
    writer.start()
    assert len(read_history(pipe)) == 2
    writer.join(timeout=10)


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "[]", " [ ] ", "()", "; nothing\n"])
def test_a_file_without_entries_is_an_empty_history(write, content):
    assert len(read_history(write(content))) == 0


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_file_is_an_empty_history_in_every_format(write, name):
    assert len(read_history(write(""), format=name)) == 0


def test_a_name_that_lies_about_the_format_misleads_nobody(write):
    assert len(read_history(write(EDN_LINES, "history.jsonl"))) == 2


@pytest.mark.parametrize("content", ["hello", "<html></html>", "index,process\n0,1\n", "\x00\x01\x02"])
def test_a_file_of_no_known_format_is_refused_with_the_known_ones(refusal, content):
    assert "expected JSON lines, a JSON array, EDN or a Jepsen log" in refusal(content).message


def test_unknown_options_are_a_mistake_of_the_program(write):
    with pytest.raises(ValueError, match="unknown format 'xml', expected one of auto, jsonl"):
        read_history(write(JSON_LINES), format="xml")
    with pytest.raises(ValueError, match="keyed is 'maybe', expected one of auto, yes, no"):
        read_history(write(JSON_LINES), keyed="maybe")


def test_utf_16_is_named_as_such(refusal):
    assert "UTF-16" in refusal(JSON_LINES.encode("utf-16")).message


def test_a_history_longer_than_any_buffer_is_read_whole(write):
    entries = [
        f'{{"process": {n}, "type": "invoke", "f": "write", "value": "{"é" * (n % 50)}{n}"}}'
        for n in range(20_000)
    ]
    one_line = "[" + ", ".join(entries) + "]"
    edn = "[" + " ".join(entries).replace('": ', '" ') + "]"
    lines = read_history(write("\n".join(entries)))
    assert len(lines) == 20_000
    assert lines[-1].value.endswith("19999")
    assert list(read_history(write(one_line, "array"))) == list(lines)
    assert list(read_history(write(edn, "edn"))) == list(lines)


def test_a_missing_file_and_a_folder_are_refused_in_a_sentence(tmp_path):
    with pytest.raises(HistoryError, match="cannot be read: No such file"):
        read_history(tmp_path / "nothing")
    with pytest.raises(HistoryError, match="cannot be read: Is a directory"):
        read_history(tmp_path)


# Where an error lies


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (JSON_LINES + '{"process": 1, "type": }\n', 7),
        (JSON_LINES + "[1]\n", 7),
        ('[{"process": 0,\n"type": "invoke",\n"f": "read"},\n{"process": 0\n "type"}]', 5),
        ('[{"process": 0, "type": "invoke", "f": "read"}\n,\n\n3]', 4),
        ('[{"process": 0, "type": "invoke", "f": "read"}]\n\nmore', 3),
        ("{:process 0\n:type :invoke\n:f :read}\n\n{:process 0\n:type}\n", 6),
        ("{:process 0\n:type :invoke\n:f :read}\n\n{:process 0\n:type :ok :f 3}\n", 5),
        ('[{:process 0 :type :invoke :f :read :value "two\nlines"}\n5x]', 3),
        ("[{:process 0 :type :invoke :f :read}\n] {}", 2),
        ("{:process 0 :type :invoke :f :read}\n]", 2),
        ("{:process 0 :type :invoke :f :read}\n[1 2]", 2),
        (LOG_TABS + "INFO  jepsen.util - 1\t:ok\tread\t3\n", 6),
        (LOG_TABS + "INFO  jepsen.util - 1\t:invoke\t:cas\t[2 4\n", 6),
    ],
)
def test_an_error_names_file_and_line(refusal, content, line):
    error = refusal(content)
    assert error.line == line
    assert str(error).startswith(f"{error.path}, line {line}: ")
    assert "\n" not in str(error)


@pytest.mark.parametrize("sample", ["json-lines", "json-array", "edn-lines", "log-tabs"])
def test_bytes_that_are_not_utf_8_are_refused_with_their_line(refusal, sample):
    text, _ = SAMPLES[sample]
    content = text.encode().replace(b"cas", b"c\xffs", 1)
    error = refusal(content)
    assert error.line == text[: text.index("cas")].count("\n") + 1


@pytest.mark.parametrize("sample", ["json-lines", "json-array", "edn-lines"])
def test_the_line_of_a_bad_byte_is_counted_over_all_that_was_read(refusal, monkeypatch, sample):
    monkeypatch.setattr("splitbrain.histories.readers.source.CHUNK", 8)
    monkeypatch.setattr("splitbrain.histories.readers.edn_tokens.CHUNK", 8)
    monkeypatch.setattr("splitbrain.histories.readers.json_array.CHUNK", 8)
    text, name = SAMPLES[sample]
    error = refusal(text.encode().replace(b"timed-out", b"timed\xffout"), format=name)
    assert error.message.startswith("not UTF-8")
    assert error.line == text[: text.index("timed-out")].count("\n") + 1


@pytest.mark.parametrize("content", ["[" * 5000 + "]" * 5000, '{"a":' * 5000 + "1" + "}" * 5000])
@pytest.mark.parametrize("name", ["jsonl", "json", "edn"])
def test_deep_nesting_is_refused_and_overflows_nothing(refusal, content, name):
    assert refusal(content, format=name).line == 1


@pytest.mark.parametrize("depth", [50, 101])
def test_every_format_nests_equally_deep(write, depth):
    value = "[" * depth + "]" * depth
    json_line = f'{{"process": 0, "type": "invoke", "f": "write", "value": {value}}}'
    edn_line = f"{{:process 0 :type :invoke :f :write :value {value}}}"
    for content in (json_line, f"[{json_line}]", edn_line, f"[{edn_line}]"):
        path = write(content)
        if depth > 100:
            with pytest.raises(HistoryError, match="deeper than 100 levels"):
                read_history(path)
        else:
            assert len(read_history(path)) == 1


def test_brackets_inside_strings_are_no_nesting(write):
    content = f'{{"process": 0, "type": "invoke", "f": "write", "value": "{"[" * 500}"}}'
    assert read_history(write(content))[0].value == "[" * 500


# Torn ends


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_torn_end_is_refused_unless_tolerated_and_then_mentioned(write, sample):
    text, _ = SAMPLES[sample]
    cut = (
        text[: text.rindex("timed-out") - 4].rstrip("[")
        if "log" not in sample
        else text[: text.rindex(":cas") + 6]
    )
    cut = cut[: cut.rindex("INFO") + 4] if "log" in sample else cut
    path = write(cut)
    with pytest.raises(HistoryError):
        read_history(path)
    history = read_history(path, tolerate_torn=True)
    assert [operation.status for operation in history] == ["ok", "info"]
    assert history[1].complete is None
    assert any("torn" in note for note in history.notes)


def test_a_last_line_that_is_whole_needs_no_newline(write):
    assert len(read_history(write(JSON_LINES.rstrip()))) == 2


def test_a_malformed_line_before_the_last_is_never_taken_for_torn(write):
    path = write('{"process": 0, "ty\n{"process": 0, "type": "invoke", "f": "read"}\n')
    with pytest.raises(HistoryError, match="line 1"):
        read_history(path, tolerate_torn=True)


# Numbers


def test_integers_beyond_64_bits_are_exact_in_every_format(write):
    big = 12345678901234567890123456789
    line = f'{{"process": 0, "type": "invoke", "f": "write", "value": {big}}}'
    edn = f"{{:process 0 :type :invoke :f :write :value {big}N}}"
    for content in (line, f"[{line}]", edn):
        assert read_history(write(content))[0].value == big


@pytest.mark.parametrize(
    "number",
    [
        "NaN",
        "1e999",
        "-Infinity",
        "9" * 5000,
        "[1234567890123456789, NaN]",
        "[1234567890123456789, 1e999]",
        '[1234567890123456789, "\\ud800"]',
    ],
)
@pytest.mark.parametrize("wrapping", ["%s", "[%s]"])
def test_what_is_no_json_is_refused(refusal, number, wrapping):
    line = f'{{"process": 0, "type": "invoke", "f": "write", "value": {number}}}'
    assert refusal(wrapping % line).line == 1


@pytest.mark.parametrize(
    "line",
    [
        '{"process": 0, "type": "ok", "type": "fail", "f": "read", "value": 1}',
        '{"process": 0, "type": "invoke", "f": "read", "value": 7, "value": "a:b"}',
        '{"process": 0, "type": "invoke", "f": "read", "value": {"a": 1, "a": 2}}',
    ],
)
def test_a_member_that_stands_twice_is_refused_because_parsers_disagree_on_it(refusal, line):
    assert "twice" in refusal(line + "\n").message


def test_colons_inside_strings_are_no_members(write):
    line = '{"process": 0, "type": "invoke", "f": "write", "key": "a:b", "value": {"c": "d:e"}}\n'
    assert read_history(write(line))[0].value == {"c": "d:e"}
