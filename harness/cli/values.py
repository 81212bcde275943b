"""Values on the command line: what click's own types let through and we don't want."""

from __future__ import annotations

import json
import math
from typing import Any

import click

from splitbrain.histories.readers.json_lines import whole_number


class FiniteRange(click.FloatRange):
    """A number in a range that is neither NaN nor infinite."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Convert a text, or fail with a sentence."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


LONGEST = 1_000_000.0
"""Seconds: longer times are typing errors, and overflow a poll."""

SECONDS = FiniteRange(min=0, max=LONGEST, min_open=True)
BUDGET = FiniteRange(min=0, max=LONGEST)
RATE = FiniteRange(min=0, max=1e9)


def parse_json(text: str) -> Any:
    """Read one JSON value strictly.

    Raises:
        ValueError: it is not JSON (NaN and infinity are not), nested too deeply, or a number in it too long.
    """
    try:
        return json.loads(text, parse_int=whole_number, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON value")
