"""The passes of the shrinker in the order in which they pay: first what makes all later runs shorter."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from splitbrain.exploration import passes, tidying, weather

if TYPE_CHECKING:
    from collections.abc import Callable

    from splitbrain.exploration.case import Case
    from splitbrain.exploration.passes import Facts
    from splitbrain.exploration.reduction import Steps


class Pass(NamedTuple):
    """A pass and its name, as progress shows it."""

    name: str
    steps: Callable[[Case, Facts], Steps]


PASSES = (
    Pass("tail", passes.tail),
    Pass("calm", passes.calm),
    Pass("evidence", passes.evidence),
    Pass("tail", passes.tail),
    Pass("faults", passes.faults),
    Pass("operations by thread", passes.operations_by_thread),
    Pass("operations by key", passes.operations_by_key),
    Pass("operations", passes.single_operations),
    Pass("nodes", passes.nodes),
    Pass("threads", passes.threads),
)
"""Those that take something out."""

TIDYING = (
    Pass("settings", tidying.settings),
    Pass("numbers", tidying.numbers),
    Pass("gaps", tidying.gaps),
    Pass("faults' details", tidying.plain_faults),
    Pass("crash points' details", tidying.plain_crash_points),
    Pass("operations with what counts them", tidying.counted),
    Pass("operations' details", tidying.plain_operations),
    Pass("round times", tidying.round_times),
    Pass("seed", passes.seeds),
)
"""Those that make what is left plainer."""

WEATHER = (
    Pass("spell the schedule out", weather.spell_out),
    Pass("deviations by link", weather.by_link),
    Pass("deviations by type", weather.by_type),
    Pass("deviations", weather.one_by_one),
    Pass("deviations' details", weather.round_delays),
)
"""Those for a case that needs its weather."""
