"""What a fault is: a small class that turns an entry of a plan into actions and evidence.

This is an extension point: a subclass of `Fault` in a file of one's own is used as
`--faults ./mine.py:Class`. Ours are registered in the same way, as entry points of the group
`splitbrain.faults`. A fault holds no state and does nothing itself: `begin` returns data, which the
nemesis carries out, so that every fault can be healed by the same code whatever went wrong.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from splitbrain.errors import UsageError
from splitbrain.faults.evidence import Evidence, actions_succeeded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from splitbrain.backend import Action
    from splitbrain.faults.inquiry import Ask
    from splitbrain.plan import PlannedFault, Target
    from splitbrain.systems.description import System


class UnresolvedTargetError(Exception):
    """No node plays the wanted role at the moment; the nemesis waits for one, within bounds."""


@dataclass(frozen=True)
class ClusterView:
    """The cluster as a fault sees it when it begins.

    `roles` says which running node plays each role, by its notes. `hit` are the nodes that other
    faults under way touch; `noter` is the node whose note fired the trigger. `clock_bound` is the drift
    that the system says it bears, as a share.
    """

    nodes: tuple[str, ...]
    roles: Mapping[str, str | None] = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    paused: frozenset[str] = frozenset()
    noter: str | None = None
    hit: frozenset[str] = frozenset()
    clock_bound: float = 0.0


@dataclass(frozen=True)
class Injection:
    """One occurrence of a fault, ready to be carried out.

    `nodes` are those it touches. `lost` are those that the system has to do without while it lasts:
    availability is claimed by counting them. A kill, power cut or pause holds its node until a later
    `Restart` or `Resume` lets it go. An `Ask` is put to the cluster until it is answered for certain. What
    sets clocks and disks adds up over faults; `end` sets them back to what changes nothing.
    """

    nodes: tuple[str, ...]
    lost: tuple[str, ...]
    begin: tuple[Action | Ask, ...]
    end: tuple[Action | Ask, ...]
    bites: Evidence = field(default_factory=lambda: Evidence(actions_succeeded("begin")))
    heals: Evidence = field(default_factory=lambda: Evidence(actions_succeeded("end")))


class Room(NamedTuple):
    """What a random schedule has room for.

    At most `spare` nodes may be lost; `spare == len(nodes)` invites what leaves no majority.
    `turn` counts the occurrences of this fault in the plan, so that targets can alternate. `clock_bound`
    is the drift that the system says it bears, as a share.
    """

    nodes: tuple[str, ...]
    roles: tuple[str, ...]
    spare: int
    turn: int
    clock_bound: float = 0.0

    @property
    def wild(self) -> bool:
        """Whether the schedule expects no availability of this occurrence."""
        return self.spare >= len(self.nodes)


class Draw(NamedTuple):
    """A random occurrence: its target, its parameters, and how many nodes it makes the system lose."""

    target: Target
    parameters: Mapping[str, Any]
    lost: int


class Fault(ABC):
    """A kind of fault. It is built without arguments and keeps no state."""

    name: ClassVar[str]
    summary: ClassVar[str]
    minimum_nodes: ClassVar[int] = 1
    stops_nodes: ClassVar[bool] = False
    """Whether the nodes it hits don't answer while it lasts, so that no other fault is observed on them."""
    overlaps: ClassVar[bool] = True
    """Whether random schedules let other faults overlap it: one that stops its nodes may hide it."""
    backends: ClassVar[tuple[str, ...] | None] = None
    """Where it can be carried out (the words of `--on`); None is anywhere."""
    needs: ClassVar[str | None] = None
    """An attribute of `System` that has to be true, such as "membership"."""

    @abstractmethod
    def draw(self, random: Random, room: Room) -> Draw:
        """Draw an occurrence for a random schedule, which loses at most `room.spare` nodes if it can."""

    def check(self, entry: PlannedFault, nodes: Sequence[str], roles: Sequence[str]) -> None:
        """Check the parameters of a planned entry, before anything is deployed.

        The default takes none.

        Raises:
            UsageError: a parameter is unknown or out of range, or the cluster can't have this fault.
        """
        del nodes, roles
        only_parameters(entry, ())

    @abstractmethod
    def begin(self, entry: PlannedFault, view: ClusterView, random: Random) -> Injection:
        """Resolve the target of a checked entry and return what is to be done.

        Raises:
            UnresolvedTargetError: no node plays the role that the target names.
        """


def check_usable(name: str, fault: Fault, backend: str, system: type[System]) -> None:
    """Check that a backend and a system can have a fault at all.

    Raises:
        UsageError: one of them can't.
    """
    if fault.backends is not None and backend not in fault.backends:
        raise UsageError(
            f"The fault {name} can't be done on {backend}; use --on {' or --on '.join(fault.backends)}."
        )
    if fault.needs is not None and not getattr(system, fault.needs, False):
        raise UsageError(f"The fault {name} needs a system with {fault.needs}, which {system.name} has not.")


def only_parameters(entry: PlannedFault, known: Sequence[str]) -> None:
    """Check that an entry has no parameter but the `known` ones.

    Raises:
        UsageError: it has another one.
    """
    for name in entry.parameters:
        if name not in known:
            takes = f"it takes: {', '.join(known)}" if known else "it takes none"
            raise UsageError(f"{entry.id}: {entry.fault} has no parameter {name!r}; {takes}.")


def number_parameter(
    entry: PlannedFault, name: str, default: float, *, least: float = 0.0, most: float = float("inf")
) -> float:
    """Return a parameter that is a number in [least, most].

    Raises:
        UsageError: it is something else.
    """
    value = entry.parameters.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        span = f"of at least {least:g}" if most == float("inf") else f"from {least:g} to {most:g}"
        raise UsageError(f"{entry.id}: `{name}` must be a number {span}, not {value!r}.")
    return float(value)


def flag_parameter(entry: PlannedFault, name: str) -> bool:
    """Return a parameter that is true or false; left out it is false.

    Raises:
        UsageError: it is something else.
    """
    value = entry.parameters.get(name, False)
    if not isinstance(value, bool):
        raise UsageError(f"{entry.id}: `{name}` must be true or false, not {value!r}.")
    return value
