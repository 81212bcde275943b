"""What a benchmark says of the machine it ran on, and of the memory it took."""

from __future__ import annotations

import os
import platform
import resource
import sys


def machine() -> str:
    """Describe the machine in one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {platform.machine()}, Python {platform.python_version()}, {platform.system()}"


def peak_memory_mb(who: int = resource.RUSAGE_SELF) -> float:
    """Return the peak resident memory in MB (of this process, or of its children)."""
    peak = resource.getrusage(who).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3
