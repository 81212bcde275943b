"""Actions and their bound, with a backend that answers when the test says so."""

import itertools

import pytest

from splitbrain.backend import ActionDone, Kill, LinkCounters, Probe, Request
from splitbrain.faults.performer import LIMIT, Performer


class Silent:
    """Takes actions and answers none by itself."""

    def __init__(self):
        self._tickets = itertools.count(1)
        self.performed = []

    def perform(self, action):
        self.performed.append(action)
        return next(self._tickets)


class Asked:
    """A performer with one action under way, and what it was told became of it."""

    def __init__(self):
        self.backend = Silent()
        self.performer = Performer(self.backend)
        self.told = []
        self.performer.submit(Kill("n1"), lambda outcome, error, _now: self.told.append((outcome, error)), 0)


def test_an_action_that_is_never_answered_is_given_up_with_a_sentence_and_lets_the_next_one_go():
    asked = Asked()
    asked.performer.submit(Kill("n1"), lambda *_: None, 0)
    asked.performer.advance(LIMIT - 1)
    assert asked.told == []
    for _ in range(2):
        asked.performer.advance(LIMIT)
    assert asked.told == [({}, "Kill of n1 was not complete after 30 s.")]
    assert asked.backend.performed == [Kill("n1"), Kill("n1")]


def test_an_answer_that_waited_while_the_controller_stood_still_is_heard_before_its_action_is_given_up():
    asked = Asked()
    asked.performer.advance(2 * LIMIT)
    assert asked.performer.next_wake() <= 2 * LIMIT
    asked.performer.deliver(ActionDone(1, {"pid": 7}, None), 2 * LIMIT)
    asked.performer.advance(2 * LIMIT + 1)
    assert asked.told == [({"pid": 7}, None)]
    assert asked.performer.idle


@pytest.mark.parametrize("action", [Request("n1", {"type": "turn"}), Probe("n1", "n2"), LinkCounters()])
def test_what_changes_no_node_waits_for_nothing_and_holds_up_nothing(action):
    asked = Asked()
    asked.performer.submit(action, lambda *_: None, 0)
    assert asked.backend.performed == [Kill("n1"), action]
    fresh = Performer(Silent())
    for each in (action, Kill("n1")):
        fresh.submit(each, lambda *_: None, 0)
    assert fresh._backend.performed == [action, Kill("n1")]


def test_the_oldest_open_action_is_the_first_to_be_given_up():
    asked = Asked()
    asked.performer.submit(Kill("n2"), lambda *_: None, 7)
    assert asked.performer.next_wake() == LIMIT
    asked.performer.deliver(ActionDone(1, {}, None), 8)
    assert asked.performer.next_wake() == LIMIT + 7
    asked.performer.deliver(ActionDone(2, {}, None), 9)
    assert asked.performer.next_wake() is None
