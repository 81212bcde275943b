"""Runs the installed command as a stranger would, and waits without sleeping blindly."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-m", "splitbrain"]
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@dataclass(frozen=True)
class Ended:
    code: int
    verdict: dict[str, Any]
    out: str
    err: str

    @property
    def kinds(self):
        return {violation["kind"] for violation in self.verdict.get("violations", [])}

    @property
    def failed_gates(self):
        return {gate["gate"] for gate in self.verdict.get("gates", []) if not gate["held"]}

    @property
    def run(self):
        return Path(self.verdict["run"])


@pytest.fixture
def splitbrain(tmp_path):
    """Run a verb to its end, with its store in a folder of the test's own."""

    def call(*arguments, json_output=True, cwd=None):
        flags = ["--json"] if json_output else []
        if arguments[0] in ("run", "replay"):
            flags += ["--store", str(tmp_path / "store")]
        done = subprocess.run(
            [*COMMAND, *map(str, arguments), *flags], capture_output=True, text=True, check=False, cwd=cwd
        )
        verdict = json.loads(done.stdout) if json_output and done.stdout else {}
        return Ended(done.returncode, verdict, done.stdout, done.stderr)

    return call


@pytest.fixture
def started(tmp_path):
    """Start a run and leave it going; whatever a test forgets is killed."""
    processes = []

    def start(*arguments):
        process = subprocess.Popen(
            [*COMMAND, "run", *map(str, arguments), "--json", "--store", str(tmp_path / "store")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def wait_until():
    """Wait for a condition; fail with its name when the deadline passes."""

    def wait(condition, seconds=20.0):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.01)
        pytest.fail(f"not within {seconds} s: {condition.__name__}")

    return wait


@pytest.fixture
def examples():
    return EXAMPLES
