"""Configurations: which servers make up the cluster (Ongaro's thesis, chapter 4).

A configuration is an entry of the log like any other, with the command `{"members": [name, ...]}`, and
it takes effect as soon as it is in a server's log. So the log itself knows which one counts: the
newest that it holds, or else the one that it began with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..contract import Json


@dataclass(frozen=True, slots=True)
class Configuration:
    """The members, and the index and term of the entry that made them so (0 and 0 at first)."""

    index: int
    term: int
    members: tuple[str, ...]


def initial_configuration(members: Iterable[str]) -> Configuration:
    """Return the configuration of a cluster that was never changed."""
    return Configuration(0, 0, tuple(sorted(members)))


def configuration_command(members: Iterable[str]) -> dict[str, Json]:
    """Return the command of an entry that makes these servers the members (thesis 4.1)."""
    return {"members": sorted(members)}


def is_configuration(command: Json) -> bool:
    """Tell whether a command is a configuration; others are lists, or null."""
    return type(command) is dict
