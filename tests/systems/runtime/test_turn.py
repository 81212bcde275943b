"""Effects in order: what waits for a sync, when timers fire, what a trigger lets out first."""

import json

import pytest

ECHO = "echo.py:Echo"
WRITES = {"trigger": "t1", "kind": "wrote"}


@pytest.fixture
def node(start):
    return start(system=ECHO)


def kinds(node):
    return [kind for kind, _ in node.events if kind not in ("started", "began")]


def test_effects_that_wait_keep_their_order_and_others_overtake_them(node):
    assert node.client().call("order") == {"type": "ordered"}
    assert kinds(node) == ["at-once", "persisted", "after-first", "after-second", "after-first-again"]


def test_two_persists_of_one_turn_are_announced_once_by_the_last_id(node):
    node.client().call("order")
    assert ("persisted", {"id": 2}) in node.events
    assert ("persisted", {"id": 1}) not in node.events


def test_an_effect_that_waits_for_a_durable_persist_is_performed(node):
    client = node.client()
    assert client.call("write", record=1) == {"type": "written"}
    assert client.call("write", record=2) == {"type": "written"}


def test_timers_fire_in_order_and_moved_or_cancelled_ones_do_not(start):
    node = start(system=ECHO, watch=["fired"])
    node.client().call("timers")
    fired = [node.report("note")["fields"]["name"] for _ in range(3)]
    assert fired == ["batch", "moved", "late"]
    assert ("fired", {"name": "cancelled"}) not in node.events


def test_a_timer_of_delay_0_fires_after_all_input_of_the_turn(start):
    node = start(system=ECHO)
    node.command({"arm": {"trigger": "t1", "kind": "set"}})
    client = node.client()
    client.ask("timers")
    node.report("triggered")
    client.ask("ping")  # arrives while the node stands still, so it is input of the next turn ...
    other = node.client("c2").ask("timers").ask("ping")
    node.command({"resume": True})
    for _ in range(2):
        client.answer()
        other.answer()
    # ... in which both of c2's requests were taken before the timer that the first one set.
    assert kinds(node).index("fired") > kinds(node).index("set")
    last_set = len(kinds(node)) - 1 - kinds(node)[::-1].index("set")
    assert kinds(node)[last_set + 1] == "pinged"


def test_watched_notes_are_reported_and_others_are_not(start):
    node = start(system=ECHO, watch=["pinged"])
    client = node.client()
    client.call("write", record=1)
    client.call("ping")
    assert node.report("note") == {"kind": "pinged", "fields": {"src": "c1"}}


def test_events_are_timed_and_a_new_life_appends_to_them(start):
    first = start(system=ECHO, seed=7)
    first.kill()
    second = start(system=ECHO, seed=8)
    assert [kind for kind, _ in second.events] == ["started", "began"] * 2
    assert second.events[0][1] == {"pid": first.process.pid, "records": 0, "torn": False}
    assert [fields["seed"] for kind, fields in second.events if kind == "began"] == [7, 8]
    times = [json.loads(line)["time"] for line in second.event_lines]
    assert times == sorted(times)
    assert times[0] > 0


def test_a_new_life_drops_a_torn_line_of_events(start):
    first = start(system=ECHO).kill()
    with (first.directory / "events.jsonl").open("a") as events:
        events.write('{"time":1,"kind":"torn","fi')
    second = start(system=ECHO)
    assert [kind for kind, _ in second.events] == ["started", "began"] * 2


def test_a_trigger_stops_the_node_until_it_is_resumed(node):
    node.command({"arm": {"trigger": "t1", "kind": "pinged"}})
    client = node.client()
    client.ask("ping")
    assert node.report("triggered") == {"trigger": "t1", "kind": "pinged", "fields": {"src": "c1"}}
    client.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.receive()  # the answer comes after the note
    client.socket.settimeout(10)
    node.command({"resume": True})
    assert client.answer()["type"] == "pong"


def test_a_trigger_fires_once(node):
    node.command({"arm": {"trigger": "t1", "kind": "pinged"}})
    client = node.client()
    client.ask("ping")
    node.report("triggered")
    node.command({"resume": True})
    client.answer()
    assert client.call("ping") == {"type": "pong"}


def test_a_trigger_skips_and_matches_fields(node):
    node.command({"arm": {"trigger": "t1", "kind": "wrote", "where": {"id": 3}}})
    node.command({"arm": {"trigger": "t2", "kind": "wrote", "skip": 3}})
    client = node.client()
    for _ in range(2):
        client.call("write", record=0)
    client.ask("write", record=0)
    assert node.report("triggered")["trigger"] == "t1"
    node.command({"resume": True})
    client.answer()
    client.ask("write", record=0)
    assert node.report("triggered") == {"trigger": "t2", "kind": "wrote", "fields": {"id": 4}}


def test_a_disarmed_trigger_does_not_fire(node):
    node.command({"arm": {"trigger": "t1", "kind": "pinged"}})
    node.command({"disarm": "t1"})
    assert node.client().call("ping") == {"type": "pong"}


def test_what_precedes_the_note_is_out_before_the_node_stops(start):
    """The answer of KV precedes its note, so it reaches the client although the node never goes on."""
    node = start()
    node.command({"arm": {"trigger": "t1", "kind": "answered"}})
    client = node.client().ask("write", key="x", value=1)
    node.report("triggered")
    node.kill()
    assert client.answer()["type"] == "write_ok"
    assert ("answered", {"src": "c1", "msg_id": 1, "type": "write"}) in node.events


def test_a_node_that_stands_at_a_trigger_ends_with_its_supervisor(node):
    node.command({"arm": {"trigger": "t1", "kind": "pinged"}})
    node.client().ask("ping")
    node.report("triggered")
    node.process.stdin.close()
    assert node.wait_end() == 0
