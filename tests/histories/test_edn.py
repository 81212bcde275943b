"""EDN, form by form."""

from __future__ import annotations

import pytest

from splitbrain.histories import HistoryError, read_history
from splitbrain.histories.readers.edn import parse_forms


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("nil", None),
        ("true", True),
        ("false", False),
        ("0", 0),
        ("-17", -17),
        ("+4", 4),
        ("42N", 42),
        ("1.5", 1.5),
        ("-2e3", -2000.0),
        ("3.25M", 3.25),
        ("1/3", "1/3"),
        ("##Inf", "##Inf"),
        ("##NaN", "##NaN"),
        (":write", "write"),
        (":jepsen.core/write", "jepsen.core/write"),
        (":a.b-c?*", "a.b-c?*"),
        ("symbol", "symbol"),
        ("name.space/symbol", "name.space/symbol"),
        ("-", "-"),
        ("+x", "+x"),
        ("nilly", "nilly"),
        ("true?", "true?"),
        ('""', ""),
        ('"a b, ; [c]"', "a b, ; [c]"),
        (r'"\" \\ \n \t \u00e9 \/"', '" \\ \n \t é /'),
        (r'"\ud83d\ude00"', "😀"),
        (r"\a", "a"),
        (r"\newline", "\n"),
        (r"\u00e9", "é"),
        (r"\(", "("),
        (r"\ ", " "),
        ("[]", []),
        ("[1 2,3 , 4]", [1, 2, 3, 4]),
        ("(1 2)", [1, 2]),
        ("#{3}", [3]),
        ("{}", {}),
        ("{:a 1, :b [2 {:c 3}]}", {"a": 1, "b": [2, {"c": 3}]}),
        ("{0 10, 1 11}", {"0": 10, "1": 11}),
        ("{[1 2] :x, nil 1}", {"[1,2]": "x", "null": 1}),
        ('{"s" 1}', {"s": 1}),
        ('#inst "2026-01-01"', "2026-01-01"),
        ('#uuid "f81d4fae"', "f81d4fae"),
        ("#a.b.C{:x 1}", {"x": 1}),
        ("#outer #inner [1]", [1]),
        ("#my_tag [1]", [1]),
        ("#:ns{:a 1 :other/b 2}", {"ns/a": 1, "other/b": 2}),
        ("[1 #_2 3]", [1, 3]),
        ("[1 #_ #_ 2 3 4]", [1, 4]),
        ("[1 #_#tag [2 {:a 3}] 4]", [1, 4]),
        ("[#_1]", []),
        ("[1 ; comment ]\n 2]", [1, 2]),
        ("[#{1}#{2}[3](4)]", [[1], [2], [3], [4]]),
        ("[:a:b]", ["a:b"]),
        ('["a""b"]', ["a", "b"]),
        ("\u00a01", 1),
    ],
)
def test_a_form_reads_as_its_json(text, value):
    (read,) = parse_forms(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1 2", "ends inside a form"),
        ("1] [2", "something follows|closes nothing"),
        ("[1 2}", r"expected \] for the \["),
        ("{:a}", "a key without a value"),
        ("{:a 1 :a 2}", "two keys"),
        ("[#tag]", "expected the form that #tag belongs to"),
        ("[#_]", "expected the form that #_ belongs to"),
        ("#", "expected a tag"),
        ("##Foo", "expected a tag"),
        ("5x", "expected a number"),
        ("007", "expected a number"),
        ("1e999", "too large"),
        ("9" * 5000, "too long"),
        (":", "expected a keyword"),
        ("::a", "expected a keyword"),
        ('"abc', "no end"),
        (r'"\q"', "expected an escape"),
        (r'"\u12"', "expected an escape"),
        (r'"\ud83d"', "surrogate"),
        (r"\nonsense", "expected a character"),
        (r"\ud83d", "expected a character"),
        ("^{:a 1} [1]", "not EDN"),
        ("@a", "not EDN"),
        ("`a", "not EDN"),
        ("#a " * 200 + "1", "tags in a row"),
        ("#_ " * 200 + "1", "tags in a row"),
        ("#jepsen.independent.Tuple [1]", "expected a vector of key and value"),
    ],
)
def test_what_is_no_edn_is_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_forms(text)


def test_a_discarded_vector_before_the_entries_is_not_the_history(write):
    text = "#_[{:process 9}]\n{:process 0 :type :invoke :f :read}\n"
    assert read_history(write(text))[0].process == 0


def test_a_tag_before_the_vector_of_all_entries_is_ignored(write):
    text = "#jepsen.history.History [{:process 0 :type :invoke :f :read}]"
    assert len(read_history(write(text))) == 1


def test_an_entry_that_is_no_map_is_refused(write):
    with pytest.raises(HistoryError, match=r"line 2: found \[1,2\], expected a map"):
        read_history(write("[{:process 0 :type :invoke :f :read}\n[1 2]]"))


def test_a_form_may_straddle_any_boundary_of_reading(write, monkeypatch):
    text = r"""[#jepsen.history.Op{:process 0, :type :invoke, :f :write, :value ["a \" b
    c" \newline #{1} 12345 -6.5e3 :key/word sym #_gone #inst "2026" nil]} ; the end; [
    {:process 0 :type :ok :f :write :value (1 2)}]"""
    path = write(text)
    expected = list(read_history(path))
    for size in range(1, 40):
        monkeypatch.setattr("splitbrain.histories.readers.source.CHUNK", size)
        monkeypatch.setattr("splitbrain.histories.readers.edn_tokens.CHUNK", size)
        assert list(read_history(path, format="edn")) == expected


@pytest.mark.parametrize("run", [" ", ", ", "\t", "\n", ";", "#_", "\\", '"', "\u2003", "a", "#", "1 "])
def test_a_long_run_of_anything_takes_linear_time(write, run):
    path = write("{:process 0 :type :invoke :f :read}" + run * 300_000)
    try:
        read_history(path, format="edn")
    except HistoryError as error:
        assert error.line == 1  # noqa: PT017 - most runs are refused; that they end at all is the claim


def test_lines_are_counted_across_boundaries_of_reading(write, monkeypatch):
    monkeypatch.setattr("splitbrain.histories.readers.source.CHUNK", 3)
    monkeypatch.setattr("splitbrain.histories.readers.edn_tokens.CHUNK", 3)
    with pytest.raises(HistoryError, match="line 5: found 5x"):
        read_history(write('[{:value ["x\n\ny" ; c\n\n5x]}]'), format="edn")
