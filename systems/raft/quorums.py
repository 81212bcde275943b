"""Which servers count, and what a majority of them has reached (Ongaro's thesis, section 4.1).

Two majorities of one configuration share a server, and so do those of two configurations that differ
by one server: hence one server is added or removed at a time, and no two leaders of a term, or two
entries at an index, can both have their majority.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .leadership import Progress
from .state import RaftState

if TYPE_CHECKING:
    from .leadership import Leadership


class Quorums(RaftState):
    """The rules of configurations and majorities."""

    def adopt_configuration(self) -> None:
        """Use the newest configuration in the log, committed or not; go back if it was cut (thesis 4.1)."""
        newest = self.log.configuration
        if newest is self.configuration or newest == self.configuration:
            return
        self.configuration = newest
        self.count_members(newest.members)
        self.note(
            "configured",
            {
                "index": newest.index,
                "term": newest.term,
                "members": list(newest.members),
                "role": self.role,
            },
        )

    def count_members(self, members: tuple[str, ...]) -> None:
        """Let these servers, and no others, make majorities from now on (thesis 4.1)."""
        self.others = tuple(member for member in members if member != self.name)
        self.is_member = self.name in members
        self.majority = len(members) // 2 + 1
        if self.leadership is not None:
            self.follow_members(self.leadership)

    def follow_members(self, led: Leadership) -> None:
        """Let the leader replicate to these servers, and to one that is being caught up (thesis 4.2.1)."""
        newcomer = led.newcomer.server if led.newcomer is not None else None
        for server in (*self.others, newcomer):
            if server is not None and server not in led.followers:
                led.followers[server] = Progress(next=self.log.last_index + 1, heard=self.now)
        for server in [each for each in led.followers if each not in (*self.others, newcomer)]:
            del led.followers[server]
        led.voters = tuple(led.followers[server] for server in self.others)

    def majority_of(self, own: int, reached: list[int]) -> int:
        """Return the highest value that a majority has reached, given that of each other member.

        A leader that is no member any more doesn't count itself (thesis 4.2.2).
        """
        if self.is_member:
            reached.append(own)
        reached.sort(reverse=True)
        return reached[self.majority - 1]
