"""The local cluster: `splitbrain.backend.Backend` on real processes of this machine.

The controller's side of it: it starts the supervisor, turns actions into its commands and its messages into
events, and holds the client connections. Nothing here blocks but `open`, `poll` and `close`.
"""

from __future__ import annotations

import os
import secrets
import selectors
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from splitbrain.backend import (
    CLIENTS,
    Action,
    ActionDone,
    BackendEvent,
    ClearLinks,
    LinkCounters,
    NodeExited,
    NodeNoted,
    NodeUp,
    Probe,
    Request,
    SetClock,
    SetDisk,
    SetLinks,
    SpoilDisk,
    Triggered,
)
from splitbrain.errors import HarnessError

from .pipes import JsonPipe
from .requests import Requests
from .transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

SECOND = 1_000_000_000
OPEN_SECONDS = 60.0
CLOSE_SECONDS = 5.0

SIMULATED = {SetClock: "set clocks", SetDisk: "let disks lie or dawdle", SpoilDisk: "spoil disks"}
"""What only the simulator can do."""


class LocalCluster:
    """A cluster of processes on loopback.

    `directory` is the run's `nodes/` folder. `system_reference` ("module:Class" or "file.py:Class"),
    `settings` and `bugs` go to the nodes as they are; `watch` names the note kinds that `poll` forwards.
    `python` runs the nodes. `clock` is a steady clock in nanoseconds.
    """

    def __init__(
        self,
        system_reference: str,
        nodes: Sequence[str],
        *,
        settings: Mapping[str, Any],
        bugs: Sequence[str],
        directory: Path,
        seed: int,
        watch: Sequence[str],
        python: str = sys.executable,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.nodes: Sequence[str] = tuple(nodes)
        self._config = {
            "settings": dict(settings),
            "system": system_reference,
            "bugs": list(bugs),
            "watch": list(watch),
            "token": secrets.token_hex(16),
        }
        source = system_reference.rpartition(":")[0]
        self._extra = Path(source) if source.endswith(".py") else None
        self._directory = directory
        self._seed = seed
        self._python = python
        self._clock = clock
        self._origin = clock()
        self._tickets = 0
        self._events: deque[BackendEvent] = deque()
        self._selector = selectors.DefaultSelector()
        self._transport = Transport(self._selector, self.nodes, seed, clock, self._tell)
        self._requests = Requests(clock, self._events.append)
        self._client_links: dict[int, Mapping[str, int]] = {}
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._pipe: JsonPipe | None = None
        self._opened = False
        self._ended = False
        self._closed = False
        self._refusal: Mapping[str, str] | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Opening and closing

    def open(self) -> None:
        """Deploy and wait until every node is ready.

        Raises:
            HarnessError: a node did not come up; the sentence ends with its log's last lines, and everything
                is torn down.
        """
        try:
            self._start()
            self._await_nodes()
        except BaseException:
            self.close()
            raise
        self._origin = self._clock()

    def _start(self) -> None:
        from splitbrain.systems.runtime.archive import build_archive  # noqa: PLC0415  # only a run needs it

        archive = self._directory / "nodes.pyz"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            build_archive(archive, self._extra)
            log = self._log.open("ab")
        except OSError as error:
            raise HarnessError(
                f"The nodes' folder {self._directory} can't be written: {error.strerror}."
            ) from error
        with log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-P", "-m", "splitbrain.cluster.local.supervisor"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                start_new_session=True,
            )
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        self._pipe = JsonPipe(
            self._selector,
            os.dup(self._supervisor.stdout.fileno()),
            os.dup(self._supervisor.stdin.fileno()),
            self._heard,
            self._supervisor_ended,
        )
        self._supervisor.stdin.close()
        self._supervisor.stdout.close()
        self._pipe.write(
            {
                "open": {
                    "nodes": list(self.nodes),
                    "seed": self._seed,
                    "directory": str(self._directory.resolve()),
                    "archive": str(archive.resolve()),
                    "command": [self._python, "-I", str(archive.resolve())],
                    "config": self._config,
                }
            }
        )

    def _await_nodes(self) -> None:
        deadline = self._clock() + round(OPEN_SECONDS * SECOND)
        while not self._opened:
            if self._refusal is not None:
                raise HarnessError(_with_log(self._refusal["sentence"], self._refusal["log"]))
            self._check_supervisor()
            if self._clock() >= deadline:
                raise HarnessError(f"The local cluster was not ready within {OPEN_SECONDS:.0f} s.")
            self._turn(0.1)

    @property
    def _log(self) -> Path:
        return self._directory / "supervisor.log"

    def close(self) -> None:
        """Tear everything down: no process and no port outlives it. Idempotent."""
        if self._closed:
            return
        self._transport.close()
        if self._pipe is not None:
            self._pipe.write({"close": True})
        if self._supervisor is not None:
            deadline = self._clock() + round(CLOSE_SECONDS * SECOND)
            while not self._ended and self._clock() < deadline:
                self._turn(0.1)
            if self._pipe is not None:
                self._pipe.close()
            try:
                self._supervisor.wait(1.0 if self._ended else CLOSE_SECONDS)
            except subprocess.TimeoutExpired:
                self._supervisor.kill()  # its nodes read the end of their control channels
                self._supervisor.wait()
            if self._log.stat().st_size == 0:
                self._log.unlink()
        self._pipe = None
        self._selector.close()
        self._closed = True

    # The runner's side

    def now(self) -> int:
        """Return nanoseconds since `open` returned (monotonic)."""
        return self._clock() - self._origin

    def send(self, client: str, dest: str, body: Mapping[str, Any]) -> None:
        """Send a client's message on its own connection, opening it if need be. Never blocks."""
        self._transport.send(client, dest, body)

    def retire(self, client: str) -> None:
        """Close the connections of a client session that will not be heard of again."""
        self._transport.retire(client)

    def poll(self, until: int) -> list[BackendEvent]:
        """Wait until something happened or `now() >= until`, and return what happened, in order.

        Raises:
            HarnessError: the supervisor is gone, and with it the cluster.
        """
        first = True
        while first or not self._events:
            wait = until - self.now()
            if not first and wait <= 0:
                break
            first = False
            for due in (self._transport.due(), self._requests.due()):
                if due is not None:
                    wait = min(wait, due - self._clock())
            self._turn(0.0 if self._events else max(0, wait) / SECOND)
            if not self._events:
                self._check_supervisor()
        events = list(self._events)
        self._events.clear()
        return events

    def _turn(self, seconds: float) -> None:
        for key, mask in self._selector.select(seconds):
            key.data(mask)
        self._transport.pump()
        self._requests.expire(self._transport)

    def _tell(self, event: BackendEvent) -> None:
        """Take what the transport has to say: to an administrator's request, or to the runner."""
        if not self._requests.hear(event, self._transport):
            self._events.append(event)

    def perform(self, action: Action) -> int:
        """Begin an action and return its ticket. Never blocks."""
        self._tickets += 1
        ticket = self._tickets
        problem = "The cluster is not open." if self._pipe is None else _problem(action, self.nodes)
        if problem is not None or self._pipe is None:
            self._events.append(ActionDone(ticket, {}, problem))
            return ticket
        if isinstance(action, Probe) and CLIENTS in (action.source, action.destination):
            self._transport.probe(ticket, action.source, action.destination, action.within)
            return ticket
        if isinstance(action, Request):
            self._requests.begin(ticket, action, self._transport)
            return ticket
        command = {"ticket": ticket, "action": type(action).__name__}
        if isinstance(action, SetLinks):
            ours = {ends: policy for ends, policy in action.links.items() if CLIENTS in ends}
            self._transport.lay(action.fault, ours)
            self._client_links[ticket] = {"links": len(ours)}
            theirs = [[*ends, asdict(policy)] for ends, policy in action.links.items() if CLIENTS not in ends]
            command |= {"fault": action.fault, "links": theirs}
        else:
            command |= asdict(action)
        if isinstance(action, ClearLinks):
            self._client_links[ticket] = {"links": self._transport.lift(action.fault)}
        elif isinstance(action, LinkCounters):
            self._client_links[ticket] = self._transport.counts._asdict()
        self._pipe.write({"do": command})
        return ticket

    # The supervisor's side

    def _heard(self, message: dict[str, Any]) -> None:
        (kind, what), *_ = message.items()
        match kind:
            case "done":
                outcome = what["outcome"]
                for name, number in self._client_links.pop(what["ticket"], {}).items():
                    outcome[name] = outcome.get(name, 0) + number
                self._events.append(ActionDone(what["ticket"], outcome, what["error"]))
            case "noted":
                self._events.append(NodeNoted(what["node"], what["kind"], what["fields"]))
            case "up":
                self._transport.locate(what["node"], what["client"])
                self._events.append(NodeUp(what["node"], what["pid"]))
            case "down":
                self._transport.locate(what["node"], None)
            case "exited":
                self._events.append(NodeExited(what["node"], what["status"], what["log"]))
            case "triggered":
                self._events.append(Triggered(what["node"], what["trigger"], what["kind"], what["fields"]))
            case "opened":
                self._opened = True
            case "refused":
                self._refusal = what

    def _supervisor_ended(self) -> None:
        self._ended = True

    def _check_supervisor(self) -> None:
        if self._ended and self._refusal is None:
            tail = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
            raise HarnessError(
                _with_log("The supervisor of the local cluster ended unexpectedly.", "\n".join(tail))
            )


def _with_log(sentence: str, log: str) -> str:
    return f"{sentence} The end of its log:\n{log}" if log else f"{sentence} Its log is empty."


def _problem(action: Action, nodes: Sequence[str]) -> str | None:
    """Say why an action can't be performed, before the supervisor, which owns everything, would stumble."""
    for name in _names(action):
        if name not in nodes and name != CLIENTS:
            return f"The cluster has no node {name!r}."
    if type(action) in SIMULATED:
        return f"The local cluster can't {SIMULATED[type(action)]}; only the simulator can (--on sim)."
    if isinstance(action, SetLinks):
        for (source, destination), policy in action.links.items():
            if source == destination:
                return f"There is no link from {source!r} to itself."
            if policy.rate is not None and policy.rate <= 0:
                return f"A link's rate must be more than 0 bytes a second, not {policy.rate}."
            if policy.reorder > 0:
                return (
                    "A link between real processes keeps its order; only the simulator reorders (--on sim)."
                )
    return None


def _names(action: Action) -> list[str]:
    """Return every node that an action names."""
    if isinstance(action, SetLinks):
        return [name for ends in action.links for name in ends]
    if isinstance(action, Probe):
        return [action.source, action.destination]
    node = getattr(action, "node", None)
    return [] if node is None else [node]
