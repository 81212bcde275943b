from __future__ import annotations

import pytest

from splitbrain.backend import (
    Arm,
    ClientDisconnected,
    ClientMessage,
    Kill,
    NodeExited,
    NodeUp,
    Pause,
    PowerCut,
    Release,
    Request,
    Restart,
    Resume,
    SetClock,
    SetDisk,
    SpoilDisk,
    Triggered,
)
from splitbrain.errors import HarnessError
from splitbrain.simulation.clock import EPOCH
from splitbrain.simulation.deviations import CrashPoint
from splitbrain.simulation.environment import Disk, Environment
from splitbrain.systems.contract import Node, Received, SetTimer, TimerFired

SECOND = 1_000_000_000
SLOW_DISK = Environment(disk=Disk(sync=SECOND // 10))


def recovered(world, node="n1"):
    return world.notes(node, "recovered")[-1]


def restart(world, node="n1"):
    assert world.do(Restart(node))["pid"] is not None
    world.run(0.1)


def test_an_answer_that_waits_for_a_persist_comes_after_the_sync(stage):
    world = stage(environment=SLOW_DISK)
    world.tell("n1", ("persist", "a"), ("reply", "c0", "durable"), ("reply", "c1"))
    world.run(0.05)
    assert [event.client for event in world.events if isinstance(event, ClientMessage)] == ["c1"]
    world.run(0.1)
    assert [event.client for event in world.events if isinstance(event, ClientMessage)] == ["c1", "c0"]
    assert world.notes("n1", "durable") == [{"id": 1}]


def test_one_sync_covers_what_was_written_before_it_began(stage):
    world = stage(environment=SLOW_DISK)
    world.tell("n1", ("persist", "a"))
    world.run(0.01)
    world.tell("n1", ("persist", "b"), ("persist", "c"))
    world.run(0.5)
    assert world.notes("n1", "durable") == [{"id": 1}, {"id": 3}]


def test_a_kill_keeps_what_was_written_and_a_power_cut_a_prefix_of_it(stage):
    kept = set()
    for seed in range(12):
        world = stage(environment=SLOW_DISK)
        world.tell("n1", ("persist", "a"))
        world.run(0.2)
        world.tell("n1", ("persist", "b"), ("persist", "c"))
        world.run(0.01)
        outcome = world.do(PowerCut("n1", seed))
        restart(world)
        records = recovered(world)["records"]
        assert records == ["a", "b", "c"][: len(records)]
        assert (outcome["unsynced"], outcome["kept"]) == (2, len(records) - 1)
        kept.add(len(records))
    assert kept == {1, 2, 3}
    world = stage(environment=SLOW_DISK)
    world.tell("n1", ("persist", "a"))
    world.run(0.01)
    world.do(Kill("n1"))
    restart(world)
    assert recovered(world)["records"] == ["a"]


def test_a_torn_record_reaches_the_node_as_torn_text_only(stage):
    world = stage(environment=SLOW_DISK)
    world.tell("n1", ("persist", {"long": "record"}))
    world.run(0.01)
    assert world.do(PowerCut("n1", 3, tear=True))["torn"] is True
    restart(world)
    assert recovered(world)["records"] == []
    assert '{"long":"record"}'.startswith(recovered(world)["torn"])


def test_a_disk_that_loses_syncs_bites_at_the_next_power_cut(stage):
    world = stage()
    world.do(SetDisk("n1", lose_syncs=True))
    world.tell("n1", ("persist", "a"), ("persist", "b"))
    world.run(0.1)
    assert world.notes("n1", "durable") == [{"id": 2}], "it was told that they are durable"
    lengths = set()
    for seed in range(8):
        again = stage()
        again.do(SetDisk("n1", lose_syncs=True))
        again.tell("n1", ("persist", "a"), ("persist", "b"))
        again.run(0.1)
        again.do(PowerCut("n1", seed, tear=False))
        restart(again)
        lengths.add(len(recovered(again)["records"]))
    assert min(lengths) < 2


def test_bit_rot_in_the_middle_keeps_a_node_from_starting_and_a_wiped_disk_is_empty(stage):
    world = stage()
    for record in "abcdefgh":
        world.tell("n1", ("persist", record))
    world.run(0.1)
    world.do(Kill("n1"))
    assert world.do(SpoilDisk("n1", "bit-rot", seed=1)) == {"records": 8, "spoiled": 1}
    ticket = world.world.perform(Restart("n1"))
    world.run(0.5)
    assert any(getattr(event, "ticket", None) == ticket and event.error for event in world.events)
    assert not any(isinstance(event, NodeExited) for event in world.events), "the disk broke, not the node"
    assert world.do(SpoilDisk("n1", "wipe"))["spoiled"] == 8
    restart(world)
    assert recovered(world)["records"] == []


def test_a_killed_node_forgets_its_timers_and_its_clients_are_disconnected(stage):
    world = stage()
    world.tell("n1", ("timer", "alarm", SECOND), client="c3")
    world.run(0.1)
    before = world.do(Kill("n1"))["pid"]
    world.run(0.1)
    assert ClientDisconnected("c3", "n1") in world.events
    restart(world)
    world.run(2.0)
    assert world.notes("n1", "fired") == []
    assert any(isinstance(event, NodeUp) and event.pid != before for event in world.events)


def test_a_resumed_node_takes_what_waited_before_its_timers(stage):
    world = stage()
    world.tell("n1", ("timer", "alarm", SECOND // 10))
    world.run(0.05)
    world.do(Pause("n1"))
    world.tell("n2", ("send", "n1", "waiting"))
    world.run(1.0)
    assert world.notes("n1", "fired") == []
    world.do(Resume("n1"))
    kinds = [note.kind for note in world.world.notes["n1"]]
    assert kinds[-2:] == ["received", "fired"]


def test_a_sync_that_ends_while_a_node_is_paused_is_heard_of_when_it_goes_on(stage):
    world = stage(environment=SLOW_DISK)
    world.tell("n1", ("persist", "a"), ("reply", "c0", "durable"))
    world.run(0.05)
    world.do(Pause("n1"))
    world.run(1.0)
    assert world.notes("n1", "durable") == []
    world.do(Resume("n1"))
    world.run(0.1)
    assert world.notes("n1", "durable") == [{"id": 1}]
    assert any(isinstance(event, ClientMessage) for event in world.events)


def test_a_trigger_stops_a_node_between_two_effects(stage):
    world = stage()
    world.do(Arm("n1", "trap", "here", skip=1))
    world.tell("n1", ("note", "here"), ("send", "n2", 1), ("note", "here"), ("send", "n2", 2))
    world.run(0.5)
    assert world.tags("n2") == [1]
    assert any(isinstance(event, Triggered) and event.trigger == "trap" for event in world.events)
    assert "n1" in world.world.reach[-1][1], "a node that a trigger holds has an excuse not to serve"
    world.do(Release("n1"))
    assert "n1" not in world.world.reach[-1][1]
    world.run(0.5)
    assert world.tags("n2") == [1, 2]


def test_a_node_killed_at_a_trigger_never_performs_the_rest(stage):
    world = stage()
    world.do(Arm("n1", "trap", "here"))
    world.tell("n1", ("persist", "a"), ("note", "here"), ("send", "n2", "never"), ("persist", "b"))
    world.run(0.1)
    world.do(Kill("n1"))
    restart(world)
    assert world.tags("n2") == []
    assert recovered(world)["records"] == ["a"]


@pytest.mark.parametrize(
    ("label", "ordinal", "sent", "records"),
    [
        ("persist", 0, [], ["a"]),
        ("send message", 0, [1], ["a"]),
        ("send message", 1, [1, 2], ["a", "b"]),
        ("note here", 0, [1, 2], ["a", "b"]),
    ],
)
def test_a_crash_point_kills_right_after_the_effect_that_it_names(stage, label, ordinal, sent, records):
    point = CrashPoint("n1", label, ordinal, power=False, lasts=SECOND // 10)
    world = stage(crash_points=[point])
    effects = [("persist", "a"), ("send", "n2", 1), ("persist", "b"), ("send", "n2", 2), ("note", "here")]
    world.tell("n1", *effects, ("send", "n2", 3))
    world.run(1.0)
    assert world.tags("n2") == sent
    assert recovered(world)["records"] == records


def test_a_census_counts_effects_by_the_labels_of_crash_points(stage):
    world = stage(census=True)
    world.tell("n1", ("persist", "a"), ("send", "n2", 1), ("reply", "c0"), ("note", "here"))
    world.run(1.0)
    own = {label: count for (node, label), count in world.world.census.items() if node == "n1"}
    assert own == {
        "note recovered": 1,
        "note received": 1,
        "persist": 1,
        "send message": 1,
        "reply do_ok": 1,
        "note here": 1,
        "sync": 1,
        "note durable": 1,
    }


def test_a_node_that_raises_has_crashed_and_the_event_is_named(stage):
    world = stage()
    world.tell("n1", ("explode",))
    world.run(0.1)
    (crash,) = [event for event in world.events if isinstance(event, NodeExited)]
    assert crash.node == "n1"
    assert "it was told to explode" in crash.status
    assert "Received(src='c0'" in crash.log
    restart(world)
    assert recovered(world)["records"] == []


def test_a_node_that_spins_without_letting_time_pass_has_crashed(stage):
    class Spinner(Node):
        def step(self, event, now):
            return [SetTimer("again", 0 if isinstance(event, Received | TimerFired) else SECOND)]

    world = stage(node=Spinner, nodes=1)
    world.run(0.9)
    assert not any(isinstance(event, NodeExited) for event in world.events)
    world.tell("n1")
    world.run(0.2)
    (crash,) = [event for event in world.events if isinstance(event, NodeExited)]
    assert "without any time passing" in crash.status


def test_a_node_that_raises_before_it_was_first_ready_is_the_harness_s_error(stage):
    class Broken(Node):
        def step(self, event, now):
            raise RuntimeError("no")

    with pytest.raises(HarnessError, match="n1 did not come up"):
        stage(node=Broken)


def test_a_clock_that_runs_fast_fires_timers_early_and_never_jumps_back(stage):
    world = stage()
    world.do(SetClock("n1", rate=2.0, offset=3600.0))
    world.tell("n1", ("timer", "one", SECOND))
    world.tell("n2", ("timer", "one", SECOND))
    world.run(2.0)
    fast, true = world.times("n1", "fired")[0], world.times("n2", "fired")[0]
    assert fast == pytest.approx(SECOND // 2, abs=5_000_000)
    assert true == pytest.approx(SECOND, abs=5_000_000)
    wall = world.notes("n1", "fired")[0]["wall"]
    assert wall - EPOCH == pytest.approx(3601 * SECOND, abs=10_000_000)
    before = world.notes("n1", "fired")[0]["steady"]
    world.do(SetClock("n1"))
    world.tell("n1", ("timer", "two", 0))
    world.run(0.1)
    after = world.notes("n1", "fired")[1]
    assert after["steady"] > before
    assert after["wall"] < wall, "the wall clock was put right, and so jumped back"


def test_a_rate_that_changes_moves_the_timers_that_are_set(stage):
    world = stage()
    world.tell("n1", ("timer", "one", SECOND))
    world.run(0.5)
    world.do(SetClock("n1", rate=0.5))
    world.run(2.0)
    assert world.times("n1", "fired")[0] == pytest.approx(1.5 * SECOND, abs=5_000_000)


def test_a_clock_returns_to_its_own_rate_when_a_fault_lets_go_of_it(stage):
    world = stage(environment=Environment(rates={"n1": 0.5}))
    world.do(SetClock("n1", rate=2.0))
    world.do(SetClock("n1"))
    world.tell("n1", ("timer", "one", SECOND))
    world.run(3.0)
    assert world.times("n1", "fired")[0] == pytest.approx(2 * SECOND, abs=5_000_000)


def test_steady_clocks_of_two_nodes_have_nothing_in_common(stage):
    world = stage()
    for node in ("n1", "n2"):
        world.tell(node)
    world.run(0.1)
    one, other = (world.notes(node, "received")[0]["steady"] for node in ("n1", "n2"))
    assert abs(one - other) > SECOND


def test_an_administrator_s_request_is_answered_refused_or_given_up(stage):
    world = stage()
    body = {"type": "do", "effects": [["reply", "admin-1"]]}
    assert world.do(Request("n1", body))["answer"] == {"type": "do_ok", "in_reply_to": 1}
    assert world.do(Request("n1", {"type": "do"}, within=0.2)) == {"answer": None}
    world.do(Kill("n1"))
    assert world.do(Request("n1", body)) == {"answer": None}
