"""One node process: the turn, and what happens when a trigger fires.

A turn reads every ready socket, steps the node for each line, fires due timers, and makes durable
what the node wrote. Only then do notes reach `events.jsonl` and messages the sockets, in this
order, so whatever another process has seen of this node is in its events too.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from ..contract import SECOND, Now
from .clients import ClientPort
from .driver import Driver
from .events import EventsFile
from .links import Links, PeerPort
from .log import DiskError, Log
from .sockets import Sockets
from .triggers import Triggers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..contract import Body, Json, Node
    from .config import Config
    from .control import Control

DRAIN = 0.25
"""Seconds that a triggered node gives slow readers to take the messages that precede the note."""


def read_clock() -> Now:
    """Return the two readings of this machine's clock."""
    return Now(time.monotonic_ns(), time.time_ns())


class Runtime:
    """The parts of a node process, put together."""

    def __init__(
        self,
        node: Node,
        config: Config,
        settings: Mapping[str, Json],
        control: Control,
        log: Callable[[str], None],
    ) -> None:
        """Recover the log and listen; the node is started by `run`.

        Raises:
            DiskError: the log is corrupt or the disk failed.
            OSError: the host can't be listened on.
        """
        self._config = config
        self._control = control
        self._log = log
        self._triggers = Triggers()
        config.directory.mkdir(parents=True, exist_ok=True)
        self._events = EventsFile(config.directory)
        self._wal = Log(
            config.directory,
            fsync=bool(settings.get("fsync", True)),
            delay=float(settings.get("sync_delay", 0.0)),
        )
        self._sockets = Sockets()
        self._driver = Driver(node, self._wal, read_clock, self._send, self._note)
        self._links = Links(self._sockets, config.name, config.peers, config.token)
        peers = tuple(config.peers)
        self._peer_port = PeerPort(
            self._sockets,
            host=config.host,
            me=config.name,
            peers=peers,
            token=config.token,
            deliver=self._driver.receive,
            probed=lambda src, probe: control.report("probed", {"id": probe, "src": src}),
            log=log,
        )
        self._client_port = ClientPort(
            self._sockets,
            host=config.host,
            me=config.name,
            peers=peers,
            deliver=self._driver.receive,
            log=log,
        )

    def run(self) -> None:
        """Start the node and drive it until the process is told to end (SystemExit).

        Raises:
            DiskError: the disk failed.
        """
        self._start()
        # First, so that a trigger armed before a message was sent is armed when it arrives.
        self._sockets.serve_first(self._control.commands, self._commanded)
        if self._control.buffered:
            self._commanded(0)
        while True:
            self._sockets.poll(self._patience())
            self._links.tend(time.monotonic_ns())
            self._driver.finish_turn()
            self._flush()

    def _start(self) -> None:
        recovered = self._wal.recovered
        torn = recovered.torn
        self._note(
            "started", {"pid": os.getpid(), "records": len(recovered.records), "torn": torn is not None}
        )
        if torn is not None:
            self._log(f"dropped a torn record at byte {recovered.size} of the log: it was never synced")
            self._note("torn-tail-dropped", {"at": recovered.size, "text": torn[:200]})
        self._driver.start(recovered.records, torn, self._config.seed)
        self._flush()
        ports = {"client": self._client_port.port, "peer": self._peer_port.port}
        self._control.report("ready", {**ports, "torn": torn is not None})
        self._control.flush()

    def _patience(self) -> float | None:
        """Seconds until something is due; None for ever."""
        dues = [due for due in (self._driver.due(), self._links.due()) if due is not None]
        if not dues:
            return None
        return max(0, min(dues) - time.monotonic_ns()) / SECOND

    def _flush(self) -> None:
        try:
            self._events.flush()
        except OSError as error:
            raise DiskError(
                f"The events of {self._config.name} can't be written: {error.strerror}."
            ) from error
        self._control.flush()
        self._sockets.flush()

    def _send(self, dest: str, body: Body) -> None:
        if dest in self._links:
            self._links.send(dest, body)
        else:
            self._client_port.send(dest, body)

    def _note(self, kind: str, fields: Mapping[str, Json]) -> None:
        self._events.add(time.monotonic_ns(), kind, fields)
        if kind in self._config.watch:
            self._control.report("note", {"kind": kind, "fields": fields})
        trigger = self._triggers.noted(kind, fields)
        if trigger is not None:
            self._stop_at(trigger, kind, fields)

    def _stop_at(self, trigger: str, kind: str, fields: Mapping[str, Json]) -> None:
        """Let out everything that precedes the note, then wait for the supervisor."""
        self._events.flush()
        self._sockets.drain(DRAIN)
        self._control.report("triggered", {"trigger": trigger, "kind": kind, "fields": fields})
        self._control.flush()
        resumed = False
        while not resumed:
            for command in self._control.receive():
                resumed = resumed or "resume" in command
                self._obey(command)

    def _commanded(self, _mask: int) -> None:
        for command in self._control.receive():
            self._obey(command)

    def _obey(self, command: Mapping[str, Json]) -> None:
        try:
            if "stop" in command:
                raise SystemExit(0)
            if "arm" in command:
                order = command["arm"]
                self._triggers.arm(
                    order["trigger"], order["kind"], order.get("where", {}), int(order.get("skip", 0))
                )
            elif "disarm" in command:
                self._triggers.disarm(command["disarm"])
            elif "probe" in command:
                self._links.probe(command["probe"]["dest"], command["probe"]["id"])
            elif "resume" not in command:
                self._log(f"control line ignored: {sorted(command)} is no command")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._log(f"control line ignored: {error!r} in {command}")
