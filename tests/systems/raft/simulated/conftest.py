"""A deterministic cluster of Raft nodes in one thread, with the invariants asserted on it directly.

Virtual time, a queue of messages, disks whose writes take time. What is not yet synced is lost by
`power_cut` and kept by `kill`. A trap stops a node right after a note, as the process runtime does, so
that a schedule can act in a window one message wide. One key of appended tokens serves as the
history: it is linearizable iff every token that was acknowledged before a read began is in what it
returned, none is there twice, and reads extend one another.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from math import ceil
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from splitbrain.systems.contract import (
    MILLISECOND,
    SECOND,
    CancelTimer,
    Complete,
    Invoke,
    Note,
    Now,
    Persist,
    Persisted,
    Received,
    Replace,
    Reply,
    Send,
    SetTimer,
    Started,
    TimerFired,
)
from splitbrain.systems.description import mutated
from splitbrain.systems.raft.leadership import NEVER
from splitbrain.systems.raft.system import RaftSystem

if TYPE_CHECKING:
    from collections.abc import Callable


class BrokenInvariantError(AssertionError):
    """One of the promises of Raft (Ongaro & Ousterhout 2014, figure 3) does not hold; `word` says which."""

    def __init__(self, word: str, sentence: str) -> None:
        super().__init__(f"{word}: {sentence}")
        self.word = word


@dataclass
class Machine:
    """One computer: its disk, and the life of the node on it."""

    disk: list[Any] = field(default_factory=list)
    node: Any = None
    life: int = 0
    pending: deque[Persist | Replace] = field(default_factory=deque)
    durable: int = 0
    waiting: deque[Any] = field(default_factory=deque)
    timers: dict[str, int] = field(default_factory=dict)


@dataclass
class ClientRun:
    """A client session and the operation that it has open."""

    session: Any
    open: tuple[str, str | None, int] | None = None
    timer: int | None = None
    number: int = 0
    minimum: int = 0


class Cluster:
    def __init__(self, node_class: Any, size: int = 5, seed: int = 0, settings: Any = None) -> None:
        self.names = [f"n{number}" for number in range(1, size + 1)]
        self.node_class, self.settings = node_class, dict(settings or {})
        self.random = Random(seed)
        self.time = 0
        self.queue: list[tuple[int, int, Callable[[], None]]] = []
        self.sequence = 0
        self.machines = {name: Machine() for name in self.names}
        self.cuts: set[tuple[str, str]] = set()
        self.loss = 0.0
        self.duplicate = 0.0
        self.latency = (MILLISECOND // 5, 2 * MILLISECOND)
        self.sync = (MILLISECOND // 5, 2 * MILLISECOND)
        self.rates = dict.fromkeys(self.names, 1.0)  # of the nodes' clocks
        self.notes: list[tuple[str, str, Any]] = []
        self.replies: list[tuple[str, int, Any]] = []
        self.sent: list[tuple[str, str, Any]] = []
        self.traps: list[tuple[str, Callable[[str, Any], bool], Callable[[str], None]]] = []
        self.leaders: dict[int, tuple[str, int]] = {}
        self.committed: dict[int, tuple[str, int]] = {}
        self.applied: dict[int, str] = {}
        self.clients: dict[str, ClientRun] = {}
        self.attempted: set[str] = set()
        self.acknowledged: list[str] = []
        self.reads: list[tuple[list[str], list[str]]] = []
        self.longest: list[str] = []
        for name in self.names:
            self.restart(name)

    # Time.

    def at(self, delay: int, action: Callable[[], None]) -> None:
        self.sequence += 1
        heapq.heappush(self.queue, (self.time + delay, self.sequence, action))

    def run(self, seconds: float) -> None:
        self.run_until(lambda: False, seconds, expect=False)

    def run_until(self, condition: Callable[[], bool], seconds: float = 10.0, *, expect: bool = True) -> None:
        end = self.time + int(seconds * SECOND)
        while not condition():
            if not self.queue or self.queue[0][0] > end:
                self.time = end
                assert not expect, f"the condition did not come about within {seconds} virtual seconds"
                return
            self.time, _, action = heapq.heappop(self.queue)
            action()

    # Lives.

    def restart(self, name: str) -> None:
        machine = self.machines[name]
        assert machine.node is None
        machine.life += 1
        machine.pending, machine.waiting, machine.timers, machine.durable = deque(), deque(), {}, 0
        machine.node = self.node_class(name, [peer for peer in self.names if peer != name], self.settings)
        self.step(name, Started(tuple(machine.disk), None, self.random.getrandbits(32)))

    def kill(self, name: str) -> None:
        machine = self.machines[name]
        if machine.node is not None:
            for write in machine.pending:
                machine.disk = written(machine.disk, write)
            machine.node = None

    def power_cut(self, name: str) -> None:
        self.machines[name].node = None

    def up(self) -> list[str]:
        return [name for name in self.names if self.machines[name].node is not None]

    def node(self, name: str) -> Any:
        return self.machines[name].node

    def isolate(self, *group: str) -> None:
        for inside in group:
            for outside in self.names:
                if outside not in group:
                    self.cuts |= {(inside, outside), (outside, inside)}

    def heal(self) -> None:
        self.cuts = set()

    def leader(self) -> str:
        """The leader of the newest term among the nodes that are up."""
        claims = [(self.node(name).term, name) for name in self.up() if self.node(name).role == "leader"]
        return max(claims)[1] if claims else ""

    def elect(self, name: str) -> None:
        """Let this node stand now, as if nobody had heard of a leader for long, and wait until it leads."""
        self.forget_leaders()
        self.time_out(name)
        self.run_until(lambda: self.leader() == name, 1.0)

    def forget_leaders(self) -> None:
        """Make no node believe any more that it heard from a leader lately."""
        for name in self.up():
            self.node(name).contact = NEVER

    def time_out(self, name: str) -> None:
        """Let this node's election timer run out now."""
        self.node(name).election_deadline = 0
        self.step(name, TimerFired("election"))

    # Steps and effects.

    def step(self, name: str, event: Any) -> None:
        node = self.machines[name].node
        if node is None:
            return
        life = self.machines[name].life
        clock = int(self.time * self.rates[name])
        self.perform(name, life, deque(node.step(event, Now(clock, clock))))

    def perform(self, name: str, life: int, effects: deque[Any]) -> None:
        machine = self.machines[name]
        while effects and machine.node is not None and machine.life == life:
            effect = effects.popleft()
            if isinstance(effect, SetTimer):
                delay = ceil(effect.delay / self.rates[name])
                machine.timers[effect.name] = due = self.time + delay
                self.at(delay, lambda timer=effect.name, due=due: self.fire(name, life, timer, due))
            elif isinstance(effect, CancelTimer):
                machine.timers.pop(effect.name, None)
            elif isinstance(effect, Persist | Replace):
                machine.pending.append(effect)
                self.at(
                    self.random.randint(*self.sync),
                    lambda identity=effect.id: self.synced(name, life, identity),
                )
            elif effect_waits(effect, machine.durable):
                machine.waiting.append(effect)
            else:
                self.release(name, effect)

    def release(self, name: str, effect: Any) -> None:
        if isinstance(effect, Send):
            self.transmit(name, effect.dest, effect.body)
        elif isinstance(effect, Reply):
            body = {**effect.body, "in_reply_to": effect.msg_id}
            self.replies.append((effect.dest, effect.msg_id, effect.body))
            if effect.dest in self.clients:
                self.at(
                    self.random.randint(*self.latency),
                    lambda: self.client_step(effect.dest, Received(name, body)),
                )
        else:
            assert isinstance(effect, Note)
            self.notes.append((name, effect.kind, effect.fields))
            self.check_note(name, effect.kind, effect.fields)
            for trap in list(self.traps):
                kind, matches, action = trap
                if trap in self.traps and kind == effect.kind and matches(name, effect.fields):
                    self.traps.remove(trap)
                    action(name)

    def transmit(self, source: str, dest: str, body: Any) -> None:
        self.sent.append((source, dest, body))
        if (source, dest) in self.cuts or self.random.random() < self.loss:
            return
        for _ in range(2 if self.random.random() < self.duplicate else 1):
            self.at(self.random.randint(*self.latency), lambda: self.deliver(source, dest, body))

    def deliver(self, source: str, dest: str, body: Any) -> None:
        if (source, dest) not in self.cuts:
            self.step(dest, Received(source, body))

    def fire(self, name: str, life: int, timer: str, due: int) -> None:
        machine = self.machines[name]
        if machine.life == life and machine.timers.get(timer) == due:
            del machine.timers[timer]
            self.step(name, TimerFired(timer))

    def synced(self, name: str, life: int, identity: int) -> None:
        machine = self.machines[name]
        if machine.life != life or machine.node is None or identity <= machine.durable:
            return
        while machine.pending and machine.pending[0].id <= identity:
            machine.disk = written(machine.disk, machine.pending.popleft())
        machine.durable = identity
        self.step(name, Persisted(identity))
        while machine.waiting and machine.node is not None and machine.life == life:
            if effect_waits(machine.waiting[0], machine.durable):
                break
            self.release(name, machine.waiting.popleft())

    def trap(
        self, kind: str, action: Callable[[str], None], matches: Callable[[str, Any], bool] | None = None
    ) -> None:
        """Stop the next node that emits such a note right after it, and do `action` to it."""
        self.traps.append((kind, matches or (lambda _name, _fields: True), action))

    # Clients.

    def request(self, name: str, client: str, msg_id: int, **body: Any) -> None:
        """Deliver a request to a node at once."""
        self.step(name, Received(client, {"msg_id": msg_id, **body}))

    def answers(self, client: str, msg_id: int) -> list[Any]:
        return [body for dest, number, body in self.replies if (dest, number) == (client, msg_id)]

    def add_clients(self, count: int) -> None:
        for number in range(count):
            self.add_client(f"c{number}", self.names[number % len(self.names)])

    def add_client(self, name: str, preferred: str) -> None:
        self.clients[name] = ClientRun(RaftSystem.client(name, self.names, preferred, {}))
        self.invoke(name)

    def invoke(self, name: str) -> None:
        run = self.clients.get(name)
        if run is None:
            return
        run.number += 1
        token = None if self.random.random() < 0.5 else f"{name}-{run.number}"
        if token:
            self.attempted.add(token)
        run.open = ("append" if token else "read", token, len(self.acknowledged))
        run.minimum = len(self.longest)
        event = Invoke(run.open[0], "k", f"{token}," if token else None, self.time + 2 * SECOND)
        self.client_step(name, event)

    def client_step(self, name: str, event: Any) -> None:
        run = self.clients.get(name)
        if run is None:
            return
        for effect in run.session.step(event, self.time):
            if isinstance(effect, Send):
                delay = self.random.randint(*self.latency)
                message = Received(name, effect.body)
                self.at(delay, lambda dest=effect.dest, message=message: self.step(dest, message))
            elif isinstance(effect, SetTimer):
                run.timer = due = self.time + effect.delay
                self.at(effect.delay, lambda due=due, timer=effect.name: self.client_timer(name, due, timer))
            elif isinstance(effect, CancelTimer):
                run.timer = None
            elif isinstance(effect, Complete):
                self.completed(name, run, effect)

    def client_timer(self, name: str, due: int, timer: str) -> None:
        run = self.clients.get(name)
        if run is not None and run.timer == due:
            run.timer = None
            self.client_step(name, TimerFired(timer))

    def completed(self, name: str, run: ClientRun, complete: Complete) -> None:
        assert run.open is not None
        _, token, acknowledged = run.open
        if complete.type == "ok":
            if token:
                self.acknowledged.append(token)
            else:
                self.check_read((complete.value or "").split(",")[:-1], acknowledged, run.minimum)
        if complete.type == "info":
            preferred = run.session.preferred
            del self.clients[name]
            self.at(MILLISECOND, lambda: self.add_client(f"{name}'", preferred))
        else:
            self.at(MILLISECOND, lambda: self.invoke(name))

    # The invariants.

    def check_note(self, name: str, kind: str, fields: Any) -> None:
        if kind == "elected":
            self.check_elected(name, fields)
        elif kind == "committed":
            digest, _ = self.committed.setdefault(fields["index"], (fields["digest"], fields["in_term"]))
            if digest != fields["digest"]:
                raise BrokenInvariantError("SMS", f"{name} commits another entry {fields['index']}")
        elif kind == "applied":
            for index, digest in enumerate(fields["digests"], fields["first"]):
                if self.applied.setdefault(index, digest) != digest:
                    raise BrokenInvariantError("SMS", f"{name} applies another entry {index}")

    def check_elected(self, name: str, fields: Any) -> None:
        elected = (name, self.machines[name].life)
        first = self.leaders.setdefault(fields["term"], elected)
        if first != elected:
            sentence = f"{first[0]} and {name} were both elected in term {fields['term']}"
            raise BrokenInvariantError("ES", sentence)
        log = self.node(name).log
        for index, (digest, term) in self.committed.items():
            if index < log.base_index or term >= fields["term"]:
                continue
            if index > fields["last"] or log.digest_at(index) != digest:
                raise BrokenInvariantError(
                    "LC", f"{name} leads term {fields['term']} without committed entry {index}"
                )

    def check_logs(self) -> None:
        """Log matching: logs that agree on the term of an entry agree up to it (5.3)."""
        seen: dict[tuple[int, int], str] = {}
        for name in self.up():
            log = self.node(name).log
            for index in range(log.base_index, log.last_index + 1):
                if seen.setdefault((index, log.term_at(index)), log.digest_at(index)) != log.digest_at(index):
                    raise BrokenInvariantError(
                        "LM", f"the logs differ below entry {index} of term {log.term_at(index)}"
                    )

    def check_read(self, tokens: list[str], acknowledged: int, minimum: int) -> None:
        lost = set(self.acknowledged[:acknowledged]) - set(tokens)
        if lost:
            raise BrokenInvariantError("LIN", f"a read missed {min(lost)}, acknowledged before it began")
        if len(set(tokens)) != len(tokens):
            raise BrokenInvariantError("LIN", "an append took effect twice")
        if not set(tokens) <= self.attempted or len(tokens) < minimum:
            raise BrokenInvariantError(
                "LIN", "a read returned what was never appended, or less than one before it"
            )
        shorter, longer = sorted((tokens, self.longest), key=len)
        if longer[: len(shorter)] != shorter:
            raise BrokenInvariantError("LIN", "two reads don't extend one another")
        self.longest = longer


def written(disk: list[Any], write: Persist | Replace) -> list[Any]:
    return [*disk, write.record] if isinstance(write, Persist) else list(write.records)


def effect_waits(effect: Any, durable: int) -> bool:
    return effect.after is not None and effect.after > durable


@pytest.fixture
def make_cluster() -> Callable[..., Cluster]:
    """Build a cluster, with the named bugs in its nodes."""

    def build(*bugs: str, size: int = 5, seed: int = 0, **settings: Any) -> Cluster:
        return Cluster(mutated(RaftSystem, bugs), size, seed, settings)

    return build


@pytest.fixture
def broken() -> type[BrokenInvariantError]:
    return BrokenInvariantError
