"""One line on standard error that says how a run goes.

On a terminal the line is drawn over itself, at most five times a second; elsewhere (a CI log) a plain
line is written every five seconds. Time is the run's own, as given to `update`. Progress is a courtesy:
a standard error that can't be written to any more silences it and never ends a run.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple, TextIO

from splitbrain.render.text import shorten, terminal_width

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

ON_TERMINAL = 0.2
ELSEWHERE = 5.0
WINDOW = 1.0
"""Seconds of run time: between two drawings, between two plain lines, over which the rate is taken."""
ERASE = "\r\x1b[K"


class Sample(NamedTuple):
    """How many operations had completed at an instant."""

    elapsed: float
    completed: int


class LiveLine:
    """A context manager; feed it with `update` as often as you like."""

    def __init__(self, stream: TextIO | None = None, width: int | None = None) -> None:
        """Write to `stream` (standard error), at most `width` (the terminal's) columns wide."""
        self._stream = sys.stderr if stream is None else stream
        self._width = width
        self._on_terminal = self._stream.isatty()
        self._interval = ON_TERMINAL if self._on_terminal else ELSEWHERE
        self._due = 0.0 if self._on_terminal else ELSEWHERE
        self._line = ""
        self._shown = ""
        self._silent = False
        self._since = Sample(0.0, 0)
        self._rate = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last state on the screen, and the cursor below it."""
        if self._line and self._line != self._shown:
            self._draw()
        if self._on_terminal and self._shown:
            self._write("\n")

    def update(
        self,
        *,
        elapsed: float,
        duration: float,
        ok: int,
        fail: int,
        info: int,
        rate: float | None = None,
        faults: Sequence[str] = (),
        phase: str = "",
    ) -> None:
        """Take the state of the run; seconds, counts of outcomes, operations a second, faults that are on.

        Without a `rate` it is taken over the last second or more. `phase` says what the run is about
        once its faults are over.
        """
        completed = ok + fail + info
        passed = elapsed - self._since.elapsed
        if passed >= WINDOW or (self._since.completed == 0 and passed > 0):
            self._rate = (completed - self._since.completed) / passed
            self._since = Sample(elapsed, completed)
        self._line = progress_line(
            elapsed=elapsed,
            duration=duration,
            ok=ok,
            fail=fail,
            info=info,
            rate=self._rate if rate is None else rate,
            faults=faults,
            phase=phase,
        )
        self._show(elapsed)

    def _show(self, elapsed: float) -> None:
        """Draw the line if its time has come."""
        if elapsed >= self._due:
            self._due = elapsed + self._interval
            self._draw()

    def _draw(self) -> None:
        self._shown = self._line
        if self._on_terminal:
            width = terminal_width() if self._width is None else self._width
            self._write(ERASE + shorten(self._line, width - 1))
        else:
            self._write(self._line + "\n")

    def _write(self, text: str) -> None:
        if self._silent:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream was closed
            self._silent = True


def progress_line(
    *,
    elapsed: float,
    duration: float,
    ok: int,
    fail: int,
    info: int,
    rate: float,
    faults: Sequence[str],
    phase: str = "",
) -> str:
    """Return the state of a run as one line."""
    total = f"{elapsed:5.1f}/{duration:.1f} s"
    on = f"on: {', '.join(faults)}" if faults else phase or "no faults"
    return f"{total}  {rate:6,.0f} ops/s  ok {ok:,}  fail {fail:,}  info {info:,}  {on}"
