"""The explanation of a verdict: one paragraph, then the evidence."""

from splitbrain.checkers.models import CasRegister
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories import build_history
from splitbrain.render.explanation import paragraph, render_explanation


def _decided(lines, **options):
    history = build_history([{"key": "x", **line} for line in lines])
    result = check_linearizable(history, CasRegister, **options)
    verdict = {
        "file": "a.jsonl",
        "model": "cas-register",
        "valid": result.valid,
        "reason": result.reason,
        "operations": len(history),
        "seconds": 0.0,
        "method": result.method,
        "checks": [{"checker": "linearizable", "valid": result.valid, "method": result.method}],
        "violations": [violation.to_json() for violation in result.violations],
    }
    return verdict, history, result.certificate


def _calls(*calls):
    lines = []
    for process, (f, value) in enumerate(calls):
        asked = None if f == "read" else value
        lines.append({"process": process, "type": "invoke", "f": f, "value": asked})
        lines.append({"process": process, "type": "ok", "f": f, "value": value})
    return lines


STALE = """\
INVALID  Key "x" is not linearizable: x=7 was overwritten by write 8 (process 1, position 2) before
  process 2 began to read (position 4), yet it read 7. write 7 had returned when write 8 was
  invoked. write 8 had returned when read 7 was invoked. No other operation can have written 7 by
  then.
  a.jsonl, model cas-register, 3 operations, 0.000 s of checking, by zones

  process 0   |-- write 7 --|
  process 1                   |-- write 8 --|
  process 2                                   |== read 7 ==|

              in the order of events, not to scale; ==== no order explains this

What must come before what (by position), where * runs in a circle:
 * 2 before 4: write 8 had returned when read 7 was invoked (real-time)
 * 4 before 2: read 7 found what write 7 left, which write 8 put an end to (value)
   0 before 2: write 7 had returned when write 8 was invoked (real-time)
   0 before 4: read 7 returned the value of write 7 (reads)

--certificate PROOF writes the certificate, which `splitbrain verify PROOF FILE` re-checks."""


def test_a_stale_read_is_explained_by_the_order_that_contradicts_itself():
    verdict, history, proof = _decided(_calls(("write", 7), ("write", 8), ("read", 7)))
    assert render_explanation(verdict, history, proof, width=100, colour=False) == STALE


def test_a_valid_history_is_explained_by_its_order():
    verdict, history, proof = _decided(_calls(("write", 7), ("cas", [7, 8]), ("read", 8)))
    text = render_explanation(verdict, history, proof, width=100, colour=False)
    assert text.startswith("VALID  3 completed operations have a linearization. A linearization is an order")
    assert text.endswith('  "x": write 7 (0), cas 7 -> 8 (2), read 8 (4)')


def test_a_long_order_is_shown_by_its_beginning():
    verdict, history, proof = _decided(_calls(*[("write", n) for n in range(40)]))
    assert render_explanation(verdict, history, proof, width=100, colour=False).endswith("and 28 more")


def test_the_certificate_is_named_where_it_was_written():
    verdict, _, _ = _decided(_calls(("write", 7)))
    verdict["checks"][0]["certificate"] = "p.json"
    assert "The certificate is in p.json: splitbrain verify p.json a.jsonl" in paragraph(verdict)
    verdict |= {"run": "store/kv/x"}
    verdict["checks"][0]["certificate"] = "certificates/linearizable.json"
    assert "store/kv/x/certificates/linearizable.json" in paragraph(verdict)


def test_unknown_says_what_stopped_it_and_that_it_is_no_pass():
    verdict, _, _ = _decided(_calls(("write", 7)), timeout=0)
    told = paragraph(verdict)
    assert "the time budget of 0 s ran out" in told
    assert "--timeout" in told
    assert told.endswith("Unknown is neither a pass nor a violation.")


def test_a_long_story_is_told_line_by_line_and_summed_up_in_the_paragraph():
    lines = [{"process": process, "type": "invoke", "f": "write", "value": 1} for process in (0, 1)]
    rest = _calls(*[("write", 2), ("read", 1)] * 3)
    lines += [{**line, "process": line["process"] + 10} for line in rest]
    verdict, _, _ = _decided(lines)
    told = paragraph(verdict)
    assert "is used up" in told
    assert "When write 2" not in told.split("is used up")[0] or told.count("When") <= 1
    assert "  1. " in render_explanation(verdict, width=100, colour=False)


def test_other_violations_get_their_own_sentence_and_story(two_leaders):
    verdict, _, _ = _decided(_calls(("write", 7), ("write", 8), ("read", 7)))
    verdict["violations"] = [*verdict["violations"], two_leaders]
    text = render_explanation(verdict, width=100, colour=False)
    assert "1 more violation is told below." in " ".join(text.split())
    assert "ES: n1 and n3 were both elected leader of term 4." in text
    assert "  - n2 voted for n1 and for n3 in term 4." in text
