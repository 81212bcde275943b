"""Compilation of the kernel with Numba, where Numba is there and can do it.

The functions of the kernel are plain Python that Numba also understands, so they run without it, on lists.
A module of such functions is imported only when a history is large enough to pay for importing Numba.

What is compiled is cached beside the source, or in the user's cache directory where that can't be
written, or in NUMBA_CACHE_DIR; where nothing can be written it is compiled anew in each process. Numba
knows by the time and size of its own file whether a cached function is stale, not by those of the others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, MutableSequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

try:
    import numba
except ImportError:
    _NUMBA: Any = None
else:
    _NUMBA = numba

COMPILED: Final = _NUMBA is not None and os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
"""Whether the decorators below compile; otherwise they return the function as it is."""
Column: TypeAlias = MutableSequence[int]
"""Integers in the form in which the kernel runs fastest: an array of 64 bits each, or else a list."""
_Function = TypeVar("_Function", bound=Callable[..., Any])


def part(function: _Function) -> _Function:
    """Compile a function that only compiled functions call."""
    return cast("_Function", _NUMBA.njit(function)) if COMPILED else function


def entry(function: _Function) -> _Function:
    """Compile a function that is called from outside, and cache it with the parts that it calls."""
    if not COMPILED:
        return function
    try:
        compiled = _NUMBA.njit(cache=True)(function)
    except RuntimeError:  # no directory can be written
        return cast("_Function", _NUMBA.njit(function))

    @wraps(function)
    def call(*arguments: Any) -> Any:
        try:
            return compiled(*arguments)
        except OSError:  # compiled, but it couldn't be stored: the kernel itself does no input or output
            return compiled(*arguments)

    return cast("_Function", call)


def column(values: Iterable[int]) -> Column:
    """Return integers as a column."""
    if not COMPILED:
        return list(values)
    import numpy as np  # noqa: PLC0415  absent where Numba is

    return cast("Column", np.array(values, dtype=np.int64))


def zeros(count: int) -> Column:
    """Return so many zeros, as a column."""
    if not COMPILED:
        return [0] * count
    import numpy as np  # noqa: PLC0415  absent where Numba is

    return cast("Column", np.zeros(count, dtype=np.int64))


def plain(values: Column) -> list[int]:
    """Return the integers as a list of Python's own."""
    listed: list[int] = cast("Any", values).tolist() if COMPILED else list(values)
    return listed


def longer(values: Column, count: int) -> Column:
    """Return a copy of a column with zeros behind it, `count` long."""
    grown = zeros(count)
    grown[: len(values)] = values
    return grown


def in_order(values: Column, below: int) -> Column:
    """Return the places of the values below a bound, by rising value."""
    if not COMPILED:
        return sorted((place for place, value in enumerate(values) if value < below), key=values.__getitem__)
    import numpy as np  # noqa: PLC0415  absent where Numba is

    array = np.asarray(values)
    return cast("Column", np.argsort(array, kind="stable")[: int((array < below).sum())])
