"""What surrounds the simulated nodes when nothing is broken: latencies, disks, clocks. Plain data.

Times are nanoseconds, probabilities are shares of 1. `CALM` has no chance in it at all: every message
takes a millisecond, every sync half of one. What a run adds to it is spelled out as deviations.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from splitbrain.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

MILLISECOND = 1_000_000


@dataclass(frozen=True)
class Network:
    """How messages travel. A message takes `latency` and up to `spread` more, uniformly.

    A share `tail` of them takes `tail_latency` on top. `loss`, `duplicate` and `reorder` are the shares
    that are lost, delivered twice, and allowed to overtake or be overtaken; all others keep the
    order of their link. Messages from and to clients are neither doubled nor reordered.
    """

    latency: int = MILLISECOND
    spread: int = 0
    tail: float = 0.0
    tail_latency: int = 0
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0


@dataclass(frozen=True)
class Disk:
    """How long a sync takes: `sync` and up to `spread` more, uniformly."""

    sync: int = MILLISECOND // 2
    spread: int = 0


@dataclass(frozen=True)
class Environment:
    """Network, disks, clock rates by node (1 where none is given), and how long a node takes to boot."""

    network: Network = field(default_factory=Network)
    disk: Disk = field(default_factory=Disk)
    rates: Mapping[str, float] = field(default_factory=dict)
    boot: int = 20 * MILLISECOND

    def to_json(self) -> dict[str, Any]:
        """Return the environment as it stands in a case."""
        return asdict(self)


CALM = Environment()


def environment_from_json(document: Any) -> Environment:
    """Build an environment from its JSON form.

    Raises:
        UsageError: a field is unknown or of the wrong type.
    """
    if not isinstance(document, dict):
        raise UsageError("`environment` must be an object.")
    known = {"network", "disk", "rates", "boot"}
    unknown = sorted(set(document) - known)
    if unknown:
        raise UsageError(f"`environment` has an unknown field {unknown[0]!r}.")
    rates = document.get("rates", {})
    if not isinstance(rates, dict) or not all(isinstance(rate, int | float) for rate in rates.values()):
        raise UsageError("`environment.rates` must map nodes to numbers.")
    boot = document.get("boot", CALM.boot)
    if not isinstance(boot, int) or boot < 0:
        raise UsageError(f"`environment.boot` must be nanoseconds, not {boot!r}.")
    return Environment(
        network=Network(**_numbers(Network, document.get("network", {}), "network")),
        disk=Disk(**_numbers(Disk, document.get("disk", {}), "disk")),
        rates={name: float(rate) for name, rate in rates.items()},
        boot=boot,
    )


def _numbers(kind: type[Network | Disk], document: Any, where: str) -> dict[str, Any]:
    names = {each.name: type(each.default) for each in fields(kind)}
    if not isinstance(document, dict):
        raise UsageError(f"`environment.{where}` must be an object.")
    for name, value in document.items():
        if name not in names:
            raise UsageError(f"`environment.{where}` has an unknown field {name!r}.")
        wanted = (int, float) if names[name] is float else int
        if not isinstance(value, wanted) or isinstance(value, bool) or value < 0:
            raise UsageError(f"`environment.{where}.{name}` must be a number of at least 0, not {value!r}.")
    return document
