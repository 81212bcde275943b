"""The supervisor's side of `splitbrain.backend`'s actions, each idempotent.

An action that must wait (for a process to be reaped, seen stopped, or ready; for a probe) leaves its ticket
with the node and is completed by what happens there. Whatever happens to a node answers everyone who
waits for something that can't happen any more, so that every ticket is completed exactly once.
"""

from __future__ import annotations

import signal
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

from splitbrain.backend import LinkPolicy

from .links import total

if TYPE_CHECKING:
    from .process import Life, NodeProcess
    from .supervisor import Supervisor

SECOND = 1_000_000_000


class Actions:
    """Tickets in progress."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._deaths: dict[str, list[int]] = defaultdict(list)
        self._starts: dict[str, list[int]] = defaultdict(list)
        self._stops: dict[str, deque[tuple[int, bool]]] = defaultdict(deque)
        """Pauses (true) and resumes in the order asked for. One is under way at a time, until it is seen: a
        SIGCONT discards a SIGSTOP that was not yet taken, so that nothing would be left to see."""
        self._probes: dict[int, tuple[str, str, int]] = {}

    def begin(self, command: dict[str, Any]) -> None:
        """Begin the action of a `do` command; `done` follows, now or later."""
        getattr(self, "_" + command["action"])(command["ticket"], command)

    def _done(self, ticket: int, outcome: dict[str, Any], error: str | None = None) -> None:
        self._supervisor.pipe.write({"done": {"ticket": ticket, "outcome": outcome, "error": error}})

    def _node(self, command: dict[str, Any]) -> NodeProcess:
        return self._supervisor.nodes[command["node"]]

    # Processes

    def _Kill(self, ticket: int, command: dict[str, Any]) -> None:  # noqa: N802  # named by the action's class
        self._end(ticket, self._node(command), "kill", None)

    def _PowerCut(self, ticket: int, command: dict[str, Any]) -> None:  # noqa: N802  # named by the action's class
        self._end(ticket, self._node(command), "power-cut", command)

    def _end(self, ticket: int, node: NodeProcess, how: str, cut: dict[str, Any] | None) -> None:
        life = node.life
        if life is None:
            outcome: dict[str, Any] = {"pid": node.last_pid}
            if cut is not None:
                outcome |= {"unsynced": 0, "kept": 0, "torn": False}
            self._done(ticket, outcome)
            return
        self._deaths[node.name].append(ticket)
        if life.ending is None:
            life.ending = how
            life.cut = cut
            self.failed_to_start(node.name, f"{node.name} was killed while it started.")
        node.signal(signal.SIGKILL)

    def died(self, node: NodeProcess, life: Life) -> None:
        """A life was reaped: settle what its disk holds, then answer whoever waited."""
        from splitbrain.systems.runtime.pending import cut, materialise  # noqa: PLC0415  # not needed to start

        outcome: dict[str, Any] = {"pid": life.pid}
        error = None
        try:
            if life.cut is None:
                materialise(node.directory)
            else:
                result = cut(node.directory, life.cut["seed"], life.cut["tear"])
                outcome |= {"unsynced": result.unsynced, "kept": result.kept, "torn": result.torn}
        except (OSError, ValueError) as problem:
            error = f"What {node.name} had written could not be settled after its death: {problem}."
        for ticket in self._deaths.pop(node.name, ()):
            self._done(ticket, outcome, error)
        self.stop_or_go(node)
        if self._starts.get(node.name) and life.ending in ("kill", "power-cut"):
            self._supervisor.start(node)  # a restart that was asked for before the old life was reaped

    def _Restart(self, ticket: int, command: dict[str, Any]) -> None:  # noqa: N802  # named by the action's class
        node = self._node(command)
        life = node.life
        if life is not None and life.ready is not None and life.ending is None:
            self._done(ticket, {"pid": life.pid})
            return
        self._starts[node.name].append(ticket)
        if life is None:
            self._supervisor.start(node)

    def started(self, node: str, pid: int) -> None:
        """A node became ready."""
        for ticket in self._starts.pop(node, ()):
            self._done(ticket, {"pid": pid})

    def failed_to_start(self, node: str, sentence: str) -> None:
        """A node won't become ready."""
        for ticket in self._starts.pop(node, ()):
            self._done(ticket, {"pid": None}, sentence)

    def _Pause(self, ticket: int, command: dict[str, Any]) -> None:  # noqa: N802  # named by the action's class
        self._ask_to_stop(ticket, self._node(command), stopped=True)

    def _Resume(self, ticket: int, command: dict[str, Any]) -> None:  # noqa: N802  # named by the action's class
        self._ask_to_stop(ticket, self._node(command), stopped=False)

    def _ask_to_stop(self, ticket: int, node: NodeProcess, *, stopped: bool) -> None:
        waiting = self._stops[node.name]
        waiting.append((ticket, stopped))
        if len(waiting) == 1:
            self.stop_or_go(node)

    def stop_or_go(self, node: NodeProcess) -> None:
        """Answer the pauses and resumes that what was last seen of the process fulfils; begin the next."""
        waiting = self._stops[node.name]
        while waiting:
            ticket, stopped = waiting[0]
            life = node.life
            if life is None or life.ending is not None:
                self._done(ticket, {"pid": node.last_pid, "stopped": False})
            elif life.stopped == stopped:
                self._done(ticket, {"pid": life.pid, "stopped": stopped})
            else:
                node.signal(signal.SIGSTOP if stopped else signal.SIGCONT)
                return
            waiting.popleft()

    # Triggers

    def _Arm(self, ticket: int, command: dict[str, Any]) -> None:  # noqa: N802  # named by the action's class
        node = self._node(command)
        trigger = {name: command[name] for name in ("trigger", "kind", "where", "skip")}
        node.armed[command["trigger"]] = trigger
        self._done(ticket, {"armed": node.tell({"arm": trigger})})

    def _Disarm(self, ticket: int, command: dict[str, Any]) -> None:  # noqa: N802  # named by the action's class
        node = self._node(command)
        node.armed.pop(command["trigger"], None)
        self._done(ticket, {"disarmed": node.tell({"disarm": command["trigger"]})})

    def _Release(self, ticket: int, command: dict[str, Any]) -> None:  # noqa: N802  # named by the action's class
        self._done(ticket, {"released": self._node(command).tell({"resume": True})})

    # Links

    def _SetLinks(self, ticket: int, command: dict[str, Any]) -> None:  # noqa: N802  # named by the action's class
        now = self._supervisor.loop.clock()
        for source, destination, policy in command["links"]:
            proxy = self._supervisor.proxies[source, destination]
            proxy.link.lay(command["fault"], LinkPolicy(**policy), now)
            proxy.pump(now)
        self._done(ticket, {"links": len(command["links"])})

    def _ClearLinks(self, ticket: int, command: dict[str, Any]) -> None:  # noqa: N802  # named by the action's class
        now = self._supervisor.loop.clock()
        cleared = 0
        for proxy in self._supervisor.proxies.values():
            if proxy.link.lift(command["fault"], now):
                cleared += 1
                proxy.pump(now)
        self._done(ticket, {"links": cleared})

    def _LinkCounters(self, ticket: int, _command: dict[str, Any]) -> None:  # noqa: N802  # named by the action's class
        self._done(ticket, total(proxy.link for proxy in self._supervisor.proxies.values())._asdict())

    def _Probe(self, ticket: int, command: dict[str, Any]) -> None:  # noqa: N802  # named by the action's class
        source, destination = command["source"], command["destination"]
        self._probes[ticket] = (source, destination, self._supervisor.loop.clock())
        self._supervisor.nodes[source].tell({"probe": {"id": ticket, "dest": destination}})
        self._supervisor.loop.after(command["within"], lambda: self._missed(ticket))

    def probed(self, node: str, arrival: dict[str, Any]) -> None:
        """A probe arrived at a node. One that was given up, or a duplicate, changes nothing."""
        source, destination, began = self._probes.get(arrival["id"], ("", "", 0))
        if (source, destination) == (arrival["src"], node):
            del self._probes[arrival["id"]]
            seconds = (self._supervisor.loop.clock() - began) / SECOND
            self._done(arrival["id"], {"arrived": True, "seconds": seconds})

    def _missed(self, ticket: int) -> None:
        if self._probes.pop(ticket, None) is not None:
            self._done(ticket, {"arrived": False, "seconds": None})
