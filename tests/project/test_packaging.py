"""The project itself: what is packaged, and what importing costs."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "splitbrain": "harness",
    "splitbrain.checkers": "checkers",
    "splitbrain.systems": "systems",
    "splitbrain.histories": "histories",
}


def packages_in_the_tree():
    for name, folder in FOLDERS.items():
        for marker in (ROOT / folder).rglob("__init__.py"):
            inner = marker.parent.relative_to(ROOT / folder).parts
            yield ".".join([name, *inner])


def test_every_package_in_the_tree_is_listed_for_packaging_and_no_other():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted(packages_in_the_tree())


def modules_imported_by(arguments):
    code = (
        "import sys\nfrom splitbrain.main import main\ncode = main(sys.argv[1:])\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, cwd="/"
    )
    return done.returncode, set(done.stderr.split())


HEAVY = {"networkx", "jinja2", "rich", "numpy", "numba", "paramiko", "matplotlib", "asyncio"}


def test_help_imports_nothing_heavy():
    code, modules = modules_imported_by(["--help"])
    assert code == 0
    assert not modules & HEAVY
    assert "splitbrain.checkers.portfolio" not in modules


@pytest.mark.parametrize("verdict", ["valid", "invalid"])
def test_checking_a_small_file_imports_nothing_heavy(verdict, tmp_path):
    read = 1 if verdict == "valid" else 2
    file = tmp_path / "history.jsonl"
    file.write_text(
        '{"process": 0, "type": "invoke", "f": "write", "key": "x", "value": 1}\n'
        '{"process": 0, "type": "ok", "f": "write", "key": "x", "value": 1}\n'
        '{"process": 0, "type": "invoke", "f": "read", "key": "x", "value": null}\n'
        f'{{"process": 0, "type": "ok", "f": "read", "key": "x", "value": {read}}}\n'
    )
    code, modules = modules_imported_by(["check", str(file)])
    assert code == (0 if verdict == "valid" else 1)
    assert not modules & HEAVY


def test_the_public_names_check_verify_and_draw_a_history_from_a_program():
    import splitbrain
    from splitbrain.checkers.models import CasRegister

    assert all(getattr(splitbrain, name) for name in splitbrain.__all__)
    lines = [
        {"process": 0, "type": "invoke", "f": "write", "value": 1},
        {"process": 0, "type": "ok", "f": "write", "value": 1},
        {"process": 1, "type": "invoke", "f": "read", "value": None},
        {"process": 1, "type": "ok", "f": "read", "value": None},
    ]
    history = splitbrain.build_history(lines)
    result = splitbrain.check_linearizable(history, CasRegister)
    assert result.valid is False
    assert splitbrain.verify(result.certificate, history).holds is True
    graph = splitbrain.witness_graph(result.violations[0].evidence)
    assert sorted(graph.nodes) == [0, 2]
    assert graph.has_edge(0, 2)
