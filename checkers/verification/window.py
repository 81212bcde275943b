"""Re-check the two relaxations that leave out a whole end of a history: its future, and its past.

Both are sound: they turn a linearizable history into a linearizable one. Let L be a legal order of all
operations of the key, without the indeterminate ones that had no effect.

*Forget the future* (`future`: a position c). Operations invoked behind c go. Those that had not returned by
c lose their result and their return: they become optional. Let L' be L up to the last operation that had
returned by c. L' is legal, as every beginning of a legal order is. It holds every operation that had
returned by c, and none invoked behind c: such a one would stand before an operation that had returned
when it was invoked, against real time. The others in it are optional.

*Forget the past* (`past`: the position of a completed operation P). P must fix the state of every register
in play: a write, a delete, an applied cas or a read, after which the register holds what it wrote or found.
The sub-history begins with that state. P goes, and so do the operations that had returned when P was
invoked; those that ran beside P become optional; those invoked after P returned stay as they are. Let L'
be what stands behind P in L. In the state that P left L' is legal. Real time puts what had returned before P
in front of it and what was invoked after P behind it, so L' holds all of the latter and none of the former,
and of the operations beside P those that took effect behind it. The conditions, and what goes wrong without:

- *P completed*. A write of unknown outcome may take effect later: `write 1, write 2 (no answer), read 1`
  is legal, and from 2 on it is not.
- *P fixes the state*. An unequal cas and an append don't, nor does a null read where `nil_reads` is any.
- *What ran beside P is optional.* Of `write 1` and `write 2` side by side, and then `read 2`: from 2 on,
  `write 1` had to come between. It could have come first.
- *The past is gone as a whole.* `write 1, read 1, write 2`: from 2 on, `read 1` is illegal.

An optional operation behind the cut that only reads has nothing left to say, and one that writes has its
effect where L' has it (`refutation`, on crashed operations). Both ends may be forgotten of one history. (If
P had not returned by c, nothing but optional operations is left, and those are no refutation.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.verification.claim import describe, task
from splitbrain.checkers.verification.values import show
from splitbrain.checkers.verification.verification import RejectedError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from splitbrain.checkers.verification.claim import Claim, Task
    from splitbrain.checkers.verification.steps import Step
    from splitbrain.histories.operation import Operation


class Span(NamedTuple):
    """The positions at which a completed operation began and ended."""

    invoke: int
    complete: int


class Window(NamedTuple):
    """What is looked at: from the operation `past` on, up to the position `future` (None: everything).

    `held` says what registers held just after `past`.
    """

    past: Span | None
    future: int | None
    held: Mapping[Hashable, Hashable] | None

    def forgets(self, one: Task) -> bool:
        """Whether an operation goes: it is `past` itself, or over before it, or begins behind `future`."""
        if self.future is not None and one.invoke > self.future:
            return True
        if self.past is None or one.complete is None:
            return False
        return one.invoke == self.past.invoke or one.complete < self.past.invoke

    def makes_optional(self, one: Task) -> bool:
        """Whether a completed operation, not forgotten, ran beside `past` or still ran at `future`."""
        if one.complete is None:
            return False
        if self.future is not None and one.complete > self.future:
            return True
        return self.past is not None and one.invoke < self.past.complete

    def require(self, steps: Sequence[Step], name: str) -> None:
        """Check that the window knows the state that an operation of this name begins with.

        Raises:
            RejectedError: `past` does not fix a register that a step touches.
        """
        if self.held is not None and any(step.register not in self.held for step in steps):
            raise RejectedError(
                f"The certificate begins with an operation after which the state that {name} meets"
                " is not known."
            )


def read_window(claim: Claim, certificate: Mapping[str, Any], known: Mapping[int, Operation]) -> Window:
    """Read `past` and `future` off a certificate; both may be null or absent.

    `known` are the operations of the refuted key by position.

    Raises:
        RejectedError: one of them is malformed, or `past` is no completed operation of the key.
    """
    past, future = certificate.get("past"), certificate.get("future")
    if future is not None and type(future) is not int:
        raise RejectedError(f"The certificate's `future` must be a position or null, not {show(future)}.")
    if past is None:
        return Window(None, future, None)
    if type(past) is not int or past not in known:
        raise RejectedError(f"The certificate's `past` must name an operation of the key, not {show(past)}.")
    start = known[past]
    span = task(claim, start)
    if span.complete is None:
        raise RejectedError(
            f"The certificate begins with {describe(start)}, which is not known to have completed."
        )
    return Window(Span(span.invoke, span.complete), future, _held_after(claim, start))


def _held_after(claim: Claim, operation: Operation) -> dict[Hashable, Hashable]:
    """Return what registers are known to hold just after a completed operation."""
    held: dict[Hashable, Hashable] = {}
    for step in claim.steps(operation):
        if step.kind in ("write", "equal"):
            held[step.register] = step.left
        elif step.kind == "read":
            held[step.register] = step.found
    return held
