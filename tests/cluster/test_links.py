"""The policies of one directed link, with a clock of our own and no socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitbrain.backend import NO_POLICY, LinkPolicy, combine
from splitbrain.cluster.local.links import CAPACITY, Link, total

MILLISECOND = 1_000_000
SECOND = 1_000_000_000


class Receiver:
    """A link with one sink that remembers what arrived."""

    def __init__(self, seed: int = 1) -> None:
        self.link = Link("n1", "n2", seed)
        self.arrived: list[bytes] = []
        self.ended = False

    def sink(self, lines: bytes) -> None:
        self.ended = self.ended or not lines
        self.arrived += lines.split(b"\n")[:-1]

    def send(self, *lines: bytes, now: int = 0) -> None:
        for line in lines:
            self.link.admit(self.sink, line + b"\n", now)
        self.pump(now)

    def pump(self, now: int) -> None:
        for sink, lines in self.link.take(now):
            sink(lines)


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def test_a_link_without_policy_is_plain_and_delivers_at_once():
    receiver = Receiver()
    assert receiver.link.plain
    receiver.send(b"a", b"b")
    assert receiver.arrived == [b"a", b"b"]
    assert receiver.link.plain


def test_a_cut_drops_what_is_sent_and_what_is_in_flight():
    receiver = Receiver()
    receiver.link.lay("slow", LinkPolicy(delay=1.0), 0)
    receiver.send(b"in flight")
    receiver.link.lay("cut", LinkPolicy(cut=True), 0)
    receiver.send(b"sent")
    receiver.link.lift("cut", 0)
    receiver.link.lift("slow", 0)
    receiver.send(b"after")
    assert receiver.arrived == [b"after"]
    assert receiver.link.dropped == 2


def test_held_lines_arrive_in_order_after_the_last_fault_that_holds_them():
    receiver = Receiver()
    receiver.link.lay("first", LinkPolicy(hold=True), 0)
    receiver.link.lay("second", LinkPolicy(hold=True), 0)
    receiver.send(*numbered(5))
    assert receiver.link.due() is None
    receiver.link.lift("first", 0)
    receiver.pump(SECOND)
    assert receiver.arrived == []
    receiver.link.lift("second", SECOND)
    receiver.pump(SECOND)
    assert receiver.arrived == numbered(5)
    assert receiver.link.held == 5


def test_a_delayed_line_leaves_exactly_when_it_is_due():
    receiver = Receiver()
    receiver.link.lay("slow", LinkPolicy(delay=0.05), 0)
    receiver.send(b"a", now=7)
    assert receiver.link.due() == 7 + 50 * MILLISECOND
    receiver.pump(6 + 50 * MILLISECOND)
    assert receiver.arrived == []
    receiver.pump(7 + 50 * MILLISECOND)
    assert receiver.arrived == [b"a"]


def test_jitter_does_not_reorder_a_link():
    receiver = Receiver()
    receiver.link.lay("slow", LinkPolicy(delay=0.01, jitter=0.5), 0)
    for number in range(100):
        receiver.send(b"%d" % number, now=number * MILLISECOND)
    receiver.pump(SECOND)
    assert receiver.arrived == numbered(100)


def test_lifting_a_delay_lets_waiting_lines_go_at_once_and_before_new_ones():
    receiver = Receiver()
    receiver.link.lay("slow", LinkPolicy(delay=10.0), 0)
    receiver.send(b"old")
    receiver.link.lift("slow", MILLISECOND)
    receiver.send(b"new", now=MILLISECOND)
    assert receiver.arrived == [b"old", b"new"]


def test_a_throttled_link_passes_its_rate_and_no_more():
    receiver = Receiver()
    receiver.link.lay("slow", LinkPolicy(rate=1000.0), 0)
    receiver.send(*[b"x" * 99] * 20)
    receiver.pump(SECOND - 1)
    assert len(receiver.arrived) == 9
    receiver.pump(SECOND)
    assert len(receiver.arrived) == 10


def test_the_backlog_of_a_throttled_link_does_not_outlive_the_throttle():
    receiver = Receiver()
    receiver.link.lay("slow", LinkPolicy(rate=10.0), 0)
    receiver.send(*[b"x" * 99] * 20)
    receiver.link.lift("slow", SECOND)
    receiver.pump(SECOND)
    assert len(receiver.arrived) == 20
    assert receiver.link.plain


def test_loss_and_duplication_hit_about_as_many_lines_as_asked_and_count_them():
    receiver = Receiver()
    receiver.link.lay("lossy", LinkPolicy(loss=0.2, duplicate=0.3), 0)
    receiver.send(*numbered(5000))
    assert 0.17 < receiver.link.lost / 5000 < 0.23
    assert 0.26 < receiver.link.duplicated / (5000 - receiver.link.lost) < 0.34
    assert len(receiver.arrived) == 5000 - receiver.link.lost + receiver.link.duplicated


def test_the_same_seed_loses_the_same_lines_and_another_link_others():
    def survivors(source: str, seed: int) -> list[bytes]:
        receiver = Receiver()
        receiver.link = Link(source, "n2", seed)
        receiver.link.lay("lossy", LinkPolicy(loss=0.5), 0)
        receiver.send(*numbered(100))
        return receiver.arrived

    assert survivors("n1", 7) == survivors("n1", 7)
    assert survivors("n1", 7) != survivors("n3", 7)
    assert survivors("n1", 7) != survivors("n1", 8)


def test_policies_of_several_faults_add_up_and_those_of_one_replace_each_other():
    receiver = Receiver()
    receiver.link.lay("a", LinkPolicy(loss=0.5, delay=0.1, rate=100.0), 0)
    receiver.link.lay("b", LinkPolicy(loss=0.5, delay=0.2, jitter=0.1, rate=50.0, hold=True), 0)
    assert receiver.link.policy == LinkPolicy(
        hold=True, loss=0.75, delay=pytest.approx(0.3), jitter=0.1, rate=50.0
    )
    receiver.link.lay("b", LinkPolicy(cut=True), 0)
    assert receiver.link.policy == LinkPolicy(cut=True, loss=0.5, delay=0.1, rate=100.0)
    assert receiver.link.lift("a", 0)
    assert receiver.link.lift("b", 0)
    assert not receiver.link.lift("b", 0)
    assert receiver.link.policy == NO_POLICY


def test_a_link_drops_what_would_not_fit_into_its_buffer():
    receiver = Receiver()
    receiver.link.lay("hold", LinkPolicy(hold=True), 0)
    megabyte = b"x" * (1024 * 1024 - 1)
    receiver.send(*[megabyte] * (CAPACITY // (1024 * 1024) + 3))
    assert receiver.link.dropped == 3
    receiver.link.lift("hold", 0)
    receiver.pump(0)
    receiver.send(b"fits again")
    assert receiver.arrived[-1] == b"fits again"


def test_the_end_of_a_connection_comes_after_its_lines_and_survives_a_cut():
    receiver = Receiver()
    receiver.link.lay("hold", LinkPolicy(hold=True), 0)
    receiver.send(b"last words")
    receiver.link.end(receiver.sink, 0)
    receiver.pump(SECOND)
    assert not receiver.ended
    receiver.link.lay("cut", LinkPolicy(cut=True), SECOND)
    receiver.link.lift("hold", SECOND)
    receiver.pump(SECOND)
    assert receiver.arrived == []
    assert receiver.ended


def policies() -> st.SearchStrategy[LinkPolicy]:
    return st.builds(
        LinkPolicy,
        cut=st.booleans(),
        hold=st.booleans(),
        loss=st.sampled_from([0.0, 0.5]),
        duplicate=st.sampled_from([0.0, 0.5]),
        delay=st.sampled_from([0.0, 0.01]),
        jitter=st.sampled_from([0.0, 0.02]),
        rate=st.sampled_from([None, 500.0]),
    )


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("lay"), st.sampled_from("ab"), policies()),
            st.tuples(st.just("lift"), st.sampled_from("ab")),
            st.tuples(st.just("send"), st.integers(1, 5)),
            st.tuples(st.just("wait"), st.integers(0, 30)),
        ),
        max_size=30,
    ),
    st.integers(0, 3),
)
def test_every_line_is_accounted_for_and_order_is_kept_whatever_policies_come_and_go(steps, seed):
    receiver = Receiver(seed)
    now = sent = 0
    for step in steps:
        match step:
            case ("lay", fault, policy):
                receiver.link.lay(fault, policy, now)
            case ("lift", fault):
                receiver.link.lift(fault, now)
            case ("send", count):
                before = len(receiver.arrived)
                receiver.send(*(b"%d" % number for number in range(sent, sent + count)), now=now)
                sent += count
                assert not receiver.link.policy.cut or len(receiver.arrived) == before
            case ("wait", milliseconds):
                now += milliseconds * MILLISECOND
        receiver.pump(now)
        counts = receiver.link.counts
        assert counts.lines == sent
        gone = counts.dropped + counts.lost
        assert len(receiver.arrived) + receiver.link.waiting + gone == sent + counts.duplicated
    for fault in "ab":
        receiver.link.lift(fault, now)
    receiver.pump(now)
    assert receiver.link.plain
    numbers = [int(line) for line in receiver.arrived]
    assert numbers == sorted(numbers)


@given(st.lists(policies(), max_size=4))
def test_combining_policies_does_not_depend_on_their_order(several):
    forwards, backwards = combine(several), combine(reversed(several))
    assert forwards.cut == backwards.cut == any(policy.cut for policy in several)
    assert forwards.delay == pytest.approx(backwards.delay)
    assert forwards.loss == pytest.approx(backwards.loss)
    assert forwards.rate == backwards.rate


def test_the_counters_of_links_add_up():
    first, second = Receiver(), Receiver()
    first.send(b"a")
    second.link.lay("cut", LinkPolicy(cut=True), 0)
    second.send(b"b", b"c")
    assert total([first.link, second.link])._asdict() == {
        "lines": 3,
        "dropped": 2,
        "lost": 0,
        "duplicated": 0,
        "delayed": 0,
        "held": 0,
        "reordered": 0,
    }
