"""The first line that a node reads: who it is, whom it talks to, and which class it runs."""

from __future__ import annotations

import importlib
import sys
import zipimport
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from ..bare import system_of
from ..contract import Node
from ..description import System, mutated
from .wire import GarbageError, decode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from ..contract import Json

EXTENSIONS = "extensions"
"""The folder of the archive that holds a user's own system: apart, so that no name in it shadows ours."""


class ConfigError(Exception):
    """The configuration can't be used; the text is a sentence that says why."""


@dataclass(frozen=True)
class Config:
    """What one life of one node needs to know. `seed` feeds its randomness; `host` is where it listens."""

    name: str
    peers: Mapping[str, tuple[str, int]]
    settings: Mapping[str, Json]
    system: str
    bugs: tuple[str, ...]
    seed: int
    token: str
    directory: Path
    watch: frozenset[str]
    host: str = "127.0.0.1"


def read_config(line: bytes) -> Config:
    """Read the configuration line.

    Raises:
        ConfigError: it is not one; the sentence names what is wrong.
    """
    try:
        document = decode(line)["config"]
        return Config(
            name=str(document["name"]),
            peers={
                peer: (str(address[0]), int(address[1]))
                for peer, address in document.get("peers", {}).items()
                if peer != document["name"]
            },
            settings=dict(document.get("settings", {})),
            system=str(document["system"]),
            bugs=tuple(document.get("bugs", ())),
            seed=int(document.get("seed", 0)),
            token=str(document["token"]),
            directory=Path(document["directory"]),
            watch=frozenset(document.get("watch", ())),
            host=str(document.get("host", "127.0.0.1")),
        )
    except KeyError as error:
        raise ConfigError(f"The configuration line lacks {error}.") from error
    except (GarbageError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ConfigError(f"The configuration line can't be read: {error}.") from error


def load_system(name: str) -> type[System]:
    """Return the system class named "module:Class" or "file.py:Class"; of a node class, what it is by itself.

    Raises:
        ConfigError: there is no such module, file or class, or it is not a `System`.
    """
    source, _, attribute = name.rpartition(":")
    if not source or not attribute:
        raise ConfigError(f"The system {name!r} is not of the form module:Class or file.py:Class.")
    try:
        module = _load_file(source) if source.endswith(".py") else importlib.import_module(source)
        found = getattr(module, attribute)
    except (ImportError, OSError) as error:
        raise ConfigError(f"The system {name} can't be loaded: {error}.") from error
    except AttributeError as error:
        raise ConfigError(f"The system {name} can't be loaded: {source} has no {attribute}.") from error
    if isinstance(found, type) and issubclass(found, Node):
        found = system_of(found)
    if not (isinstance(found, type) and issubclass(found, System)):
        raise ConfigError(f"The system {name} is not a subclass of splitbrain.systems.description.System.")
    return found


def build_node(config: Config, names: Sequence[str]) -> tuple[Node, Mapping[str, Json]]:
    """Return the node that the configuration asks for, bugs included, and its whole settings.

    Raises:
        ConfigError: the system or one of the bugs is not there.
    """
    system = load_system(config.system)
    settings = {**system.settings, **config.settings}
    try:
        node = mutated(system, config.bugs)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return node(config.name, names, settings), settings


def _load_file(source: str) -> ModuleType:
    """Load a user's file from the archive, or from disk where there is no archive."""
    archive = Path(sys.path[0])
    # Under one name everywhere, since dataclasses look their module up by it.
    name = f"{EXTENSIONS}.{Path(source).stem}"
    if archive.is_file():
        spec = zipimport.zipimporter(str(archive / EXTENSIONS)).find_spec(name)
    else:
        spec = spec_from_file_location(name, source)
    if spec is None or spec.loader is None:
        raise ImportError(f"there is no file {source}")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
