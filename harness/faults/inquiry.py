"""Requests to a cluster that have to be answered for certain: asked again, elsewhere, until they are.

An administrator who removes a server asks the leader. That one may be gone by then, know a better one
(error 11 with its name), have another change under way (any other error), or say nothing at all. None
of that is an answer, so the request is repeated; whoever takes it must therefore take it twice
without harm. Like the nemesis, whose part this is, it is sans-IO.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from splitbrain.backend import Request

if TYPE_CHECKING:
    from splitbrain.faults.performer import Performer

SECOND = 1_000_000_000
RETRY = SECOND // 20
"""From an answer that was none to the next attempt, in nanoseconds."""

WITHIN = 1.0
"""Seconds that one node is given to answer."""

SOONEST = 0.05
"""Seconds that a node is given even where the time is up."""

UNAVAILABLE: Final = 11
"""The error of a node that can't answer now; it may name a `leader` that can."""


@dataclass(frozen=True)
class Ask:
    """An entry of an `Injection`, beside actions: have the cluster do something for certain.

    The node that plays `role` is asked first. It is done once a node answers with the type `answered`.
    Outcome: {"answer": the last body or null, "node": who gave it, "attempts": n}.
    """

    role: str
    body: Mapping[str, Any]
    answered: str


Candidates: TypeAlias = Callable[[str], Sequence[str]]
"""Given a role, the nodes that can be asked, the one that plays it first."""

Done: TypeAlias = Callable[[Mapping[str, Any], str | None, int], None]


class Inquiry:
    """One `Ask` on its way. `until` is when it is given up; None is never. Times are nanoseconds."""

    def __init__(
        self,
        ask: Ask,
        performer: Performer,
        candidates: Candidates,
        done: Done,
        *,
        now: int,
        until: int | None,
    ) -> None:
        self.until = until
        self.wake: int | None = now
        """When `advance` has something to do; None while an answer is awaited, and when it is over."""
        self.over = False
        self._ask = ask
        self._performer = performer
        self._candidates = candidates
        self._done = done
        self._hint: Any = None
        self._tried: set[str] = set()
        self._outcome: dict[str, Any] = {"answer": None, "node": None, "attempts": 0}

    def advance(self, now: int) -> None:
        """Ask the next node if it is time to."""
        if self.wake is None or now < self.wake:
            return
        if self.until is not None and now >= self.until:
            self._finish(f"Nobody answered {self._ask.body} with {self._ask.answered}.", now)
            return
        node = self._next()
        if node is None:
            self.wake = now + RETRY
            return
        self.wake = None
        self._outcome["attempts"] += 1
        left = WITHIN if self.until is None else (self.until - now) / SECOND
        request = Request(node, self._ask.body, within=max(SOONEST, min(WITHIN, left)))
        self._performer.submit(request, partial(self._heard, node), now)

    def _next(self) -> str | None:
        """Return whom to ask: the one that was named, else whoever was not asked in this round."""
        candidates = self._candidates(self._ask.role)
        hint, self._hint = self._hint, None
        if hint in candidates:
            return str(hint)
        fresh = [node for node in candidates if node not in self._tried]
        if not fresh:
            self._tried.clear()
            fresh = list(candidates)
        if not fresh:
            return None
        self._tried.add(fresh[0])
        return fresh[0]

    def _heard(self, node: str, outcome: Mapping[str, Any], error: str | None, now: int) -> None:
        answer = outcome.get("answer")
        self._outcome.update(answer=answer, node=node)
        if error is not None:
            self._finish(error, now)
        elif not isinstance(answer, Mapping):
            self.wake = now
        elif answer.get("type") == self._ask.answered:
            self._finish(None, now)
        else:
            self._hint = answer.get("leader") if answer.get("code") == UNAVAILABLE else node
            self.wake = now + RETRY

    def _finish(self, error: str | None, now: int) -> None:
        self.over, self.wake = True, None
        self._done(self._outcome, error, now)
