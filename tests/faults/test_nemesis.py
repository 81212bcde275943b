import pytest

from splitbrain.backend import Arm, Disarm, Kill, Pause, Probe, Release, Restart, Resume, SetLinks
from splitbrain.faults.schedule import draw_plan, validate_plan
from splitbrain.plan import Plan, PlannedFault, Trigger
from splitbrain.registry import find

SECOND = 1_000_000_000


def fault(name, kind, at, lasts, target=None, **parameters):
    return PlannedFault(name, kind, lasts, at=at, target=target, parameters=parameters)


def triggered(name, kind, lasts, note, target=None, **when):
    return PlannedFault(name, kind, lasts, when=Trigger(note, **when), target=target)


def plan(*faults):
    return Plan(seed=3, duration=20.0, recovery=3.0, faults=faults)


# Evidence, fault by fault


def test_a_killed_node_returns_under_a_new_pid_and_that_is_the_evidence(stage):
    scene = stage(plan(fault("k", "kill", 1.0, 2.0, ("n2",)))).run(5)
    record = scene.record("k")
    assert (record.bit, record.healed, record.nodes, record.lost) == (True, True, ("n2",), ("n2",))
    assert (record.began / SECOND, record.ended / SECOND) == pytest.approx((1.0, 3.0), abs=0.01)
    assert record.cleared / SECOND == pytest.approx(3.3, abs=0.05)
    pids = [each["outcome"]["pid"] for each in record.evidence]
    assert len(set(pids)) == 2
    assert scene.whole


def test_a_kill_after_which_the_old_pid_lives_on_did_not_bite(stage):
    scene = stage(plan(fault("k", "kill", 1.0, 2.0, ("n2",))))
    scene.cluster._end = lambda ticket, action: scene.cluster.done(
        ticket, {"pid": scene.cluster.processes[action.node].pid}
    )
    record = scene.run(5).record("k")
    assert (record.bit, record.healed) == (False, False)


def test_a_pause_is_seen_to_stop_the_process_and_to_let_it_go_on(stage):
    scene = stage(plan(fault("p", "pause", 1.0, 1.0, ("n1", "n2")))).run(1.5)
    assert not scene.cluster.runs("n1")
    record = scene.run(3).record("p")
    assert (record.bit, record.healed) == (True, True)
    assert [each["outcome"]["stopped"] for each in record.evidence] == [True, True, False, False]


def test_a_pause_that_stops_nothing_did_not_bite(stage):
    scene = stage(plan(fault("p", "pause", 1.0, 1.0, ("n1",))))
    scene.cluster._pause = lambda ticket, _action: scene.cluster.done(ticket, {"pid": 7, "stopped": False})
    assert scene.run(3).record("p").bit is False


def test_a_power_cut_says_what_of_the_unsynced_bytes_was_kept(stage):
    record = stage(plan(fault("c", "power-cut", 1.0, 1.0, "one", tear=True))).run(3).record("c")
    assert (record.bit, record.healed) == (True, True)
    assert record.evidence[0]["outcome"] | {"pid": 0} == {"pid": 0, "unsynced": 40, "kept": 17, "torn": True}


@pytest.mark.parametrize("hold", [False, True])
def test_a_partition_bites_when_probes_are_lost_and_has_healed_when_they_arrive(stage, hold):
    scene = stage(plan(fault("p", "partition", 1.0, 2.0, ("n1", "n2"), hold=hold))).run(6)
    record = scene.record("p")
    assert (record.bit, record.healed, record.lost) == (True, True, ("n1", "n2"))
    probes = [each for each in record.evidence if each["action"] == "Probe"]
    assert {(each["stage"], each["outcome"]["arrived"]) for each in probes} == {
        ("bite", False),
        ("heal", True),
    }
    assert all(len({each["source"], each["destination"]} & {"n1", "n2"}) == 1 for each in probes)


def test_a_cut_that_lets_a_probe_through_did_not_bite(stage):
    scene = stage(plan(fault("p", "partition", 1.0, 2.0, ("n1",))))
    scene.cluster._set_links = lambda ticket, _action: scene.cluster.done(ticket, {"links": 8})
    assert scene.run(6).record("p").bit is False


def test_a_cut_that_stays_after_the_heal_has_not_healed(stage):
    scene = stage(plan(fault("p", "partition", 1.0, 2.0, ("n1",))))
    scene.cluster._clear_links = lambda ticket, _action: scene.cluster.done(ticket, {"links": 8})
    record = scene.run(16).record("p")
    assert (record.bit, record.healed) == (True, False)
    assert scene.nemesis.settled


def test_probes_avoid_nodes_that_are_down_or_stopped(stage):
    scene = stage(
        plan(
            fault("k", "kill", 1.0, 6.0, ("n1",)),
            fault("s", "pause", 1.0, 6.0, ("n2",)),
            fault("p", "partition", 2.0, 2.0, groups=[["n1", "n3"], ["n2", "n4", "n5"]]),
        )
    ).run(5)
    ends = {end for probe in scene.did(Probe) for end in (probe.source, probe.destination)}
    assert ends == {"n3", "n4", "n5"}
    assert (scene.record("p").bit, scene.record("p").healed) == (True, True)


def test_a_partition_of_which_no_link_can_be_probed_is_not_claimed_to_have_bitten(stage):
    scene = stage(
        plan(fault("k", "kill", 1.0, 4.0, ("n1",)), fault("p", "partition", 2.0, 1.0, ("n1",)))
    ).run(9)
    assert scene.record("p").bit is None
    assert scene.record("p").healed is True


def test_a_probe_over_which_its_node_dies_is_no_evidence_of_a_cut(stage):
    scene = stage(
        plan(fault("p", "partition", 1.0, 1.0, ("n1",)), fault("k", "kill", 1.1, 3.0, ("n1",)))
    ).run(8)
    assert scene.record("p").bit is None


def test_slow_links_are_timed(stage):
    record = stage(plan(fault("s", "slow", 1.0, 2.0, "all", delay=0.2))).run(6).record("s")
    assert (record.bit, record.healed) == (True, True)
    bite = [each["outcome"]["seconds"] for each in record.evidence if each["stage"] == "bite"]
    assert min(bite) >= 0.2


def test_links_that_are_not_slow_refute_the_fault(stage):
    scene = stage(plan(fault("s", "slow", 1.0, 2.0, "all", delay=0.2)))
    scene.cluster._set_links = lambda ticket, _action: scene.cluster.done(ticket, {"links": 20})
    assert scene.run(6).record("s").bit is False


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [("lossy", {"loss": 0.5}), ("duplicate", {"probability": 0.5}), ("reorder", {"probability": 0.5})],
)
def test_lost_doubled_and_reordered_lines_are_counted(stage, kind, parameters):
    record = stage(plan(fault("l", kind, 1.0, 3.0, None, **parameters))).run(8).record("l")
    assert (record.bit, record.healed) == (True, True)


def test_a_lossy_link_on_which_nothing_is_lost_did_not_bite(stage):
    scene = stage(plan(fault("l", "lossy", 1.0, 3.0, None, loss=0.5)))
    scene.cluster._set_links = lambda ticket, _action: scene.cluster.done(ticket, {"links": 20})
    assert scene.run(8).record("l").bit is None


# Overlap


def test_a_node_killed_by_two_faults_returns_when_the_last_one_ends(stage):
    scene = stage(plan(fault("a", "kill", 1.0, 2.0, ("n1",)), fault("b", "kill", 2.0, 3.0, ("n1",)))).run(4.5)
    assert not scene.cluster.runs("n1")
    assert not scene.did(Restart)
    scene.run(7)
    assert len(scene.did(Restart)) == 1
    for name in "ab":
        assert (scene.record(name).bit, scene.record(name).healed) == (True, True)
    assert scene.record("a").ended < scene.record("b").ended
    assert scene.record("a").cleared == scene.record("b").cleared


def test_a_paused_node_that_is_killed_stays_down_until_both_have_ended(stage):
    scene = stage(plan(fault("p", "pause", 1.0, 4.0, ("n1",)), fault("k", "kill", 2.0, 1.0, ("n1",)))).run(
        4.5
    )
    assert not scene.cluster.processes["n1"].alive
    scene.run(7)
    assert not scene.did(Resume)
    assert scene.cluster.runs("n1")
    for name in "pk":
        assert (scene.record(name).bit, scene.record(name).healed) == (True, True)


def test_a_node_killed_while_it_restarts_is_killed_after_its_restart(stage):
    scene = stage(plan(fault("a", "kill", 1.0, 1.0, ("n1",)), fault("b", "kill", 2.1, 2.0, ("n1",)))).run(3)
    assert not scene.cluster.processes["n1"].alive
    assert [type(action) for _, action in scene.cluster.performed] == [Kill, Restart, Kill]
    scene.run(6)
    assert scene.whole
    for name in "ab":
        assert (scene.record(name).bit, scene.record(name).healed) == (True, True)


def test_a_power_cut_of_a_node_that_is_down_already_is_no_evidence(stage):
    scene = stage(
        plan(fault("k", "kill", 1.0, 4.0, ("n1",)), fault("c", "power-cut", 2.0, 1.0, ("n1",)))
    ).run(7)
    assert scene.deaths == ["n1"]
    assert scene.record("c").bit is None


def test_a_random_target_is_a_node_that_no_other_fault_touches(stage):
    kills = [fault(f"k{number}", "kill", 1.0 + number / 10, 5.0) for number in range(5)]
    scene = stage(plan(*kills)).run(3)
    assert sorted(scene.deaths) == ["n1", "n2", "n3", "n4", "n5"]


# Roles


def test_the_leader_is_the_running_node_that_claims_the_highest_term(stage):
    scene = stage(plan(fault("k", "kill", 1.0, 1.0, "leader"), fault("k2", "kill", 1.5, 1.0, "leader")))
    scene.cluster.note("n1", "role", role="leader", term=1)
    scene.cluster.note("n4", "role", role="leader", term=3)
    scene.cluster.note("n2", "role", role="leader", term=2)
    scene.cluster.note("n1", "role", role="follower", term=3)
    assert scene.run(2).deaths == ["n4", "n2"]


def test_a_fault_waits_for_a_leader_and_then_ends_at_its_planned_time(stage):
    scene = stage(plan(fault("k", "kill", 1.0, 2.0, "leader"))).run(1.5)
    assert scene.deaths == []
    scene.cluster.note("n3", "role", role="leader", term=1)
    scene.run(4)
    record = scene.record("k")
    assert record.nodes == ("n3",)
    assert (record.began / SECOND, record.ended / SECOND) == pytest.approx((1.5, 3.0), abs=0.05)


def test_a_fault_for_which_no_leader_appears_never_began_and_did_not_bite(stage):
    record = stage(plan(fault("k", "kill", 1.0, 2.0, "leader"))).run(4).record("k")
    assert (record.began, record.bit) == (None, False)
    assert "'leader'" in record.error


def test_a_life_that_ended_plays_no_role_after_its_restart(stage):
    scene = stage(plan(fault("k", "kill", 1.0, 0.5, "leader"), fault("k2", "kill", 3.0, 1.0, "leader")))
    scene.cluster.note("n3", "role", role="leader", term=1)
    assert scene.run(6).deaths == ["n3"]


# Triggers


def test_a_trigger_hits_the_noter_before_it_goes_on_and_disarms_the_others(stage):
    scene = stage(
        plan(triggered("t", "power-cut", 1.0, "voted", "noter", where={"granted": True}, after=1.0))
    )
    scene.run(1.5)
    scene.cluster.note("n2", "voted", granted=False)
    scene.cluster.note("n4", "voted", granted=True)
    scene.run(1.6)
    assert scene.deaths == ["n4"]
    assert not any(process.armed for process in scene.cluster.processes.values())
    record = scene.run(4).record("t")
    assert (record.bit, record.healed, record.nodes) == (True, True, ("n4",))
    assert record.triggered_by == {"node": "n4", "kind": "voted", "fields": {"granted": True}}
    assert record.ended - record.began == pytest.approx(SECOND, rel=0.01)


def test_a_noter_that_survives_goes_on_once_the_fault_is_on(stage):
    scene = stage(plan(triggered("t", "partition", 1.0, "voted", "others"))).run(0.5)
    scene.cluster.note("n3", "voted")
    scene.run(4)
    order = [type(action) for _, action in scene.cluster.performed if isinstance(action, SetLinks | Release)]
    assert order == [SetLinks, Release]
    assert scene.record("t").lost == ("n3",)
    assert scene.whole


def test_of_two_nodes_that_stop_at_a_trigger_the_second_goes_on_at_once(stage):
    scene = stage(plan(triggered("t", "kill", 5.0, "voted", "noter"))).run(0.5)
    scene.cluster.note("n1", "voted")
    scene.cluster.note("n2", "voted")
    scene.run(1)
    assert scene.deaths == ["n1"]
    assert scene.did(Release) == [Release("n2")]
    assert scene.cluster.runs("n2")


def test_a_restarted_node_is_armed_again(stage):
    scene = stage(plan(fault("k", "kill", 1.0, 1.0, ("n1",)), triggered("t", "kill", 1.0, "voted", "noter")))
    scene.run(3)
    assert scene.did(Arm).count(Arm("n1", "t", "voted")) == 2
    scene.cluster.note("n1", "voted")
    scene.run(3.5)
    assert scene.record("t").nodes == ("n1",)


def test_a_trigger_on_a_role_fires_on_the_node_that_plays_it_then(stage):
    scene = stage(plan(triggered("t", "kill", 1.0, "commit", "noter", node="leader"))).run(0.5)
    scene.cluster.note("n2", "role", role="leader", term=1)
    scene.cluster.note("n1", "commit")
    scene.run(1)
    assert scene.deaths == []
    assert scene.cluster.runs("n1")
    scene.cluster.note("n1", "role", role="leader", term=2)
    scene.cluster.note("n1", "commit")
    assert scene.run(1.5).deaths == ["n1"]


def test_a_trigger_passes_over_notes_that_it_skips(stage):
    scene = stage(plan(triggered("t", "kill", 1.0, "commit", "noter", skip=2))).run(0.5)
    for _ in range(2):
        scene.cluster.note("n1", "commit")
    assert scene.run(1).deaths == []
    scene.cluster.note("n1", "commit")
    assert scene.run(1.5).deaths == ["n1"]


def test_a_trigger_that_never_fires_is_disarmed_and_recorded_as_not_bitten(stage):
    scene = stage(plan(triggered("t", "kill", 1.0, "commit", "noter"))).run(5).heal()
    record = scene.record("t")
    assert (record.bit, record.began, record.triggered, record.triggered_by) == (False, None, True, None)
    assert len(scene.did(Disarm)) == 5
    assert "'commit'" in record.error


def test_a_triggered_fault_without_its_target_lets_the_noter_go_on(stage):
    scene = stage(plan(triggered("t", "kill", 1.0, "commit", "leader"))).run(0.5)
    scene.cluster.note("n1", "commit")
    scene.run(2)
    assert scene.cluster.runs("n1")
    assert scene.record("t").bit is False


# Safety


@pytest.mark.parametrize("at", [0.5, 1.0, 1.2, 1.9, 2.1, 2.25, 2.6, 3.05, 3.2, 4.0])
def test_a_heal_at_any_time_leaves_the_cluster_whole(stage, at):
    scene = stage(
        plan(
            fault("p", "partition", 1.0, 2.0, ("n1",)),
            fault("k", "kill", 1.1, 1.0, ("n2",)),
            fault("k2", "kill", 2.2, 1.0, ("n2",)),
            fault("s", "pause", 1.5, 1.5, ("n2", "n3")),
            fault("c", "power-cut", 3.0, 3.0, "majority"),
            fault("d", "duplicate", 0.4, 10.0),
            triggered("t", "pause", 2.0, "voted", "noter", after=2.0),
        )
    )
    if at > 2.5:
        scene.run(2.5).cluster.note("n5", "voted")
    scene.run(at).heal()
    assert scene.whole
    assert scene.nemesis.active == []
    began = [record for record in scene.nemesis.records if record.began is not None]
    assert began
    assert all(record.healed for record in began)
    scene.nemesis.heal_all(scene.cluster.clock)
    assert scene.nemesis.settled


def test_a_fault_that_can_not_begin_is_ended_all_the_same_and_its_error_kept(stage):
    scene = stage(plan(fault("k", "kill", 1.0, 1.0, ("n1", "n2"))))
    scene.cluster.refuse = {Kill: "the supervisor is gone"}
    record = scene.run(4).record("k")
    assert (record.bit, record.error) == (False, "the supervisor is gone")
    assert [action.node for action in scene.did(Restart)] == ["n1", "n2"]
    assert scene.nemesis.settled


def test_an_action_that_is_never_answered_is_given_up_with_an_error(stage):
    scene = stage(plan(fault("p", "pause", 1.0, 1.0, ("n1",))))
    scene.cluster._pause = lambda _ticket, _action: None
    scene.run(31.5)
    assert "Pause of n1" in scene.record("p").error
    assert scene.did(Resume)
    scene.run(33)
    assert scene.nemesis.settled


def test_a_node_that_will_not_start_has_not_healed(stage):
    scene = stage(plan(fault("k", "kill", 1.0, 1.0, ("n1",))))
    scene.cluster.refuse = {Restart: "n1 did not become ready: disk full"}
    record = scene.run(4).record("k")
    assert (record.healed, record.error) == (False, "n1 did not become ready: disk full")


def test_a_node_that_ended_by_itself_is_probed_no_more(stage):
    scene = stage(plan(fault("p", "partition", 1.0, 1.0, ("n1",))))
    scene.cluster.crash("n2")
    scene.run(3)
    assert not [probe for probe in scene.did(Probe) if "n2" in (probe.source, probe.destination)]
    assert scene.record("p").healed is True


def test_intent_is_journaled_before_the_first_action_and_the_history_brackets_the_effect(stage):
    scene = stage(plan(fault("k", "kill", 1.0, 1.0, ("n1",))))
    seen = []
    perform = scene.cluster.perform
    scene.cluster.perform = lambda action: (
        seen.append((action, scene.journal[-1]["phase"])),
        perform(action),
    )[1]
    scene.run(4)
    assert seen == [(Kill("n1"), "begin"), (Restart("n1"), "end")]
    assert [line["phase"] for line in scene.journal] == ["begin", "on", "end", "off", "observed"]
    (begin, first), (end, last) = [(value, now) for _, value, now in scene.history]
    assert begin == {"id": "k", "phase": "begin", "nodes": ["n1"]}
    assert end == {"id": "k", "phase": "end", "nodes": ["n1"]}
    record = scene.record("k")
    assert first <= record.began < record.ended < record.cleared == last


def test_the_live_line_names_the_faults_that_are_on(stage):
    scene = stage(plan(fault("k", "kill", 1.0, 1.0, ("n1",)), fault("p", "pause", 1.5, 1.0, ("n2",)))).run(
        1.7
    )
    assert scene.nemesis.active == ["kill", "pause"]
    assert scene.run(4).nemesis.active == []
    assert len(scene.did(Pause)) == 1


def test_a_heal_under_another_cut_is_judged_when_that_one_has_ended_too(stage):
    scene = stage(
        plan(fault("a", "partition", 1.0, 1.0, ("n1",)), fault("b", "partition", 1.5, 13.0, ("n1",)))
    ).run(13)
    assert scene.record("a").cleared == pytest.approx(2 * SECOND, rel=0.01)
    assert scene.record("a").healed is None
    scene.run(16)
    assert (scene.record("a").healed, scene.record("b").healed) == (True, True)


MINE = """
from splitbrain.backend import ClearLinks, LinkPolicy, SetLinks
from splitbrain.faults.base import Draw, Fault, Injection


class Throttle(Fault):
    name = "throttle"
    summary = "a kilobyte a second between two nodes"
    minimum_nodes = 2

    def draw(self, random, room):
        return Draw(None, {}, 0)

    def begin(self, entry, view, random):
        links = {(view.nodes[0], view.nodes[1]): LinkPolicy(rate=1000.0)}
        return Injection(view.nodes[:2], (), (SetLinks(entry.id, links),), (ClearLinks(entry.id),))
"""


def test_a_fault_in_a_file_of_ones_own_runs_like_ours(stage, tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    reference = f"{tmp_path / 'mine.py'}:Throttle"
    throttle = find("faults", reference).value()
    drawn = draw_plan({reference: throttle}, ("n1", "n2"), duration=20.0, recovery=3.0, seed=1)
    validate_plan(drawn, {reference: throttle}, ("n1", "n2"), ())
    scene = stage(drawn, 2, {reference: throttle}).run(20).heal()
    assert len(scene.nemesis.records) == len(scene.did(SetLinks)) >= 2
    assert all((record.bit, record.healed) == (True, True) for record in scene.nemesis.records)
    scene = stage(drawn, 2, {reference: throttle})
    scene.cluster.refuse = {SetLinks: "no such link"}
    assert not any(record.bit for record in scene.run(20).heal().nemesis.records)
