"""The forced order as a graph: every label stands for itself, and Graphviz takes it."""

import shutil
import subprocess

import pytest

from splitbrain.checkers.models import CasRegister
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories import build_history
from splitbrain.render.dot import render_dot


def _verdict(*values):
    lines = []
    for process, (f, value) in enumerate(values):
        asked = None if f == "read" else value
        lines.append({"process": process, "type": "invoke", "f": f, "value": asked})
        lines.append({"process": process, "type": "ok", "f": f, "value": value})
    result = check_linearizable(build_history(lines), CasRegister)
    return {"violations": [violation.to_json() for violation in result.violations]}


STALE = _verdict(("write", 1), ("write", 2), ("read", 1))
HOSTILE = 'a"b\\c\n</label> %n {x|y} \\N'


def test_each_operation_is_a_node_and_the_circle_is_marked():
    text = render_dot(STALE)
    lines = text.splitlines()
    assert '    v0_0 [label="write 1\\nprocess 0, position 0"];' in lines
    (read,) = [line for line in lines if line.strip().startswith("v0_4 [")]
    assert "penwidth=2.5" in read
    circular = [line.split("[")[0].strip() for line in lines if "penwidth=2.2" in line]
    assert sorted(circular) == ["v0_2 -> v0_4", "v0_4 -> v0_2"]


def test_several_reasons_for_one_edge_are_one_edge():
    text = render_dot(_verdict(("write", 1), ("cas", [1, 2]), ("read", 1)))
    assert text.count("v0_0 -> v0_2 ") == 1
    assert 'label="real-time, overwrites"' in text


def test_no_conflicting_operations_are_no_graph():
    assert render_dot({"violations": []}) is None
    assert render_dot({"violations": [{"kind": "ES", "summary": "s", "evidence": {"notes": []}}]}) is None


def test_quotes_and_backslashes_are_escaped():
    text = render_dot(_verdict(("write", HOSTILE), ("write", 2), ("read", HOSTILE)))
    assert 'write \\"a\\\\\\"b\\\\\\\\c\\\\n' in text


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot is not installed")
@pytest.mark.parametrize("value", [1, HOSTILE, "é\x1b[2J", ["x", {"y": None}], "\\", '"'])
def test_graphviz_draws_it(value):
    text = render_dot(_verdict(("write", value), ("write", 2), ("read", value)))
    done = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.count("<g id=") >= 4
