"""Virtual time: a heap of what is to come, and the state that all parts of the world share.

One thread, no clock, no sockets. An entry of the heap is (time, number, function, arguments); the
number rises with each entry, so that what is due at the same time happens in the order in which it
was ordered, whatever Python's hashes are.
"""

from __future__ import annotations

from heapq import heappush
from typing import TYPE_CHECKING, Any

from splitbrain.simulation.clock import SimulatedClock
from splitbrain.simulation.host import Host
from splitbrain.simulation.links import Links
from splitbrain.simulation.schedule import Schedule
from splitbrain.simulation.streams import below, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from splitbrain.backend import BackendEvent
    from splitbrain.checkers.verdict import NodeNote
    from splitbrain.simulation.deviations import CrashPoint, Deviation
    from splitbrain.simulation.environment import Environment
    from splitbrain.simulation.story import Story
    from splitbrain.systems.contract import Node

FIRST_PID = 1_000
SPIN = 20_000
"""Steps of a whole cluster that no honest one takes within one nanosecond."""
LARGEST_ORIGIN = 1_000_000_000_000
"""Steady clocks begin anywhere below this many nanoseconds."""


class Kernel:
    """The state of a simulated cluster and its queue of things to come.

    Args:
        node: the class of the nodes.
        nodes: their names.
        settings: theirs.
        seed: of everything that is drawn.
        environment: latencies, disks, clock rates.
        deviations: departures from what the environment would draw.
        crash_points: where nodes crash between two effects.
        watch: the kinds of notes that are reported as events.
        story: where the trace goes, if one is wanted.
        record: whether the schedule is written down as deviations.
        census: whether effects are counted by label, as crash points address them.
    """

    def __init__(
        self,
        node: type[Node],
        nodes: Sequence[str],
        settings: Mapping[str, Any],
        *,
        seed: int,
        environment: Environment,
        deviations: Sequence[Deviation] = (),
        crash_points: Sequence[CrashPoint] = (),
        watch: Sequence[str] = (),
        story: Story | None = None,
        record: bool = False,
        census: bool = False,
    ) -> None:
        self.nodes: Sequence[str] = tuple(nodes)
        self.time = 0
        self.steps = 0
        self.instant = 0
        self.spin_at = SPIN
        """When time was looked at last, and after how many steps it is looked at again: a node may spin."""
        self.swift = False
        """Whether messages take the short way: no trace is kept, and no policy lies on any link."""
        self.story = story
        self.notes: dict[str, list[NodeNote]] = {name: [] for name in self.nodes}
        self.census: dict[tuple[str, str], int] | None = {} if census or crash_points else None
        self.reach: list[
            tuple[int, frozenset[str], frozenset[tuple[str, str]], frozenset[tuple[str, str]]]
        ] = []
        """From which time on which nodes are silent, which links impaired, and which of those deliver."""
        self.schedule = Schedule(seed, environment, deviations, peers=self.nodes, record=record)
        self.links = Links()
        self.hosts = {
            name: Host(
                name,
                SimulatedClock(
                    below(stream(seed, "clock", name), 0, LARGEST_ORIGIN), environment.rates.get(name, 1.0)
                ),
            )
            for name in self.nodes
        }
        self._node_class = node
        self._settings = settings
        self._seed = seed
        self._watch = frozenset(watch)
        self._crash_points = {(each.node, each.label, each.ordinal): each for each in crash_points}
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = 0
        self._events: list[BackendEvent] = []
        self._pids = FIRST_PID

    def _at(self, time: int, function: Callable[..., None], *arguments: Any) -> int:
        """Order something for a time; return its number."""
        self._number += 1
        heappush(self._heap, (time, self._number, function, arguments))
        return self._number

    def _impair(self) -> None:
        """Write down who can reach whom from now on, if that changed."""
        self.swift = self.story is None and not self.links.policies
        silent = frozenset(
            name
            for name, host in self.hosts.items()
            if host.node is None or host.paused or host.blocked or host.disk.delay
        )
        state = (self.time, silent, self.links.impaired, self.links.strained)
        if not self.reach or self.reach[-1][1:] != state[1:]:
            self.reach.append(state)
