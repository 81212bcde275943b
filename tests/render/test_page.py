"""The page of a verdict: whole in one file, readable without scripts, and nothing in it runs but ours."""

import json
import re
from html.parser import HTMLParser

import pytest

from splitbrain.checkers.models import CasRegister, Mutex
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories import build_history
from splitbrain.render import page_data
from splitbrain.render.page import render_page


class Seen(HTMLParser):
    """Elements with their attributes, and the text outside scripts and styles."""

    def __init__(self):
        super().__init__()
        self.tags, self.words, self.attributes, self._inside = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend(attrs)
        self._inside.append(tag)

    def handle_endtag(self, tag):
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self._inside):
            self.words.append(data)


def seen(page):
    parser = Seen()
    parser.feed(page)
    parser.text = " ".join(" ".join(parser.words).split())
    return parser


def data_of(page):
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    )


def _page(lines, *, keyed=False, file="a.jsonl"):
    history = build_history(lines)
    result = check_linearizable(history, CasRegister)
    verdict = {
        "file": file,
        "model": "cas-register",
        "valid": result.valid,
        "reason": result.reason,
        "method": result.method,
        "seconds": 0.0,
        "checks": [{"checker": "linearizable", "valid": result.valid}],
        "violations": [violation.to_json() for violation in result.violations],
    }
    return history, render_page(verdict, history, result.certificate)


def _calls(*calls, **more):
    lines = []
    for process, (f, value) in enumerate(calls):
        asked = None if f == "read" else value
        lines.append({"process": process, "type": "invoke", "f": f, "value": asked, **more})
        lines.append({"process": process, "type": "ok", "f": f, "value": value, **more})
    return lines


@pytest.fixture
def stale():
    return _page(_calls(("write", 1), ("write", 2), ("read", 1), key="x"))[1]


def test_without_scripts_the_page_still_says_why(stale):
    page = seen(stale)
    assert (
        "x=1 was overwritten by write 2 (process 1, position 2) before process 2 began to read" in page.text
    )
    assert "read 1 before write 2 : read 1 found what write 1 left, which write 2 put an end to" in page.text
    assert "No order that respects real time gets past read 1 (position 4)." in page.text
    assert "there could only have been 2" in page.text
    assert page.tags.count("svg") == 1
    assert page.tags.count("tr") == 4
    assert "noscript" in page.tags


def test_the_page_needs_nothing_from_outside(stale):
    page = seen(stale)
    assert not {"link", "img", "iframe", "object", "embed"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "srcset", "action")]
    assert all(value.startswith("#") for name, value in page.attributes if name == "href")
    assert re.findall(r"https?://[^\s\"']+", stale) == ["http://www.w3.org/2000/svg"]
    assert "default-src 'none'" in stale


def test_the_picture_marks_the_stale_read_the_circle_and_the_furthest_order(stale):
    assert stale.count('class="operation stuck"') == 1
    assert stale.count('class="operation circle"') == 1
    assert stale.count('class="edge against"') == 1
    assert stale.count('class="edge along"') == 1
    assert stale.count('class="rank-number"') == 2


def test_what_a_history_holds_is_text_and_nothing_else():
    hostile = '</script><img src=x onerror="alert(1)"><!-- {{ 7 * 7 }} \x1b[2J'
    lines = _calls(("write", hostile), ("write", 2), ("read", hostile), key=hostile)
    _, text = _page(lines, file=hostile)
    page = seen(text)
    assert "img" not in page.tags
    assert "onerror" not in {name for name, _ in page.attributes}
    assert page.tags.count("script") == 2
    assert "\x1b" not in text
    assert "{{ 7 * 7 }}" in text
    assert data_of(text)["spots"][0]["key"] in data_of(text)["keys"]


def test_the_whole_history_is_in_the_page_in_columns():
    lines = _calls(*[("write", n) for n in range(50)], ("read", 49))
    lines.append({"process": 99, "type": "invoke", "f": "cas", "value": [49, 7]})
    lines.append({"process": 98, "type": "invoke", "f": "write", "value": 3})
    lines.append({"process": 98, "type": "fail", "f": "write", "value": 3})
    history, text = _page(lines)
    data = data_of(text)
    positions, position = [], 0
    for difference in data["invoke"]:
        position += difference
        positions.append(position)
    assert positions == list(history.invoke)
    ends = [begin + span if span else -1 for begin, span in zip(positions, data["span"], strict=True)]
    assert ends == list(history.complete)
    assert data["process"] == list(history.process)
    assert [int(each) for each in data["status"]] == list(history.status)
    labels = data["labels"] if data["label"] is None else [data["labels"][n] for n in data["label"]]
    assert labels[50:] == ["read 49", "cas 49 -> 7", "write 3"]
    assert data["time"] is None
    assert data["key"] is None


def test_of_a_valid_history_each_operation_has_its_place_in_the_order():
    _, text = _page(_calls(("write", 1), ("read", 1), ("write", 2)))
    data = data_of(text)
    assert data["rank"] == [1, 2, 3]
    assert data["spots"] == []
    assert "VALID" in seen(text).text


def test_times_are_microseconds_and_left_out_where_they_make_no_sense():
    lines = [{**line, "time": 1_000_000 * n} for n, line in enumerate(_calls(("write", 1), ("read", 1)))]
    data = data_of(_page(lines)[1])
    assert data["time"] == [0, 2000]
    assert data["length"] == [1000, 1000]
    lines[2]["time"] = -5
    assert data_of(_page(lines)[1])["time"] is None


def test_faults_are_spans_from_their_begin_to_their_end():
    def nemesis(phase, name="kill-1"):
        return {"process": "nemesis", "type": "info", "f": "kill", "value": {"id": name, "phase": phase}}

    lines = [nemesis("begin"), *_calls(("write", 1)), nemesis("end"), nemesis("begin", "kill-2")]
    lines += [{"process": "nemesis", "type": "info", "f": "start", "value": None}]
    faults = data_of(_page(lines)[1])["faults"]
    assert faults == [["kill", 0, 3], ["start", 5, 5], ["kill", 4, None]]


def test_of_a_history_too_long_the_page_holds_what_is_around_the_violation(monkeypatch):
    monkeypatch.setattr(page_data, "MOST", 20)
    calls = [("write", n) for n in range(200)]
    calls[150] = ("read", 140)
    history, text = _page(_calls(*calls))
    data = data_of(text)
    assert len(data["span"]) == 20
    assert data["first"] == 140
    assert data["operations"] == len(history) == 200
    assert "This page holds 20 of 200 operations, those around the violation." in seen(text).text


def test_ten_thousand_operations_fit_in_half_a_megabyte():
    calls = [("write", n) for n in range(10_000)]
    calls[7_000] = ("read", 6_900)
    _, text = _page(_calls(*calls))
    assert len(text) < 500_000


def test_several_violations_each_have_their_section_and_their_spot():
    lines = [line for key in ("x", "y") for line in _calls(("write", 1), ("write", 2), ("read", 1), key=key)]
    lines = [{**line, "process": n // 2} for n, line in enumerate(lines)]
    _, text = _page(lines)
    assert "Violation 1: Not linearizable, key" in seen(text).text
    assert "Violation 2: Not linearizable, key" in seen(text).text
    assert [spot["name"] for spot in data_of(text)["spots"]] == ['key "x"', 'key "y"']
    assert len(set(re.findall(r'id="(v\d-head)"', text))) == 2


def test_no_reason_is_given_twice_for_one_operation(stale):
    for mark in data_of(stale)["spots"][0]["marks"]:
        reasons = mark[2].split("; ")
        assert len(reasons) == len(set(reasons))


def test_what_was_there_last_is_told_in_the_words_of_the_type():
    lines = [
        {"process": process, "type": kind, "f": "acquire", "value": None}
        for process in (0, 1)
        for kind in ("invoke", "ok")
    ]
    history = build_history(lines)
    result = check_linearizable(history, Mutex)
    verdict = {"valid": False, "violations": [each.to_json() for each in result.violations], "checks": []}
    assert "there could only have been a held lock" in seen(render_page(verdict, history)).text


def test_a_page_without_a_violation_offers_no_way_to_one():
    _, text = _page(_calls(("write", 1), ("read", 1), key="x"))
    assert "the violation" not in seen(text).text
    assert seen(text).text.count("--certificate") == 1
    _, text = _page([])
    assert "It has no operation." in seen(text).text
    assert "decided by nothing" in seen(text).text


def test_arrows_that_go_both_ways_between_two_operations_have_their_numbers_apart():
    lines = [line for each in range(3, 6) for line in _calls(("write", each), key="x")]
    lines = [{**line, "process": n // 2 + 9} for n, line in enumerate(lines)]
    lines += [
        {**line, "process": line["process"] + 20} for line in _calls(("write", 1), ("write", 2), key="x")
    ]
    lines += [{**line, "process": 0} for line in _calls(("read", 1), key="x")]
    badges = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="8.5"', _page(lines)[1])
    places = [(float(x), float(y)) for x, y in badges]
    assert len(places) == 2
    assert max(abs(one - other) for one, other in zip(*places, strict=True)) > 17
