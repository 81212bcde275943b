"""Compilation of the kernel with Numba, where Numba is there and can do it.

The functions of the kernel are plain Python that Numba also understands, so they run without it, on lists.
A module of such functions is imported only when a history is large enough to pay for importing Numba.

What is compiled is cached beside the source, or in the user's cache directory where that can't be
written, or in NUMBA_CACHE_DIR; where nothing can be written it is compiled anew in each process.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

try:
    import numba
except ImportError:
    numba = None

COMPILED: Final = numba is not None and os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
"""Whether the decorators below compile; otherwise they return the function as it is."""
_Function = TypeVar("_Function", bound="Callable[..., Any]")


def part(function: _Function) -> _Function:
    """Compile a function that only compiled functions of its own module call."""
    if not COMPILED:
        return function
    compiled: _Function = numba.njit(function)
    return compiled


def entry(function: _Function) -> _Function:
    """Compile a function that is called from outside, and cache it with the parts that it calls."""
    if not COMPILED:
        return function
    try:
        compiled: _Function = numba.njit(cache=True)(function)
    except RuntimeError:  # no directory can be written
        compiled = numba.njit(function)
    return compiled


def column(values: Any) -> Any:
    """Return integers in the form in which the kernel runs fastest: an array, or else a list."""
    if COMPILED:
        import numpy as np  # noqa: PLC0415  absent where Numba is

        return np.array(values, dtype=np.int64)
    return list(values)


def zeros(count: int) -> Any:
    """Return so many zeros, as a column."""
    if COMPILED:
        import numpy as np  # noqa: PLC0415  absent where Numba is

        return np.zeros(count, dtype=np.int64)
    return [0] * count


def longer(values: Any, count: int) -> Any:
    """Return a copy of a column with zeros behind it, `count` long."""
    grown = zeros(count)
    grown[: len(values)] = values
    return grown
