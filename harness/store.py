"""The run directory: where everything that a run leaves behind lies.

STORE/SYSTEM/2026-11-21T02-03-04-SEED/
    test.json      what was asked for, complete: `replay` reads it
    plan.json      the fault plan that was carried out
    history.jsonl  operations and faults, one line each, as they happened
    faults.jsonl   what the nemesis intended, did and observed
    verdict.json   the verdict
    certificates/  one file for each checker that gave one
    nodes/N/       each node's log, notes and data
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from splitbrain.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

LEAST_FREE_BYTES = 64 * 1024 * 1024
"""A run is not begun on a disk with less room: a history cut off by it would be lost work."""


@dataclass(frozen=True)
class RunDirectory:
    """The paths inside one run directory."""

    path: Path

    @property
    def history(self) -> Path:
        """The history file."""
        return self.path / "history.jsonl"

    @property
    def faults(self) -> Path:
        """The nemesis's journal."""
        return self.path / "faults.jsonl"

    @property
    def nodes(self) -> Path:
        """The folder of the nodes' folders."""
        return self.path / "nodes"

    def write(self, name: str, document: Mapping[str, Any]) -> Path:
        """Write a JSON document of the run, replacing it whole; return its path."""
        target = self.path / name
        target.parent.mkdir(exist_ok=True)
        temporary = target.with_name(target.name + ".new")
        temporary.write_text(json.dumps(document, indent=1, default=str) + "\n", encoding="utf-8")
        temporary.replace(target)
        return target

    def read(self, name: str) -> dict[str, Any]:
        """Read a JSON document of the run.

        Raises:
            UsageError: it is missing or not a JSON object.
        """
        try:
            document = json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise UsageError(f"{self.path} is not a run directory: it has no {name}.") from error
        except (OSError, ValueError) as error:
            raise UsageError(f"{self.path / name} can't be read: {error}.") from error
        if not isinstance(document, dict):
            raise UsageError(f"{self.path / name} is not a JSON object.")
        return document


def is_run(path: Path) -> bool:
    """Tell whether a path is a run directory."""
    return (path / "test.json").is_file()


def create_run(store: Path, system: str, seed: int, when: datetime) -> RunDirectory:
    """Make a new run directory and show that it can be written to.

    Raises:
        UsageError: the store can't be written, or its disk is nearly full.
    """
    base = store / system
    stamp = f"{when:%Y-%m-%dT%H-%M-%S}-{seed}"
    try:
        path = _fresh_directory(base, stamp)
        (path / "nodes").mkdir()
        _write_through(path / "writable")
        free = shutil.disk_usage(path).free
    except OSError as error:
        raise UsageError(
            f"The store {store} can't be written: {error.strerror or error}; choose another with --store."
        ) from error
    if free < LEAST_FREE_BYTES:
        shutil.rmtree(path, ignore_errors=True)
        raise UsageError(
            f"The disk of the store {store} has {free // 1_000_000} MB left, and a run wants at least "
            f"{LEAST_FREE_BYTES // 1_000_000} MB; free some, or choose another with --store."
        )
    _point_latest(base, path)
    return RunDirectory(path)


def _fresh_directory(base: Path, stamp: str) -> Path:
    for attempt in range(1, 1000):
        path = base / (stamp if attempt == 1 else f"{stamp}.{attempt}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            if not path.is_dir():
                raise
            continue
        return path
    raise FileExistsError(f"a thousand runs named {stamp}")


def _write_through(path: Path) -> None:
    """Write a megabyte and sync it: a full disk or an exceeded quota shows here and not in mid-run."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o644)
    try:
        block = bytes(1024 * 1024)
        while block:
            block = block[os.write(descriptor, block) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        path.unlink()


def _point_latest(base: Path, path: Path) -> None:
    link = base / "latest"
    # A convenience only: a file system without symbolic links must not end a run.
    with contextlib.suppress(OSError):
        link.unlink(missing_ok=True)
        link.symlink_to(path.name)
