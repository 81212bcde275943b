"""The whole text of a verdict, and what never may be missing from it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from splitbrain.render.verdict import render_verdict

INVALID = """\
INVALID  Key "x" is not linearizable: read 1 (process 2, position 10) is stale.
  12,345 operations, 0.021 s of checking
  linearizable     invalid  by zones
  raft-invariants  invalid  by notes
  crash            invalid  by exit status

Violation 1 of 3, LIN: Key "x" is not linearizable: read 1 (process 2, position 10) is stale.

  process 0   |-- write 1 --| |-- cas 1 -> 2 --|
  process 2                     |-- write "a value … to see" ....?
  process 2                                      |== read 1 ==|
  process 4     |-- write 9 .....................................?

              in the order of events, not to scale; ....? may take effect later, or never; ==== no
              order explains this

    1. cas [1, 2] (process 0, position 4) replaced 1 and had returned before position 10.
    2. read 1 (process 2, position 10) returned 1, which was there no more.

Violation 2 of 3, ES (election safety: two leaders in one term): n1 and n3 were both elected leader
of term 4.

  n1, line 12   elected: it leads term 4
                term 4, last 10, digest "ab12"
  n3, line 140  elected: it leads term 4
                term 4, last 9, digest "cd"

    1. n2 voted for n1 and for n3 in term 4.

Violation 3 of 3, CRASH (a process that ended by itself): The process of n2 ended by itself (exit
status 1).

  node: n2
  status: exit status 1
  log:
    first
    �[31mlast

1 of 2 gates failed, so a pass would prove nothing:
  - operations-overlapped: observed no two operations overlapped

  operations          12,345
  length of the run     23.0 s
  throughput         1,021.3 ok a second
  median latency        1.20 ms
  99th percentile      12.50 ms
  availability        98.12% of operations ok
  longest outage        0.41 s
  read               ok 100, fail 0, info 1

remark: torn last line dropped

run:    store/raft/2026-11-21T02-03-04-7
repeat: splitbrain replay store/raft/2026-11-21T02-03-04-7"""


def test_an_invalid_verdict_tells_what_broke_where_and_how_to_repeat_it(invalid):
    assert render_verdict(invalid, width=100, colour=False) == INVALID


def test_a_valid_run_says_what_was_checked_and_that_the_gates_held():
    verdict = {
        "valid": True,
        "reason": "120 operations on 3 keys are linearizable.",
        "operations": 120,
        "seconds": 0.001,
        "checks": [{"checker": "linearizable", "valid": True, "method": "zones"}],
        "violations": [],
        "gates": [{"gate": "a", "held": True}, {"gate": "b", "held": True}],
        "measurements": {},
        "run": "store/kv/x",
        "replay": "splitbrain replay store/kv/x",
    }
    assert render_verdict(verdict, width=80, colour=False) == (
        "VALID  120 operations on 3 keys are linearizable.\n"
        "  120 operations, 0.001 s of checking, by zones\n"
        "\n"
        "All 2 gates held.\n"
        "\n"
        "run:    store/kv/x\n"
        "repeat: splitbrain replay store/kv/x"
    )


def test_a_checked_file_names_itself_and_its_model():
    verdict = {"file": "a.edn", "model": "kv", "valid": "unknown", "reason": "Out of time.", "operations": 1}
    text = render_verdict(verdict, width=80, colour=False)
    assert text == "UNKNOWN  Out of time.\n  a.edn, model kv, 1 operation, 0.000 s of checking"


def test_colour_marks_the_word_alone_and_only_on_request(invalid):
    plain, coloured = (render_verdict(invalid, width=100, colour=each) for each in (False, True))
    assert "\x1b" not in plain
    assert coloured.replace("\x1b[1;31m", "").replace("\x1b[0m", "") == plain
    assert coloured.startswith("\x1b[1;31mINVALID\x1b[0m  ")


@pytest.mark.parametrize("width", [40, 60, 100, 160])
def test_no_line_is_wider_than_the_terminal_but_what_is_there_to_be_copied(invalid, width):
    lines = render_verdict(invalid, width=width, colour=False).split("\n")
    assert all(len(line) <= width or line.startswith(("run:", "repeat:")) for line in lines)


def test_violations_beyond_the_first_of_their_kind_get_a_sentence_each_and_the_rest_a_count(two_leaders):
    more = [two_leaders | {"summary": f"Term {term} had two leaders."} for term in range(8)]
    text = render_verdict({"valid": False, "reason": "x", "violations": [two_leaders, *more]}, width=100)
    assert text.count("n2 voted for n1 and for n3") == 1
    assert "Further violations (8)" in text
    assert "- ES: Term 4 had two leaders." in text
    assert "Term 5" not in text
    assert "and 3 more" in text


def test_every_kind_of_violation_is_told_in_full_before_more_of_the_same(two_leaders):
    others = [two_leaders | {"kind": kind, "summary": f"{kind} is broken."} for kind in ("LM", "XX")]
    verdict = {"valid": False, "reason": "x", "violations": [two_leaders] * 9 + others}
    text = render_verdict(verdict, width=100)
    assert "Violation 2 of 11, LM (log matching): LM is broken." in text
    assert "Violation 3 of 11, XX: XX is broken." in text
    assert text.index("Violation 3 of 11") < text.index("Further violations (8)")


def test_evidence_of_a_kind_nobody_knows_is_shown_as_it_is():
    violation = {"kind": "NEW", "summary": "s.", "evidence": {"what": {"deep": [1]}, "why": "because"}}
    text = render_verdict({"valid": False, "reason": "x", "violations": [violation]}, width=80)
    assert '  what: {"deep": [1]}\n  why: because' in text


def _scored(**more):
    score = {
        "corruptions": 40,
        "noticed": 12,
        "undecided": 1,
        "silent": 7,
        "share": 0.3,
        "ways": {
            "stale": {"tried": 30, "noticed": 12, "undecided": 0, "silent": 0},
            "lost": {"tried": 10, "noticed": 0, "undecided": 1, "silent": 7},
        },
        "unnoticed": [f"If read {n} had answered 1, nobody would have noticed." for n in range(5)],
        **more,
    }
    return {"valid": True, "reason": "x", "coverage": {"vacuity": score}}


VACUITY = """\
12 of 40 plausible corruptions would have been noticed (stale 12 of 30, lost 0 of 10), 1 left open;
7 more would have changed no answer.
  - If read 0 had answered 1, nobody would have noticed.
  - If read 1 had answered 1, nobody would have noticed.
  - If read 2 had answered 1, nobody would have noticed."""


def test_a_vacuous_verdict_says_what_it_would_have_missed():
    assert render_verdict(_scored(), width=100, colour=False).endswith(f"\n\n{VACUITY}")


def test_a_good_score_of_a_run_is_one_sentence_and_a_files_names_examples():
    verdict = _scored(noticed=36, share=0.9)
    assert "nobody would have noticed" not in render_verdict(verdict, width=100)
    assert "nobody would have noticed" in render_verdict(verdict | {"file": "a"}, width=100)


def test_a_history_in_which_no_bug_would_have_shown_says_so():
    text = render_verdict(_scored(corruptions=0, noticed=0, ways={}, share=0.0, unnoticed=[]), width=100)
    assert "None of 7 plausible bugs would have changed an answer: nothing was looked at." in text


def test_an_almost_empty_verdict_is_still_a_text():
    assert render_verdict({}, width=80, colour=False).startswith("UNKNOWN")


def test_rendering_imports_neither_rich_nor_networkx():
    program = (
        "import sys; import splitbrain.render.verdict, splitbrain.render.live, splitbrain.render.listing;"
        "print(sorted({'rich', 'networkx', 'orjson'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
