"""Log replication (Ongaro & Ousterhout 2014, section 5.3) and what may be committed (5.4.2).

Each follower has at most one message of entries under way. What arrives meanwhile makes the next
batch; a lost one is sent again once a later heartbeat was answered, which shows that the link works.
The entry that precedes a message must be in the follower's log: so by induction logs that agree
in an entry agree in all before it (log matching).

The leader writes to its own disk in parallel with its followers (thesis, section 10.2.1) and counts
itself like one of them: only what is durable. A follower consents only to what is durable.

Heartbeats are messages without entries. They write nothing, so their answers may overtake that
of the entries before them: an answer therefore never claims more than its own message compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import messages
from .state import LEADER
from .transfer import Transfer

if TYPE_CHECKING:
    from ..contract import Body, Json
    from .leadership import Leadership, Progress

ROUNDS_REMEMBERED = 64
"""Rounds whose time of sending is remembered: more than begin within an election timeout."""


class Replication(Transfer):
    """The rules of replication, of the leader first."""

    # The leader sends.

    def on_flush(self) -> None:
        """Write and broadcast what arrived in this turn, as one batch (5.3; thesis 10.2.2)."""
        led = self.leadership
        if led is None:
            return
        led.flushing = False
        self.save_new_entries(led)
        newest = led.reads[-1].round if led.reads else 0
        self.broadcast(heartbeat=newest > led.round == self.confirmed_round(led))

    def broadcast(self, *, heartbeat: bool) -> None:
        """Send each follower the entries that it lacks, or else, on a `heartbeat`, an empty message.

        A heartbeat begins a round; it repeats entries that must have been lost.
        """
        led = self.leadership
        assert led is not None
        if heartbeat or led.round == 0:
            self.begin_round(led)
            heartbeat = True
        for peer, progress in led.followers.items():
            if heartbeat and self.was_lost(progress):
                progress.flight = 0
            if not progress.flight and progress.next <= self.log.last_index:
                self.send_entries(led, peer, progress, self.limits.batch)
            elif heartbeat:
                self.send_entries(led, peer, progress, 0)

    def begin_round(self, led: Leadership) -> None:
        """Count a broadcast, and remember when it was sent if a lease may begin with it (thesis 6.4)."""
        led.round += 1
        if self.limits.leases:
            led.sent[led.round] = self.now
            led.sent.pop(led.round - ROUNDS_REMEMBERED, None)

    def was_lost(self, progress: Progress) -> bool:
        """Tell whether entries went unanswered though a later message was answered (5.3: retry)."""
        unanswered = self.now - progress.flight_time > 2 * self.limits.heartbeat
        return progress.flight > 0 and unanswered and progress.round > progress.flight_round

    def send_entries(self, led: Leadership, peer: str, progress: Progress, limit: int) -> None:
        """Send at most `limit` entries, and name the one before them for the consistency check (5.3).

        If they are compacted away, send the snapshot instead (7), and heartbeats for its last entry.
        """
        if limit and self.needs_snapshot(progress):
            self.send_chunk(led, peer, progress)
            return
        previous = max(progress.next - 1, self.log.base_index)
        entries = self.log.entries(progress.next, limit) if limit else []
        if entries:
            progress.flight = previous + len(entries)
            progress.flight_round, progress.flight_time = led.round, self.now
        body = messages.append_entries(
            self.term, led.round, (previous, self.log.term_at(previous)), entries, self.commit_index
        )
        self.send(peer, body)

    # A follower answers.

    def takes_from(self, leader: str, term: int) -> bool:
        """Follow the sender as the current term's leader, or refuse one of an older term (5.1)."""
        if self.is_stale(term):
            self.send(leader, messages.refused(self.term), self.hard_state())
            return False
        if self.role == LEADER:
            # Two leaders in one term: only a seeded bug gets here. Each goes on, for all to see.
            return False
        self.hear_from(leader)
        return True

    def on_append_entries(self, leader: str, body: Body) -> None:
        """Take entries, or a heartbeat, after the one that both logs hold (5.3)."""
        if not self.takes_from(leader, body["term"]):
            return
        previous, entries = body["previous"], body["entries"]
        if not self.is_consistent(previous, body["previous_term"]):
            self.send(leader, self.rejection(body["round"], previous), self.hard_state())
            return
        if entries:
            match = self.take_entries(leader, body["round"], previous, entries)
        else:
            match = previous
            after = self.acknowledgement_waits_for(match)
            self.send(leader, messages.appended(self.term, body["round"], match), after)
        self.commit(self.follower_commit(body["commit"], match))

    def take_entries(self, leader: str, round_number: int, previous: int, entries: list[list[Json]]) -> int:
        """Merge entries into the log and consent to them; return the index of the last (5.3)."""
        match = previous + len(entries)
        truncated, first = self.merge(previous, entries)
        if first <= match:
            self.adopt_configuration()
        after = self.acknowledgement_waits_for(match)
        self.send(leader, messages.appended(self.term, round_number, match), after)
        self.note("acknowledged", {"first": previous + 1, "last": match, "term": self.term}, after)
        if truncated is not None:
            self.note("truncated", {"from": truncated}, self.durability.covering(match))
        if first <= match:
            self.note_appended(first, match, self.durability.covering(match))
        return match

    def is_stale(self, term: int) -> bool:
        """Refuse the request of an older term: whoever leads or stands there was overtaken (5.1)."""
        return term < self.term

    def is_consistent(self, previous: int, previous_term: int) -> bool:
        """Accept entries only directly after one that the leader has there too (5.3).

        What is compacted was committed, so every leader has it (5.4, 7).
        """
        return previous < self.log.base_index or self.log.holds(previous, previous_term)

    def merge(self, previous: int, entries: list[list[Json]]) -> tuple[int | None, int]:
        """Make the log hold the entries after `previous`; return where it was cut and the first new index."""
        held = self.already_held(previous, entries)
        first, new = previous + 1 + held, entries[held:]
        return (self.append_new(first, new) if new else None), first

    def already_held(self, previous: int, entries: list[list[Json]]) -> int:
        """Return how many of the entries the log holds: they are kept with all that follows them.

        The message may be an old one (5.3, figure 2: delete only on a conflict, append only what is
        not there).
        """
        index, last = previous + 1, self.log.last_index
        held = 0
        for term, _ in entries:
            if index + held > last or self.conflicts(index + held, term):
                break
            held += 1
        return held

    def conflicts(self, index: int, term: int) -> bool:
        """Tell whether the log has another entry at `index` than the leader, by its term (5.3).

        One that is compacted away doesn't conflict: it was committed, so the leader has the same (5.4, 7).
        """
        return index > self.log.base_index and self.log.term_at(index) != term

    def append_new(self, first: int, new: list[list[Json]]) -> int | None:
        """Append entries from `first` on; return it if what conflicted with them was cut there.

        On a conflict the existing entry is deleted with all that follow it (5.3, figure 2).
        """
        conflict = first <= self.log.last_index
        if conflict:
            self.save_truncation(first)
        self.log.extend(new)
        self.save_entries(first)
        return first if conflict else None

    def acknowledgement_waits_for(self, match: int) -> int | None:
        """Consent to entries only when they are durable, and the term with them (5.3; figure 2)."""
        self.hard_state()
        return self.durability.covering(match)

    def rejection(self, round_number: int, previous: int) -> dict[str, Json]:
        """Say where the conflicting term begins, so that the leader can step over it whole (5.3)."""
        last = self.log.last_index
        if previous > last:
            return messages.rejected(self.term, round_number, previous, None, last + 1)
        term, first = self.log.term_at(previous), self.log.first_of_term_at(previous)
        first = max(first, self.log.base_index + 1)
        return messages.rejected(self.term, round_number, previous, term, first)

    def follower_commit(self, leader_commit: int, last_new: int) -> int:
        """Commit what the leader did, but only up to what this message compared (5.3, figure 2)."""
        return min(leader_commit, last_new)

    # The leader listens.

    def on_appended(self, follower: str, body: Body) -> None:
        """Take a follower's answer to a message of this term; others say nothing about now (5.1)."""
        led = self.leadership
        progress = led.followers.get(follower) if led is not None else None
        if led is None or progress is None or body["term"] != self.term:
            return
        self.count_answer(led, progress, body["round"])
        if body["success"]:
            if self.advance(progress, body["match"]):
                self.commit(self.leader_commit(led))
        elif body["rejected"] == progress.next - 1 and body["rejected"] > progress.match:
            progress.flight = 0
            progress.next = self.next_after_rejection(progress, body)
            self.schedule_flush()

    def advance(self, progress: Progress, match: int) -> bool:
        """Raise what is known to be replicated and tell whether it rose; it never falls (figure 2)."""
        if match <= progress.match:
            return False
        # A match beyond one's own log answers an earlier life, which takes a seeded bug: terms don't repeat.
        progress.match = min(match, self.log.last_index)
        progress.next = max(progress.next, progress.match + 1)
        if progress.match >= self.commit_index:
            progress.catching_up = False
        if progress.match >= progress.flight:
            progress.flight = 0
            if progress.next <= self.log.last_index:
                self.schedule_flush()
        return True

    def next_after_rejection(self, progress: Progress, body: Body) -> int:
        """Back up over a whole conflicting term at once (5.3, last paragraphs).

        If the leader has entries of that term, the logs may agree up to the last of them;
        otherwise all of the follower's entries of that term are wrong.
        """
        shared = None if body["conflict_term"] is None else self.log.last_of_term(body["conflict_term"])
        first: int = body["conflict_first"] if shared is None else shared + 1
        rejected: int = body["rejected"]
        return max(progress.match + 1, min(first, rejected))

    def leader_commit(self, led: Leadership) -> int:
        """Return the highest index that is durable on a majority and may be committed (5.3, 5.4.2)."""
        own = min(self.durability.index, self.log.last_index)
        index = self.majority_of(own, [progress.match for progress in led.voters])
        return index if index > self.commit_index and self.may_commit(index) else self.commit_index

    def may_commit(self, index: int) -> bool:
        """Commit by counting only entries of the current term; older ones follow (5.4.2, figure 8)."""
        return self.log.term_at(index) == self.term

    def commit(self, index: int) -> None:
        """Raise the commit index and say so."""
        if index <= self.commit_index:
            return
        self.commit_index = index
        self.note(
            "committed",
            {
                "index": index,
                "term": self.log.term_at(index),
                "digest": self.log.digest_at(index),
                "in_term": self.term,
                "role": self.role,
            },
        )

    def confirmed_round(self, led: Leadership) -> int:
        """Return the newest round that a majority answered in this term, the leader's own answer included."""
        return self.majority_of(led.round, [progress.round for progress in led.voters])
