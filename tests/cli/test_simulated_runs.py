"""Whole runs in simulation: the same command, gates and verdicts, and the same bytes twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PLAN = {
    "version": 1,
    "seed": 3,
    "duration": 8.0,
    "recovery": 4.0,
    "faults": [
        {"id": "cut", "fault": "partition", "at": 1.0, "for": 2.0, "parameters": {"shape": "leader-alone"}},
        {"id": "kill", "fault": "kill", "at": 4.0, "for": 2.0, "target": "leader"},
    ],
}


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN))
    return path


def test_a_healthy_raft_is_valid_in_simulation_and_every_gate_holds(splitbrain):
    ended = splitbrain("run", "raft", "--on", "sim", "--time-limit", 20, "--seed", 1, "--rate", 60)
    assert ended.code == 0, ended.verdict.get("reason")
    assert ended.failed_gates == set()
    checked = {check["checker"] for check in ended.verdict["checks"]}
    assert checked >= {"linearizable", "raft-invariants", "crash", "liveness"}
    assert ended.verdict["trace"]


def test_a_run_that_is_judged_without_time_is_not_judged_valid(splitbrain):
    ended = splitbrain("run", "kv", "--on", "sim", "--time-limit", 8, "--seed", 1, "--rate", 20)
    assert ended.code == 0, ended.verdict.get("reason")
    assert splitbrain("check", ended.verdict["run"], "--timeout", 0).code == 2


@pytest.mark.parametrize(
    ("system", "bug", "kinds"),
    [
        ("raft", "unconfirmed-read", {"LIN"}),
        ("raft", "forget-vote", {"ES", "LIN", "LC", "SMS", "LM"}),
        ("kv", "ack-before-sync", {"LIN"}),
    ],
)
def test_a_seeded_bug_is_convicted_in_simulation_by_the_plan_of_real_runs(splitbrain, system, bug, kinds):
    ended = splitbrain("run", system, "--bug", bug, "--on", "sim", "--seed", 1)
    assert ended.code == 1, ended.verdict.get("reason")
    assert ended.kinds & kinds
    assert ended.kinds <= kinds | {"LC", "SMS", "LM"}


def test_one_seed_gives_one_history_and_one_trace_under_any_hash_seed(splitbrain, plan, tmp_path):
    runs = []
    for hash_seed in ("0", "4711"):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "splitbrain", "run", "raft", "--on", "sim", "--plan", str(plan)),
                *("--seed", "9", "--rate", "50", "--json", "--store", str(tmp_path / f"store-{hash_seed}")),
            ],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        assert done.returncode in (0, 2), done.stderr
        runs.append(json.loads(done.stdout))
    one, other = runs
    assert one["trace"] == other["trace"]
    history, again = (Path(run["run"], "history.jsonl").read_bytes() for run in runs)
    assert history == again
    assert len(history) > 10_000


def test_another_seed_gives_another_trace(splitbrain, plan):
    traces = {
        splitbrain("run", "raft", "--on", "sim", "--plan", plan, "--seed", seed, "--rate", 50).verdict[
            "trace"
        ]
        for seed in (1, 2)
    }
    assert len(traces) == 2


def test_a_system_of_ones_own_runs_in_simulation_too(splitbrain, examples):
    ended = splitbrain(
        "run",
        f"{examples / 'counter.py'}:CounterSystem",
        *("--on", "sim", "--faults", "kill", "--time-limit", 12, "--seed", 2, "--rate", 50),
    )
    assert ended.code == 0, ended.verdict.get("reason")
    assert ended.verdict["operations"] > 100


def test_a_node_that_reads_the_clock_makes_a_simulated_run_inconclusive_and_names_the_step(
    splitbrain, tmp_path
):
    (tmp_path / "hasty.py").write_text(
        "import time\n"
        "from splitbrain.systems.contract import Note\n"
        "from splitbrain.systems.kv.node import KvNode\n"
        "from splitbrain.systems.kv.system import KvSystem\n"
        "class Hasty(KvNode):\n"
        "    def serve(self, src, body):\n"
        "        return [Note('read-clock', {'at': time.time_ns()}), *super().serve(src, body)]\n"
        "class HastySystem(KvSystem):\n"
        "    name = 'hasty'\n"
        "    node = Hasty\n"
        "    bugs = ()\n"
    )
    ended = splitbrain(
        "run",
        f"{tmp_path / 'hasty.py'}:HastySystem",
        *("--on", "sim", "--faults", "none", "--time-limit", 3, "--seed", 1, "--rate", 20),
    )
    assert ended.code == 2
    assert ended.failed_gates == {"trace-repeats"}
    (gate,) = [each for each in ended.verdict["gates"] if each["gate"] == "trace-repeats"]
    assert "read-clock" in gate["observed"]
    assert "time.time_ns" in gate["observed"]


@pytest.mark.parametrize(("system", "bug"), [("raft", "unconfirmed-read"), ("raft", "forget-vote")])
def test_fail_fast_ends_a_simulated_run_at_its_first_violation(splitbrain, system, bug):
    """One is seen by the clients, the other in the notes of the nodes."""
    whole = splitbrain("run", system, "--bug", bug, "--on", "sim", "--seed", 1)
    ended = splitbrain("run", system, "--bug", bug, "--on", "sim", "--seed", 1, "--fail-fast")
    assert (whole.code, ended.code) == (1, 1)
    assert ended.kinds <= whole.kinds
    assert ended.verdict["operations"] < whole.verdict["operations"]
    assert ended.verdict["reason"].startswith("The run was stopped at the first violation. ")


def test_fail_fast_leaves_a_healthy_simulated_run_as_it_is(splitbrain, plan):
    asked = ("run", "raft", "--on", "sim", "--plan", plan, "--seed", 9, "--rate", 50)
    assert splitbrain(*asked, "--fail-fast").verdict["trace"] == splitbrain(*asked).verdict["trace"]
