"""What may go from a set that only grows, so that the rest refutes it.

Let L be a legal order of all operations of such a set, without those of unknown outcome that did nothing.

*Look at some elements only* (`elements`: a list). Adds of all others go, of any status; every read, and what
was there at first, keeps only the names of these. The rest of L is legal in the same order: an add of another
element changes nothing that is looked at, and a read that found the set as it was finds what is looked at as
it is. An element that a read names twice, it still names twice. The certificate names the elements; what the
reads say of them is taken from the history.

*An add goes* (an operation of any status that adds e), if one of these holds:

1. e was there at first. The add changes nothing.
2. No remaining read has e. In L all adds of e that go stand behind every remaining read (a completed one; of
   the others nothing is known), or there is none. Without them each read finds what it found.
3. An add of e remains that was invoked before it. Let a' be the first invoked of those that remain, and a the
   first add of e in L. If a stays, those that go change nothing. Otherwise put a' directly in front of a, if
   it was not in L or stood behind it. No operation from a on had returned when a' was invoked: it would have
   returned before a was invoked, too, as that came later, and have stood in front of a. So real time lets a'
   stand there. Now a changes nothing, nor do the others that go.

Each element is treated by itself, so all that may go, may go together. Beside `future` all this is said of
the beginning that remains. What goes wrong without the conditions:

- *a read has e*: `add 1, read [1]` without its add is illegal;
- *the add that stays was invoked later*: `add 1 (no answer), read [1], add 1`: without the first one the read
  finds what comes only later;
- *another type*: after `enqueue 1, enqueue 2`, looked at for 2 only, `dequeue 1` finds nothing in a queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.verification.claim import describe
from splitbrain.checkers.verification.verification import RejectedError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from splitbrain.checkers.verification.steps import Step
    from splitbrain.histories.operation import Operation


def gathers(step: Step) -> bool:
    """Whether the step adds an element to a growing set."""
    return step.kind == "gather"


def check_adds_dropped(
    dropped: Iterable[tuple[Operation, Step]],
    kept: Iterable[tuple[Operation, Step]],
    held: Mapping[Hashable, Any],
) -> None:
    """Check that adds to growing sets may be dropped together.

    `held` is what is in at first.

    Raises:
        RejectedError: a read that is kept has the element of one, and no add of it that is kept came first.
    """
    readers: dict[Hashable, Operation] = {}
    earliest: dict[Hashable, int] = {}
    for operation, step in kept:
        if step.kind == "gathered":
            readers.update(dict.fromkeys(_names(step), operation))
        elif gathers(step):
            earliest[step.left] = min(operation.invoke, earliest.get(step.left, operation.invoke))
    for operation, step in dropped:
        if not gathers(step) or step.left in held.get(step.register, ()):
            continue
        if step.left in earliest and earliest[step.left] < operation.invoke:
            continue
        reader = readers.get(step.left)
        if reader is not None:
            raise RejectedError(
                f"The certificate drops {describe(operation)}, but {describe(reader)}, which it keeps, has"
                " that element, and no add of it that was invoked earlier is kept."
            )


def _names(step: Step) -> Any:
    return step.found
