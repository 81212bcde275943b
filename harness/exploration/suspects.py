"""Who asks for what no two runs share: the places in a node's code that read clocks, dice and addresses.

While a run is watched, each call of a function below is traced back to the innermost line that belongs
neither to the standard library nor to the harness: that is the line to mend. Watching costs about three
times the run, so it is done only once two traces were seen to differ.
"""

from __future__ import annotations

import random
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

UNREPEATABLE = frozenset(
    {
        *("time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns"),
        *("time.perf_counter", "time.perf_counter_ns", "time.process_time", "time.localtime"),
        *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
        *("posix.urandom", "nt.urandom", "posix.getpid", "nt.getpid", "builtins.id", "builtins.hash"),
    }
)
"""C functions whose answers differ from process to process."""

MOST = 5
"""How many places are told."""


class Suspect(NamedTuple):
    """A place in somebody's code that calls such a function."""

    function: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.function}() is called at {Path(self.file).name} line {self.line}"


def watched(run: Callable[[], object]) -> list[Suspect]:
    """Run something and return the suspicious places that it passed, in the order of their first calls."""
    found: dict[Suspect, None] = {}
    library = tuple(
        {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), str(Path(random.__file__).parent)}
    )
    shared = random.random.__self__  # type: ignore[attr-defined]  # the generator behind the module's functions

    def profile(frame: FrameType, event: str, called: Any) -> None:
        if event != "c_call":
            return
        name = _name(called, shared)
        if name is None:
            return
        place = _place(frame, library)
        if place is not None:
            found.setdefault(Suspect(name, *place))

    previous = sys.getprofile()
    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(previous)
    return list(found)[:MOST]


def _name(called: Any, shared: object) -> str | None:
    """Return the name of a function that no two runs share, None for any other one."""
    owner = getattr(called, "__self__", None)
    if owner is shared:
        return f"random.{called.__name__}"
    if isinstance(owner, type):
        name = f"{owner.__name__}.{called.__name__}"
    else:
        name = f"{getattr(called, '__module__', None)}.{getattr(called, '__name__', '')}"
    return name if name in UNREPEATABLE else None


def _place(frame: FrameType | None, library: tuple[str, ...]) -> tuple[str, int] | None:
    """Return the innermost place outside the standard library, None if that is the harness."""
    while frame is not None:
        file = frame.f_code.co_filename
        ours = _is_harness(frame.f_globals.get("__name__", ""))
        if ours:
            return None
        if not file.startswith(("<", *library)) or "site-packages" in file:
            return file, frame.f_lineno
        frame = frame.f_back
    return None


def _is_harness(module: str) -> bool:
    return module == "__main__" or (
        module.startswith("splitbrain.") and not module.startswith("splitbrain.systems.")
    )
