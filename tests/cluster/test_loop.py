"""The supervisor's loop, with a clock of the test's own."""

from __future__ import annotations

import os
import selectors

import pytest

from splitbrain.cluster.local.loop import Loop

SECOND = 1_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def loop(clock):
    loop = Loop(clock)
    yield loop
    loop.close()


def test_what_has_arrived_comes_before_a_timer_that_ran_out_while_the_process_stood_still(loop, clock):
    """A node that said in time that it is ready must not be killed for being late."""
    order = []
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb", buffering=0) as news:
        loop.selector.register(news, selectors.EVENT_READ, lambda _mask: order.append(news.read(1)))
        stood_still = loop.selector.select

        def select(timeout=None):
            # Stopped while it waited; the news arrived meanwhile, and the wait ends with nothing.
            loop.selector.select = stood_still
            os.write(write_end, b"!")
            clock.now += 60 * SECOND
            return []

        loop.selector.select = select
        loop.after(30.0, lambda: order.append("overdue"))
        while len(order) < 2:
            loop.turn(clock.now)
        os.close(write_end)
        loop.selector.unregister(news)
    assert order == [b"!", "overdue"]


def test_what_has_arrived_comes_before_a_timer_that_ran_out_while_something_else_was_served(loop, clock):
    order = []
    slow, slow_end = os.pipe()
    quick, quick_end = os.pipe()

    def settle(_mask):
        os.read(slow, 1)
        os.write(quick_end, b"!")
        clock.now += 60 * SECOND

    loop.selector.register(slow, selectors.EVENT_READ, settle)
    loop.selector.register(quick, selectors.EVENT_READ, lambda _mask: order.append(os.read(quick, 1)))
    loop.after(0.3, lambda: order.append("overdue"))
    os.write(slow_end, b"!")
    while len(order) < 2:
        loop.turn(clock.now)
    for end in (slow, slow_end, quick, quick_end):
        os.close(end)
    assert order == [b"!", "overdue"]


def test_timers_run_in_the_order_of_their_instants(loop, clock):
    order = []
    for seconds in (0.3, 0.1, 0.2, 0.1):
        loop.after(seconds, lambda seconds=seconds: order.append(seconds))
    clock.now += SECOND
    loop.turn(clock.now)
    assert order == [0.1, 0.1, 0.2, 0.3]
