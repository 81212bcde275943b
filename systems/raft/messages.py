"""The messages between Raft nodes (Ongaro & Ousterhout 2014, figure 2), as JSON bodies.

The sender is the envelope's `src`, so neither the candidate nor the leader is named again. Beyond
the paper's arguments:

- `round` numbers a leader's broadcasts within its term; a reply returns it, so the leader knows
  that a follower still recognised it *after* that broadcast began (thesis, section 6.4);
- a success names in `match` the index up to which the follower's durable log equals the leader's;
- a rejection says where the follower's conflicting term begins (section 5.3, last paragraphs);
- a pre-vote asks about the term after the candidate's own, `for`, and is answered for that one
  (thesis, section 9.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..contract import Json

INSTALL_SNAPSHOT = "install_snapshot"
SNAPSHOT_RECEIVED = "snapshot_received"
REQUEST_VOTE = "request_vote"
VOTE = "vote"
REQUEST_PREVOTE = "request_prevote"
PREVOTE = "prevote"
APPEND_ENTRIES = "append_entries"
APPENDED = "appended"

FROM_LEADERS = (APPEND_ENTRIES, INSTALL_SNAPSHOT)
"""The messages that only the leader of a term sends."""


def request_vote(term: int, last_index: int, last_term: int) -> dict[str, Json]:
    """Return a candidate's request for a vote; `last_*` describe the end of its log."""
    return {"type": REQUEST_VOTE, "term": term, "last_index": last_index, "last_term": last_term}


def vote(term: int, *, granted: bool) -> dict[str, Json]:
    """Return the answer to a request for a vote."""
    return {"type": VOTE, "term": term, "granted": granted}


def request_prevote(term: int, last_index: int, last_term: int) -> dict[str, Json]:
    """Return the question whether one would get a vote in the term after `term`, one's own."""
    return {
        "type": REQUEST_PREVOTE,
        "term": term,
        "for": term + 1,
        "last_index": last_index,
        "last_term": last_term,
    }


def prevote(term: int, for_term: int, *, granted: bool) -> dict[str, Json]:
    """Return the answer of a server in `term` to a pre-vote about `for_term`."""
    return {"type": PREVOTE, "term": term, "for": for_term, "granted": granted}


def append_entries(
    term: int, round_number: int, previous: tuple[int, int], entries: list[list[Json]], commit: int
) -> dict[str, Json]:
    """Return a leader's entries, or its heartbeat if there are none.

    `previous` is index and term of the entry directly before them.
    """
    return {
        "type": APPEND_ENTRIES,
        "term": term,
        "round": round_number,
        "previous": previous[0],
        "previous_term": previous[1],
        "entries": entries,
        "commit": commit,
    }


def appended(term: int, round_number: int, match: int) -> dict[str, Json]:
    """Return a follower's consent: its durable log equals the leader's up to `match`."""
    return {"type": APPENDED, "term": term, "round": round_number, "success": True, "match": match}


def refused(term: int) -> dict[str, Json]:
    """Return the answer to a leader of an old term: only the newer term matters."""
    return {"type": APPENDED, "term": term, "round": 0, "success": False, "rejected": None}


def rejected(
    term: int, round_number: int, previous: int, conflict_term: int | None, conflict_first: int
) -> dict[str, Json]:
    """Return a follower's rejection: its log doesn't hold the leader's entry at `previous`.

    It has an entry of `conflict_term` there, whose run begins at `conflict_first`; or it ends
    before, and then the term is null and `conflict_first` is the first index that it lacks.
    """
    return {
        "type": APPENDED,
        "term": term,
        "round": round_number,
        "success": False,
        "rejected": previous,
        "conflict_term": conflict_term,
        "conflict_first": conflict_first,
    }


def install_snapshot(
    term: int, round_number: int, last: tuple[int, int], offset: int, data: str, *, done: bool
) -> dict[str, Json]:
    """Return a chunk of a snapshot's text, beginning at `offset`, the last one if `done` (figure 13).

    `last` is index and term of the last entry that the snapshot stands for.
    """
    return {
        "type": INSTALL_SNAPSHOT,
        "term": term,
        "round": round_number,
        "index": last[0],
        "index_term": last[1],
        "offset": offset,
        "data": data,
        "done": done,
    }


def snapshot_received(term: int, round_number: int, index: int, offset: int) -> dict[str, Json]:
    """Return how much of the snapshot up to `index` a follower has; a whole one it answers by `appended`."""
    return {
        "type": SNAPSHOT_RECEIVED,
        "term": term,
        "round": round_number,
        "index": index,
        "offset": offset,
    }
