"""The pytest plugin as its users meet it: the fixture, its options, and what a failing test prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
STORES = Path(__file__).with_name("stores.py")
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def project(pytester):
    """A user's project with the stores in it."""
    pytester.makepyfile(stores=STORES.read_text())
    return pytester


def test_the_seeds_of_the_command_line_win_over_those_of_the_call_and_of_the_ini_file(project):
    project.makeini("[pytest]\nsplitbrain_seeds = 3")
    project.makepyfile(
        """
        from stores import Single

        def test_by_the_ini_file(simulator):
            assert simulator(Single, check_determinism=False).runs == 3

        def test_by_the_call(simulator):
            assert simulator(Single, seeds=2, check_determinism=False).runs == 2
        """
    )
    project.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
    result = project.runpytest_inprocess("-p", "no:cacheprovider", "--splitbrain-seeds", "4")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*assert 4 == 3*", "*assert 4 == 2*"])


def test_a_failure_prints_the_story_without_the_frames_of_the_harness(project):
    project.makepyfile(
        """
        from stores import HastySingle

        def test_it(simulator):
            options = {"faults": ["power-cut"], "check_determinism": False, "shrink_seconds": 0.5}
            simulator(HastySingle, seeds=200, **options)
        """
    )
    result = project.runpytest_inprocess("-p", "no:cacheprovider", "--splitbrain-replays", "kept")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*ViolationFound: LIN with seed *", "*What happened*", "*loses its power*", "*replay file: *"]
    )
    result.stdout.no_fnmatch_line("*simulating.py*")
    (kept,) = (project.path / "kept").rglob("*.json")
    assert kept.parent.name == "test_a_failure_prints_the_story_without_the_frames_of_the_harness.py-test_it"


@pytest.mark.parametrize("number", ["0", "-3", "many"])
def test_a_number_of_seeds_that_is_none_is_refused(project, number):
    result = project.runpytest_inprocess("--splitbrain-seeds", number)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*a number of at least 1 is wanted, not '{number}'*"])


def test_loading_the_plugin_imports_nothing_of_the_harness():
    program = (
        "import sys, pytest, splitbrain.testing.plugin\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in "
        "('splitbrain', 'networkx', 'orjson', 'click', 'hypothesis')))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "['splitbrain', 'splitbrain.testing', 'splitbrain.testing.plugin']"


def test_the_example_of_the_guide_holds(pytester):
    for name in ("primary_copy.py", "test_primary_copy.py"):
        (pytester.path / name).write_text((EXAMPLES / name).read_text())
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
