"""SPLITBRAIN_REQUIRE turns skips into failures, so that CI can't pass by missing something."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"


@pytest.fixture
def outcome(tmp_path):
    """Run a test that skips itself for `reason`, with the project's conftest; return pytest's exit code."""

    def run(reason, require, where="test"):
        shutil.copy(CONFTEST, tmp_path / "conftest.py")
        skip = f"pytest.skip({reason!r}, allow_module_level=True)"
        body = f"def test_it():\n    {skip}\n" if where == "test" else f"{skip}\n\ndef test_it():\n    pass\n"
        (tmp_path / "test_it.py").write_text(f"import pytest\n\n{body}")
        environment = {name: value for name, value in os.environ.items() if name != "SPLITBRAIN_REQUIRE"}
        if require:
            environment["SPLITBRAIN_REQUIRE"] = "all"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "."]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, check=False
        ).returncode

    return run


NOTHING_FAILED = {0, 5}


@pytest.mark.parametrize("where", ["test", "module"])
def test_a_missing_component_fails_where_it_is_required_and_skips_elsewhere(outcome, where):
    assert outcome("needs /dev/full", require=False, where=where) in NOTHING_FAILED
    assert outcome("needs /dev/full", require=True, where=where) not in NOTHING_FAILED


@pytest.mark.parametrize("where", ["test", "module"])
def test_the_public_corpus_may_be_absent_even_then(outcome, where):
    assert outcome("there is no corpus", require=True, where=where) in NOTHING_FAILED
