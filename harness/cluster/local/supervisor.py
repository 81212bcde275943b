"""The supervisor: a process of its own that owns every node, proxy and link policy of one cluster.

It reads commands as JSON lines from its standard input and writes events to its standard output:

    {"open": {...}}                     -> {"opened": true} or {"refused": {node, sentence, log}}
    {"do": {ticket, action, fields...}} -> {"done": {ticket, outcome, error}}
    {"close": true}                     nodes are asked to stop, then killed
    end of file                         the controller is gone: everything is killed at once

and without being asked: {"up": {node, pid, client}}, {"down": {node}}, {"noted": {node, kind, fields}},
{"exited": {node, status, log}}, {"triggered": {node, trigger, kind, fields}}.

It is a session leader, so that a terminal's Ctrl-C reaches the controller alone, which then decides.
One thread; whatever must wait for a child or a message leaves a continuation and returns.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .actions import Actions
from .links import Link
from .loop import MISSED, Loop, changed_children
from .pipes import JsonPipe
from .process import NodeProcess, describe_status, killed
from .proxy import Proxy
from .streams import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .process import Life

START_SECONDS = 30.0
"""A node that isn't ready after this long will not be."""
MANY_FILES = 10_240
"""Open files to ask for: as many as macOS grants anyone."""
GRACE_SECONDS = 0.5
"""How long nodes may take to stop by themselves at the end of a run."""


class Supervisor:
    """One cluster, from its `open` command to its end."""

    def __init__(self) -> None:
        self.loop = Loop(time.monotonic_ns)
        self.nodes: dict[str, NodeProcess] = {}
        self.proxies: dict[tuple[str, str], Proxy] = {}
        self.pipe = JsonPipe(self.loop.selector, os.dup(0), os.dup(1), self._command, self._abandoned)
        self._actions = Actions(self)
        self._opened = False
        self._closing = False
        self._archive: Path | None = None

    def run(self) -> None:
        """Serve until the cluster is closed or the controller is gone; nothing of it is left then."""
        self.loop.catch(
            {
                signal.SIGCHLD: lambda: None,
                signal.SIGTERM: self._abandoned,
                signal.SIGINT: self._abandoned,
                signal.SIGHUP: self._abandoned,
            }
        )
        try:
            while not (self._closing and all(node.life is None for node in self.nodes.values())):
                self.loop.turn(self._next_due())
                now = self.loop.clock()
                for proxy in self.proxies.values():
                    if not proxy.link.plain:
                        proxy.pump(now)
                self._reap()
        finally:
            self._kill_all()
            if self._archive is not None:
                self._archive.unlink(missing_ok=True)

    def _next_due(self) -> int:
        until = self.loop.clock() + MISSED
        for proxy in self.proxies.values():
            if not proxy.link.plain:
                due = proxy.link.due()
                if due is not None and due < until:
                    until = due
        return until

    def _command(self, message: dict[str, Any]) -> None:
        if "do" in message:
            self._actions.begin(message["do"])
        elif "open" in message:
            self._open(message["open"])
        elif "close" in message:
            self._close()

    # Opening

    def _open(self, what: Mapping[str, Any]) -> None:
        names: list[str] = what["nodes"]
        self._archive = Path(what["archive"])
        for source in names:
            for destination in names:
                if source != destination:
                    link = Link(source, destination, what["seed"])
                    self.proxies[source, destination] = Proxy(self.loop.selector, link, self.loop.clock)
        for name in names:
            peers = {peer: [LOOPBACK, self.proxies[name, peer].port] for peer in names if peer != name}
            directory = Path(what["directory"]) / name
            config = {**what["config"], "name": name, "peers": peers, "directory": str(directory)}
            self.nodes[name] = NodeProcess(name, directory, what["command"], config, what["seed"])
        for node in self.nodes.values():
            if not self._closing:
                self.start(node)

    def start(self, node: NodeProcess) -> None:
        """Start a node; `up`, or `exited` and the failure of whoever waits for it, follows."""
        try:
            life = node.start(self.loop.selector, lambda message: self._said(node, message))
        except OSError as error:
            self._lost(node, f"it could not be started: {error.strerror}", "")
            return
        self.loop.after(START_SECONDS, lambda: self._overdue(node, life))

    def _overdue(self, node: NodeProcess, life: Life) -> None:
        if node.life is not life or life.ready is not None or life.ending is not None:
            return
        if life.stopped:  # paused while it started: its time does not run
            self.loop.after(START_SECONDS, lambda: self._overdue(node, life))
            return
        life.failure = f"{node.name} was not ready within {START_SECONDS:.0f} s of its start."
        node.signal(signal.SIGKILL)

    # What nodes say

    def _said(self, node: NodeProcess, message: dict[str, Any]) -> None:
        life = node.life
        if life is None:
            return
        if "note" in message:
            self.pipe.write({"noted": {"node": node.name, **message["note"]}})
        elif "triggered" in message:
            node.armed.pop(message["triggered"]["trigger"], None)
            self.pipe.write({"triggered": {"node": node.name, **message["triggered"]}})
        elif "probed" in message:
            self._actions.probed(node.name, message["probed"])
        elif "ready" in message:
            self._ready(node, life, message["ready"])
        elif "failed" in message:
            life.failure = str(message["failed"])

    def _ready(self, node: NodeProcess, life: Life, ports: dict[str, Any]) -> None:
        life.ready = ports
        for (_, destination), proxy in self.proxies.items():
            if destination == node.name:
                proxy.target = ports["peer"]
        self.pipe.write({"up": {"node": node.name, "pid": life.pid, "client": ports["client"]}})
        self._actions.started(node.name, life.pid)
        if not self._opened and all(each.life and each.life.ready for each in self.nodes.values()):
            self._opened = True
            self.pipe.write({"opened": True})

    # What becomes of processes

    def _reap(self) -> None:
        for pid, status in changed_children():
            for node in self.nodes.values():
                if node.life is not None and node.life.pid == pid:
                    self._changed(node, node.life, status)

    def _changed(self, node: NodeProcess, life: Life, status: int) -> None:
        if os.WIFSTOPPED(status) or os.WIFCONTINUED(status):
            life.stopped = os.WIFSTOPPED(status)
            self._actions.stop_or_go(node)
            return
        node.signal(signal.SIGKILL)  # whatever else runs in its group
        node.buried()
        for (_, destination), proxy in self.proxies.items():
            if destination == node.name:
                proxy.target = None
        self.pipe.write({"down": {"node": node.name}})
        if life.ending is None and not self._closing:
            self._actions.died(node, life)
            self._lost(node, describe_status(status), node.log_end(life))
            return
        if not self._closing and not killed(status):
            # It ended by itself just before it would have been killed, which must not hide that.
            log = node.log_end(life)
            self.pipe.write({"exited": {"node": node.name, "status": describe_status(status), "log": log}})
        self._actions.died(node, life)

    def _lost(self, node: NodeProcess, status: str, log: str) -> None:
        """A node ended, or never began, though nobody asked for it."""
        sentence = f"{node.name} did not come up: {status}."
        if self._opened:
            self.pipe.write({"exited": {"node": node.name, "status": status, "log": log}})
            self._actions.failed_to_start(node.name, sentence)
        elif not self._closing:
            self.pipe.write({"refused": {"node": node.name, "sentence": sentence, "log": log}})
            self._abandoned()

    # The end

    def _close(self) -> None:
        self._closing = True
        for node in self.nodes.values():
            if node.life is None:
                continue
            node.life.ending = "stop"
            if node.life.stopped or not node.tell({"stop": True}):
                node.signal(signal.SIGKILL)
        self.loop.after(GRACE_SECONDS, self._abandoned)

    def _abandoned(self) -> None:
        self._closing = True
        for node in self.nodes.values():
            if node.life is not None:
                node.life.ending = node.life.ending or "stop"
                node.signal(signal.SIGKILL)

    def _kill_all(self) -> None:
        """Leave no process behind, also when the loop itself failed."""
        for node in self.nodes.values():
            node.signal(signal.SIGKILL)
        for node in self.nodes.values():
            if node.life is not None:
                with suppress(ChildProcessError):
                    os.waitpid(node.life.pid, 0)


def _allow_many_files() -> None:
    """Lift the soft limit on open files: n nodes need n * (n - 1) ports and twice as many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        wanted = MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, MANY_FILES)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    """Run the supervisor over standard input and output."""
    _allow_many_files()
    try:
        Supervisor().run()
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main()
