"""The replicated log in memory, with a chained digest of every prefix.

Indices begin at 1; index 0 stands for the empty log, of term 0. An entry is a term and a command;
the command is null for a leader's no-op, `{"members": [...]}` for a configuration, else
`[client, msg_id, body]`.

A prefix that a snapshot stands for is forgotten (section 7). Of its last entry, the *base*, index,
term and digest are kept: they are what the consistency check and the chain of digests need.

The digest of an entry covers the digest before it, its term and its command, so two logs with
equal digests at an index are equal up to it: the Log Matching Property (Ongaro & Ousterhout 2014,
section 5.3) can be checked from outside by comparing single digests. Appending costs the
size of the entry; nothing here walks the log. The chain goes on through snapshots.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from hashlib import blake2b
from typing import TYPE_CHECKING

from .configuration import Configuration, initial_configuration, is_configuration

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
    """The entries from `base_index + 1` to `last_index`: it grows at its end, and can be cut at both.

    It begins directly after the base, entry 0 by default. Where an index is asked for, it must be the
    base or an entry that is there.
    """

    def __init__(
        self,
        base_index: int = 0,
        base_term: int = 0,
        base_digest: str = EMPTY_DIGEST,
        configuration: Configuration | None = None,
    ) -> None:
        self.base_index = base_index
        self.last_index = base_index
        self._terms: list[int] = [base_term]
        self._commands: list[Json] = [None]
        self._digests: list[str] = [base_digest]
        self._run_terms: list[int] = [base_term]
        self._run_starts: list[int] = [base_index]
        self._configurations = [configuration or initial_configuration(())]

    @property
    def base_term(self) -> int:
        """The term of the last entry that was compacted away, 0 if none was."""
        return self._terms[0]

    @property
    def last_term(self) -> int:
        """The term of the last entry, 0 for the empty log."""
        return self._terms[-1]

    @property
    def configuration(self) -> Configuration:
        """The newest configuration that the log holds or began with (thesis 4.1)."""
        return self._configurations[-1]

    @property
    def base_configuration(self) -> Configuration:
        """The configuration at the base."""
        return self._configurations[0]

    def term_at(self, index: int) -> int:
        """Return the term of the entry at `index`."""
        return self._terms[index - self.base_index]

    def command_at(self, index: int) -> Json:
        """Return the command of the entry at `index`."""
        return self._commands[index - self.base_index]

    def digest_at(self, index: int) -> str:
        """Return the digest of the log up to `index`."""
        return self._digests[index - self.base_index]

    def holds(self, index: int, term: int) -> bool:
        """Tell whether the entry at that index, which may be the base, is there and of that term."""
        return self.base_index <= index <= self.last_index and self._terms[index - self.base_index] == term

    def append(self, term: int, command: Json) -> int:
        """Append an entry and return its index."""
        self._digests.append(chain(self._digests[-1], term, command))
        self._terms.append(term)
        self._commands.append(command)
        self.last_index = index = self.last_index + 1
        if term != self._run_terms[-1]:
            self._run_terms.append(term)
            self._run_starts.append(index)
        if is_configuration(command):
            self._configurations.append(Configuration(index, term, tuple(command["members"])))
        return index

    def extend(self, entries: Iterable[list[Json]]) -> None:
        """Append entries given as `[term, command]`."""
        for term, command in entries:
            self.append(term, command)

    def truncate(self, first: int) -> None:
        """Forget the entry at `first` and all that follow it, and go back to the configuration before."""
        place = max(first - self.base_index, 1)
        del self._terms[place:]
        del self._commands[place:]
        del self._digests[place:]
        self.last_index = self.base_index + len(self._terms) - 1
        while len(self._run_starts) > 1 and self._run_starts[-1] >= first:
            self._run_starts.pop()
            self._run_terms.pop()
        while len(self._configurations) > 1 and self._configurations[-1].index >= first:
            self._configurations.pop()

    def compact(self, index: int) -> None:
        """Forget all entries up to `index`, which becomes the base (section 7)."""
        place = index - self.base_index
        del self._terms[:place]
        del self._commands[:place]
        self._commands[0] = None
        del self._digests[:place]
        run = bisect_right(self._run_starts, index) - 1
        del self._run_terms[:run]
        del self._run_starts[:run]
        self._run_starts[0] = index
        while len(self._configurations) > 1 and self._configurations[1].index <= index:
            del self._configurations[0]
        self.base_index = index

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
        begin = first - self.base_index
        end = begin + limit
        return [
            [term, command]
            for term, command in zip(self._terms[begin:end], self._commands[begin:end], strict=True)
        ]

    def fingerprints(self, first: int, last: int) -> list[list[Json]]:
        """Return `[term, digest]` of the entries from `first` to `last`."""
        begin, end = first - self.base_index, last + 1 - self.base_index
        return [
            [term, digest]
            for term, digest in zip(self._terms[begin:end], self._digests[begin:end], strict=True)
        ]

    def digests(self, first: int, last: int) -> list[str]:
        """Return the digests of the entries from `first` to `last`."""
        return self._digests[first - self.base_index : last + 1 - self.base_index]
