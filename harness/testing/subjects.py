"""What a test is about: a system, a node class or a name, and under which references they are lent.

Cases name their system, so that a replay file can find it again: "/path/test_mine.py:MyNode". Inside the
test the class itself stands for that name. A class inside a function has a name that only the test can
resolve; a replay file of it is replayed by `replay(path, MyNode)`.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitbrain import registry
from splitbrain.errors import UsageError
from splitbrain.systems.bare import system_of
from splitbrain.systems.client import SessionClient
from splitbrain.systems.contract import Node
from splitbrain.systems.description import System

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from splitbrain.systems.contract import Client


@dataclass(frozen=True)
class Subject:
    """The name of what is tested, the classes to lend for it, and whether other processes find it too."""

    name: str
    system: type[System]
    lent: Mapping[tuple[str, str], type]
    findable: bool


def subject_of(tested: Any, client: type[Client] | None = None) -> Subject:
    """Return what a test is about: a system or a node as a class, or the name of a system.

    Raises:
        UsageError: it is neither a system nor a node, or a client is given for a system, which has its own.
    """
    if isinstance(tested, str):
        if client is not None:
            raise UsageError(f"The system {tested} has a client of its own; leave `client` out.")
        return Subject(tested, registry.find("systems", tested).value, {}, findable=True)
    if not isinstance(tested, type) or not issubclass(tested, (Node, System)):
        raise UsageError(
            f"{tested!r} can't be simulated: a subclass of splitbrain.systems.contract.Node or of "
            "splitbrain.systems.description.System is wanted, or the name of a system."
        )
    if issubclass(tested, Node):
        system = system_of(tested, client or SessionClient)
    elif client is None:
        system = tested
    else:
        raise UsageError(f"The system {tested.__qualname__} has a client of its own; leave `client` out.")
    name, findable = reference(tested)
    return Subject(name, system, {("systems", name): system}, findable and client is None)


def named(kind: str, things: Iterable[str | type]) -> tuple[tuple[str, ...], Mapping[tuple[str, str], type]]:
    """Return the names of things that may be names or classes, and the classes to lend under them."""
    names: list[str] = []
    lent: dict[tuple[str, str], type] = {}
    for thing in things:
        if isinstance(thing, str):
            names.append(thing)
        else:
            name, _ = reference(thing)
            names.append(name)
            lent[kind, name] = thing
    return tuple(names), lent


def reference(value: type) -> tuple[str, bool]:
    """Return the reference of a class, and whether it is one that finds the class in another process.

    A class in a package is named by its module, since its file may import its neighbours, any other by its
    file.
    """
    module = sys.modules.get(value.__module__)
    try:
        file = Path(inspect.getfile(value)).resolve()
    except (TypeError, OSError):
        return f"{value.__module__}:{value.__qualname__}", False
    parent = sys.modules.get(value.__module__.rpartition(".")[0])
    findable = "." not in value.__qualname__ and getattr(module, value.__qualname__, None) is value
    if parent is not None and getattr(parent, "__file__", None):
        return f"{value.__module__}:{value.__qualname__}", findable
    return f"{file}:{value.__qualname__}", findable
