"""A nemesis that is asked at every event of a run does nothing at nearly all of them."""

from splitbrain.faults.occurrence import Occurrence
from splitbrain.plan import Plan, PlannedFault

SECOND = 1_000_000_000


def plan(*faults):
    return Plan(seed=3, duration=20.0, recovery=3.0, faults=faults)


def fault(name, kind, at, lasts, target=None):
    return PlannedFault(name, kind, lasts, at=at, target=target)


def test_between_two_wakes_no_fault_is_looked_at(stage, monkeypatch):
    scene = stage(plan(fault("p", "partition", 1.0, 2.0), fault("k", "kill", 5.0, 2.0)))
    looks = []
    next_wake = Occurrence.next_wake
    monkeypatch.setattr(Occurrence, "next_wake", lambda self: (looks.append(self), next_wake(self))[1])
    scene.run(4)
    wake = scene.nemesis.next_wake()
    assert wake == 5 * SECOND
    looks.clear()
    for now in range(4 * SECOND, wake, SECOND // 1000):
        scene.nemesis.advance(now)
        assert scene.nemesis.next_wake() == wake
        assert scene.nemesis.settled
    assert looks == []
    scene.nemesis.advance(wake)
    assert scene.nemesis.active == ["kill"]


def test_what_it_says_of_itself_is_what_a_fresh_look_would_say(stage):
    """At every turn of a run with a bit of everything in it."""
    scene = stage(
        plan(
            fault("p", "partition", 1.0, 2.0),
            fault("m", "membership", 1.5, 2.0, ("n2",)),
            fault("k", "kill", 2.0, 2.0, "minority"),
            fault("j", "clock-jump", 2.5, 3.0),
            fault("d", "bit-rot", 6.0, 1.0),
        )
    )
    scene.cluster.leader = "n3"
    poll, turns = scene.cluster.poll, []

    def compare(until):
        said = (scene.nemesis.next_wake(), scene.nemesis.settled)
        scene.nemesis._refresh()
        assert (scene.nemesis.next_wake(), scene.nemesis.settled) == said
        turns.append(said)
        return poll(until)

    scene.cluster.poll = compare
    scene.run(9)
    assert all(record.bit for record in scene.nemesis.records)
    assert {settled for _, settled in turns} == {True, False}
    assert len(turns) > 50
