"""The entry point of a node process.

Exit status: 0 when told to end (SIGTERM, `stop`, end of file on standard input), 1 when the node
can't start or go on. The reason stands in the log (standard error), and as a sentence in `failed`
on the control channel unless the node's own code raised: that is a crash, with its traceback.
"""

from __future__ import annotations

import gc
import os
import signal
import stat
import sys
import time
import traceback
from typing import TYPE_CHECKING

from .config import ConfigError, build_node, read_config
from .control import Control
from .log import DiskError
from .loop import Runtime

if TYPE_CHECKING:
    from types import FrameType


class Journal:
    """The node's log for people: lines on standard error, with wall time and name."""

    def __init__(self) -> None:
        self.name = "node"

    def __call__(self, text: str) -> None:
        """Write one line."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        sys.stderr.write(f"{stamp}Z {self.name}: {text}\n")
        sys.stderr.flush()


def main() -> int:
    """Run one life of one node and return the exit status."""
    signal.signal(signal.SIGTERM, _ended)
    signal.signal(signal.SIGINT, _ended)
    journal = Journal()
    control = Control(os.dup(0), os.dup(1), journal)
    os.dup2(2, 1)  # a node that prints writes in its log, never on the control channel
    sys.stdout = sys.stderr
    try:
        runtime = _prepare(control, journal)
        runtime.run()
    except (ConfigError, DiskError) as error:
        journal(str(error))
        control.report("failed", str(error))
        control.flush()
        return 1
    except Exception:  # noqa: BLE001 - a crash of the node under test ends its process, whatever it is
        traceback.print_exc()
        return 1
    return 0


def _prepare(control: Control, journal: Journal) -> Runtime:
    if stat.S_ISREG(os.fstat(control.commands).st_mode):
        raise ConfigError("Standard input is a file; a node takes its orders from a pipe or a terminal.")
    config = read_config(control.first_line())
    journal.name = config.name
    node, settings = build_node(config, tuple(config.peers))
    try:
        runtime = Runtime(node, config, settings, control, journal)
    except OSError as error:
        raise ConfigError(f"Node {config.name} can't be set up in {config.directory}: {error}.") from error
    # What lives by now lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    return runtime


def _ended(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
