"""Locks: who may acquire one, who may release it, and what a token proves.

A lock goes by the process that calls. A crashed operation ends its process in our own histories: whoever
goes on has another number, and so a crashed acquire that took effect leaves a lock that nobody but a
crashed release of the same process frees. Foreign histories go on under the old number, and then the same
process may hold the lock through an acquire that it never heard of, and release it.

`mutex` is what the field checks by that name (Knossos): free or held, and whoever releases it frees it.
Where every process alternates acquire and release, beginning with acquire, `owned-mutex` accepts exactly
the same histories: in both, two processes can't be sure at one time that they hold the lock, and if none
ever are, each can hold it from the return of its acquire to the invocation of its release.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from splitbrain.checkers.models.base import ILLEGAL, Access, Call, Model, ModelMismatch
from splitbrain.checkers.models.register import apply
from splitbrain.checkers.models.shapes import is_integer, unapplied_complaint
from splitbrain.checkers.values import show

FREE: Final = "free"
"""The state in which every lock begins; an initial state of null means this one."""
HELD: Final = "held"


class Mutex(Model):
    """Free or held. An acquire may return anything; who releases doesn't matter."""

    name: ClassVar[str] = "mutex"
    summary: ClassVar[str] = "a lock that anyone releases, as Knossos has it: acquire, release"
    functions: ClassVar[tuple[str, ...]] = ("acquire", "release")
    initial: Any = FREE
    by_process: ClassVar[bool] = True
    discipline: ClassVar[str] = "mutex"
    beginnings: ClassVar[tuple[str, ...]] = (FREE, HELD)

    def complaint(self, call: Call) -> str | None:
        """Refuse what says that it wasn't applied: an acquire that didn't get the lock is a fail."""
        return super().complaint(call) or unapplied_complaint(call)

    def starting(self, initial: Any) -> tuple[Model, Any]:
        """Ask for a known state."""
        if initial is not None and initial not in self.beginnings:
            known = " or ".join(self.beginnings)
            raise ModelMismatch(
                f"The model {self.name} can't begin with {show(initial)}: it is {known} at first."
            )
        return self, initial or FREE

    def access(self, call: Call) -> Access | None:
        """Describe the lock as a register: to acquire it is a cas from free."""
        held = self.held_by(call)
        return Access(FREE, held) if call.f == "acquire" else Access(held, FREE)

    def held_by(self, call: Call) -> Any:
        """Return the state in which the caller holds the lock."""
        del call
        return HELD

    def step(self, state: Any, call: Call) -> Any:
        """Return the lock afterwards."""
        access = self.access(call)
        assert access is not None
        return apply(access, state)


class OwnedMutex(Mutex):
    """Free, or held by the process that acquired it, which alone can release it."""

    name: ClassVar[str] = "owned-mutex"
    summary: ClassVar[str] = "a lock that only its holder releases: acquire, release"
    beginnings: ClassVar[tuple[str, ...]] = (FREE,)

    def held_by(self, call: Call) -> Any:
        """Return the state in which the caller holds the lock."""
        return {"holder": call.process}


class ReentrantLock(OwnedMutex):
    """Its holder may acquire it again, and must release it as often."""

    name: ClassVar[str] = "reentrant-lock"
    summary: ClassVar[str] = "a lock that its holder may acquire again: acquire, release"
    discipline: ClassVar[str] = ""

    def access(self, call: Call) -> Access | None:
        """Return None: how often it was acquired matters."""
        del call
        return None

    def step(self, state: Any, call: Call) -> Any:
        """Return the lock afterwards."""
        held: dict[str, Any] = {"holder": call.process, "count": 0} if state == FREE else state
        if held["holder"] != call.process:
            return _refused(state, call)
        count = held["count"] + (1 if call.f == "acquire" else -1)
        if count < 0:
            return _refused(state, call)
        return {"holder": call.process, "count": count} if count else FREE


class FencedLock(OwnedMutex):
    """Each acquire returns a token, a whole number greater than all before; only the holder releases.

    Of a crashed acquire, or one that returned null, the token is unknown. It is taken to be the least
    possible one: the smaller the last token, the more is still possible.
    """

    name: ClassVar[str] = "fenced-lock"
    summary: ClassVar[str] = "a lock with tokens that increase: acquire -> token, release"
    discipline: ClassVar[str] = ""

    def complaint(self, call: Call) -> str | None:
        """Ask for tokens that are whole numbers or null."""
        problem = super().complaint(call)
        if problem is None and call.f == "acquire" and not (call.result is None or is_integer(call.result)):
            return f"needs a whole number or null as its token, not {show(call.result)}"
        return problem

    def access(self, call: Call) -> Access | None:
        """Return None: the tokens matter."""
        del call
        return None

    def step(self, state: Any, call: Call) -> Any:
        """Return the lock afterwards."""
        lock: dict[str, Any] = {"holder": None, "token": None} if state == FREE else state
        holder, last = lock["holder"], lock["token"]
        if call.f == "release":
            return {"holder": None, "token": last} if holder == call.process else _refused(state, call)
        if holder is not None:
            return _refused(state, call)
        if not call.known or call.result is None:
            return {"holder": call.process, "token": None if last is None else last + 1}
        if last is not None and call.result <= last:
            return ILLEGAL
        return {"holder": call.process, "token": call.result}


def _refused(state: Any, call: Call) -> Any:
    """Return what follows from a call that couldn't have its effect: it didn't complete."""
    return ILLEGAL if call.known else state
