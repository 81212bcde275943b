"""The picture of a violation: who did what while what else went on."""

from __future__ import annotations

import pytest

from splitbrain.render.witness import label_of, render_witness

STALE = """\
process 0   |-- write 1 --| |-- cas 1 -> 2 --|
process 2                     |-- write "a value … to see" ....?
process 2                                      |== read 1 ==|
process 4     |-- write 9 .....................................?

            in the order of events, not to scale; ....? may take effect later, or never; ==== no
            order explains this

  1. cas [1, 2] (process 0, position 4) replaced 1 and had returned before position 10.
  2. read 1 (process 2, position 10) returned 1, which was there no more."""


def bars(text):
    return [line for line in text.split("\n") if line.startswith("process")]


def test_a_stale_read_is_drawn_with_its_story(stale_read):
    assert render_witness(stale_read, 98) == STALE


def test_bars_keep_the_order_of_events(operation):
    evidence = {
        "operations": [
            operation(0, 2, 0, "write", 1),
            operation(1, 4, 1, "write", 2),
            operation(3, 5, 2, "read", None, result=1),
        ]
    }
    first, second, third = bars(render_witness(evidence))
    assert first.index("|") < second.index("|") < first.rindex("|") < third.index("|")
    assert third.index("|") < second.rindex("|") < third.rindex("|")


def test_operations_of_one_process_share_its_line_unless_one_is_still_open(operation):
    evidence = {
        "operations": [
            operation(0, 1, 7, "write", 1),
            operation(2, 3, 7, "write", 2, status="crashed"),
            operation(4, 5, 7, "read", None, result=1),
        ]
    }
    first, second = bars(render_witness(evidence))
    assert "write 1" in first
    assert "write 2" in first
    assert first.endswith("?")
    assert "read 1" in second


def test_the_operation_where_the_search_was_stuck_is_the_marked_one(operation):
    evidence = {
        "operations": [
            operation(0, 1, 0, "read", None, result=3),
            operation(2, 3, 1, "read", None, result=4),
        ],
        "cut": {"stuck": 0, "states": [None]},
    }
    assert "|== read 3 ==|" in render_witness(evidence)
    del evidence["cut"]
    assert "|== read 4 ==|" in render_witness(evidence)


def test_more_than_sixteen_operations_become_a_list(operation):
    many = [operation(2 * n, 2 * n + 1, n % 3, "write", n) for n in range(17)]
    many.append(operation(40, 44, 5, "write", 99, status="info"))
    many.append(operation(41, 43, 6, "read", None, result=1))
    lines = render_witness({"operations": many, "story": ["It is so."]}).split("\n")
    assert lines[0] == "     0..1  process 0  write 0"
    assert lines[-4] == "    40..?  process 5  write 99"
    assert lines[-3] == ">> 41..43  process 6  read 1"
    assert lines[-1] == "  1. It is so."


def test_what_does_not_fit_the_width_becomes_a_list(operation):
    evidence = {"operations": [operation(2 * n, 2 * n + 1, 0, "write", "v" * 30) for n in range(10)]}
    text = render_witness(evidence, 60)
    assert text.startswith("     0..1  process 0  write")
    assert max(map(len, text.split("\n"))) <= 60


@pytest.mark.parametrize("width", [50, 70, 100, 130])
def test_no_line_is_wider_than_asked(stale_read, width):
    assert max(map(len, render_witness(stale_read, width).split("\n"))) <= width


@pytest.mark.parametrize(
    ("f", "value", "more", "label"),
    [
        ("write", 7, {}, "write 7"),
        ("read", None, {"result": [1]}, "read [1]"),
        ("read", None, {"status": "info"}, "read"),
        ("get", None, {"result": None}, "get null"),
        ("cas", [1, None], {}, "cas 1 -> null"),
        ("cas", [1, 2], {"applied": False}, "cas 1 -> 2, unequal"),
        ("cas", 3, {"status": "info"}, "cas 3"),
        ("delete", None, {}, "delete"),
        ("append", "\x1b[2J", {}, 'append "\\u001b[2J"'),
        ("append", "\x9b2J\u202e", {}, 'append "\ufffd2J\ufffd"'),
        ("append\x9b2J", 1, {}, "append\ufffd2J 1"),
    ],
)
def test_labels_say_what_was_done_and_what_was_seen(operation, f, value, more, label):
    assert label_of(operation(0, 1, 0, f, value, **more)) == label


def test_no_evidence_is_no_picture():
    assert render_witness({}) == ""
