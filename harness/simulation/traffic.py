"""Messages between simulated nodes and clients: latency, policies, connections.

Messages stay objects. Between nodes there is no connection: a message that is under way when its
destination dies may reach the next life, as one that a network held may. A client has a connection to
a node: it learns when that node dies, and that a node that is down refuses.
"""

from __future__ import annotations

import json
from heapq import heappush
from typing import TYPE_CHECKING, Any

from splitbrain.backend import ActionDone, ClientMessage, ClientUnreachable, LinkPolicy
from splitbrain.simulation.links import end
from splitbrain.simulation.processes import Processes
from splitbrain.simulation.schedule import (
    POLICY_DUPLICATE,
    POLICY_JITTER,
    POLICY_LOSS,
    POLICY_REORDER,
    SLOTS,
)
from splitbrain.simulation.streams import below
from splitbrain.systems.contract import Received

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splitbrain.simulation.host import Host
    from splitbrain.simulation.links import Link

SECOND = 1_000_000_000


class Traffic(Processes):
    """Carries messages."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.connections = {}
        self._retired: set[str] = set()
        self._held: dict[Link, list[tuple[Any, ...]]] = {}
        self._throttled: dict[Link, int] = {}
        self._asked: dict[str, int] = {}
        """Administrators' sessions with a request open, and the tickets of the actions."""

    def transmit(self, source: str, destination: str, body: Any) -> None:
        """Send a message from a node to a node or client."""
        host = self.hosts.get(destination)
        if self.swift and host is not None and source != destination:
            # What `_carry` would do, on the way that nearly every message takes.
            schedule, kind = self.schedule, body.get("type", "")
            if schedule.plain:
                arrivals: tuple[int, ...] = (schedule.arrival(source, destination, kind, self.time),)
            else:
                arrivals = schedule.message(source, destination, kind, self.time)
            number = self._number + 1
            for at in arrivals:
                self._number += 1
                heappush(self._heap, (at, self._number, self._arrive, (host, source, body, number)))
        elif host is None:
            self._carry(source, destination, body, self._arrive_at_client, (destination, source, body))
        elif source == destination:
            self._number += 1
            number = self._number
            if self.story is not None:
                self.story.add(self.time, "send", source, destination, number, fields=body)
            self._at(self.time, self._arrive, host, source, body, number)
        else:
            self._carry(source, destination, body, self._arrive, (host, source, body))

    def send(self, client: str, dest: str, body: Mapping[str, Any]) -> None:
        """Send a client's message on its own connection."""
        self._carry(client, dest, body, self._arrive_from_client, (self.hosts[dest], client, body))

    def retire(self, client: str) -> None:
        """Forget a client session; what still arrives for it is dropped."""
        self._retired.add(client)
        for clients in self.connections.values():
            clients.pop(client, None)

    def _carry(
        self, source: str, destination: str, body: Any, function: Any, arguments: tuple[Any, ...]
    ) -> None:
        """Let a message take its way: `function(*arguments, number)` when it arrives, if it does."""
        kind = body.get("type", "")
        arrivals = self.schedule.message(source, destination, kind, self.time)
        self._number += 1
        number = self._number
        if self.story is not None:
            self.story.add(self.time, "send", source, destination, number, fields=body)
            self.story.sent(number, body)
            if not arrivals:
                self.story.add(self.time, "lost", source, destination, number, fields="loss")
            elif len(arrivals) > 1:
                self.story.add(self.time, "copy", source, destination, number)
        if self.links.policies:
            link = (end(source, self.hosts), end(destination, self.hosts))
            policy = self.links.policies.get(link)
            if policy is not None:
                arrivals = self._under(policy, link, (source, destination, kind), arrivals, body)
                if policy.hold and arrivals:
                    self.links.counters["held"] += 1
                    self._held.setdefault(link, []).append((function, *arguments, number))
                    return
                if not arrivals and self.story is not None:
                    self.story.add(self.time, "lost", source, destination, number, fields="policy")
        for at in arrivals:
            self._at(at, function, *arguments, number)

    def _under(
        self,
        policy: LinkPolicy,
        link: Link,
        lane_of: tuple[str, str, str],
        arrivals: tuple[int, ...],
        body: Any,
    ) -> tuple[int, ...]:
        """Return when a message arrives under a policy."""
        counters, lane = self.links.counters, self.schedule.lane(*lane_of)
        if policy.cut:
            counters["dropped"] += 1
            return ()
        if policy.loss and lane.chance(POLICY_LOSS) < policy.loss:
            counters["lost"] += 1
            return ()
        extra = 0
        if policy.delay or policy.jitter:
            counters["delayed"] += 1
            jitter = int(policy.jitter * SECOND)
            extra = int(policy.delay * SECOND)
            extra += below(lane.key, (lane.count - 1) * SLOTS + POLICY_JITTER, jitter + 1) if jitter else 0
        if policy.rate is not None:
            took = int(len(json.dumps(body)) * SECOND / policy.rate)
            start = max(self.time, self._throttled.get(link, 0))
            self._throttled[link] = start + took
            extra += start + took - self.time
        if policy.reorder and lane.chance(POLICY_REORDER) < policy.reorder:
            counters["reordered"] += 1
            extra += below(lane.key ^ 5, lane.count, 50_000_000)
        arrivals = tuple(at + extra for at in arrivals)
        if policy.duplicate and arrivals and lane.chance(POLICY_DUPLICATE) < policy.duplicate:
            counters["duplicated"] += 1
            arrivals = (*arrivals, arrivals[0] + below(lane.key ^ 7, lane.count, 20_000_000))
        return arrivals

    def _flush_held(self) -> None:
        """Deliver what links held that hold no more."""
        for link in [each for each in self._held if not self._holds(each)]:
            for entry in self._held.pop(link):
                self._at(self.time, *entry)

    def _holds(self, link: Link) -> bool:
        policy = self.links.policies.get(link)
        return policy is not None and policy.hold

    def _dropped(self, source: str, destination: str, number: int) -> bool:
        """Tell whether a cut that was laid meanwhile drops a message in flight."""
        if not self.links.cut(end(source, self.hosts), end(destination, self.hosts)):
            return False
        self.links.counters["dropped"] += 1
        if self.story is not None:
            self.story.add(self.time, "lost", source, destination, number, fields="cut")
        return True

    # Arrivals.

    def _arrive(self, host: Host, source: str, body: Any, number: int) -> None:
        """A message from a peer reaches a node."""
        if self.links.policies and self._dropped(source, host.name, number):
            return
        if host.node is None:
            if self.story is not None:
                self.story.add(self.time, "lost", source, host.name, number, fields="down")
        elif host.paused or host.blocked:
            host.inbox.append((self._receive, host, source, body, number))
        elif self.story is None:
            self._step(host, Received(source, body))
        else:
            self._receive(host, source, body, number)

    def _arrive_from_client(self, host: Host, client: str, body: Any, number: int) -> None:
        """A client's request reaches a node, or is refused by a machine on which none runs."""
        if self._dropped(client, host.name, number):
            return
        if host.node is None:
            if self.story is not None:
                self.story.add(self.time, "lost", client, host.name, number, fields="refused")
            if client in self._asked:
                self._answered(client, None)
            elif client not in self._retired:
                self._events.append(ClientUnreachable(client, host.name, body.get("msg_id")))
            return
        self.connections.setdefault(host.name, {})[client] = None
        if host.paused or host.blocked:
            host.inbox.append((self._receive, host, client, body, number))
        else:
            self._receive(host, client, body, number)

    def _arrive_at_client(self, client: str, source: str, body: Any, number: int) -> None:
        """A reply reaches a client."""
        if self._dropped(source, client, number):
            return
        if self.story is not None:
            self.story.add(self.time, "answer", client, source, number, fields=body)
        if client in self._asked:
            self._answered(client, body)
        elif client not in self._retired:
            self._events.append(ClientMessage(client, source, body))

    def _answered(self, client: str, body: Any) -> None:
        """An administrator's request is answered, refused (None) or given up (None)."""
        if client in self._asked:
            self._events.append(ActionDone(self._asked.pop(client), {"answer": body}, None))
