"""The life of a node process: how it starts, what ends it, and what never does."""

import json
import os
import select
import signal
import subprocess
import sys
import textwrap

import pytest

ECHO = "echo.py:Echo"


def test_a_node_runs_on_a_bare_python_and_answers(start):
    node = start()
    assert node.client().write(1) == {"type": "write_ok"}


def test_a_users_own_system_is_shipped_inside_the_archive(start):
    node = start(system=ECHO)
    assert node.client().call("ping") == {"type": "pong"}
    assert "a node that prints" in node.log


def test_end_of_file_on_standard_input_ends_it(start):
    node = start()
    node.process.stdin.close()
    assert node.wait_end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_end_ends_it_cleanly(start, number):
    node = start()
    node.process.send_signal(number)
    assert node.wait_end() == 0
    assert "Traceback" not in node.log


def test_a_stop_command_ends_it(start):
    node = start()
    node.command({"stop": True})
    assert node.wait_end() == 0


def test_a_crash_of_the_node_leaves_its_traceback_and_status_1(start):
    node = start(system=ECHO)
    node.client().ask("crash")
    assert node.wait_end() == 1
    assert "RuntimeError: this node has a bug" in node.log


def test_an_effect_outside_the_contract_is_a_crash_that_names_it(start):
    node = start(system=ECHO)
    node.client().ask("nonsense")
    assert node.wait_end() == 1
    assert "'no effect', which is no effect of the contract" in node.log


def test_a_bad_command_is_logged_and_does_no_harm(start):
    node = start(system=ECHO, watch=["pinged"])
    for bad in ({"arm": {}}, {"arm": 3}, {"probe": []}, {"dance": 1}, 7, {"resume": True}):
        node.command(bad)
    node.process.stdin.write(b"{not json\n")
    node.process.stdin.flush()
    assert node.client().call("ping") == {"type": "pong"}
    node.report("note")
    assert node.log.count("control line ignored") == 6


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"system": "nothing:There"}, "The system nothing:There can't be loaded: No module named 'nothing'."),
        ({"system": "splitbrain.systems.kv:Absent"}, "has no Absent"),
        ({"system": "echo.py:NoSystem"}, "is not a subclass of"),
        ({"system": "absent.py:Echo"}, "there is no file absent.py"),
        ({"system": "kv"}, "is not of the form module:Class"),
        ({"bugs": ["rust"]}, "kv has no seeded bug 'rust'; it has: ack-before-sync, torn-tail-as-data."),
        ({"peers": 3}, "The configuration line can't be read"),
        ({"host": "192.0.2.1"}, "can't be set up"),
    ],
)
def test_a_node_that_cannot_start_says_why_in_a_sentence(start, change, sentence):
    node = start(wait=False, **change)
    assert sentence in node.report("failed")
    assert node.wait_end() == 1
    assert "Traceback" not in node.log


def test_an_unwritable_directory_is_named(start, tmp_path):
    (tmp_path / "n1").write_text("a file where the directory should be")
    node = start(wait=False)
    assert str(tmp_path / "n1") in node.report("failed")
    assert node.wait_end() == 1


def test_a_file_as_standard_input_is_refused_in_a_sentence(archive, tmp_path):
    orders = tmp_path / "orders.json"
    orders.write_text('{"config":{}}')
    with orders.open() as file:
        done = subprocess.run(
            [sys.executable, "-I", archive], stdin=file, capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert json.loads(done.stdout)["failed"].startswith("Standard input is a file")


PARENT = textwrap.dedent(
    """
    import os, signal, subprocess, sys
    node = subprocess.Popen(
        [sys.executable, "-I", sys.argv[1]], stdin=subprocess.PIPE, stdout=int(sys.argv[2]),
        pass_fds=(), process_group=0,
    )
    node.stdin.write(sys.stdin.readline().encode())
    node.stdin.flush()
    sys.stdin.readline()  # the test has seen the node ready
    os.kill(node.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, node.pid, os.WSTOPPED | os.WNOWAIT)
    os.kill(os.getpid(), signal.SIGKILL)
    """
)


def test_a_stopped_node_ends_when_its_supervisor_is_killed(archive, start, tmp_path):
    config = start().config | {"directory": str(tmp_path / "orphan")}
    reading, writing = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(archive), str(writing)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=(writing,),
        start_new_session=True,
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as output, parent.stdin:
        parent.stdin.write((json.dumps({"config": config}) + "\n").encode())
        parent.stdin.flush()
        assert "ready" in json.loads(output.readline())
        parent.stdin.write(b"\n")
        parent.stdin.flush()
        assert parent.wait(10) == -signal.SIGKILL
        # Only the node holds the other end: end of file means that it is gone.
        ready, _, _ = select.select([output], [], [], 10)
        assert ready
        assert output.read() == b""
