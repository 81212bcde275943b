"""What a system says about itself: plain data that the harness reads beside the node's code.

A system of one's own is a subclass of `System` in one file, given on the command line as
`./mine.py:Class`. The file may import the standard library and `splitbrain.systems` only,
since it is shipped to the nodes as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .contract import Client, Json, Node


@dataclass(frozen=True)
class NotePattern:
    """Matches notes by kind and by the values of some of their fields."""

    kind: str
    where: Mapping[str, Json] = field(default_factory=dict)

    def matches(self, kind: str, fields: Mapping[str, Json]) -> bool:
        """Tell whether a note of `kind` with `fields` fits."""
        return kind == self.kind and all(
            name in fields and fields[name] == value for name, value in self.where.items()
        )


@dataclass(frozen=True)
class Role:
    """How to tell from notes which node plays a role.

    The newest note of kind `note` on a node states its role; `pattern` says whether it is
    this one. Of several claimants the one with the highest `rank_by` field (a term, say) wins.
    """

    pattern: NotePattern
    rank_by: str | None = None


@dataclass(frozen=True)
class Bug:
    """A seeded bug: a subclass of the node that removes exactly one rule.

    `verdicts` are the violation kinds that convict it. `plan` is the file name of the fault
    plan (in the `plans` folder beside the system's file) under which it is convicted; without one
    a run has to name faults or a plan. `options` are further
    defaults of `run` for this bug, such as `{"time_limit": 10}`. Several bugs combine into
    one class by multiple inheritance, so each overrides methods of its own.
    """

    name: str
    number: str
    summary: str
    source: str
    verdicts: tuple[str, ...]
    node: type[Node]
    plan: str = ""
    options: Mapping[str, Json] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    """Names of the bugs without which this one can't be exposed (they form one target)."""


class System:
    """A system under test, described by class attributes.

    `availability` says when the system claims to serve: "majority" (while a majority of the
    nodes is up and connected), "all" (only while every node is) or "any".
    `progress` names notes without which a run tested nothing of the protocol.
    `invariants` names checkers that run over the nodes' notes.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    node: ClassVar[type[Node]]
    client: ClassVar[type[Client]]
    workloads: ClassVar[tuple[str, ...]]
    """The workloads that its client speaks, the default first."""
    nodes: ClassVar[int] = 5
    """The default size."""
    smallest: ClassVar[int] = 1
    settings: ClassVar[Mapping[str, Json]] = {}
    """Defaults of the node's and client's settings, such as timeouts."""
    availability: ClassVar[str] = "majority"
    recovery: ClassVar[float] = 3.0
    """Seconds within which it claims to serve again after a fault began or healed."""
    one_sided: ClassVar[bool] = False
    """Whether enough nodes serve although others, which they can't reach, still reach them."""
    roles: ClassVar[Mapping[str, Role]] = {}
    progress: ClassVar[tuple[NotePattern, ...]] = ()
    invariants: ClassVar[tuple[str, ...]] = ()
    consistency: ClassVar[str] = "linearizable"
    milestones: ClassVar[Mapping[str, NotePattern]] = {}
    """What a campaign ought to have seen at least once ("election"), by the notes that show it."""
    variations: ClassVar[Mapping[str, tuple[Json, ...]]] = {}
    """Values worth trying for some settings: a simulated run draws one, or leaves the default."""
    bears: ClassVar[tuple[str, ...]] = (
        *("partition", "kill", "pause", "power-cut"),
        *("slow", "lossy", "duplicate"),
    )
    """The faults under which it claims to keep its promises; exploration draws from them."""
    clock_bound: ClassVar[float] = 0.0
    """How much faster or slower than true time its nodes' clocks may run, as a share (0.05 is 5 %)."""
    membership: ClassVar[bool] = False
    """Whether it takes `{"type": "remove_server" | "add_server", "server": name}`, answered `..._ok`."""
    bugs: ClassVar[tuple[Bug, ...]] = ()


def mutated(system: type[System], names: tuple[str, ...]) -> type[Node]:
    """Return the system's node class with the named bugs in it.

    Raises:
        ValueError: a name is not one of the system's bugs (by name or number).
    """
    bugs = tuple(find_bug(system, name) for name in names)
    if not bugs:
        return system.node
    bases = tuple(dict.fromkeys(bug.node for bug in bugs))
    return bases[0] if len(bases) == 1 else type("_".join(base.__name__ for base in bases), bases, {})


def find_bug(system: type[System], name: str) -> Bug:
    """Return the bug of that name or number.

    Raises:
        ValueError: the system has no such bug.
    """
    for bug in system.bugs:
        if name in (bug.name, bug.number):
            return bug
    known = ", ".join(bug.name for bug in system.bugs) or "none"
    raise ValueError(f"{system.name} has no seeded bug {name!r}; it has: {known}.")
