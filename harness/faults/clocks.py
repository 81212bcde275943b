"""Clocks that go wrong: too fast, too slow, ahead or behind. Only the simulator has them.

A node has two clocks: a steady one for time-outs and a wall clock. Both drift with the rate; a step moves
the wall clock alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.backend import SetClock
from splitbrain.errors import UsageError
from splitbrain.faults.base import Draw, Fault, Injection, number_parameter, only_parameters
from splitbrain.faults.evidence import Evidence, settings_took
from splitbrain.faults.targets import draw_target, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from splitbrain.faults.base import ClusterView, Room
    from splitbrain.plan import PlannedFault

SLOWEST, FASTEST = -0.9, 9.0
"""The drifts that a plan may ask for, as shares: ten times slower and ten times faster."""

FARTHEST = 1e9
"""How far off a wall clock may be, in seconds: some thirty years."""

OFFSET = 1.0
"""Seconds by which a skewed wall clock is off when the plan names nothing."""

JUMP = 60.0
"""Seconds that a clock jumps when the plan names none."""

OFFSETS = (-3, 1)
"""Drawn offsets lie between ten to the power of these, in seconds, one magnitude as likely as another."""


class _ClockFault(Fault):
    """What both have in common: clocks are set, and set right at the end."""

    backends = ("sim",)

    def _injection(
        self, nodes: Sequence[str], settings: Mapping[str, tuple[float, float]], lost: Sequence[str]
    ) -> Injection:
        """Set each node's clock to (rate, offset)."""
        return Injection(
            nodes=tuple(nodes),
            lost=tuple(lost),
            begin=tuple(SetClock(node, rate, offset) for node, (rate, offset) in settings.items()),
            end=tuple(SetClock(node) for node in nodes),
            bites=Evidence(settings_took("begin")),
            heals=Evidence(settings_took("end")),
        )


class ClockSkew(_ClockFault):
    """Let clocks drift apart by `drift` (a share: 0.01 is 1 %) and wall clocks be off by `offset` seconds.

    Both may be negative: slower, behind. Of several nodes every other one goes the other way. A drift
    within what the system says it bears costs no node; a larger one costs all that it hits.
    """

    name = "clock-skew"
    summary = "let clocks drift (drift, a share) and wall clocks be off (offset, seconds)"

    def draw(self, random: Random, room: Room) -> Draw:
        """Draw a drift within the system's bound, none where it bears none, and an offset."""
        target, _ = draw_target(random, room)
        parameters = {"offset": _drawn_offset(random)}
        if room.clock_bound > 0:
            drift = min(room.clock_bound, round(room.clock_bound * random.uniform(0.5, 1.0), 6))
            parameters["drift"] = random.choice([-1, 1]) * drift
        return Draw(target, parameters, 0)

    def check(self, entry: PlannedFault, nodes: Sequence[str], roles: Sequence[str]) -> None:
        """Check drift and offset."""
        del nodes, roles
        only_parameters(entry, ("drift", "offset"))
        if _skew(entry) == (0, 0):
            raise UsageError(f"{entry.id}: `drift` or `offset` must be other than 0, or no clock is skewed.")

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Skew the clocks of the target, a random node by default."""
        nodes = resolve(entry, view, random, default=1)
        drift, offset = _skew(entry)
        signs = {node: -1 if number % 2 else 1 for number, node in enumerate(nodes)}
        settings = {node: (1 + sign * drift, sign * offset) for node, sign in signs.items()}
        settings = {node: (max(rate, 1 + SLOWEST), step) for node, (rate, step) in settings.items()}
        return self._injection(nodes, settings, nodes if abs(drift) > view.clock_bound else ())


class ClockJump(_ClockFault):
    """Let wall clocks jump `by` seconds, backwards if that is negative, and back again at the end."""

    name = "clock-jump"
    summary = "let wall clocks jump and stay where they are until the end: by, in seconds"

    def draw(self, random: Random, room: Room) -> Draw:
        """Draw how far, forwards or backwards."""
        target, _ = draw_target(random, room)
        return Draw(target, {"by": _drawn_offset(random)}, 0)

    def check(self, entry: PlannedFault, nodes: Sequence[str], roles: Sequence[str]) -> None:
        """Check how far."""
        del nodes, roles
        only_parameters(entry, ("by",))
        if number_parameter(entry, "by", JUMP, least=-FARTHEST, most=FARTHEST) == 0:
            raise UsageError(f"{entry.id}: `by` must be other than 0, or no clock jumps.")

    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Move the wall clocks of the target, a random node by default."""
        nodes = resolve(entry, view, random, default=1)
        by = number_parameter(entry, "by", JUMP, least=-FARTHEST, most=FARTHEST)
        return self._injection(nodes, dict.fromkeys(nodes, (1.0, by)), ())


def _skew(entry: PlannedFault) -> tuple[float, float]:
    """Return drift and offset; a plan that names neither means an offset."""
    usual = 0.0 if "drift" in entry.parameters else OFFSET
    return (
        number_parameter(entry, "drift", 0.0, least=SLOWEST, most=FASTEST),
        number_parameter(entry, "offset", usual, least=-FARTHEST, most=FARTHEST),
    )


def _drawn_offset(random: Random) -> float:
    return random.choice([-1, 1]) * round(10 ** random.uniform(*OFFSETS), 3)
