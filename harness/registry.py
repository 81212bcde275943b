"""Finds what has a name on the command line: ours, an installed plug-in's, or anyone's own file.

Three ways to name a thing of any kind, ours included:

    register                     registered under the entry point group `splitbrain.workloads`
    package.module:Class         importable
    ./mine.py:Class              a file
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from splitbrain.errors import UsageError

KINDS = ("systems", "workloads", "models", "checkers", "faults")


@dataclass(frozen=True)
class Found:
    """A class and where it came from: `reference` is "module:Class" or "file.py:Class"."""

    name: str
    reference: str
    file: Path | None
    value: Any


def names(kind: str) -> list[str]:
    """List the registered names of a kind, sorted."""
    return sorted({point.name for point in entry_points(group=f"splitbrain.{kind}")})


def find(kind: str, name: str) -> Found:
    """Find a class by its registered name, "package.module:Class" or "./file.py:Class".

    Raises:
        UsageError: there is no such thing; the sentence lists the known ones.
    """
    if ":" in name:
        return _from_reference(kind, name)
    for point in entry_points(group=f"splitbrain.{kind}"):
        if point.name == name:
            return Found(name, point.value, None, point.load())
    raise UsageError(
        f"There is no {kind[:-1]} {name!r}; known are {', '.join(names(kind))}, "
        "or one of your own as ./file.py:Class."
    )


def _from_reference(kind: str, reference: str) -> Found:
    place, _, attribute = reference.rpartition(":")
    if place.endswith(".py"):
        path = Path(place)
        value = _attribute(_module_from_file(kind, path), attribute, reference, kind)
        return Found(getattr(value, "name", attribute), f"{path.resolve()}:{attribute}", path.resolve(), value)
    try:
        module = importlib.import_module(place)
    except ImportError as error:
        raise UsageError(f"The {kind[:-1]} {reference} can't be imported: {error}.") from error
    value = _attribute(module, attribute, reference, kind)
    return Found(getattr(value, "name", attribute), reference, None, value)


def _module_from_file(kind: str, path: Path) -> Any:
    if not path.is_file():
        raise UsageError(f"The file {path}, named for a {kind[:-1]}, does not exist.")
    # A name of its own: a user's `random.py` must not shadow the library's.
    spec = importlib.util.spec_from_file_location(f"splitbrain_file_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"{path} can't be loaded: {type(error).__name__}: {error}.") from error
    return module


def _attribute(module: Any, attribute: str, reference: str, kind: str) -> Any:
    value = getattr(module, attribute, None)
    if not isinstance(value, type):
        raise UsageError(f"{reference} names no class {attribute!r} to use as a {kind[:-1]}.")
    return value
