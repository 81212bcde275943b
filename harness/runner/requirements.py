"""What a caller requires of the measurements: `--require "availability>=0.99,p99<=50ms"`.

A requirement is a gate: a run that misses one is inconclusive, never valid. It is no violation
either, since a measurement on one machine proves nothing about another.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from splitbrain.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

MEASUREMENTS = {
    "availability": "",
    "throughput": "",
    "p50": "ms",
    "p95": "ms",
    "p99": "ms",
    "longest-outage": "s",
    "recovery": "s",
}
"""What can be required, and the unit that each is measured in."""

COMPARISONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
UNITS = {("ms", "ms"): 1.0, ("s", "ms"): 1000.0, ("s", "s"): 1.0, ("ms", "s"): 0.001}
FORM = re.compile(r"^\s*([\w-]+)\s*(>=|<=|>|<)\s*(\d+(?:\.\d+)?)\s*(ms|s)?\s*$")


@dataclass(frozen=True)
class Requirement:
    """One bound on one measurement, in the measurement's own unit."""

    text: str
    measurement: str
    comparison: str
    bound: float

    def held(self, measurements: Mapping[str, Any]) -> bool:
        """Tell whether the measurements keep it; one that could not be measured does not."""
        value = measurements.get(self.measurement.replace("-", "_"))
        return value is not None and bool(COMPARISONS[self.comparison](value, self.bound))


def parse_requirements(text: str | None) -> tuple[Requirement, ...]:
    """Read a comma-separated list of requirements.

    Raises:
        UsageError: one of them can't be read; the sentence shows the form and the measurements.
    """
    return tuple(_parse(part) for part in (text or "").split(",") if part.strip())


def _parse(part: str) -> Requirement:
    match = FORM.match(part)
    if match is None or match[1] not in MEASUREMENTS:
        raise UsageError(
            f"The requirement {part.strip()!r} can't be read; write it like availability>=0.99 or p99<=50ms, "
            f"of {', '.join(MEASUREMENTS)}."
        )
    name, comparison, number, unit = match.groups()
    own = MEASUREMENTS[name]
    if unit is not None and not own:
        raise UsageError(f"The requirement {part.strip()!r} has a unit, but {name} is a bare number.")
    factor = UNITS[(unit, own)] if unit else 1.0
    return Requirement(part.strip(), name, comparison, float(number) * factor)
