"""The lives of simulated nodes: steps, effects, timers, disks, crashes.

The rules are those of the process runtime (`systems/runtime/driver.py`), with the sync of a disk
taking time instead of blocking the turn. Effects without `after` are performed at once, those that wait
keep their order among themselves. One sync is under way at a time and covers what was written before
it began. A node that was stopped takes what waited for it before its timers.
"""

from __future__ import annotations

import traceback
from collections import deque
from typing import TYPE_CHECKING, Any

from splitbrain.backend import ClientDisconnected, NodeExited, NodeNoted, NodeUp, Triggered
from splitbrain.checkers.verdict import NodeNote
from splitbrain.simulation.kernel import SPIN, Kernel
from splitbrain.simulation.story import BodyError
from splitbrain.simulation.streams import below, stream
from splitbrain.systems.contract import (
    CancelTimer,
    Note,
    Persist,
    Persisted,
    Received,
    Replace,
    Reply,
    Send,
    SetTimer,
    Started,
    TimerFired,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from splitbrain.simulation.host import Host
    from splitbrain.systems.contract import Effect, Event


class SpinError(Exception):
    """A node takes steps for ever without letting time pass."""


class Processes(Kernel):
    """Steps the nodes and performs their effects, but for sending."""

    connections: dict[str, dict[str, None]]
    """By node, the client sessions that have a connection to it, in the order of their opening."""

    def transmit(self, source: str, destination: str, body: Any) -> None:
        """Send a message; `Traffic` knows how."""
        raise NotImplementedError

    # Lives.

    def _start(self, host: Host) -> bool:
        """Begin a life; tell whether recovery let it."""
        recovered = host.disk.recover()
        host.life += 1
        self._pids += 1
        host.pid = self._pids
        peers = [name for name in self.nodes if name != host.name]
        if recovered is None:
            # The runtime refuses, not the node: nobody promised to live with a disk that rots.
            if self.story is not None:
                self.story.add(self.time, "refused", host.name, fields="a record before the last is corrupt")
            return False
        records, torn = recovered
        try:
            host.node = self._node_class(host.name, peers, self._settings)
        except Exception as error:  # noqa: BLE001  anyone's node: whatever it raises is a crash of it
            self._raised(host, "its construction", error)
            return False
        fields = {"pid": host.pid, "records": len(records), "torn": torn is not None}
        if self.story is not None:
            self.story.add(self.time, "start", host.name, fields={"life": host.life, **fields})
        self._keep_note(host, "started", fields)
        self._step(
            host, Started(records, torn, below(stream(self._seed, "life", host.name), host.life, 2**31))
        )
        self._impair()
        return host.node is not None

    def _end(self, host: Host, kind: str) -> None:
        """Let a life end; its disk is settled by whoever ended it."""
        if self.story is not None:
            self.story.add(self.time, kind, host.name)
        host.die()
        for client in self.connections.pop(host.name, {}):
            self._events.append(ClientDisconnected(client, host.name))
        self._impair()

    def _restart(self, host: Host) -> None:
        """Start a node that is down, once it has booted."""
        host.returning = False
        if host.node is None and self._start(host):
            self._events.append(NodeUp(host.name, host.pid))

    def _revive(self, host: Host, life: int) -> None:
        """Start a node that crashed by itself, unless a fault has taken hold of it meanwhile."""
        if host.returning and host.life == life:
            self._restart(host)

    def _raised(self, host: Host, during: str, error: Exception) -> None:
        log = "".join(traceback.format_exception(error)[-6:])
        self._exited(host, f"raised {type(error).__name__}: {error}", f"During {during}:\n{log}")

    def _exited(self, host: Host, status: str, log: str) -> None:
        """The node ended by itself: a crash of it, and no error of the harness."""
        host.disk.kill()
        if self.story is not None:
            self.story.add(self.time, "raised", host.name, fields=status)
        host.die()
        for client in self.connections.pop(host.name, {}):
            self._events.append(ClientDisconnected(client, host.name))
        self._events.append(NodeExited(host.name, status, log))
        self._impair()

    # Steps.

    def _step(self, host: Host, event: Event) -> None:
        node = host.node
        assert node is not None
        self.steps += 1
        try:
            if self.steps > self.spin_at:
                self._look_for_spin()
            effects = node.step(event, host.clock.read(self.time))
            self._perform(host, effects)
        except BodyError as error:
            self._raised(host, repr(event), error)
        except Exception as error:  # noqa: BLE001  anyone's node: whatever it raises is a crash of it
            self._raised(host, repr(event), error)

    def _look_for_spin(self) -> None:
        """Stop a node that sets timers of no delay, or talks to itself, for ever.

        Raises:
            SpinError: no time has passed for `SPIN` steps.
        """
        spins = self.instant == self.time
        self.instant, self.spin_at = self.time, self.steps + SPIN
        if spins:
            raise SpinError(f"it took {SPIN} steps in a row without any time passing")

    def _perform(self, host: Host, effects: Iterable[Effect]) -> None:
        """Perform effects in order, until the node is stopped between two of them."""
        iterator = iter(effects)
        for effect in iterator:
            kind = type(effect)
            if kind is Send and effect.after is None and self.census is None:  # type: ignore[union-attr]  # a send
                self.transmit(host.name, effect.dest, effect.body)  # type: ignore[union-attr]  # as above
                continue
            if kind is Send or kind is Reply or kind is Note:
                after = effect.after  # type: ignore[union-attr]  # these three have it
                if after is None or (after <= host.durable and not host.waiting):
                    self._release(host, effect)  # type: ignore[arg-type]  # and are these three
                else:
                    host.waiting.append(effect)  # type: ignore[arg-type]  # as above
                    continue
            elif kind is SetTimer:
                self._set_timer(host, effect.name, effect.delay)  # type: ignore[union-attr]  # a timer
                continue
            elif kind is CancelTimer:
                self._cancel_timer(host, effect.name)  # type: ignore[union-attr]  # a timer
                continue
            else:
                self._write(host, effect)
            if host.blocked or host.node is None:
                if host.node is not None:
                    host.held.extend(iterator)
                return
        if host.persisted > host.durable and not host.syncing:
            self._begin_sync(host)

    def _release(self, host: Host, effect: Send | Reply | Note) -> None:
        """Perform an effect that waits for nothing any more."""
        kind = type(effect)
        if kind is Note:
            self._note(host, effect.kind, effect.fields)  # type: ignore[union-attr]  # it is a note
        elif kind is Send:
            self.transmit(host.name, effect.dest, effect.body)  # type: ignore[union-attr]  # it is a send
        else:
            body = {**effect.body, "in_reply_to": effect.msg_id}  # type: ignore[union-attr]  # it is a reply
            self.transmit(host.name, effect.dest, body)  # type: ignore[union-attr]  # as above
        if self.census is not None:
            self._count(host, label(effect))

    def _write(self, host: Host, effect: Effect) -> None:
        """Append a record, or replace the log."""
        if not isinstance(effect, Persist | Replace):
            raise TypeError(f"it returned {effect!r}, which is no effect of the contract.")
        if effect.id <= host.persisted:
            raise ValueError(f"it persisted id {effect.id} after id {host.persisted}.")
        host.persisted = effect.id
        if isinstance(effect, Persist):
            host.disk.append(effect.id, effect.record)
            if self.story is not None:
                self.story.add(self.time, "persist", host.name, fields=effect.record)
        else:
            host.disk.replace(effect.id, effect.records)
            if self.story is not None:
                self.story.add(self.time, "replace", host.name, fields=list(effect.records))
        if self.census is not None:
            self._count(host, label(effect))

    def _note(self, host: Host, kind: str, fields: Any) -> None:
        self._keep_note(host, kind, fields)
        if self.story is not None:
            self.story.add(self.time, "note", host.name, fields={"kind": kind, **fields})
        if kind in self._watch:
            self._events.append(NodeNoted(host.name, kind, fields))
        trigger = host.triggers.noted(kind, fields)
        if trigger is not None:
            host.blocked = True
            self._impair()
            self._events.append(Triggered(host.name, trigger, kind, fields))
            if self.story is not None:
                self.story.add(self.time, "stop", host.name, fields=trigger)

    def _keep_note(self, host: Host, kind: str, fields: Any) -> None:
        notes = self.notes[host.name]
        notes.append(NodeNote(host.name, len(notes), self.time, kind, fields))

    # Crash points.

    def _count(self, host: Host, name: str) -> bool:
        """Count an effect by its label; crash the node if a crash point says so, and tell whether it did."""
        assert self.census is not None
        ordinal = self.census.get((host.name, name), 0)
        self.census[host.name, name] = ordinal + 1
        point = self._crash_points.get((host.name, name, ordinal))
        if point is None or host.node is None:
            return False
        if point.power:
            host.disk.cut(point.seed, None)
        else:
            host.disk.kill()
        self._end(host, "power-cut" if point.power else "kill")
        host.returning = True
        self._at(self.time + max(1, point.lasts), self._revive, host, host.life)
        return True

    # Disks.

    def _sync_if_due(self, host: Host) -> None:
        if host.persisted > host.durable and not host.syncing and host.node is not None:
            self._begin_sync(host)

    def _begin_sync(self, host: Host) -> None:
        host.syncing = True
        delay = self.schedule.sync(host.name, host.syncs) + host.disk.delay
        host.syncs += 1
        self._at(self.time + delay, self._synced, host, host.life, host.persisted)

    def _synced(self, host: Host, life: int, identity: int) -> None:
        if host.life != life or host.node is None:
            return
        host.disk.sync(identity)
        if self.census is not None and self._count(host, "sync"):
            return
        if host.paused or host.blocked:
            host.inbox.append((self._durable, host, identity))
        else:
            self._durable(host, identity)

    def _durable(self, host: Host, identity: int) -> None:
        """Tell the node what is durable, and release what waited for it."""
        host.syncing = False
        host.durable = identity
        if self.story is not None:
            self.story.add(self.time, "synced", host.name, fields=identity)
        self._step(host, Persisted(identity))
        self._release_waiting(host)
        self._sync_if_due(host)

    def _release_waiting(self, host: Host) -> None:
        waiting = host.waiting
        while waiting and not host.blocked and host.node is not None:
            effect = waiting[0]
            if effect.after is not None and effect.after > host.durable:
                break
            waiting.popleft()
            try:
                self._release(host, effect)
            except BodyError as error:
                self._raised(host, repr(effect), error)

    # Timers.

    def _set_timer(self, host: Host, name: str, delay: int) -> None:
        due = self.time + host.clock.span(delay)
        host.timers[name] = due
        if self.story is not None:
            self.story.add(self.time, "set-timer", host.name, fields=(name, delay))
        self._at(due, self._fire, host, name, due)

    def _cancel_timer(self, host: Host, name: str) -> None:
        host.timers.pop(name, None)
        if self.story is not None:
            self.story.add(self.time, "cancel-timer", host.name, fields=name)

    def _fire(self, host: Host, name: str, due: int) -> None:
        if host.timers.get(name) == due and host.running:
            del host.timers[name]
            if self.story is not None:
                self.story.add(self.time, "timer", host.name, fields=name)
            self._step(host, TimerFired(name))

    # Stopped nodes.

    def _go_on(self, host: Host) -> None:
        """Let a node that was paused or stopped between two effects go on where it was."""
        if not host.running:
            return
        held, host.held = host.held, deque()
        if held:
            self._perform(host, held)
        self._release_waiting(host)
        while host.inbox and host.running:
            function, *arguments = host.inbox.popleft()
            function(*arguments)
        due = sorted((at, name) for name, at in host.timers.items() if at <= self.time)
        for at, name in due:
            self._fire(host, name, at)
        self._sync_if_due(host)

    def _receive(self, host: Host, source: str, body: Any, number: int) -> None:
        """Hand a node a message."""
        if self.story is not None:
            self.story.add(self.time, "receive", host.name, source, number, fields=body)
            try:
                self.story.check(number, body)
            except BodyError as error:
                self._raised(host, f"the arrival of message {number}", error)
                return
        self._step(host, Received(source, body))


def label(effect: Effect) -> str:
    """Return the label under which crash points count an effect."""
    if isinstance(effect, Note):
        return f"note {effect.kind}"
    if isinstance(effect, Send):
        return f"send {effect.body.get('type')}"
    if isinstance(effect, Reply):
        return f"reply {effect.body.get('type')}"
    return "persist" if isinstance(effect, Persist) else "replace"
