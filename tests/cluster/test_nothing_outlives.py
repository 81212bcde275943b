"""However a run ends, no process and no port of it is left."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from splitbrain.backend import NodeUp, Pause
from splitbrain.cluster.local.cluster import LocalCluster
from splitbrain.errors import HarnessError

pytestmark = pytest.mark.cluster

RELAY = f"{Path(__file__).parent / 'relay_system.py'}:RelaySystem"

CONTROLLER = """
import json, sys
from pathlib import Path
from splitbrain.backend import ActionDone, NodeUp, Pause
from splitbrain.cluster.local.cluster import LocalCluster

directory = Path(sys.argv[2])
cluster = LocalCluster(
    sys.argv[1], ["n1", "n2", "n3"], settings={}, bugs=[], directory=directory, seed=1, watch=[]
)
try:
    cluster.open()
    pids = [event.pid for event in cluster.poll(0) if isinstance(event, NodeUp)]
    cluster.perform(Pause("n2"))
    while not any(isinstance(event, ActionDone) for event in cluster.poll(cluster.now() + 10**9)):
        pass
    ports = [port for port in cluster._transport._ports.values()]
    print(json.dumps({"pids": [*pids, cluster._supervisor.pid], "ports": ports}), flush=True)
    while True:
        cluster.poll(cluster.now() + 10**9)
finally:
    cluster.close()
"""


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped doesn't."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")


def wait_until_gone(pids: list[int], ports: list[int]) -> None:
    deadline = time.monotonic() + 10
    while left := [pid for pid in pids if alive(pid)]:
        assert time.monotonic() < deadline, f"still there: {left}"
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def ports_of(cluster: LocalCluster) -> list[int]:
    return [port for port in cluster._transport._ports.values() if port]


@pytest.fixture
def controller(tmp_path):
    """A controller in a process of its own, with one of its three nodes stopped, and what it runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, RELAY, str(tmp_path / "nodes")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    what = json.loads(process.stdout.readline())
    yield process, what
    for pid in [*what["pids"], process.pid]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    process.stderr.close()


def test_nothing_is_left_after_close_and_closing_twice_is_fine(deploy, tmp_path):
    harness = deploy(3)
    ports = ports_of(harness.cluster)
    harness.events += harness.cluster.poll(0)
    pids = [event.pid for event in harness.events if isinstance(event, NodeUp)]
    supervisor = harness.cluster._supervisor.pid
    harness.do(Pause("n3"))
    harness.cluster.close()
    harness.cluster.close()
    assert len(pids) == len(ports) == 3
    wait_until_gone([*pids, supervisor], ports)
    assert not (tmp_path / "nodes/nodes.pyz").exists()


def test_nothing_is_left_after_the_controller_was_killed(controller):
    process, what = controller
    process.kill()
    process.wait()
    wait_until_gone(what["pids"], what["ports"])


def test_nothing_is_left_after_the_supervisor_was_killed_while_a_node_was_stopped(deploy):
    harness = deploy(3)
    ports = ports_of(harness.cluster)
    harness.events += harness.cluster.poll(0)
    pids = [event.pid for event in harness.events if isinstance(event, NodeUp)]
    harness.do(Pause("n2"))
    harness.cluster._supervisor.kill()
    wait_until_gone(pids, ports)
    with pytest.raises(HarnessError, match="supervisor of the local cluster ended"):
        harness.cluster.poll(harness.cluster.now() + 10**10)


def test_nothing_is_left_after_controller_and_supervisor_were_killed_together(controller):
    process, what = controller
    process.kill()
    os.kill(what["pids"][-1], signal.SIGKILL)
    process.wait()
    wait_until_gone(what["pids"], what["ports"])


def test_nothing_is_left_after_a_keyboard_interrupt(controller):
    process, what = controller
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=20)
    assert "KeyboardInterrupt" in complaint
    wait_until_gone(what["pids"], what["ports"])


def test_an_interrupt_of_the_controllers_process_group_reaches_no_node(controller):
    process, what = controller
    assert all(os.getsid(pid) != os.getsid(process.pid) for pid in what["pids"])
    groups = {os.getpgid(pid) for pid in what["pids"]}
    assert len(groups) == len(what["pids"])


def test_nothing_is_left_when_opening_is_interrupted(tmp_path):
    interrupts = []

    def clock() -> int:
        if not interrupts and getattr(cluster, "_supervisor", None) is not None:  # nodes are starting
            interrupts.append(cluster._supervisor.pid)
            raise KeyboardInterrupt
        return time.monotonic_ns()

    cluster = None

    cluster = LocalCluster(
        RELAY, ["n1", "n2"], settings={}, bugs=[], directory=tmp_path / "nodes", seed=1, watch=[], clock=clock
    )
    with pytest.raises(KeyboardInterrupt):
        cluster.open()
    wait_until_gone(interrupts, [])
    assert not (tmp_path / "nodes/nodes.pyz").exists()


def test_the_supervisor_itself_kills_everything_when_it_is_told_to_terminate(deploy):
    harness = deploy(2)
    harness.events += harness.cluster.poll(0)
    pids = [event.pid for event in harness.events if isinstance(event, NodeUp)]
    ports = ports_of(harness.cluster)
    harness.cluster._supervisor.terminate()
    wait_until_gone(pids, ports)
