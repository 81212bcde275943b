"""The actions of `splitbrain.backend` on a simulated cluster. Most are complete at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.backend import ActionDone
from splitbrain.errors import HarnessError
from splitbrain.simulation.traffic import SECOND, Traffic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splitbrain import backend
    from splitbrain.backend import Action
    from splitbrain.simulation.host import Host


class Actions(Traffic):
    """Carries actions out."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._tickets = 0
        self._starts: dict[str, list[int]] = {}
        self._probes: dict[int, int] = {}

    def perform(self, action: Action) -> int:
        """Begin an action and return its ticket."""
        self._tickets += 1
        ticket = self._tickets
        perform = getattr(self, "_do_" + type(action).__name__, None)
        if perform is None:
            raise HarnessError(f"The simulator knows no action {action!r}.")
        outcome = perform(action, ticket)
        if outcome is not None:
            self._events.append(ActionDone(ticket, outcome, None))
        return ticket

    def _tell(self, kind: str, node: str, fields: Any = None) -> None:
        if self.story is not None:
            self.story.add(self.time, kind, node, fields=fields)

    # Links.

    def _do_SetLinks(self, action: backend.SetLinks, _ticket: int) -> Mapping[str, Any]:  # noqa: N802  named by the action
        self.links.lay(action.fault, action.links)
        self._tell(
            "links", action.fault, sorted((*link, repr(policy)) for link, policy in action.links.items())
        )
        self._flush_held()
        self._impair()
        return {"links": len(action.links)}

    def _do_ClearLinks(self, action: backend.ClearLinks, _ticket: int) -> Mapping[str, Any]:  # noqa: N802  as above
        lifted = self.links.lift(action.fault)
        self._tell("links", action.fault, [])
        self._flush_held()
        self._throttled.clear()
        self._impair()
        return {"links": lifted}

    def _do_LinkCounters(self, _action: backend.LinkCounters, _ticket: int) -> Mapping[str, Any]:  # noqa: N802  as above
        return {"lines": self.schedule.messages, **self.links.counters}

    def _do_Probe(self, action: backend.Probe, ticket: int) -> None:  # noqa: N802  as above
        """Send a probe: a message that the hosts answer for their nodes."""
        self._at(self.time + int(action.within * SECOND), self._probe_missed, ticket)
        self._probes[ticket] = self.time
        source, destination = action.source, action.destination
        body = {"type": "probe"}
        self._carry(source, destination, body, self._probe_arrived, (source, destination, ticket))

    def _probe_arrived(self, source: str, destination: str, ticket: int, number: int) -> None:
        host = self.hosts[destination]
        if self._dropped(source, destination, number) or host.node is None or ticket not in self._probes:
            return
        if host.paused or host.blocked:
            return
        seconds = (self.time - self._probes.pop(ticket)) / SECOND
        self._events.append(ActionDone(ticket, {"arrived": True, "seconds": seconds}, None))

    def _probe_missed(self, ticket: int) -> None:
        if self._probes.pop(ticket, None) is not None:
            self._events.append(ActionDone(ticket, {"arrived": False, "seconds": None}, None))

    # Processes.

    def _do_Kill(self, action: backend.Kill, _ticket: int) -> Mapping[str, Any]:  # noqa: N802  as above
        host = self.hosts[action.node]
        if host.node is not None:
            host.disk.kill()
            self._end(host, "kill")
        self._refuse_starts(host)
        return {"pid": host.pid}

    def _do_PowerCut(self, action: backend.PowerCut, _ticket: int) -> Mapping[str, Any]:  # noqa: N802  as above
        host = self.hosts[action.node]
        self._refuse_starts(host)
        if host.node is None:
            return {"pid": host.pid, "unsynced": 0, "kept": 0, "torn": False}
        cut = host.disk.cut(action.seed, action.tear)
        self._end(host, "power-cut")
        return {"pid": host.pid, "unsynced": cut.unsynced, "kept": cut.kept, "torn": cut.torn}

    def _refuse_starts(self, host: Host) -> None:
        host.returning = False
        for ticket in self._starts.pop(host.name, []):
            self._events.append(
                ActionDone(ticket, {"pid": None}, f"{host.name} was killed while it started.")
            )

    def _do_Restart(self, action: backend.Restart, ticket: int) -> Mapping[str, Any] | None:  # noqa: N802  as above
        host = self.hosts[action.node]
        if host.node is not None:
            return {"pid": host.pid}
        self._starts.setdefault(host.name, []).append(ticket)
        host.returning = True
        self._at(self.time + self.schedule.boot(host.name, host.life), self._booted, host, host.life)
        return None

    def _booted(self, host: Host, life: int) -> None:
        if host.returning and host.life == life:
            self._restart(host)
        error = None if host.node is not None else f"{host.name} did not come up, or its log is corrupt."
        for ticket in self._starts.pop(host.name, []):
            self._events.append(ActionDone(ticket, {"pid": host.pid if error is None else None}, error))

    def _do_Pause(self, action: backend.Pause, _ticket: int) -> Mapping[str, Any]:  # noqa: N802  as above
        host = self.hosts[action.node]
        if host.node is None:
            return {"pid": host.pid, "stopped": False}
        host.paused = True
        self._tell("pause", host.name)
        self._impair()
        return {"pid": host.pid, "stopped": True}

    def _do_Resume(self, action: backend.Resume, _ticket: int) -> Mapping[str, Any]:  # noqa: N802  as above
        host = self.hosts[action.node]
        if host.paused:
            host.paused = False
            self._tell("resume", host.name)
            self._impair()
            self._go_on(host)
        return {"pid": host.pid, "stopped": False}

    # Triggers.

    def _do_Arm(self, action: backend.Arm, _ticket: int) -> Mapping[str, Any]:  # noqa: N802  as above
        host = self.hosts[action.node]
        if host.node is not None:
            host.triggers.arm(action.trigger, action.kind, action.where, action.skip)
        return {"armed": host.node is not None}

    def _do_Disarm(self, action: backend.Disarm, _ticket: int) -> Mapping[str, Any]:  # noqa: N802  as above
        self.hosts[action.node].triggers.disarm(action.trigger)
        return {"disarmed": True}

    def _do_Release(self, action: backend.Release, _ticket: int) -> Mapping[str, Any]:  # noqa: N802  as above
        host = self.hosts[action.node]
        released = host.blocked
        if released:
            host.blocked = False
            self._tell("release", host.name)
            self._impair()
            self._go_on(host)
        return {"released": released}

    # Clocks and disks.

    def _do_SetClock(self, action: backend.SetClock, _ticket: int) -> Mapping[str, Any]:  # noqa: N802  as above
        host = self.hosts[action.node]
        clock, former = host.clock, host.clock.rate
        rate = clock.own_rate if action.rate == 1.0 else action.rate
        clock.set(self.time, rate, round(action.offset * SECOND))
        self._tell("clock", host.name, (action.rate, action.offset))
        if former != rate:
            for name, due in list(host.timers.items()):
                moved = self.time + max(0, int((due - self.time) * former / rate))
                host.timers[name] = moved
                self._at(moved, self._fire, host, name, moved)
        return {"rate": action.rate, "offset": action.offset}

    def _do_SetDisk(self, action: backend.SetDisk, _ticket: int) -> Mapping[str, Any]:  # noqa: N802  as above
        disk = self.hosts[action.node].disk
        disk.lose_syncs, disk.delay = action.lose_syncs, round(action.delay * SECOND)
        self._tell("disk", action.node, (action.lose_syncs, action.delay))
        self._impair()
        return {"lose_syncs": action.lose_syncs, "delay": action.delay}

    def _do_SpoilDisk(self, action: backend.SpoilDisk, _ticket: int) -> Mapping[str, Any]:  # noqa: N802  as above
        disk = self.hosts[action.node].disk
        records = len(disk.records)
        spoiled = disk.spoil(action.how, action.seed)
        self._tell("disk", action.node, action.how)
        return {"records": records, "spoiled": spoiled}

    # Administrators.

    def _do_Request(self, action: backend.Request, ticket: int) -> None:  # noqa: N802  as above
        client = f"admin-{ticket}"
        self._asked[client] = ticket
        self._at(self.time + int(action.within * SECOND), self._answered, client, None)
        self.send(client, action.node, {**action.body, "msg_id": 1})
