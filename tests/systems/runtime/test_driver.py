"""The order of effects and timers, driven without a process: a scripted node, a real log."""

import pytest

from splitbrain.systems.contract import (
    CancelTimer,
    Node,
    Note,
    Now,
    Persist,
    Persisted,
    Received,
    Replace,
    Send,
    SetTimer,
    TimerFired,
)
from splitbrain.systems.runtime.driver import Driver
from splitbrain.systems.runtime.log import Log, recover


class Scripted(Node):
    """Answers each event with what the test laid down for it."""

    def __init__(self):
        super().__init__("n1", (), {})
        self.answers = []
        self.seen = []

    def step(self, event, now):
        self.seen.append(event)
        for position, (awaited, effects) in enumerate(self.answers):
            if awaited == event:
                del self.answers[position]
                return effects
        return []


class Stage:
    def __init__(self, directory):
        self.node = Scripted()
        self.directory = directory
        self.log = Log(directory)
        self.time = 100
        self.out = []
        self.driver = Driver(
            self.node,
            self.log,
            lambda: Now(self.time, 0),
            lambda dest, body: self.out.append((dest, body["type"])),
            lambda kind, fields: self.out.append(kind),
        )

    def on(self, event, *effects):
        self.node.answers.append((event, list(effects)))

    def message(self, *effects):
        self.on(Received("c", {}), *effects)
        self.driver.receive("c", {})


@pytest.fixture
def stage(tmp_path):
    stage = Stage(tmp_path)
    yield stage
    stage.log.close()


def test_what_is_sent_at_once_goes_out_before_the_sync_and_what_waits_after(stage):
    stage.message(Persist(0, "r"), Send("n2", {"type": "late"}, 0), Send("n2", {"type": "early"}))
    assert stage.out == [("n2", "early")]
    assert recover(stage.directory / "log").records == []
    stage.driver.finish_turn()
    assert stage.out == [("n2", "early"), ("n2", "late")]
    assert recover(stage.directory / "log").records == ["r"]


def test_an_effect_whose_persist_is_durable_still_queues_behind_one_that_waits(stage):
    stage.message(Persist(0, "old"))
    stage.driver.finish_turn()
    stage.message(Persist(1, "new"), Note("waits-for-new", {}, 1), Note("waits-for-old", {}, 0))
    assert stage.out == []
    stage.driver.finish_turn()
    assert stage.out == ["waits-for-new", "waits-for-old"]


def test_an_effect_whose_persist_is_durable_is_performed_at_once_if_nothing_waits(stage):
    stage.message(Persist(0, "old"))
    stage.driver.finish_turn()
    stage.message(Note("waits-for-old", {}, 0))
    assert stage.out == ["waits-for-old"]


def test_what_a_node_persists_on_persisted_is_synced_in_the_same_turn(stage):
    stage.on(Persisted(0), Persist(1, "second"), Note("done", {}, 1))
    stage.message(Persist(0, "first"))
    stage.driver.finish_turn()
    assert [event for event in stage.node.seen if isinstance(event, Persisted)] == [
        Persisted(0),
        Persisted(1),
    ]
    assert stage.out == ["done"]


def test_a_replaced_log_is_announced_like_a_persist(stage):
    stage.message(Persist(0, "a"), Replace(1, ["b"]), Persist(2, "c"), Note("done", {}, 2))
    assert recover(stage.directory / "log").records == ["b"]
    stage.driver.finish_turn()
    assert recover(stage.directory / "log").records == ["b", "c"]
    assert stage.node.seen[-1] == Persisted(2)
    assert stage.out == ["done"]


def test_a_timer_that_an_earlier_one_cancels_or_moves_does_not_fire_now(stage):
    stage.message(SetTimer("a", 1), SetTimer("b", 2), SetTimer("c", 3), SetTimer("d", 4))
    stage.on(TimerFired("a"), CancelTimer("b"), SetTimer("c", 50))
    stage.time += 10
    stage.driver.finish_turn()
    assert stage.node.seen[1:] == [TimerFired("a"), TimerFired("d")]
    assert stage.driver.due() == 110 + 50


def test_a_timer_of_delay_0_that_a_timer_sets_waits_for_the_next_turn(stage):
    """Else a node could keep the loop from ever reading its sockets."""
    stage.message(SetTimer("a", 0))
    stage.on(TimerFired("a"), SetTimer("a", 0))
    stage.driver.finish_turn()
    assert stage.node.seen[1:] == [TimerFired("a")]
    assert stage.driver.due() == 100


def test_a_persist_id_that_does_not_rise_is_named(stage):
    stage.message(Persist(3, "r"))
    with pytest.raises(ValueError, match="Node n1 persisted id 3 after id 3"):
        stage.message(Persist(3, "r"))
