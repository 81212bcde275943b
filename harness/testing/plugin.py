"""The pytest plugin: the fixture `simulator`, and its options. It is loaded whenever pytest starts.

So it imports nothing here but pytest, which is there already.
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from splitbrain.systems.contract import Node
    from splitbrain.systems.description import System
    from splitbrain.testing.replaying import Replayed
    from splitbrain.testing.simulating import Simulation

SEEDS = "splitbrain_seeds"
REPLAYS = "splitbrain_replays"


class Simulator:
    """`splitbrain.testing.simulate` with the seeds and the directory that pytest was given."""

    def __init__(self, seeds: int | None, usual: int | None, directory: Path) -> None:
        """Run `seeds` whatever a call says, else `usual` where it says nothing; None says nothing."""
        self.seeds = seeds
        self.usual = usual
        self.directory = directory

    def __call__(self, tested: type[System | Node] | str, **options: Any) -> Simulation:
        """Simulate; the options are those of `splitbrain.testing.simulate`.

        The command line's number of seeds wins over that of the call, which wins over the ini file's.
        """
        __tracebackhide__ = True
        from splitbrain.testing.simulating import simulate  # noqa: PLC0415  pytest's start pays for nothing

        if self.seeds is not None:
            options["seeds"] = self.seeds
        elif self.usual is not None:
            options.setdefault("seeds", self.usual)
        options.setdefault("directory", self.directory)
        return simulate(tested, **options)

    def replay(self, path: Path | str, *arguments: Any, **options: Any) -> Replayed:
        """Replay a file; the options are those of `splitbrain.testing.replay`."""
        __tracebackhide__ = True
        from splitbrain.testing.replaying import replay  # noqa: PLC0415  as above

        return replay(path, *arguments, **options)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the fixture `simulator`."""
    group = parser.getgroup("splitbrain", "simulation of distributed systems")
    group.addoption(
        "--splitbrain-seeds", type=_positive, metavar="N", help="Seeds that each test with `simulator` runs."
    )
    group.addoption(
        "--splitbrain-replays", metavar="DIR", help="Where replay files of failing simulations go."
    )
    parser.addini(SEEDS, "Seeds that each test with `simulator` runs, if it doesn't say.", default="")
    parser.addini(
        REPLAYS, "Where replay files of failing simulations go, from the root directory.", default=""
    )


@pytest.fixture
def simulator(request: pytest.FixtureRequest, tmp_path: Path) -> Simulator:
    """Simulate systems: `simulator(MyNode)`. A failure leaves its replay file in the directory of replays."""
    config = request.config
    chosen = config.getoption("--splitbrain-replays") or config.getini(REPLAYS)
    directory = config.rootpath / chosen / _file_name(request.node.nodeid) if chosen else tmp_path
    usual = config.getini(SEEDS)
    try:
        return Simulator(
            config.getoption("--splitbrain-seeds"), _positive(usual) if usual else None, directory
        )
    except ArgumentTypeError as error:
        raise pytest.UsageError(f"{SEEDS} in the ini file: {error}") from error


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"a number of at least 1 is wanted, not {text!r}.")
    return int(text)


def _file_name(identifier: str) -> str:
    """Return a test's identifier as the name of a folder."""
    return re.sub(r"[^\w.-]+", "-", identifier).strip("-")
