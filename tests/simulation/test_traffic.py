from __future__ import annotations

import pytest

from splitbrain.backend import ClearLinks, ClientUnreachable, Kill, LinkCounters, LinkPolicy, Probe, SetLinks
from splitbrain.simulation.deviations import Address, Deviation
from splitbrain.simulation.environment import CALM, Disk, Environment, Network

SECOND = 1_000_000_000
MILLISECOND = 1_000_000


def lay(stage, policy, *links):
    stage.do(SetLinks("fault", dict.fromkeys(links, policy)))


def send_many(stage, count, source="n1", dest="n2"):
    stage.tell(source, *[("send", dest, number) for number in range(count)])
    stage.run(1.0)


def test_a_cut_link_delivers_nothing_and_the_other_direction_everything(stage):
    world = stage()
    lay(world, LinkPolicy(cut=True), ("n1", "n2"))
    send_many(world, 3)
    send_many(world, 3, "n2", "n1")
    assert world.tags("n2") == []
    assert world.tags("n1") == [0, 1, 2]


def test_a_cut_drops_what_is_in_flight(stage):
    world = stage()
    world.tell("n1", ("send", "n2", "late"))
    world.run(0.0015)  # the request took one millisecond, its message is half-way
    lay(world, LinkPolicy(cut=True), ("n1", "n2"))
    world.do(ClearLinks("fault"))
    world.run(1.0)
    assert world.tags("n2") == ["late"], "lifted before it arrived, the cut costs nothing"
    world.tell("n1", ("send", "n2", "lost"))
    world.run(0.0015)
    lay(world, LinkPolicy(cut=True), ("n1", "n2"))
    world.run(1.0)
    assert world.tags("n2") == ["late"]


def test_a_held_link_delivers_everything_in_order_after_the_hold(stage):
    world = stage()
    lay(world, LinkPolicy(hold=True), ("n1", "n2"))
    send_many(world, 4)
    assert world.tags("n2") == []
    world.do(ClearLinks("fault"))
    world.run(0.1)
    assert world.tags("n2") == [0, 1, 2, 3]


def test_a_delay_is_added_to_the_latency(stage):
    world = stage()
    lay(world, LinkPolicy(delay=0.2), ("n1", "n2"))
    world.tell("n1", ("send", "n2", 0))
    world.run(1.0)
    sent, arrived = world.times("n1")[0], world.times("n2")[0]
    assert arrived - sent == SECOND // 5 + MILLISECOND


def test_a_throttled_link_passes_so_many_bytes_a_second(stage):
    world = stage()
    lay(world, LinkPolicy(rate=100.0), ("n1", "n2"))
    send_many(world, 2)
    world.run(2.0)
    first, second = world.times("n2")
    assert second - first == pytest.approx(0.3 * SECOND, rel=0.1), "a message has some thirty bytes"


def test_loss_and_duplication_hit_their_share_and_are_counted(stage):
    world = stage()
    lay(world, LinkPolicy(loss=0.3), ("n1", "n2"))
    lay_other = SetLinks("other", {("n1", "n3"): LinkPolicy(duplicate=0.3)})
    world.do(lay_other)
    send_many(world, 300)
    send_many(world, 300, "n1", "n3")
    lost, doubled = 300 - len(world.tags("n2")), len(world.tags("n3")) - 300
    assert 60 < lost < 120
    assert 60 < doubled < 120
    counters = world.do(LinkCounters())
    assert (counters["lost"], counters["duplicated"]) == (lost, doubled)


def test_order_on_a_link_is_kept_until_reordering_is_asked_for(stage):
    rough = Environment(Network(latency=MILLISECOND, spread=20 * MILLISECOND), Disk())
    world = stage(environment=rough)
    send_many(world, 50)
    assert world.tags("n2") == list(range(50))
    lay(world, LinkPolicy(reorder=0.5), ("n1", "n2"))
    send_many(world, 50)
    overtaken = world.tags("n2")[50:]
    assert sorted(overtaken) == list(range(50))
    assert overtaken != list(range(50))


def test_a_rough_network_loses_doubles_and_reorders_by_itself(stage):
    rough = Environment(
        Network(
            spread=5 * MILLISECOND, loss=0.1, duplicate=0.2, reorder=0.5, tail=0.1, tail_latency=SECOND // 5
        )
    )
    world = stage(environment=rough)
    world.tell("n1", *[("send", "n2", number) for number in range(200)])
    while not world.tags("n2"):
        world.run(0.5)
    world.run(2.0)
    arrived = world.tags("n2")
    assert 160 < len(set(arrived)) < 200
    assert len(arrived) > len(set(arrived))
    assert arrived != sorted(arrived)
    assert max(world.times("n2")) - min(world.times("n2")) > SECOND // 10


def latencies(stage, nodes, *, talk):
    environment = Environment(Network(spread=10 * MILLISECOND))
    world = stage(nodes, environment=environment, seed=7)
    for number in range(20):
        if talk:
            world.tell("n3", ("send", "n2", "noise"), ("send", "n1", "noise"))
        before = world.world.now()
        world.tell("n1", ("send", "n2", number))
        world.run(0.1)
        assert world.world.now() > before
    sent = [note.time for note in world.world.notes["n1"] if note.fields.get("from") == "c0"]
    arrived = [note.time for note in world.world.notes["n2"] if note.fields.get("from") == "n1"]
    return [late - early for early, late in zip(sent, arrived, strict=True)]


def test_latencies_of_a_link_do_not_depend_on_who_else_talks(stage):
    alone = latencies(stage, 3, talk=False)
    assert len(set(alone)) > 10
    assert latencies(stage, 3, talk=True) == alone
    assert latencies(stage, 5, talk=False) == alone


def test_a_deviation_hits_the_message_that_it_names_and_no_other(stage):
    deviations = [
        Deviation(Address("n1", "n2", "message", 1), None),
        Deviation(Address("n1", "n2", "message", 3), SECOND // 2),
        Deviation(Address("n1", "n2", "message", 4), MILLISECOND, 3 * MILLISECOND),
        Deviation(Address("n1", "n2", "message", 99), None),
        Deviation(Address("n1", "n3", "message", 0), None),
    ]
    world = stage(deviations=deviations)
    send_many(world, 6)
    assert world.tags("n2") == [0, 2, 4, 5, 4, 3]


def test_a_recorded_schedule_repeats_a_rough_network_without_any_chance(stage):
    rough = Environment(
        Network(
            spread=5 * MILLISECOND, loss=0.1, duplicate=0.2, reorder=0.5, tail=0.1, tail_latency=SECOND // 5
        ),
        Disk(spread=3 * MILLISECOND),
    )

    def play(world):
        for number in range(30):
            world.tell("n1", ("persist", number), ("send", "n2", number), ("send", "n3", number))
            world.run(0.01)
        world.run(1.0)
        return {
            node: [(note.time, note.kind) for note in world.world.notes[node]] for node in world.world.nodes
        }

    first = stage(environment=rough, record=True)
    notes = play(first)
    again = stage(environment=CALM, deviations=first.world.schedule.recorded)
    assert play(again) == notes
    assert play(stage(environment=CALM)) != notes


def test_a_client_learns_that_a_node_that_is_down_refuses(stage):
    world = stage()
    world.do(Kill("n2"))
    world.tell("n2", client="c7")
    world.run(0.1)
    assert ClientUnreachable("c7", "n2", 1) in world.events


def test_a_probe_takes_the_way_of_messages(stage):
    world = stage()
    assert world.do(Probe("n1", "n2"))["arrived"] is True
    lay(world, LinkPolicy(cut=True), ("n1", "n2"))
    assert world.do(Probe("n1", "n2")) == {"arrived": False, "seconds": None}
    assert world.do(Probe("n2", "n1"))["arrived"] is True


def test_links_that_deliver_late_or_in_part_are_told_from_those_that_deliver_nothing(stage):
    world = stage()
    lay(world, LinkPolicy(delay=0.1), ("n1", "n2"))
    lay_other = SetLinks("other", {("n1", "n3"): LinkPolicy(cut=True), ("n3", "n1"): LinkPolicy(hold=True)})
    world.do(lay_other)
    _, _, impaired, strained = world.world.reach[-1]
    assert impaired == {("n1", "n2"), ("n1", "n3"), ("n3", "n1")}
    assert strained == {("n1", "n2")}
