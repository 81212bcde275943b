"""What a Raft node writes down, how it reads it back, and what of it is durable.

Persistent state is the current term, the vote in it and the log (Ongaro & Ousterhout 2014,
figure 2). It is kept as a sequence of records:

    {"hard": [term, vote]}                     replaces both at once: one record, so one atomic write
    {"entries": first, "list": [[term, command], ...]}   the log holds these from index `first` on
    {"truncate": first}                        the entry at `first` and all after it are gone
    {"snapshot": {...}}                        stands for the log up to its index (`snapshots.py`)

A snapshot comes first in a log that was replaced; the entries after it begin where it ends.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from .configuration import Configuration, initial_configuration
from .log import Log
from .snapshots import Snapshot, from_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contract import Json


def hard_record(term: int, vote: str | None) -> Json:
    """Return the record of the current term and the vote in it."""
    return {"hard": [term, vote]}


def entries_record(first: int, entries: list[list[Json]]) -> Json:
    """Return the record of entries appended from index `first` on."""
    return {"entries": first, "list": entries}


def truncate_record(first: int) -> Json:
    """Return the record of a log cut before index `first`."""
    return {"truncate": first}


def snapshot_record(snapshot: Snapshot) -> Json:
    """Return the record of a snapshot."""
    return {"snapshot": snapshot.content()}


class Recovered(NamedTuple):
    """The persistent state that the records of earlier lives hold."""

    term: int
    vote: str | None
    log: Log
    snapshot: Snapshot | None


def recover(records: Sequence[Json], initial: Configuration | None = None) -> Recovered:
    """Rebuild the persistent state from the records, oldest first.

    `initial` is the configuration that the cluster began with.

    Raises:
        ValueError: a record is of no known kind, or its entries don't continue the log.
    """
    term, vote = 0, None
    log, snapshot = Log(configuration=initial or initial_configuration(())), None
    for position, record in enumerate(records):
        if "hard" in record:
            term, vote = record["hard"]
        elif "entries" in record:
            if record["entries"] != log.last_index + 1:
                raise ValueError(
                    f"Record {position} appends at index {record['entries']}, but the log before it ends at "
                    f"{log.last_index}; the node's log file is damaged."
                )
            log.extend(record["list"])
        elif "truncate" in record:
            log.truncate(record["truncate"])
        elif "snapshot" in record:
            snapshot = from_content(record["snapshot"])
            if log.holds(snapshot.index, snapshot.term):
                log.compact(snapshot.index)
            else:
                log = Log(snapshot.index, snapshot.term, snapshot.digest, snapshot.configuration)
        else:
            raise ValueError(
                f"Record {position} is of no kind that a Raft node writes; the log file is damaged."
            )
    return Recovered(term, vote, log, snapshot)


class Durability:
    """Keeps track of which persists are done, and so up to where the log is durable.

    `index` is the last index such that the log up to it, as it is now, would survive a crash.
    """

    def __init__(self, index: int = 0) -> None:
        self.index = index
        self._issued = 0
        self._done = 0
        self._hard = 0
        self._waiting: deque[tuple[int, int]] = deque()

    def issue(self) -> int:
        """Return the id of the next persist."""
        self._issued += 1
        return self._issued

    def issue_hard(self) -> int:
        """Return the id of the next persist, of the term and vote."""
        self._hard = self.issue()
        return self._hard

    def issue_entries(self, last: int) -> int:
        """Return the id of the next persist, of entries that end at `last`."""
        identity = self.issue()
        self._waiting.append((identity, last))
        return identity

    def cut(self, first: int) -> None:
        """Take into account that the log was truncated from `first` on."""
        self.index = min(self.index, first - 1)
        self._waiting = deque((identity, min(last, first - 1)) for identity, last in self._waiting)

    def done(self, identity: int) -> None:
        """Take into account that the persist `identity`, and all before it, are durable."""
        self._done = max(self._done, identity)
        while self._waiting and self._waiting[0][0] <= self._done:
            self.index = self._waiting.popleft()[1]

    def hard(self) -> int | None:
        """Return the persist that the current term and vote wait for, None if they are durable."""
        return self._hard if self._hard > self._done else None

    def covering(self, index: int) -> int | None:
        """Return the persist after which term, vote and the log up to `index` are durable."""
        needed = self.hard()
        if index > self.index:
            for identity, last in self._waiting:
                if last >= index:
                    return identity if needed is None else max(identity, needed)
        return needed
