"""One Raft node without a cluster: a test stands in the place of its peers, its disk and its clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from splitbrain.systems.contract import (
    SECOND,
    Note,
    Now,
    Persist,
    Persisted,
    Received,
    Replace,
    Send,
    Started,
    TimerFired,
)
from splitbrain.systems.raft import messages
from splitbrain.systems.raft.node import RaftNode

if TYPE_CHECKING:
    from collections.abc import Callable


class Solo:
    """One node, n1 of five by default, with this test in the place of its peers, disk and clock."""

    def __init__(self, node_class: Any, size: int = 5, records: Any = (), settings: Any = None) -> None:
        self.peers = [f"n{number}" for number in range(2, size + 1)]
        self.node = node_class("n1", self.peers, settings or {})
        self.time = 0
        self.records: list[Any] = list(records)
        self.last_persist: int | None = None
        self.effects: list[Any] = []
        self.tell(Started(tuple(records), None, 1))

    def tell(self, event: Any) -> list[Any]:
        """Step the node; the effects of the step are returned, and kept in `effects`."""
        self.effects = self.node.step(event, Now(self.time, self.time))
        for effect in self.effects:
            if isinstance(effect, Persist):
                self.last_persist = effect.id
                self.records.append(effect.record)
            elif isinstance(effect, Replace):
                self.last_persist = effect.id
                self.records = list(effect.records)
        return self.effects

    def receive(self, src: str, body: Any) -> list[Any]:
        return self.tell(Received(src, body))

    def synced(self) -> list[Any]:
        """Make all that was persisted durable."""
        return self.tell(Persisted(self.last_persist))

    def wait(self, seconds: float, timer: str) -> list[Any]:
        self.time += int(seconds * SECOND)
        return self.tell(TimerFired(timer))

    def stand(self) -> list[Any]:
        """Become a candidate, with the pre-votes of a majority; return the effects of that step."""
        effects = self.wait(1.0, "election")
        for peer in self.peers[: (len(self.peers) + 1) // 2]:
            effects = self.receive(peer, messages.prevote(0, self.node.term + 1, granted=True))
        assert self.node.role == "candidate"
        return effects

    def stand_durably(self) -> None:
        """Become a candidate whose own vote is durable."""
        self.stand()
        self.synced()

    def lead(self) -> None:
        """Become leader, with the no-op durable and sent."""
        self.stand_durably()
        for peer in self.peers[: (len(self.peers) + 1) // 2]:
            self.receive(peer, {"type": "vote", "term": self.node.term, "granted": True})
        assert self.node.role == "leader"
        self.tell(TimerFired("flush"))
        self.synced()

    def acknowledge(
        self, *peers: str, match: int | None = None, round_number: int | None = None
    ) -> list[Any]:
        """Let followers consent up to `match`, by default to all, in the newest round; return all effects."""
        effects = []
        for peer in peers:
            body = {
                "type": "appended",
                "term": self.node.term,
                "round": self.node.leadership.round if round_number is None else round_number,
                "success": True,
                "match": self.node.log.last_index if match is None else match,
            }
            effects += self.receive(peer, body)
        return effects

    def append(
        self, src: str, term: int, previous: tuple[int, int], terms: Any = (), commit: int = 0
    ) -> list[Any]:
        """Receive a leader's entries of these terms after `previous`."""
        entries = [[each, command(each, previous[0] + 1 + place)] for place, each in enumerate(terms)]
        return self.receive(src, messages.append_entries(term, 1, previous, entries, commit))

    def of(self, kind: type, effects: Any = None) -> list[Any]:
        return [
            effect for effect in (self.effects if effects is None else effects) if isinstance(effect, kind)
        ]

    def sends(self, kind: str, effects: Any = None) -> list[Any]:
        return [effect for effect in self.of(Send, effects) if effect.body["type"] == kind]

    def noted(self, kind: str, effects: Any = None) -> list[Any]:
        return [effect for effect in self.of(Note, effects) if effect.kind == kind]


def command(term: int, index: int) -> Any:
    """The command that tests put at an index: different for each term."""
    return [f"client-{term}-{index}", 1, {"type": "append", "key": "k", "value": f"{term}.{index},"}]


def records_of(*terms: int, hard: tuple[int, Any] | None = None) -> list[Any]:
    """The records of a log with entries of these terms, and of the term reached."""
    entries = [[term, command(term, index)] for index, term in enumerate(terms, 1)]
    log = [{"entries": 1, "list": entries}] if entries else []
    return [{"hard": list(hard or (max(terms, default=0), None))}, *log]


@pytest.fixture
def solo() -> Callable[..., Solo]:
    """Build one node with a log of entries of these terms: `solo(1, 1, 2, size=3)`."""

    def build(*terms: int, size: int = 5, hard: tuple[int, Any] | None = None, **settings: Any) -> Solo:
        records = records_of(*terms, hard=hard) if terms or hard else []
        return Solo(RaftNode, size, records, settings)

    return build
