"""Finds what has a name on the command line: ours, an installed plug-in's, or anyone's own file.

Three ways to name a thing of any kind, ours included:

    register                     registered under the entry point group `splitbrain.workloads`
    package.module:Class         importable
    ./mine.py:Class              a file

Files name others in turn: a workload its model, a system its workloads and invariants, a plan its
faults. A relative file in such a name is looked for beside the file of the class, or the plan, that names
it (`beside`).

A class that is at hand already can be lent under its reference (`lending`): then that very class is found
and not a second copy of its file, which is what a test about a class of its own module is about.

Whatever is found was checked to be what it is used as, so that a mistake in it is a sentence before
anything is deployed, and not a traceback afterwards. See docs/extending.md.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from splitbrain.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LENT: ContextVar[Mapping[tuple[str, str], type]] = ContextVar("LENT", default=MappingProxyType({}))
"""Classes by kind and reference, for as long as somebody lends them."""

NODE, BARE = "splitbrain.systems.contract:Node", "splitbrain.systems.bare"
"""A class by itself that can be used as a system, and the module that says as what."""

TEXT = "a text"
TEXTS = "a tuple of texts, not empty"
METHOD = "a method"


@dataclass(frozen=True)
class Kind:
    """What a class of a kind must be: its base, and what the base leaves to it.

    Classes are named, not imported: this module lies below those that define most of them. An
    attribute is a text, several, a method, or a subclass of the class that is named.
    """

    word: str
    base: str | None
    attributes: Mapping[str, str]


KINDS: Mapping[str, Kind] = {
    "systems": Kind(
        "system",
        "splitbrain.systems.description:System",
        {
            "name": TEXT,
            "summary": TEXT,
            "node": NODE,
            "client": "splitbrain.systems.contract:Client",
            "workloads": TEXTS,
        },
    ),
    "workloads": Kind(
        "workload",
        "splitbrain.workloads.base:Workload",
        {"name": TEXT, "summary": TEXT, "model": TEXT, "functions": TEXTS, "generator": METHOD},
    ),
    "models": Kind("model", "splitbrain.checkers.models.base:Model", {"name": TEXT, "step": METHOD}),
    "checkers": Kind("checker", None, {"name": TEXT, "check": METHOD}),
    "faults": Kind(
        "fault",
        "splitbrain.faults.base:Fault",
        {"name": TEXT, "summary": TEXT, "draw": METHOD, "begin": METHOD},
    ),
}


@dataclass(frozen=True)
class Found:
    """A class and where it came from.

    `reference` finds it again from any directory: "module:Class", or "/path/file.py:Class", whose `file`
    it is then.
    """

    name: str
    reference: str
    file: Path | None
    value: Any

    def make(self) -> Any:
        """Build it, without arguments.

        Raises:
            UsageError: its constructor raises, or wants arguments.
        """
        return made(self.value)


def names(kind: str) -> list[str]:
    """List the registered names of a kind, sorted."""
    return sorted({point.name for point in entry_points(group=f"splitbrain.{kind}")})


def find(kind: str, name: str, *, beside: type | Path | None = None) -> Found:
    """Find a class by its registered name, "package.module:Class" or "./file.py:Class".

    Raises:
        UsageError: there is no such thing (the sentence lists the known ones), its file or module can't be
            loaded, or it lacks something that this kind must have (the sentence names it).
    """
    lent = LENT.get().get((kind, name))
    if lent is not None:
        value = _fitting(kind, lent, name)
        return Found(value.name, name, None, value)
    if ":" in name:
        return _from_reference(kind, name, beside)
    word = KINDS[kind].word
    for point in entry_points(group=f"splitbrain.{kind}"):
        if point.name == name:
            try:
                value = point.load()
            except Exception as error:
                raise UsageError(
                    f"The {word} {name!r} is registered as {point.value}, which can't be loaded: "
                    f"{type(error).__name__}: {error}."
                ) from error
            return Found(name, point.value, None, _fitting(kind, value, point.value))
    raise UsageError(
        f"There is no {word} {name!r}; known are {', '.join(names(kind))}, "
        "or one of your own as ./file.py:Class."
    )


@contextmanager
def lending(classes: Mapping[tuple[str, str], type]) -> Iterator[None]:
    """Let `find` find these classes, by kind and reference, until the block ends."""
    token = LENT.set({**LENT.get(), **classes})
    try:
        yield
    finally:
        LENT.reset(token)


def is_ours(value: type) -> bool:
    """Tell whether a class is part of this package."""
    return value.__module__.partition(".")[0] == "splitbrain"


def made(value: Any, *arguments: Any) -> Any:
    """Call a class that may be anyone's own.

    Raises:
        UsageError: its constructor raises, or takes other arguments.
    """
    try:
        return value(*arguments)
    except UsageError:
        raise
    except Exception as error:
        if is_ours(value):
            raise
        raise UsageError(f"{_place(value, error)} can't be built: {_told(error)}.") from error


@contextmanager
def answering_for(value: type) -> Iterator[None]:
    """Turn what the code of anyone's own class raises into a sentence with its file and line.

    What is raised elsewhere passes as it is: a failure of ours must not be blamed on the class.

    Raises:
        UsageError: the class raised something else than one of the project's own errors.
    """
    try:
        yield
    except (UsageError, HarnessError):
        raise
    except (Exception, SystemExit) as error:
        if not is_ours(value) and isinstance(error, TypeError) and str(error).startswith("unhashable type"):
            # It fails where we first compare what the class gave us.
            raise UsageError(
                f"{value.__qualname__} ({_source(value)}) gave us something that can't be compared"
                f" ({error}): use JSON values, tuples, frozensets, or what else can be hashed."
            ) from error
        # A method with the wrong parameters fails before its first line: only the message names it.
        uncallable = isinstance(error, TypeError) and str(error).startswith(f"{value.__qualname__}.")
        if is_ours(value) or not (uncallable or _line(_source(value), error)):
            raise
        raise UsageError(f"{_place(value, error)} raised {_told(error)}.") from error


def _from_reference(kind: str, reference: str, beside: type | Path | None) -> Found:
    place, _, attribute = reference.rpartition(":")
    if place.endswith(".py"):
        path = Path(place).expanduser()
        if beside is not None:
            path = (beside if isinstance(beside, Path) else Path(_source(beside))).parent / path
        path = path.resolve()
        value = _attribute(_module_from_file(kind, path), attribute, reference, kind)
        return Found(value.name, f"{path}:{attribute}", path, value)
    try:
        module = importlib.import_module(place)
    except Exception as error:
        raise UsageError(f"The {KINDS[kind].word} {reference} can't be imported: {_told(error)}.") from error
    value = _attribute(module, attribute, reference, kind)
    return Found(value.name, reference, None, value)


def _module_from_file(kind: str, path: Path) -> Any:
    if not path.is_file():
        raise UsageError(f"The file {path}, named for a {KINDS[kind].word}, does not exist.")
    # A name of its own for each path: a user's `random.py` must not shadow the library's, nor one
    # `mine.py` another.
    name = f"splitbrain_file_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        line = _line(str(path), error)
        where = f"{path}, line {line}," if line else str(path)
        raise UsageError(f"{where} can't be loaded: {_told(error)}.") from error
    return module


def _attribute(module: Any, attribute: str, reference: str, kind: str) -> Any:
    value = getattr(module, attribute, None)
    if not isinstance(value, type):
        raise UsageError(f"{reference} names no class {attribute!r} to use as a {KINDS[kind].word}.")
    if kind == "systems" and _is_a(value, NODE):
        value = importlib.import_module(BARE).system_of(value)
    return _fitting(kind, value, reference)


def _fitting(kind: str, value: Any, reference: str) -> Any:
    """Return the class if it is what its kind must be.

    Raises:
        UsageError: it is not; the sentence says what is missing.
    """
    wanted = KINDS[kind]
    if not isinstance(value, type) or not _is_a(value, wanted.base):
        assert wanted.base is not None
        others = [each.word for each in KINDS.values() if each.base is not None and _is_a(value, each.base)]
        told = f"it is a {others[0]}, and no" if others else "it is no"
        base = wanted.base.replace(":", ".")
        raise UsageError(f"{reference} can't be used as a {wanted.word}: {told} subclass of {base}.")
    for name, form in wanted.attributes.items():
        if not _has(value, name, form, wanted.base):
            shape = form if ":" not in form else f"a subclass of {form.replace(':', '.')}"
            given = _given(value, name)
            raise UsageError(f"The {wanted.word} {reference} needs `{name}`, {shape}{given}.")
    return value


def _given(value: type, name: str) -> str:
    found = getattr(value, name, None)
    return "" if found is None or inspect.isfunction(found) else f", not {found!r}"


def _is_a(value: Any, base: str | None) -> bool:
    return isinstance(value, type) and (base is None or issubclass(value, _class(base)))


def _has(value: type, name: str, form: str, base: str | None) -> bool:
    found = getattr(value, name, None)
    if form == TEXT:
        return isinstance(found, str) and bool(found)
    if form == TEXTS:
        return (
            isinstance(found, tuple) and bool(found) and all(isinstance(each, str) and each for each in found)
        )
    if form == METHOD:
        inherited = getattr(_class(base), name) if base is not None else None
        return callable(found) and found is not inherited
    return _is_a(found, form)


def _class(reference: str) -> type:
    place, _, attribute = reference.partition(":")
    found = getattr(importlib.import_module(place), attribute)
    assert isinstance(found, type)
    return found


def _source(value: type) -> str:
    """Return the file that a class stands in."""
    try:
        return inspect.getfile(value)
    except (TypeError, OSError):
        return f"<{value.__module__}>"


def _line(source: str, error: BaseException) -> int | None:
    """Return the innermost line of a file that an exception passed, or None."""
    if isinstance(error, SyntaxError) and error.filename == source:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == source), None)


def _place(value: type, error: BaseException) -> str:
    source = _source(value)
    line = _line(source, error)
    return f"{value.__qualname__} ({source}, line {line})" if line else f"{value.__qualname__} ({source})"


def _told(error: BaseException) -> str:
    """Name an exception on one line."""
    message = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
