"""One life after another of one node: its process, its control channel, its log.

A node runs in a process group of its own inside the supervisor's session. While the supervisor lives,
it reaps the node; once it is gone, the group is orphaned, so that the kernel wakes it with SIGHUP and
SIGCONT if it is stopped (POSIX.1-2017, `_exit`, "Consequences of Process Termination").
"""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .pipes import JsonPipe

if TYPE_CHECKING:
    import selectors
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

LOG_LINES = 20
LOG_BYTES = 16 * 1024
RESET = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD)
"""Signals that a node starts with in their default meaning, whatever the supervisor does with them."""


@dataclass
class Life:
    """One process of a node, from its start until it was reaped.

    `ready` is its `ready` message once that came. `stopped` is what `waitpid` reported last.
    `ending` says why it is about to die: "kill", "power-cut" or "stop"; None: it isn't asked to.
    """

    pid: int
    pipe: JsonPipe
    log_start: int
    ready: dict[str, Any] | None = None
    stopped: bool = False
    ending: str | None = None
    failure: str = ""
    cut: Mapping[str, Any] | None = None
    """Seed and tear of the power cut that ends it."""


class NodeProcess:
    """A node that can be started, signalled and restarted; at most one life at a time."""

    def __init__(
        self, name: str, directory: Path, command: Sequence[str], config: Mapping[str, Any], seed: int
    ) -> None:
        self.name = name
        self.directory = directory
        self.life: Life | None = None
        self.last_pid: int | None = None
        self.armed: dict[str, dict[str, Any]] = {}
        """Triggers by name; they stay armed over restarts until they fire or are disarmed."""
        self._command = tuple(command)
        self._config = dict(config)
        self._seed = seed
        self._lives = 0

    @property
    def log(self) -> Path:
        """The node's standard error, appended over its lives."""
        return self.directory / "node.log"

    def start(self, selector: selectors.BaseSelector, on_message: Callable[[dict[str, Any]], None]) -> Life:
        """Start the next life. Raises OSError if the process can't be made."""
        self.directory.mkdir(parents=True, exist_ok=True)
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        log_start = os.lseek(log, 0, os.SEEK_END)
        control_read, control_write = os.pipe()
        report_read, report_write = os.pipe()
        try:
            pid = os.posix_spawn(
                self._command[0],
                self._command,
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, control_read, 0),
                    (os.POSIX_SPAWN_DUP2, report_write, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ],
                setpgroup=0,
                setsigmask=(),
                setsigdef=RESET,
            )
        except OSError:
            os.close(control_write)
            os.close(report_read)
            raise
        finally:
            for end in (log, control_read, report_write):
                os.close(end)
        pipe = JsonPipe(selector, report_read, control_write, on_message, lambda: None)
        self.life = Life(pid, pipe, log_start)
        self.last_pid = pid
        life_seed = random.Random(f"{self._seed}:{self.name}:{self._lives}").getrandbits(53)
        self._lives += 1
        pipe.write({"config": {**self._config, "seed": life_seed}})
        for trigger in self.armed.values():
            pipe.write({"arm": trigger})
        return self.life

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the node's whole process group; nothing if it is dead."""
        if self.life is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.life.pid, number)

    def tell(self, message: dict[str, Any]) -> bool:
        """Send a control message; tell whether there is a process to hear it."""
        if self.life is None:
            return False
        self.life.pipe.write(message)
        return True

    def buried(self) -> Life:
        """Forget the life that was just reaped and return it, with everything that it still said."""
        life = self.life
        assert life is not None
        life.pipe.drain()
        life.pipe.close()
        self.life = None
        return life

    def log_end(self, life: Life) -> str:
        """Return the last lines that this life wrote to its log."""
        try:
            with self.log.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(life.log_start, size - LOG_BYTES))
                text = log.read().decode("utf-8", "replace")
        except OSError:
            text = ""
        lines = text.splitlines()[-LOG_LINES:]
        if life.failure and life.failure not in text:
            lines.append(life.failure)
        return "\n".join(lines)


def killed(status: int) -> bool:
    """Tell from its wait status whether a process ended by SIGKILL."""
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def describe_status(status: int) -> str:
    """Say in words how a process ended, from its wait status."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"signal {-code}"
