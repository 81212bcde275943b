"""The replicated log in memory, with a chained digest of every prefix.

Indices begin at 1; index 0 stands for the empty log, of term 0. An entry is a term and a command;
the command is null for a leader's no-op, else `[client, msg_id, body]`.

The digest of an entry covers the digest before it, its term and its command, so two logs with
equal digests at an index are equal up to it: the Log Matching Property (Ongaro & Ousterhout 2014,
section 5.3) can be checked from outside by comparing single digests. Appending costs the
size of the entry; nothing here walks the log.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..contract import Json

DIGEST_BYTES = 8
EMPTY_DIGEST = "0" * (2 * DIGEST_BYTES)
"""The digest of the empty log."""

_canonical = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


def chain(previous: str, term: int, command: Json) -> str:
    """Return the digest of a log that ends in this entry, from the digest of the log before it."""
    text = f"{previous} {term} {_canonical(command)}"
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()


class Log:
    """A sequence of entries that grows at its end and can be cut back to a prefix."""

    def __init__(self) -> None:
        self._terms: list[int] = [0]
        self._commands: list[Json] = [None]
        self._digests: list[str] = [EMPTY_DIGEST]
        self._run_terms: list[int] = [0]
        self._run_starts: list[int] = [0]

    @property
    def last_index(self) -> int:
        """The index of the last entry, 0 for the empty log."""
        return len(self._terms) - 1

    @property
    def last_term(self) -> int:
        """The term of the last entry, 0 for the empty log."""
        return self._terms[-1]

    def term_at(self, index: int) -> int:
        """Return the term of the entry at `index`."""
        return self._terms[index]

    def command_at(self, index: int) -> Json:
        """Return the command of the entry at `index`."""
        return self._commands[index]

    def digest_at(self, index: int) -> str:
        """Return the digest of the log up to `index`."""
        return self._digests[index]

    def holds(self, index: int, term: int) -> bool:
        """Tell whether there is an entry of that term at that index."""
        return index <= self.last_index and self._terms[index] == term

    def append(self, term: int, command: Json) -> int:
        """Append an entry and return its index."""
        self._digests.append(chain(self._digests[-1], term, command))
        self._terms.append(term)
        self._commands.append(command)
        index = len(self._terms) - 1
        if term != self._run_terms[-1]:
            self._run_terms.append(term)
            self._run_starts.append(index)
        return index

    def truncate(self, first: int) -> None:
        """Forget the entry at `first` and all that follow it."""
        del self._terms[first:]
        del self._commands[first:]
        del self._digests[first:]
        while self._run_starts[-1] >= first:
            self._run_starts.pop()
            self._run_terms.pop()

    def first_of_term_at(self, index: int) -> int:
        """Return the first index of the run of equal terms that the entry at `index` is in."""
        return self._run_starts[bisect_right(self._run_starts, index) - 1]

    def last_of_term(self, term: int) -> int | None:
        """Return the last index of an entry of `term`, or None if there is none.

        Terms never fall along a log (section 5.3), so they can be searched in halves. A seeded bug
        may break that order; then the answer is only a hint, as its use allows.
        """
        index = bisect_right(self._run_terms, term)
        if self._run_terms[index - 1] != term:
            return None
        return self.last_index if index == len(self._run_starts) else self._run_starts[index] - 1

    def entries(self, first: int, limit: int) -> list[list[Json]]:
        """Return at most `limit` entries from `first` on, each as `[term, command]`."""
        end = min(len(self._terms), first + limit)
        return [[self._terms[index], self._commands[index]] for index in range(first, end)]

    def fingerprints(self, first: int, last: int) -> list[list[Json]]:
        """Return `[term, digest]` of the entries from `first` to `last`."""
        return [[self._terms[index], self._digests[index]] for index in range(first, last + 1)]

    def digests(self, first: int, last: int) -> list[str]:
        """Return the digests of the entries from `first` to `last`."""
        return self._digests[first : last + 1]

    def extend(self, entries: Iterable[list[Json]]) -> None:
        """Append entries given as `[term, command]`."""
        for term, command in entries:
            self.append(term, command)
