"""Runs a generator against clients and records what happened: no sockets, no clock, no threads.

Whoever drives it tells it the time and what arrived; it returns what to send. A process cluster and
a simulated one are driven by the same code. The rules that make the recorded history mean something:

1. The invocation's line is in the journal before its request is handed out, and the completion's
   line is written after the reply came in. So the interval between the two lines contains the
   operation's effect, and two operations whose lines don't overlap really happened in that order.
2. Thread i is process i at first and prefers node i mod n. An operation that ends as info may
   still take effect, so its process never invokes again: the thread goes on as process +
   concurrency, with a new client session under a new name, and nothing that still arrives for the
   old name is listened to.
3. What isn't understood is info, never fail: a client that raises, an outcome that is no outcome,
   an operation still open at its deadline after its client had the chance to end it.
4. A session hears of the world only while its operation is open; its timers end with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from splitbrain.backend import ClientDisconnected, ClientMessage, ClientUnreachable
from splitbrain.errors import HarnessError, UsageError
from splitbrain.generators.base import Completion, Context, Generator, Invocation, Liftable, Pending, lift
from splitbrain.generators.streams import WORD, advance, draw
from splitbrain.runner.sessions import NEVER, Session, Sessions
from splitbrain.systems.contract import (
    CancelTimer,
    Complete,
    Disconnected,
    Invoke,
    Received,
    Send,
    SetTimer,
    TimerFired,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from splitbrain.systems.contract import Client, ClientEvent

NEMESIS = "nemesis"
"""The process of the lines that tell of faults."""

OUTCOMES = frozenset({"ok", "fail", "info"})


class Recorder(Protocol):
    """What the interpreter needs of a journal."""

    def append(self, line: Mapping[str, Any], /) -> int:
        """Append a line so that it survives this process, and return its position."""
        ...


class SendRequest(NamedTuple):
    """Send `body` to node `dest` on the connection of the session named `client`."""

    client: str
    dest: str
    body: Mapping[str, Any]


class Retire(NamedTuple):
    """The session of that name will not be heard of again: close its connections."""

    client: str


Action: TypeAlias = SendRequest | Retire
ClientNews: TypeAlias = ClientMessage | ClientUnreachable | ClientDisconnected


class Interpreter:
    """Asks a generator for operations, has clients perform them, journals both ends.

    Args:
        generator: what to do; anything that `splitbrain.generators.lift` takes.
        concurrency: how many threads, each with one operation open at most.
        nodes: the names of the nodes, for preferences.
        client: makes the session of that name, which prefers that node.
        journal: where the history goes.
        timeout: nanoseconds after which an operation's outcome is given up.
        seed: decides which free thread is next.
    """

    def __init__(
        self,
        generator: Liftable,
        *,
        concurrency: int,
        nodes: Sequence[str],
        client: Callable[[str, str], Client],
        journal: Recorder,
        timeout: int,
        seed: int = 0,
    ) -> None:
        self.concurrency = concurrency
        self.timeout = timeout
        self.remarks: list[str] = []
        """What went wrong in the harness itself or in a client's code: sentences."""
        self.discarded = 0
        """Replies and broken connections that arrived when no operation was waiting for them."""
        self.counts: dict[str, dict[str, int]] = {}
        """Outcomes by function: {"read": {"ok": 3, "fail": 0, "info": 1}}."""
        self._generator: Generator = lift(generator)
        self._sessions = Sessions(concurrency, nodes, client)
        self._append = journal.append
        self._index = 0
        self._everyone = self._free = (1 << concurrency) - 1
        self._stream = seed & WORD
        self._exhausted = False
        self._ask_at = 0
        self._timer_at = NEVER  # never later than the first timer or deadline; it may be earlier

    # What has happened so far.

    @property
    def ok(self) -> int:
        """How many operations ended ok."""
        return sum(counts["ok"] for counts in self.counts.values())

    @property
    def fail(self) -> int:
        """How many operations definitely did not happen."""
        return sum(counts["fail"] for counts in self.counts.values())

    @property
    def info(self) -> int:
        """How many operations ended in doubt."""
        return sum(counts["info"] for counts in self.counts.values())

    @property
    def open_operations(self) -> tuple[Invocation, ...]:
        """The operations that have not ended, by thread."""
        return tuple(each.invocation for each in self._sessions.open if each.invocation is not None)

    @property
    def done(self) -> bool:
        """Whether no operation is open and none will be."""
        return self._exhausted and self._free == self._everyone

    def next_wake(self, now: int) -> int | None:
        """Return when `advance` is wanted again, if nothing arrives; None is never.

        Never later than there is something to do; it may be earlier, by a timer that is gone.
        """
        wake = self._timer_at
        if self._free and not self._exhausted and self._ask_at < wake:
            wake = self._ask_at
        return None if wake == NEVER else max(now, wake)

    # What a driver calls.

    def advance(self, now: int) -> list[Action]:
        """Fire what is due and begin what the generator wants now.

        It begins at most `concurrency` operations, so that clients that answer at once don't keep
        it from returning; `next_wake` is `now` if there is more to do.

        Raises:
            HarnessError: the generator failed, or waits for something that can't happen.
            OSError: the journal can't be written.
        """
        actions: list[Action] = []
        if now < self._timer_at and (now < self._ask_at or not self._free):
            return actions
        if now >= self._timer_at:
            self._fire(now, actions)
        for _ in range(self.concurrency):
            if not self._free or self._exhausted or now < self._ask_at:
                break
            self._ask(now, actions)
        return actions

    def deliver(self, event: ClientNews, now: int) -> list[Action]:
        """Pass on what arrived for a client session; `advance` comes next.

        Raises:
            OSError: the journal can't be written.
        """
        session = self._sessions.named(event.client)
        if session is None or session.invocation is None:
            self.discarded += 1
            return []
        told: ClientEvent
        if isinstance(event, ClientMessage):
            told = Received(event.src, event.body)
        elif isinstance(event, ClientUnreachable):
            told = Unreachable(event.node, event.msg_id)
        else:
            told = Disconnected(event.node)
        actions: list[Action] = []
        self._step(session, told, now, actions)
        return actions

    def stop(self) -> None:
        """Begin no new operations; the open ones go on to their deadlines."""
        self._exhausted = True

    def go_on(self, generator: Liftable) -> None:
        """Begin operations again, from another generator: the workload's last words, say."""
        self._generator = lift(generator)
        self._exhausted = False
        self._ask_at = 0

    def abandon(self, now: int) -> list[Action]:
        """Begin no new operations and end the open ones as info.

        Raises:
            OSError: the journal can't be written.
        """
        self.stop()
        actions: list[Action] = []
        for session in self._sessions.open:
            self._complete(session, Complete("info", error="abandoned at the end of the run"), now, actions)
        return actions

    def record_nemesis(self, f: str, value: Any, now: int) -> int:
        """Journal a line that tells of a fault, and return its position.

        Raises:
            OSError: the journal can't be written.
        """
        return self._record({"time": now, "process": NEMESIS, "type": "info", "f": f, "value": value})

    def _record(self, line: dict[str, Any]) -> int:
        position = self._append({"index": self._index, **line})
        self._index = position + 1
        return position

    # From the generator to the client.

    def _ask(self, now: int, actions: list[Action]) -> None:
        """Ask the generator once and begin what it answers."""
        self._stream = advance(self._stream)
        context = Context(now, self._free, self._everyone, self._sessions.processes, draw(self._stream))
        try:
            answer, self._generator = self._generator.op(context)
        except Exception as error:
            raise _generator_failed(error) from error
        if isinstance(answer, Invocation):
            self._begin(answer, now, actions)
        elif answer is None:
            self._exhausted = True
        elif not isinstance(answer, Pending):
            raise HarnessError(f"The workload's generator answered {answer!r}, which is no operation.")
        else:
            self._ask_at = NEVER if answer.until is None else max(answer.until, now + 1)
            if answer.until is None and self._free == self._everyone:
                raise HarnessError(
                    "The workload's generator waits for an operation to end, but none is open: "
                    "it would wait forever."
                )

    def _begin(self, invocation: Invocation, now: int, actions: list[Action]) -> None:
        session = self._sessions.of(invocation.process)
        if session.process != invocation.process or session.invocation is not None:
            raise HarnessError(
                f"The workload's generator asked for process {invocation.process}, which is not free."
            )
        self._free &= ~(1 << session.thread)
        try:
            self._record(_line(invocation, "invoke", invocation.value, now))
        except (TypeError, ValueError) as error:
            raise HarnessError(
                f"The workload's operation {invocation!r} can't be recorded: {error}."
            ) from error
        self._tell(invocation, now)
        session.invocation = invocation
        session.deadline = deadline = now + self.timeout
        self._timer_at = min(self._timer_at, deadline)
        self._step(session, Invoke(invocation.f, invocation.key, invocation.value, deadline), now, actions)

    def _tell(self, event: Invocation | Completion, now: int) -> None:
        """Tell the generator what happened; it may know more to do now."""
        context = Context(now, self._free, self._everyone, self._sessions.processes)
        try:
            self._generator = self._generator.update(context, event)
        except Exception as error:
            raise _generator_failed(error) from error
        self._ask_at = 0

    # From the client to the outside.

    def _step(self, session: Session, event: ClientEvent, now: int, actions: list[Action]) -> None:
        """Have a client take an event, and carry out what it wants, in order."""
        try:
            effects: tuple[object, ...] = tuple(session.client.step(event, now))
        except Exception as error:  # noqa: BLE001  anyone's client: whatever it raises leaves the operation in doubt
            sentence = f"the client raised {type(error).__name__}: {error}"
            self.remarks.append(f"Session {session.name}: {sentence}.")
            self._complete(session, Complete("info", error=sentence), now, actions)
            return
        for effect in effects:
            if isinstance(effect, Complete):
                self._complete(session, effect, now, actions)
            elif session.invocation is None:
                continue  # the operation has ended, and all that belonged to it
            elif isinstance(effect, Send):
                actions.append(SendRequest(session.name, effect.dest, effect.body))
            elif isinstance(effect, SetTimer):
                due = now + effect.delay
                session.timers[effect.name] = due
                self._timer_at = min(self._timer_at, due)
            elif isinstance(effect, CancelTimer):
                session.timers.pop(effect.name, None)
            else:
                self.remarks.append(f"Session {session.name}: {effect!r} is no effect of a client.")

    def _complete(self, session: Session, complete: Complete, now: int, actions: list[Action]) -> None:
        """Journal the end of the open operation, free its thread, and tell the generator."""
        invocation = session.invocation
        if invocation is None:
            self.remarks.append(f"Session {session.name} ended an operation although none was open.")
            return
        outcome, value, error = complete.type, complete.value, complete.error
        if outcome not in OUTCOMES:
            self.remarks.append(f"Session {session.name} ended an operation with {outcome!r}; taken as info.")
            outcome, error = "info", error or f"unknown outcome {outcome!r}"
        if outcome != "ok":
            value = invocation.value
        line = _line(invocation, outcome, value, now)
        if error is not None:
            line["error"] = error
        for name, extra in complete.fields.items():
            line.setdefault(name, extra)
        try:
            self._record(line)
        except (TypeError, ValueError) as unfit:
            outcome, value, error = "info", invocation.value, f"the client's result is not JSON: {unfit}"
            self.remarks.append(f"Session {session.name}: {error}.")
            self._record({**_line(invocation, outcome, value, now), "error": error})
        counts = self.counts.setdefault(invocation.f, {"ok": 0, "fail": 0, "info": 0})
        counts[outcome] += 1
        session.invocation = None
        session.deadline = NEVER
        session.timers.clear()
        if outcome == "info":
            self._sessions.replace(session)
            actions.append(Retire(session.name))
        self._free |= 1 << session.thread
        self._tell(Completion(invocation, outcome, value, now, error, complete.fields), now)

    def _fire(self, now: int, actions: list[Action]) -> None:
        """Fire due timers in order, end what is past its deadline, and find the next instant."""
        for at, session, name in self._sessions.due(now):
            # An earlier one may have ended the operation or moved the timer.
            if session.timers.get(name) == at:
                del session.timers[name]
                self._step(session, TimerFired(name), now, actions)
        for session in self._sessions.open:
            if session.deadline <= now:
                self._complete(session, Complete("info", error="timeout"), now, actions)
        self._timer_at = self._sessions.next_instant()


def _line(invocation: Invocation, kind: str, value: Any, now: int) -> dict[str, Any]:
    """Return a history line in the field's words; an operation without a key has no `key`."""
    if invocation.key is None:
        return {"time": now, "process": invocation.process, "type": kind, "f": invocation.f, "value": value}
    return {
        "time": now,
        "process": invocation.process,
        "type": kind,
        "f": invocation.f,
        "key": invocation.key,
        "value": value,
    }


def _generator_failed(error: Exception) -> HarnessError:
    if isinstance(error, UsageError):
        return HarnessError(f"The workload's generator failed: {error}")
    return HarnessError(f"The workload's generator raised {type(error).__name__}: {error}.")
