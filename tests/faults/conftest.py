"""A cluster in memory, with a clock of its own, that does and reports what the backend's contract says."""

from __future__ import annotations

import heapq
import itertools
import re
from dataclasses import dataclass, field
from random import Random

import pytest

from splitbrain.backend import (
    CLIENTS,
    ActionDone,
    Kill,
    LinkPolicy,
    NodeExited,
    NodeNoted,
    NodeUp,
    PowerCut,
    Triggered,
)
from splitbrain.faults.nemesis import Nemesis
from splitbrain.registry import find, names
from splitbrain.systems.description import NotePattern, Role

MILLISECOND = 1_000_000
SECOND = 1_000_000_000
FAULTS = tuple(names("faults"))
NAMES = ("lines", "dropped", "lost", "duplicated", "delayed", "held", "reordered")
LEADER = {"leader": Role(NotePattern("role", {"role": "leader"}), rank_by="term")}


@dataclass
class Process:
    pid: int
    alive: bool = True
    stopped: bool = False
    blocked: bool = False
    armed: dict = field(default_factory=dict)


@dataclass
class Disk:
    """Counts records: `synced` ones, and those that a lying disk has not written."""

    synced: int = 5
    pending: int = 0
    lose_syncs: bool = False
    delay: float = 0.0


class MemoryCluster:
    """Implements `splitbrain.backend.Backend`; `refuse` maps an action's type to the error it gets.

    A node writes when the test says so. Requests are answered by the `leader`, if there is one; `deaf`
    nodes answer none, and `busy` is how many changes the leader will refuse.
    """

    def __init__(self, size=5):
        self.nodes = tuple(f"n{number}" for number in range(1, size + 1))
        self.pids = itertools.count(100)
        self.processes = {node: Process(next(self.pids)) for node in self.nodes}
        self.policies: dict[str, dict] = {}
        self.counters = dict.fromkeys(NAMES, 0)
        self.dice = Random(1)
        self.clock = 0
        self.queue: list = []
        self.order = itertools.count()
        self.tickets = itertools.count(1)
        self.performed: list = []
        self.refuse: dict = {}
        self.restart_time = 300 * MILLISECOND
        self.clocks = dict.fromkeys(self.nodes, (1.0, 0.0))
        self.disks = {node: Disk() for node in self.nodes}
        self.leader: str | None = None
        self.members = list(self.nodes)
        self.deaf: set = set()
        self.busy = 0

    # Backend

    def open(self):
        pass

    def close(self):
        pass

    def now(self):
        return self.clock

    def send(self, client, dest, body):
        raise NotImplementedError

    def retire(self, client):
        raise NotImplementedError

    def perform(self, action):
        ticket = next(self.tickets)
        self.performed.append((self.clock, action))
        if type(action) in self.refuse:
            self.later(MILLISECOND, ActionDone(ticket, {}, self.refuse[type(action)]))
        else:
            getattr(self, re.sub("[A-Z]", r"_\g<0>", type(action).__name__).lower())(ticket, action)
        return ticket

    def poll(self, until):
        if self.queue and self.queue[0][0] <= until:
            self.clock = max(self.clock, self.queue[0][0])
            _, _, event = heapq.heappop(self.queue)
            event = event() if callable(event) else event
            return [event] if event is not None else []
        self.clock = max(self.clock, until)
        return []

    # What happens in it

    def later(self, delay, event):
        heapq.heappush(self.queue, (self.clock + delay, next(self.order), event))

    def done(self, ticket, outcome, delay=MILLISECOND):
        self.later(delay, ActionDone(ticket, outcome, None))

    def note(self, node, kind, **fields):
        """Let a node emit a note, and stop at a trigger."""
        process = self.processes[node]
        if not process.alive or process.stopped or process.blocked:
            return
        self.later(0, NodeNoted(node, kind, fields))
        for trigger, arm in list(process.armed.items()):
            if NotePattern(arm["kind"], arm["where"]).matches(kind, fields):
                if arm["skip"] > 0:
                    arm["skip"] -= 1
                    continue
                del process.armed[trigger]
                process.blocked = True
                self.later(0, Triggered(node, trigger, kind, fields))

    def crash(self, node):
        self.processes[node].alive = False
        self.later(0, NodeExited(node, "exit 1", "Traceback"))

    def runs(self, node):
        process = self.processes[node]
        return process.alive and not process.stopped and not process.blocked

    def link(self, source, destination):
        laid = [
            links[source, destination] for links in self.policies.values() if (source, destination) in links
        ]
        return LinkPolicy(
            cut=any(each.cut for each in laid),
            hold=any(each.hold for each in laid),
            loss=max((each.loss for each in laid), default=0.0),
            duplicate=max((each.duplicate for each in laid), default=0.0),
            delay=sum(each.delay for each in laid),
            reorder=max((each.reorder for each in laid), default=0.0),
        )

    def _end(self, ticket, action, **outcome):
        process = self.processes[action.node]
        process.alive, process.stopped, process.blocked, process.armed = False, False, False, {}
        self.done(ticket, {"pid": process.pid, **outcome})

    def _kill(self, ticket, action):
        self._end(ticket, action)

    def _power_cut(self, ticket, action):
        disk = self.disks[action.node]
        unsynced, disk.pending = 40 + disk.pending, 0
        self._end(ticket, action, unsynced=unsynced, kept=17, torn=bool(action.tear))

    def write(self, node):
        """Let a node write a record and sync it, as its disk says."""
        disk = self.disks[node]
        disk.pending += disk.lose_syncs
        disk.synced += not disk.lose_syncs

    def _set_clock(self, ticket, action):
        self.clocks[action.node] = (action.rate, action.offset)
        self.done(ticket, {"rate": action.rate, "offset": action.offset})

    def _set_disk(self, ticket, action):
        disk = self.disks[action.node]
        disk.lose_syncs, disk.delay = action.lose_syncs, action.delay
        self.done(ticket, {"lose_syncs": action.lose_syncs, "delay": action.delay})

    def _spoil_disk(self, ticket, action):
        assert not self.processes[action.node].alive, "a disk is spoilt while its node is down"
        disk = self.disks[action.node]
        records, spoiled = disk.synced, min(disk.synced, 1 if action.how == "bit-rot" else disk.synced)
        disk.synced -= spoiled
        self.done(ticket, {"records": records, "spoiled": spoiled})

    def _request(self, ticket, action):
        if action.node in self.deaf or not self.runs(action.node):
            self.done(ticket, {"answer": None}, round(action.within * SECOND))
        elif action.node != self.leader:
            hint = {} if self.leader is None else {"leader": self.leader}
            self.done(ticket, {"answer": {"type": "error", "code": 11, **hint}})
        elif self.busy > 0:
            self.busy -= 1
            self.done(ticket, {"answer": {"type": "error", "code": 22, "text": "a change is under way"}})
        else:
            server, kind = action.body["server"], action.body["type"]
            others = [node for node in self.members if node != server]
            self.members = others if kind == "remove_server" else sorted([*others, server])
            self.done(ticket, {"answer": {"type": f"{kind}_ok"}})

    def _restart(self, ticket, action):
        def ready():
            process = self.processes[action.node]
            if not process.alive:
                self.processes[action.node] = Process(next(self.pids))
                self.later(0, NodeUp(action.node, self.processes[action.node].pid))
            self.done(ticket, {"pid": self.processes[action.node].pid}, delay=0)

        self.later(self.restart_time, ready)

    def _pause(self, ticket, action):
        process = self.processes[action.node]
        process.stopped = process.alive
        self.done(ticket, {"pid": process.pid, "stopped": process.stopped})

    def _resume(self, ticket, action):
        process = self.processes[action.node]
        process.stopped = False
        self.done(ticket, {"pid": process.pid, "stopped": False})

    def _arm(self, ticket, action):
        arm = {"kind": action.kind, "where": action.where, "skip": action.skip}
        if self.processes[action.node].alive:
            self.processes[action.node].armed[action.trigger] = arm
        self.done(ticket, {})

    def _disarm(self, ticket, action):
        self.processes[action.node].armed.pop(action.trigger, None)
        self.done(ticket, {})

    def _release(self, ticket, action):
        self.processes[action.node].blocked = False
        self.done(ticket, {})

    def _set_links(self, ticket, action):
        assert all(end in (*self.nodes, CLIENTS) for link in action.links for end in link)
        self.policies[action.fault] = dict(action.links)
        self.done(ticket, {"links": len(action.links)})

    def _clear_links(self, ticket, action):
        self.done(ticket, {"links": len(self.policies.pop(action.fault, {}))})

    def _link_counters(self, ticket, _action):
        self.done(ticket, dict(self.counters))

    def _probe(self, ticket, action):
        policy = self.link(action.source, action.destination)
        self.counters["lines"] += 1
        travels = not policy.cut and not policy.hold
        if travels and self.dice.random() < policy.loss:
            self.counters["lost"] += 1
            travels = False
        if travels and self.dice.random() < policy.duplicate:
            self.counters["duplicated"] += 1
        if travels and self.dice.random() < policy.reorder:
            self.counters["reordered"] += 1
        seconds = policy.delay + 0.001
        if (
            travels
            and seconds <= action.within
            and self.runs(action.source)
            and self.runs(action.destination)
        ):
            self.done(ticket, {"arrived": True, "seconds": seconds}, round(seconds * SECOND))
        else:
            self.done(ticket, {"arrived": False, "seconds": None}, round(action.within * SECOND))


class Stage:
    """A cluster, the nemesis on it, and everything it wrote; times in seconds."""

    def __init__(self, plan, size=5, faults=None):
        self.cluster = MemoryCluster(size)
        self.journal, self.history = [], []
        self.nemesis = Nemesis(
            plan,
            faults or {name: find("faults", name).value() for name in FAULTS},
            self.cluster,
            roles=LEADER,
            journal=self.journal.append,
            record=lambda f, value, now: self.history.append((f, value, now)),
        )

    def run(self, until):
        """Drive the nemesis as the run loop does, until that time."""
        until = round(until * SECOND)
        while self.cluster.clock < until:
            self.nemesis.advance(self.cluster.clock)
            wake = self.nemesis.next_wake()
            for event in self.cluster.poll(
                until if wake is None else min(until, max(wake, self.cluster.clock + 1))
            ):
                self.nemesis.deliver(event, self.cluster.clock)
        return self

    def heal(self):
        """Heal everything and let it settle."""
        self.nemesis.heal_all(self.cluster.clock)
        for _ in range(600):
            if self.nemesis.settled:
                return self
            self.run(self.cluster.clock / SECOND + 0.1)
        raise AssertionError("the nemesis never settled")

    def record(self, name):
        return next(record for record in self.nemesis.records if record.id == name)

    def did(self, kind):
        return [action for _, action in self.cluster.performed if isinstance(action, kind)]

    @property
    def deaths(self):
        return [action.node for action in self.did((Kill, PowerCut))]

    @property
    def whole(self):
        """Whether every node runs and is a member, and no link, clock or disk is other than it should be."""
        cluster = self.cluster
        return (
            all(map(cluster.runs, cluster.nodes))
            and not any(cluster.policies.values())
            and set(cluster.clocks.values()) == {(1.0, 0.0)}
            and not any(disk.lose_syncs or disk.delay for disk in cluster.disks.values())
            and cluster.members == list(cluster.nodes)
        )


@pytest.fixture
def stage():
    """Return the constructor: a stage for a plan."""
    return Stage


@pytest.fixture
def faults():
    return {name: find("faults", name).value() for name in FAULTS}
