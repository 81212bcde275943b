"""What can be done to the processes of a cluster, and what they do by themselves."""

from __future__ import annotations

import json
import os
import signal

import pytest

from splitbrain.backend import (
    ActionDone,
    Arm,
    ClientDisconnected,
    ClientMessage,
    ClientUnreachable,
    Disarm,
    Kill,
    NodeExited,
    NodeUp,
    Pause,
    PowerCut,
    Probe,
    Release,
    Restart,
    Resume,
    Triggered,
)
from splitbrain.errors import HarnessError

pytestmark = pytest.mark.cluster


@pytest.fixture
def one(deploy):
    return deploy(1)


def life_pids(events, node="n1") -> list[int]:
    return [event.pid for event in events if isinstance(event, NodeUp) and event.node == node]


def exits(events) -> list[NodeExited]:
    return [event for event in events if isinstance(event, NodeExited)]


def test_every_node_is_up_when_the_cluster_opens(deploy):
    harness = deploy(5)
    harness.events += harness.cluster.poll(0)
    assert sorted(event.node for event in harness.events) == ["n1", "n2", "n3", "n4", "n5"]
    assert len({event.pid for event in harness.events}) == 5


def test_a_killed_node_comes_back_under_another_pid_with_its_data(one):
    one.request("n1", type="write", value="kept")
    killed = one.do(Kill("n1"))
    restarted = one.do(Restart("n1"))
    assert restarted["pid"] != killed["pid"]
    assert one.request("n1", type="read")["values"] == ["kept"]
    assert life_pids(one.events) == [killed["pid"], restarted["pid"]]
    assert exits(one.events) == []


def test_a_kill_keeps_what_was_written_but_not_synced(one):
    one.do(Arm("n1", "t", "writing"))
    one.cluster.send("c1", "n1", {"type": "write", "value": "unsynced", "msg_id": 1})
    one.until(lambda event: isinstance(event, Triggered))
    one.do(Kill("n1"))
    one.do(Restart("n1"))
    assert one.request("n1", type="read")["values"] == ["unsynced"]


def test_a_power_cut_tears_what_was_written_but_not_synced(one, tmp_path):
    one.request("n1", type="write", value="synced")
    one.do(Arm("n1", "t", "writing"))
    one.cluster.send("c1", "n1", {"type": "write", "value": "unsynced", "msg_id": 99})
    one.until(lambda event: isinstance(event, Triggered))
    outcome = one.do(PowerCut("n1", seed=3, tear=True))
    assert outcome["torn"]
    assert 0 < outcome["kept"] < outcome["unsynced"]
    one.do(Restart("n1"))
    assert one.request("n1", type="read")["values"] == ["synced"]
    kinds = [
        json.loads(line)["kind"] for line in (tmp_path / "nodes/n1/events.jsonl").read_text().splitlines()
    ]
    assert "torn-tail-dropped" in kinds


def test_a_restart_asked_for_right_after_a_kill_waits_for_the_end_of_the_old_life(one):
    kill = one.cluster.perform(Kill("n1"))
    restart = one.cluster.perform(Restart("n1"))
    killed, restarted = (one.once(ActionDone, ticket=ticket) for ticket in (kill, restart))
    assert (killed.error, restarted.error) == (None, None)
    assert killed.outcome["pid"] != restarted.outcome["pid"]


def test_a_paused_node_is_seen_stopped_answers_nothing_and_goes_on(deploy):
    harness = deploy(2)
    harness.connect()
    assert harness.do(Pause("n1"))["stopped"] is True
    assert not harness.do(Probe("n2", "n1", 0.1))["arrived"]
    assert harness.do(Probe("n2", "n2", 0.0))["arrived"] is False
    harness.cluster.send("c1", "n1", {"type": "read", "msg_id": 1})
    assert harness.cluster.poll(harness.cluster.now() + 50_000_000) == []
    assert harness.do(Resume("n1"))["stopped"] is False
    harness.once(ClientMessage, client="c1")


def test_pause_and_resume_asked_for_in_one_breath_are_both_observed(one):
    asked = [one.cluster.perform(action) for action in (Pause("n1"), Resume("n1"), Pause("n1"), Resume("n1"))]
    seen = [one.once(ActionDone, ticket=ticket).outcome["stopped"] for ticket in asked]
    assert seen == [True, False, True, False]
    assert one.request("n1", type="read")["values"] == []


def test_a_paused_node_can_be_killed_and_restarted(one):
    paused = one.do(Pause("n1"))
    assert one.do(Kill("n1")) == {"pid": paused["pid"]}
    one.do(Restart("n1"))
    assert one.request("n1", type="read")["values"] == []


def test_every_action_on_a_dead_node_has_an_outcome_and_no_error(one):
    pid = one.do(Kill("n1"))["pid"]
    assert one.do(Kill("n1")) == {"pid": pid}
    assert one.do(PowerCut("n1", 1)) == {"pid": pid, "unsynced": 0, "kept": 0, "torn": False}
    assert one.do(Pause("n1")) == {"pid": pid, "stopped": False}
    assert one.do(Resume("n1")) == {"pid": pid, "stopped": False}
    assert one.do(Release("n1")) == {"released": False}
    assert one.do(Disarm("n1", "t")) == {"disarmed": False}
    assert one.do(Probe("n1", "n1", 0.01)) == {"arrived": False, "seconds": None}
    up = one.do(Restart("n1"))
    assert one.do(Restart("n1")) == up


def test_a_triggered_node_waits_until_it_is_released(one):
    one.do(Arm("n1", "t", "writing", {"value": "b"}))
    one.request("n1", type="write", value="a")
    one.cluster.send("c2", "n1", {"type": "write", "value": "b", "msg_id": 1})
    stopped = one.until(lambda event: isinstance(event, Triggered))
    assert stopped == Triggered("n1", "t", "writing", {"value": "b"})
    assert one.cluster.poll(one.cluster.now() + 50_000_000) == []
    one.do(Release("n1"))
    one.once(ClientMessage, client="c2")
    one.request("n1", type="write", value="b")


def test_a_trigger_stays_armed_over_a_restart_and_a_disarmed_one_does_not(one):
    one.do(Arm("n1", "forgotten", "writing", {"value": "a"}))
    one.do(Arm("n1", "kept", "writing", {"value": "b"}))
    one.do(Disarm("n1", "forgotten"))
    one.do(Kill("n1"))
    one.do(Restart("n1"))
    one.request("n1", type="write", value="a")
    one.cluster.send("c1", "n1", {"type": "write", "value": "b", "msg_id": 99})
    assert one.once(Triggered).trigger == "kept"
    one.do(Release("n1"))
    one.once(ClientMessage, client="c1", body={"type": "write_ok", "in_reply_to": 99})


def test_a_node_that_exits_by_itself_is_reported_with_the_end_of_its_log(one):
    one.cluster.send("c1", "n1", {"type": "die", "msg_id": 1})
    exited = one.until(lambda event: isinstance(event, NodeExited))
    assert exited.node == "n1"
    assert exited.status == "exit status 1"
    assert exited.log.splitlines()[-1] == "RuntimeError: this node was told to die"
    assert len(exited.log.splitlines()) <= 20


def test_a_kill_that_comes_after_the_node_ended_by_itself_does_not_hide_its_crash(one):
    pid = one.do(Restart("n1"))["pid"]
    supervisor = one.cluster._supervisor.pid
    # The supervisor stands still meanwhile, so that it learns of both together.
    os.kill(supervisor, signal.SIGSTOP)
    one.cluster.send("c1", "n1", {"type": "die", "msg_id": 1})
    one.once(ClientDisconnected, client="c1")
    killed = one.cluster.perform(Kill("n1"))
    restarted = one.cluster.perform(Restart("n1"))
    os.kill(supervisor, signal.SIGCONT)
    assert one.once(ActionDone, ticket=killed).outcome == {"pid": pid}
    assert one.once(ActionDone, ticket=restarted).error is None
    (exited,) = exits(one.events)
    assert (exited.node, exited.status) == ("n1", "exit status 1")
    assert exited.log.splitlines()[-1] == "RuntimeError: this node was told to die"


def test_a_kill_of_a_running_node_is_no_crash(one):
    for _ in range(5):
        one.do(Kill("n1"))
        one.do(Restart("n1"))
    assert exits(one.events) == []


def test_clients_learn_whether_their_message_can_have_arrived(one):
    one.request("n1", type="read")
    one.do(Kill("n1"))
    one.once(ClientDisconnected, client="c1", node="n1")
    one.cluster.send("c1", "n1", {"type": "read", "msg_id": 2})
    assert one.cluster.poll(0) == [ClientUnreachable("c1", "n1", 2)]
    one.do(Restart("n1"))
    assert one.request("n1", type="read")["values"] == []


def test_a_retired_session_is_not_heard_of_again(one):
    one.cluster.send("c1", "n1", {"type": "read", "msg_id": 1})
    one.cluster.retire("c1")
    one.do(Kill("n1"))
    assert not [event for event in one.events if getattr(event, "client", None) == "c1"]


def test_a_node_that_does_not_start_is_named_with_the_end_of_its_log(deploy, tmp_path):
    with pytest.raises(HarnessError) as error:
        deploy(3, refuse="n2")
    sentence = str(error.value)
    assert sentence.startswith("n2 did not come up: exit status 1.")
    assert sentence.endswith("RuntimeError: this node was told not to start")
    assert not (tmp_path / "nodes/nodes.pyz").exists()


def test_a_restart_that_fails_is_a_crash_and_an_error_and_the_cluster_goes_on(deploy, tmp_path):
    harness = deploy(2)
    harness.request("n1", type="write", value="a")
    harness.request("n1", type="write", value="b")
    harness.do(Kill("n1"))
    log = tmp_path / "nodes/n1/log"
    log.write_bytes(b"0" + log.read_bytes()[1:].replace(b'"a"', b'"z"', 1))
    done = harness.attempt(Restart("n1"))
    assert done.error is not None
    assert done.error.startswith("n1 did not come up: exit status 1")
    assert [event.node for event in exits(harness.events)] == ["n1"]
    assert exits(harness.events)[0].log
    assert harness.request("n2", type="read")["values"] == []


def test_an_unwritable_folder_is_said_before_anything_starts(deploy, tmp_path):
    (tmp_path / "nodes").write_text("in the way")
    with pytest.raises(HarnessError, match="can't be written"):
        deploy(1)
