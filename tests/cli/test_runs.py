"""Whole runs, with real processes: what a user types and what comes back."""

import json
import os
import re
import resource
import signal
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

ORPHANS = re.compile(r"splitbrain|\.pyz")


def processes_of(directory):
    """List the processes whose command line names a directory of the run."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    own = str(os.getpid())
    return [
        line for line in listed.splitlines() if str(directory) in line and line.split(maxsplit=1)[0] != own
    ]


def test_a_healthy_raft_under_partitions_crashes_and_pauses_is_valid_and_every_gate_holds(splitbrain):
    ended = splitbrain("run", "raft", "--faults", "partition,kill,pause", "--time-limit", 20, "--seed", 1)
    assert ended.code == 0, ended.verdict.get("reason")
    assert ended.verdict["valid"] is True
    assert ended.failed_gates == set()
    assert {check["checker"] for check in ended.verdict["checks"]} == {
        "linearizable",
        "raft-invariants",
        "crash",
    }
    assert ended.verdict["coverage"]["notes"]["elected"] >= 2
    assert ended.verdict["coverage"]["vacuity"]["share"] > 0.6


def test_every_certificate_of_a_run_is_confirmed_and_a_tampered_one_refused(splitbrain):
    ended = splitbrain("run", "raft", "--nodes", 3, "--faults", "none", "--time-limit", 2, "--seed", 1)
    assert ended.code == 0
    certificates = sorted((ended.run / "certificates").glob("*.json"))
    assert [path.stem for path in certificates] == ["linearizable", "raft-invariants"]
    for path in certificates:
        assert splitbrain("verify", path, ended.run).code == 0
    proof = json.loads(certificates[0].read_text())
    proof["keys"][0]["order"].pop()
    certificates[0].write_text(json.dumps(proof))
    refused = splitbrain("verify", certificates[0], ended.run)
    assert refused.code == 1
    assert refused.verdict["holds"] is False


def test_a_finished_run_is_judged_again_from_its_files(splitbrain):
    ended = splitbrain("run", "kv", "--faults", "none", "--time-limit", 1, "--seed", 1)
    again = splitbrain("check", ended.run)
    assert again.code == ended.code == 0
    assert again.verdict["operations"] == ended.verdict["operations"]
    assert again.verdict["gates"] == ended.verdict["gates"]
    assert splitbrain("check", ended.run / "history.jsonl", "--model", "kv").code == 0
    refused = splitbrain("check", ended.run, "--model", "cas-register")
    assert refused.code == 64
    assert "history.jsonl" in refused.err


def test_replay_repeats_system_seed_and_plan_in_a_new_run(splitbrain):
    first = splitbrain("run", "kv", "--faults", "kill", "--time-limit", 12, "--seed", 5)
    second = splitbrain("replay", first.run)
    assert second.code == first.code == 0
    assert second.run != first.run
    assert (second.run / "plan.json").read_text() == (first.run / "plan.json").read_text()


def test_a_plan_is_given_back_with_plan(splitbrain):
    first = splitbrain("run", "kv", "--faults", "pause", "--time-limit", 12, "--seed", 5)
    second = splitbrain("run", "kv", "--plan", first.run / "plan.json", "--seed", 6)
    assert second.code == 0
    assert (second.run / "plan.json").read_text() == (first.run / "plan.json").read_text()


def test_a_run_in_which_hardly_anything_happened_is_inconclusive_and_names_the_gate(splitbrain):
    ended = splitbrain("run", "kv", "--faults", "none", "--time-limit", 1, "--rate", "0.5", "--seed", 1)
    assert ended.code == 2
    assert ended.verdict["valid"] == "unknown"
    assert ended.failed_gates
    assert all(gate in ended.verdict["reason"] for gate in ended.failed_gates)


def test_a_missed_requirement_makes_a_run_inconclusive(splitbrain):
    ended = splitbrain(
        "run", "kv", "--faults", "none", "--time-limit", 1, "--seed", 1, "--require", "p50<=0.000001ms"
    )
    assert ended.code == 2
    assert ended.failed_gates == {"require p50<=0.000001ms"}


def test_an_interrupt_heals_tears_down_judges_and_exits_2(started, wait_until, tmp_path):
    run = started("raft", "--faults", "kill,pause", "--time-limit", 60, "--seed", 1)

    def operations_are_recorded():
        return any(path.stat().st_size > 20_000 for path in tmp_path.glob("store/raft/*-1/history.jsonl"))

    wait_until(operations_are_recorded)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 2, err
    verdict = json.loads(out)
    assert verdict["valid"] == "unknown"
    assert "ran-to-its-end" in verdict["reason"]
    assert verdict["operations"] > 50
    assert processes_of(tmp_path / "store") == []


def test_an_interrupted_run_that_already_proves_a_violation_exits_1(started, wait_until, tmp_path, examples):
    run = started(
        f"{examples}/volatile.py:VolatileSystem", "--faults", "kill", "--time-limit", 60, "--seed", 1
    )

    def the_node_came_back_from_a_kill():
        return any(
            path.read_text().count('"phase":"off"') for path in tmp_path.glob("store/*/*-1/faults.jsonl")
        )

    wait_until(the_node_came_back_from_a_kill)
    at_that_moment = sum(path.stat().st_size for path in tmp_path.glob("store/*/*-1/history.jsonl"))

    def reads_followed():
        return any(
            path.stat().st_size > at_that_moment + 60_000
            for path in tmp_path.glob("store/*/*-1/history.jsonl")
        )

    wait_until(reads_followed)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 1, err
    assert json.loads(out)["valid"] is False


def test_after_a_killed_controller_no_process_is_left_and_its_run_can_be_judged(
    started, wait_until, tmp_path, splitbrain
):
    run = started("raft", "--nodes", 3, "--faults", "none", "--time-limit", 60, "--seed", 1)

    def operations_are_recorded():
        return any(path.stat().st_size > 20_000 for path in tmp_path.glob("store/raft/*-1/history.jsonl"))

    wait_until(operations_are_recorded)
    run.kill()
    run.communicate()

    def nothing_is_left():
        return not processes_of(tmp_path / "store")

    wait_until(nothing_is_left)
    (directory,) = tmp_path.glob("store/raft/*-1")
    judged = splitbrain("check", directory)
    assert judged.code == 2
    assert "ran-to-its-end" in judged.failed_gates


BROKEN = """
from splitbrain.systems.client import SessionClient
from splitbrain.systems.contract import Node, Received, Reply
from splitbrain.systems.description import System


class NeverStarts(Node):
    def __init__(self, name, peers, settings):
        raise RuntimeError("the flux capacitor is missing")

    def step(self, event, now):
        return []


class DiesOfTheTenth(Node):
    requests = 0

    def step(self, event, now):
        if not isinstance(event, Received):
            return []
        self.requests += 1
        if self.requests == 10:
            raise RuntimeError("ten is too many")
        return [Reply(event.src, event.body["msg_id"], {"type": "error", "code": 20, "text": "nothing here"})]


class Base(System):
    name = "broken"
    summary = "broken on purpose"
    client = SessionClient
    workloads = ("register",)
    nodes = 1
    availability = "all"


class StartSystem(Base):
    node = NeverStarts


class TenSystem(Base):
    node = DiesOfTheTenth
"""


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text(BROKEN)
    return path


def test_a_node_that_does_not_start_exits_70_with_the_end_of_its_log(splitbrain, broken, tmp_path):
    ended = splitbrain("run", f"{broken}:StartSystem", "--faults", "none", "--time-limit", 1)
    assert ended.code == 70
    assert "the flux capacitor is missing" in ended.err
    assert processes_of(tmp_path / "store") == []


def test_a_node_that_dies_by_itself_is_a_crash_violation(splitbrain, broken):
    ended = splitbrain("run", f"{broken}:TenSystem", "--faults", "none", "--time-limit", 2, "--seed", 1)
    assert ended.code == 1
    assert "CRASH" in ended.kinds
    assert "ten is too many" in json.dumps(ended.verdict["violations"])


def test_a_store_that_cannot_be_written_is_said_before_anything_starts(tmp_path, splitbrain):
    (tmp_path / "store").write_text("a file where the folder should be")
    ended = splitbrain("run", "kv", "--faults", "none", "--time-limit", 1)
    assert ended.code == 64
    assert "--store" in ended.err


def test_a_full_disk_is_said_before_anything_starts(tmp_path):
    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    done = subprocess.run(
        [sys.executable, "-m", "splitbrain", "run", "kv", "--store", str(tmp_path / "store")],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=small_disk,
    )
    assert done.returncode == 64
    assert "--store" in done.stderr
    assert not list(tmp_path.rglob("node.log"))


def test_fail_fast_stops_a_run_at_the_first_violation_with_the_verdict_of_a_check_afterwards(splitbrain):
    ended = splitbrain(
        *("run", "kv", "--bug", "ack-before-sync", "--seed", 1, "--fail-fast", "--time-limit", 60)
    )
    assert ended.code == 1, ended.verdict.get("reason")
    assert ended.kinds == {"LIN"}
    assert ended.verdict["reason"].startswith("The run was stopped at the first violation. ")
    last = json.loads((ended.run / "history.jsonl").read_text().splitlines()[-1])
    assert last["time"] < 50e9
    again = splitbrain("check", ended.run)
    assert (again.code, again.kinds) == (1, {"LIN"})
    outcome = json.loads((ended.run / "outcome.json").read_text())
    assert outcome["stopped"]


def test_fail_fast_lets_a_healthy_run_go_on_to_its_end(splitbrain):
    ended = splitbrain("run", "kv", "--faults", "none", "--seed", 1, "--fail-fast", "--time-limit", 3)
    assert ended.code == 0, ended.verdict.get("reason")
    assert ended.failed_gates == set()
