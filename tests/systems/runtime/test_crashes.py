"""Real nodes killed with unsynced writes, at a trigger that stops them between the write and the sync."""

import json
import random
from pathlib import Path

import pytest

from splitbrain.systems.runtime.log import record_line
from splitbrain.systems.runtime.pending import cut, materialise

ECHO = "echo.py:Echo"


def crash_with_unsynced(start, records=("lost", "torn")):
    """Leave a dead node whose `records` were written and not synced, after two that were."""
    node = start(system=ECHO)
    client = node.client()
    client.call("write", record="kept-1")
    client.call("write", record="kept-2")
    node.command({"arm": {"trigger": "t1", "kind": "wrote", "skip": len(records) - 1}})
    requests = [
        json.dumps({"src": "c1", "dest": "n1", "body": {"type": "write", "record": record}}) + "\n"
        for record in records
    ]
    client.send_bytes("".join(requests).encode())
    node.report("triggered")
    return node.kill()


def survivors(node):
    return [fields for kind, fields in node.events if kind == "began"][-1]


def test_acknowledged_records_survive_a_power_cut_that_keeps_nothing(start):
    node = crash_with_unsynced(start)
    seed = next(seed for seed in range(99) if cut_keeps_nothing(node.directory, seed))
    assert cut(node.directory, seed, tear=False).kept == 0
    again = start(system=ECHO)
    assert survivors(again) == {"records": ["kept-1", "kept-2"], "torn": None, "seed": 1}


def cut_keeps_nothing(directory, seed):
    return random.Random(seed).choice([0, 1, 2]) == 0


def test_unsynced_records_survive_a_kill(start):
    node = crash_with_unsynced(start)
    assert materialise(node.directory) > 0
    assert survivors(start(system=ECHO))["records"] == ["kept-1", "kept-2", "lost", "torn"]


def test_a_torn_record_is_dropped_noted_and_handed_on_apart(start):
    node = crash_with_unsynced(start, ["a longer record that will be torn"])
    assert cut(node.directory, 1, tear=True).torn
    again = start(system=ECHO)
    assert again.ready["torn"] is True
    began = survivors(again)
    assert began["records"] == ["kept-1", "kept-2"]
    assert '"a longer record that will be torn"'.startswith(began["torn"])
    assert began["torn"]
    started, dropped = [fields for kind, fields in again.events if kind in ("started", "torn-tail-dropped")][
        -2:
    ]
    assert started["torn"] is True
    assert dropped["text"] == began["torn"]
    assert "dropped a torn record" in again.log
    assert again.client().call("write", record="new") == {"type": "written"}
    again.kill()
    assert survivors(start(system=ECHO))["records"] == ["kept-1", "kept-2", "new"]


def test_a_corrupt_record_before_the_last_keeps_the_node_from_starting(start):
    node = start(system=ECHO)
    client = node.client()
    for number in range(3):
        client.call("write", record=number)
    node.kill()
    log = node.directory / "log"
    log.write_bytes(log.read_bytes().replace(record_line(1), record_line(1)[:-2] + b"7\n"))
    again = start(system=ECHO, wait=False)
    assert "Record 2 of the log" in again.report("failed")
    assert again.wait_end() == 1


def test_replacing_the_log_leaves_the_new_one(start):
    node = start(system=ECHO)
    client = node.client()
    client.call("write", record="old")
    assert client.call("replace", records=["snapshot"]) == {"type": "replaced"}
    client.call("write", record="after")
    node.kill()
    assert survivors(start(system=ECHO))["records"] == ["snapshot", "after"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_ends_the_node_with_a_sentence(start, tmp_path):
    (tmp_path / "n1").mkdir()
    (tmp_path / "n1" / "events.jsonl").symlink_to("/dev/full")
    node = start(wait=False)
    assert "The events of n1 can't be written: No space left on device" in node.report("failed")
    assert node.wait_end() == 1
    assert "Traceback" not in node.log


def test_a_slow_disk_delays_the_answer_and_a_read_that_needs_no_sync_is_not_wrong(start):
    node = start(settings={"sync_delay": 0.05})
    client = node.client()
    assert client.write(5) == {"type": "write_ok"}
    assert client.read() == {"type": "read_ok", "value": 5}
