"""What a model is: the sequential behaviour that a history is compared with.

A model of one's own is a subclass with a name, an initial state and `step`:

    class Counter(Model):
        name = "counter"
        summary = "a number: add n, read"
        functions = ("add", "read")
        initial = 0
        observers = frozenset({"read"})

        def step(self, state, call):
            if call.f == "add":
                return state + call.value
            return state if call.result == state else ILLEGAL

States are any hashable or JSON values and are never changed in place. Everything else here has a
default and exists to make checking faster or its messages better; none of it can change a verdict if
it tells the truth, and the configuration graph stops with `ModelError` when `observers` doesn't.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Protocol

from splitbrain.checkers.values import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence


class _Mark:
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


ILLEGAL: Final = _Mark("ILLEGAL")
"""What `step` returns when the call could not have gone that way in that state."""

NOTHING: Final = _Mark("NOTHING")
"""In an `Access`: the call doesn't do this."""


class ModelMismatch(Exception):  # noqa: N818 - a mismatch is the caller's mistake, named as the contract names it
    """The model doesn't fit the history: one sentence with the operation's position and what would fit."""


class ModelError(Exception):
    """A model contradicts itself: one of its `observers` changed the state."""


class Call(NamedTuple):
    """One operation as a model sees it.

    `known` is False for an operation that never returned, whose `result` means nothing then.
    `applied` is False for one that returned a negative result, such as a cas that compared unequal.
    `process` is who called, and None unless the model looks at it (`by_process`). `key` is the identity of
    the operation's key, and None where each key is an object of its own.
    """

    f: str
    value: Any = None
    result: Any = None
    known: bool = True
    applied: bool = True
    process: int | None = None
    key: Hashable | None = None


class Access(NamedTuple):
    """A call seen as an access to one register: its three fields say everything about it.

    The call is legal exactly in the states that are `reads` (if given) and are not `differs` (if
    given), and leaves `writes` (if given) or else the state it found.
    """

    reads: Any = NOTHING
    writes: Any = NOTHING
    differs: Any = NOTHING


class Lens(Protocol):
    """What the calls of one key can't tell apart: a way to make many states one."""

    def state(self, state: Any) -> Any:
        """Return the one state that stands for all those which no call of the key tells from this one."""
        ...

    def call(self, call: Call) -> Hashable:
        """Return an identity; calls with equal ones lead from each state to states that look the same."""
        ...

    def hides(self, calls: Sequence[Call], origins: Iterable[Any]) -> Sequence[bool]:
        """Tell of each call that isn't one of the key's whether a history may lose it.

        That is so if the call leads from each state to one in which no call of the key that reads or
        compares is legal, which only an overwrite ends, and all the others are legal without it as well.
        `origins` are the values with which the history begins, or which any call overwrites with.
        """
        ...


class Model:
    """The base of all models. An instance holds no state: `step` is a function."""

    name: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    functions: ClassVar[tuple[str, ...]] = ()
    """The names of the operations it knows; empty means any."""
    initial: Any = None
    observers: frozenset[str] = frozenset()
    """Names of operations that never change the state, whatever they return."""
    by_key: ClassVar[bool] = True
    """Whether an operation's key names an object of its own, so that keys can be checked one by one."""
    keys_within: ClassVar[bool] = False
    """Whether keys are places in the one object, where they aren't objects of their own (`keyed=False`)."""
    by_process: ClassVar[bool] = False
    """Whether it matters which process calls, as to a lock."""
    discipline: ClassVar[str] = ""
    """The data type, if a polynomial lane knows it (`lanes/names.py` lists them)."""

    def starting(self, initial: Any) -> tuple[Model, Any]:
        """Return the model of histories that begin with `initial`, and that state in the model's own form.

        The model is itself, unless the beginning changes which calls are observers.

        Raises:
            ModelMismatch: the object can't be in that state.
        """
        return self, initial

    def partition(self, call: Call) -> Hashable | None:
        """Name the part of the object that the call is about, or return None if that is the whole of it.

        Parts are checked one by one, as keys are. So either no call is about the whole or all are, and no
        call sees or changes another part than its own.
        """
        del call
        return None

    def step(self, state: Any, call: Call) -> Any:
        """Return the state after `call`, or `ILLEGAL`. Of a crashed call (not `known`) any result will do."""
        raise NotImplementedError

    def complaint(self, call: Call) -> str | None:
        """Say what is wrong with the shape of a call ("has no ..."), or None if it fits."""
        if self.functions and call.f not in self.functions:
            return f"is not one of {', '.join(self.functions)}"
        return None

    def is_observer(self, call: Call) -> bool:
        """Tell whether the call, with its recorded result, changes no state in which it is legal."""
        return call.f in self.observers

    def access(self, call: Call) -> Access | None:
        """Describe the call as an access to one register, or None if it is more than that.

        Registers with unique values are decided in n log n; a model that answers None for some call
        of a key sends that key to the configuration graph.
        """
        del call
        return None

    def lens(self, calls: Iterable[Call]) -> Lens | None:
        """Return what the given calls, the distinct ones of a key, can't tell apart, or None."""
        del calls
        return None

    def loosen(self, call: Call) -> Call:
        """Return the call with null reads legal in any state (`nil_reads="any"`, as Knossos reads logs)."""
        if call.f in self.observers and call.known and call.result is None:
            return call._replace(result=ANYTHING)
        return call
