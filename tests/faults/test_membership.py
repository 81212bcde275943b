"""Membership changes are asked for until they are answered, and undone whatever happens."""

import pytest

from splitbrain.backend import Request
from splitbrain.errors import UsageError
from splitbrain.faults.inquiry import Ask, Inquiry
from splitbrain.plan import Plan, PlannedFault

SECOND = 1_000_000_000
NODES = ("n1", "n2", "n3", "n4", "n5")


def fault(target=("n2",), *, name="m", at=1.0, lasts=2.0):
    return PlannedFault(name, "membership", lasts, at=at, target=target)


def kill(target, *, name="k", at=1.0, lasts=1.0):
    return PlannedFault(name, "kill", lasts, at=at, target=target)


@pytest.fixture
def led(stage):
    """Return a function that sets a plan on a cluster that n3 leads."""

    def led(*faults):
        scene = stage(Plan(seed=3, duration=20.0, recovery=3.0, faults=faults))
        lead(scene, "n3")
        return scene

    return led


def lead(scene, node, term=1):
    scene.cluster.leader = node
    if node is not None:
        scene.cluster.note(node, "role", role="leader", term=term)


def asked(scene, kind=None):
    return [action.node for action in scene.did(Request) if kind in (None, action.body["type"])]


def test_a_server_is_out_for_as_long_as_the_fault_lasts(led):
    scene = led(fault()).run(2)
    assert scene.cluster.members == ["n1", "n3", "n4", "n5"]
    assert scene.cluster.runs("n2")
    record = scene.run(4).record("m")
    assert (record.bit, record.healed, record.nodes, record.lost) == (True, True, ("n2",), ("n2",))
    assert scene.whole


def test_the_leader_is_asked_first_and_the_journal_says_for_what_beforehand(led):
    scene = led(fault()).run(5)
    assert asked(scene) == ["n3", "n3"]
    begin = next(line for line in scene.journal if line["phase"] == "begin")
    assert begin["actions"][0]["body"] == {"type": "remove_server", "server": "n2"}


def test_the_leader_itself_can_be_removed(led):
    scene = led(fault("leader")).run(1.5)
    assert scene.cluster.members == ["n1", "n2", "n4", "n5"]
    lead(scene, "n1", 2)
    assert scene.run(4).whole
    assert asked(scene, "add_server")[-1] == "n1"


def test_a_node_that_knows_a_better_one_is_believed(led):
    scene = led(fault())
    scene.cluster.leader = "n5"
    scene.run(2)
    assert asked(scene) == ["n3", "n5"]
    assert scene.record("m").began - SECOND < SECOND // 5


def test_a_leader_that_has_another_change_under_way_is_asked_again(led):
    scene = led(fault())
    scene.cluster.busy = 4
    assert asked(scene.run(2)) == ["n3"] * 5
    assert "n2" not in scene.cluster.members


def test_whoever_does_not_answer_is_left_for_the_next_until_someone_does(led):
    scene = led(fault(lasts=8.0))
    scene.cluster.leader = None
    scene.cluster.deaf = {"n3", "n1"}
    scene.run(4)
    assert asked(scene)[:6] == ["n3", "n1", "n2", "n4", "n5", "n3"]
    lead(scene, "n4", 2)
    record = scene.run(20).record("m")
    assert (record.bit, record.healed) == (True, True)
    assert record.evidence[0]["outcome"]["attempts"] > 5
    assert scene.whole


def test_nodes_that_are_down_are_not_asked(led):
    scene = led(kill(("n3",), at=0.5, lasts=4.0), fault())
    scene.run(1.2)
    assert "n3" not in asked(scene)
    lead(scene, "n1", 2)
    assert scene.run(9).whole


def test_a_removal_that_nobody_answers_in_time_did_not_bite_and_is_undone_all_the_same(led):
    scene = led(fault(lasts=1.0))
    scene.cluster.deaf = set(NODES)
    scene.run(3.5)
    record = scene.record("m")
    assert (record.bit, record.healed) == (False, None)
    assert "remove_server_ok" in record.error
    assert "add_server" in {action.body["type"] for action in scene.did(Request)}


def test_an_addition_is_asked_for_as_long_as_the_run_lasts(led):
    scene = led(fault(lasts=1.0)).run(1.5)
    scene.cluster.deaf = set(NODES)
    scene.run(19)
    assert "n2" not in scene.cluster.members
    scene.cluster.deaf = set()
    record = scene.run(20.5).record("m")
    assert (record.bit, record.healed) == (True, True)


@pytest.mark.parametrize("at", [0.5, 1.0005, 1.5, 2.9995, 3.0005, 3.5])
def test_the_final_heal_brings_the_server_back_whenever_it_comes(led, at):
    scene = led(fault()).run(at).heal()
    assert scene.whole
    assert scene.record("m").healed in (True, None)


def test_the_final_heal_waits_for_a_leader_and_asks_no_more_for_the_removal(led):
    scene = led(fault(lasts=10.0))
    scene.cluster.leader = None
    scene.run(1.5)
    scene.nemesis.heal_all(scene.cluster.clock)
    removals = len(asked(scene, "remove_server"))
    scene.run(6)
    assert len(asked(scene, "remove_server")) == removals
    assert not scene.nemesis.settled
    lead(scene, "n1", 2)
    scene.heal()
    assert scene.record("m").healed is True


def test_the_final_heal_gives_up_a_cluster_that_never_answers_with_a_sentence(led):
    scene = led(fault()).run(2)
    scene.cluster.deaf = set(NODES)
    scene.heal()
    record = scene.record("m")
    assert (record.bit, record.healed) == (True, False)
    assert "add_server_ok" in record.error


@pytest.mark.parametrize("target", ["all", "majority", "minority", "others", ("n1", "n2")])
def test_several_servers_at_once_are_refused(faults, target):
    with pytest.raises(UsageError, match="one server at a time"):
        faults["membership"].check(fault(target), NODES, ("leader",))


def test_a_system_without_a_leader_has_nobody_to_ask(faults):
    with pytest.raises(UsageError, match="no role 'leader'"):
        faults["membership"].check(fault(), NODES, ())


# The inquiry by itself


class Answering:
    """A performer that answers by a script; `now` is when."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def submit(self, action, done, now):
        self.asked.append(action)
        answer = self.answers.pop(0)
        outcome, error = ({}, answer) if isinstance(answer, str) else ({"answer": answer}, None)
        done(outcome, error, now)


def inquire(performer, *, until=10 * SECOND):
    told = []
    inquiry = Inquiry(
        Ask("leader", {"type": "turn"}, "turn_ok"),
        performer,
        lambda role: ["n2", "n1"],
        lambda outcome, error, now: told.append((dict(outcome), error, now)),
        now=0,
        until=until,
    )
    while inquiry.wake is not None:
        inquiry.advance(inquiry.wake)
    assert inquiry.over
    return told


def test_a_hint_to_a_node_that_can_not_be_asked_is_passed_over():
    performer = Answering({"type": "error", "code": 11, "leader": "n9"}, {"type": "turn_ok"})
    inquire(performer)
    assert [request.node for request in performer.asked] == ["n2", "n1"]


def test_an_answer_comes_with_who_gave_it_and_after_how_many_attempts():
    told = inquire(Answering(None, None, {"type": "turn_ok", "at": 5}))
    assert told == [({"answer": {"type": "turn_ok", "at": 5}, "node": "n2", "attempts": 3}, None, 0)]


def test_no_node_is_given_longer_than_there_is_time_left():
    performer = Answering(None, {"type": "turn_ok"})
    inquire(performer, until=SECOND // 2)
    assert performer.asked[0].within == 0.5


def test_a_request_that_can_not_be_made_ends_the_inquiry_with_its_error():
    ((outcome, error, _),) = inquire(Answering("there is no such action"))
    assert error == "there is no such action"
    assert outcome["answer"] is None


def test_an_inquiry_that_is_over_asks_no_more():
    performer = Answering({"type": "turn_ok"})
    inquire(performer)
    assert len(performer.asked) == 1
