"""The space that an exploration draws cases from: a system, what it says of itself, the user's limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from splitbrain import registry
from splitbrain.errors import UsageError
from splitbrain.exploration.simulate import Resolved
from splitbrain.exploration.vocabulary import Vocabulary
from splitbrain.faults.base import check_usable
from splitbrain.systems.description import mutated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splitbrain.exploration.case import Case
    from splitbrain.faults.base import Fault
    from splitbrain.systems.description import System
    from splitbrain.workloads.base import Workload


@dataclass(frozen=True)
class Limits:
    """What the user fixed; None leaves it to the draw. `faults` names those that may take part."""

    nodes: int | None = None
    workload: str | None = None
    faults: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Space:
    """Everything that drawing and running cases of one system needs, found once.

    `resolved` is by workload; each holds all `faults`, by the names that the system or the user gave.
    """

    system: str
    bugs: tuple[str, ...]
    limits: Limits
    described: type[System]
    workloads: Mapping[str, type[Workload]]
    faults: Mapping[str, Fault]
    resolved: Mapping[str, Resolved]
    vocabulary: Vocabulary = field(default_factory=Vocabulary)

    def sizes(self) -> tuple[int, ...]:
        """The numbers of nodes that may be drawn: up to the system's usual one."""
        if self.limits.nodes is not None:
            return (self.limits.nodes,)
        return tuple(range(self.described.smallest, max(self.described.smallest, self.described.nodes) + 1))

    def resolve(self, case: Case) -> Resolved:
        """Return what the names in a case of this space stand for."""
        return self.resolved[case.workload]

    def with_vocabulary(self, vocabulary: Vocabulary) -> Space:
        """Return the space with what pilot runs taught."""
        return replace(self, vocabulary=vocabulary)


def open_space(system: str, bugs: tuple[str, ...], limits: Limits) -> Space:
    """Find the system and whatever its cases may name; the vocabulary is still empty.

    Raises:
        UsageError: something does not exist, or can't be had with so few nodes.
    """
    described: type[System] = registry.find("systems", system).value
    if limits.nodes is not None and limits.nodes < described.smallest:
        raise UsageError(f"{system} needs at least {described.smallest} nodes, not {limits.nodes}.")
    try:
        node = mutated(described, bugs)
    except ValueError as error:
        raise UsageError(str(error)) from error
    names = described.workloads if limits.workload is None else (limits.workload,)
    workloads = {name: registry.find("workloads", name, beside=described).value for name in names}
    faults = _faults(described, limits)
    checkers = [registry.find("checkers", name, beside=described).make() for name in described.invariants]
    resolved = {
        name: Resolved(
            system=described,
            node=node,
            workload=workload,
            model=registry.find("models", workload.model, beside=workload).make(),
            faults=faults,
            checkers=checkers,
        )
        for name, workload in workloads.items()
    }
    return Space(system, bugs, limits, described, workloads, faults, resolved)


def _faults(described: type[System], limits: Limits) -> Mapping[str, Fault]:
    """Return the faults that may take part; those that the user named have to fit.

    Raises:
        UsageError: a fault does not exist, or the simulator, the system or its size can't have it.
    """
    names = described.bears if limits.faults is None else limits.faults
    found: dict[str, Fault] = {
        name: registry.find("faults", name, beside=described).make() for name in sorted(set(names))
    }
    for name, fault in found.items():
        check_usable(name, fault, "sim", described)
        if limits.faults is not None and limits.nodes is not None and fault.minimum_nodes > limits.nodes:
            raise UsageError(
                f"The fault {name} needs at least {fault.minimum_nodes} nodes, not {limits.nodes}."
            )
    return found
