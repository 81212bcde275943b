"""Clusters of real processes for tests, and how to talk to them without sleeping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from splitbrain.backend import ActionDone, ClientMessage, ClientUnreachable, NodeNoted, Probe
from splitbrain.cluster.local.cluster import LocalCluster

SECOND = 1_000_000_000
PATIENCE = 10 * SECOND
RELAY = f"{Path(__file__).parent / 'relay_system.py'}:RelaySystem"


class Harness:
    """An open cluster and every event it gave, in order."""

    def __init__(self, cluster: LocalCluster) -> None:
        self.cluster = cluster
        self.events: list[Any] = []
        self._messages = 0

    def until(self, condition, what: str = "the event"):
        """Poll until `condition(event)` holds for a new event and return that event."""
        deadline = self.cluster.now() + PATIENCE
        while self.cluster.now() < deadline:
            events = self.cluster.poll(deadline)
            self.events += events
            for event in events:
                if condition(event):
                    return event
        raise AssertionError(f"{what} did not come; the last events: {self.events[-10:]}")

    def once(self, kind, **fields):
        """Return the first event of that kind, of those that came and those to come."""

        def fits(event) -> bool:
            return isinstance(event, kind) and all(getattr(event, name) == fields[name] for name in fields)

        self.settle(lambda: any(map(fits, self.events)), kind.__name__)
        return next(filter(fits, self.events))

    def settle(self, condition, what: str = "the state"):
        """Poll until `condition()` holds."""
        deadline = self.cluster.now() + PATIENCE
        while not condition():
            assert self.cluster.now() < deadline, f"{what} did not come; the last events: {self.events[-10:]}"
            self.events += self.cluster.poll(self.cluster.now() + SECOND // 100)

    def do(self, action) -> dict[str, Any]:
        """Perform an action, wait for it and return its outcome."""
        done = self.attempt(action)
        assert done.error is None, done.error
        return dict(done.outcome)

    def attempt(self, action) -> ActionDone:
        ticket = self.cluster.perform(action)
        return self.until(lambda event: isinstance(event, ActionDone) and event.ticket == ticket, str(action))

    def request(self, node: str, client: str = "c1", **body) -> dict[str, Any]:
        """Send one request on a client session and return the reply."""
        self._messages += 1
        number = self._messages
        self.cluster.send(client, node, {**body, "msg_id": number})
        reply = self.until(
            lambda event: (
                isinstance(event, ClientUnreachable)
                or (isinstance(event, ClientMessage) and event.body.get("in_reply_to") == number)
            ),
            f"the reply to {body}",
        )
        assert isinstance(reply, ClientMessage), reply
        return dict(reply.body)

    def connect(self) -> None:
        """Wait until every link between nodes carries lines."""
        nodes = self.cluster.nodes
        for source in nodes:
            for destination in nodes:
                while source != destination and not self.do(Probe(source, destination, 0.05))["arrived"]:
                    pass

    def heard(self, node: str, source: str) -> list[int]:
        """Return the numbers that `node` noted to have got from `source`."""
        return [
            event.fields["number"]
            for event in self.events
            if isinstance(event, NodeNoted) and event.node == node and event.fields.get("from") == source
        ]


@pytest.fixture
def deploy(tmp_path):
    """Return a function that opens a cluster of n nodes; they are all closed at the end."""
    clusters = []

    def deploy(
        count: int = 2,
        system: str = RELAY,
        watch: tuple[str, ...] = ("heard",),
        bugs: tuple[str, ...] = (),
        **settings,
    ) -> Harness:
        cluster = LocalCluster(
            system,
            [f"n{number + 1}" for number in range(count)],
            settings=settings,
            bugs=bugs,
            directory=tmp_path / "nodes",
            seed=7,
            watch=watch,
        )
        clusters.append(cluster)
        cluster.open()
        return Harness(cluster)

    yield deploy
    for cluster in clusters:
        cluster.close()
