"""Drives one run: polls a backend and feeds the interpreter and the nemesis, phase by phase.

    main       operations and planned faults, for the plan's duration
    heal       every fault is ended; operations go on
    recovery   operations go on over a healed cluster, so that its return can be seen
    drain      no new operations; the open ones run to their deadlines
    final      what the workload does once all is quiet, such as last reads

It knows neither processes nor clocks: a backend's `now` and `poll` are all it waits with, so the
same loop will drive a simulated cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from splitbrain.backend import (
    BackendEvent,
    ClientDisconnected,
    ClientMessage,
    ClientUnreachable,
    NodeExited,
)
from splitbrain.runner.interpreter import Retire, SendRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from splitbrain.backend import Backend
    from splitbrain.faults.nemesis import Nemesis
    from splitbrain.generators import Liftable
    from splitbrain.runner.interpreter import Action, Interpreter

SECOND = 1_000_000_000
PROGRESS_INTERVAL = SECOND // 5
"""How often the watcher of a run is told how it goes, in nanoseconds."""

LONGEST_HEAL = 20 * SECOND
"""A heal that takes longer than this is reported as one that failed."""

LONGEST_FINAL = 30 * SECOND
"""How long a workload's final operations may go on."""

LONGEST_SLEEP = SECOND // 20
"""The longest wait in one poll: an interrupt is noticed within it. A backend whose time is not real says so
by an attribute `longest_sleep` of its own: nanoseconds, or None for no bound."""

NEVER = 1 << 63

CLIENT_NEWS = (ClientMessage, ClientUnreachable, ClientDisconnected)


class Watcher(Protocol):
    """Whoever wants to see how a run goes; called a few times a second."""

    def __call__(self, phase: str, now: int, interpreter: Interpreter, nemesis: Nemesis) -> None:
        """Take note of the run's state."""
        ...


@dataclass(frozen=True)
class Course:
    """How a run went, apart from its history: crashes, and whether it was cut short."""

    exits: Sequence[NodeExited]
    interrupted: bool
    remarks: Sequence[str]
    ended: int
    """When it ended, in nanoseconds since the run began."""


def drive(
    backend: Backend,
    interpreter: Interpreter,
    nemesis: Nemesis,
    *,
    duration: int,
    recovery: int,
    final: Liftable,
    interrupted: Callable[[], bool],
    watch: Watcher,
    patience: int = 0,
    served: Callable[[int], bool] | None = None,
    fail_fast: bool = False,
) -> Course:
    """Run all phases (durations in nanoseconds) and return how it went. The backend stays open.

    With `served` the recovery phase goes on until that says that the system serves again, but no
    longer than `patience`. With `fail_fast` a node that ends by itself ends the run as an interrupt does.
    """
    run = _Run(backend, interpreter, nemesis, interrupted, watch, fail_fast=fail_fast)
    run.phase("main", lambda now: now >= duration, by=(duration,))
    heal_by = backend.now() + LONGEST_HEAL
    nemesis.heal_all(backend.now())
    run.phase("heal", lambda now: nemesis.settled or now >= heal_by, by=(heal_by,), stop_early=False)
    if not nemesis.settled:
        run.remarks.append(f"The final heal had not settled after {LONGEST_HEAL // SECOND} s.")
    healed = backend.now()
    give_up = healed + max(recovery, patience)
    run.phase(
        "recovery",
        lambda now: now >= healed + recovery and (served is None or served(now) or now >= give_up),
        by=(healed + recovery, give_up),
    )
    interpreter.stop()
    run.quiet("drain")
    if final is not None and not run.cut_short:
        interpreter.go_on(final)
        run.quiet("final", longest=LONGEST_FINAL)
    run.act(interpreter.abandon(backend.now()))
    return Course(tuple(run.exits), run.cut_short, tuple(run.remarks), backend.now())


class _Run:
    """The loop's own state: what it polls, and what it saw on the way."""

    def __init__(
        self,
        backend: Backend,
        interpreter: Interpreter,
        nemesis: Nemesis,
        interrupted: Callable[[], bool],
        watch: Watcher,
        *,
        fail_fast: bool,
    ) -> None:
        self.backend = backend
        self.interpreter = interpreter
        self.nemesis = nemesis
        self.interrupted = interrupted
        self.watch = watch
        self.fail_fast = fail_fast
        self.exits: list[NodeExited] = []
        self.remarks: list[str] = []
        self.next_progress = 0
        longest: int | None = getattr(backend, "longest_sleep", LONGEST_SLEEP)
        self.longest_sleep = NEVER if longest is None else longest

    @property
    def cut_short(self) -> bool:
        """Whether the run is to end before its time."""
        return self.interrupted() or (self.fail_fast and bool(self.exits))

    def phase(
        self, name: str, ended: Callable[[int], bool], *, by: Sequence[int], stop_early: bool = True
    ) -> None:
        """Go on until `ended(now)`, or until an interrupt where the phase may be cut short.

        `by` are the instants, in order, at which time alone may end it.
        """
        backend, interpreter, nemesis = self.backend, self.interpreter, self.nemesis
        while not (stop_early and self.cut_short):
            now = backend.now()
            if ended(now):
                return
            if now >= self.next_progress:
                self.watch(name, now, interpreter, nemesis)
                self.next_progress = now + PROGRESS_INTERVAL
            nemesis.advance(now)
            actions = interpreter.advance(now)
            if actions:
                self.act(actions)
            for event in backend.poll(self._wake(now, by)):
                self._deliver(event)

    def quiet(self, name: str, longest: int = 0) -> None:
        """Go on until no operation is open: for `longest`, and then for as long as one may take."""
        stop_at = self.backend.now() + longest
        drain_by = stop_at + self.interpreter.timeout + SECOND
        self.phase(name, lambda now: self.interpreter.done or now >= stop_at, by=(stop_at,))
        self.interpreter.stop()
        self.phase("drain", lambda now: self.interpreter.done or now >= drain_by, by=(drain_by,))

    def act(self, actions: Iterable[Action]) -> None:
        """Carry out what the interpreter asks for."""
        for action in actions:
            if isinstance(action, SendRequest):
                self.backend.send(action.client, action.dest, action.body)
            elif isinstance(action, Retire):
                self.backend.retire(action.client)

    def _wake(self, now: int, by: Sequence[int]) -> int:
        """Return until when to wait at most: something is due, or the phase over, or the longest sleep."""
        wake = now + self.longest_sleep
        for time in (self.interpreter.next_wake(now), self.nemesis.next_wake()):
            if time is not None and time < wake:
                wake = time
        for instant in by:
            if now < instant < wake:
                wake = instant
        return wake

    def _deliver(self, event: BackendEvent) -> None:
        now = self.backend.now()
        if isinstance(event, CLIENT_NEWS):
            self.act(self.interpreter.deliver(event, now))
            return
        if isinstance(event, NodeExited):
            self.exits.append(event)
        self.nemesis.deliver(event, now)
