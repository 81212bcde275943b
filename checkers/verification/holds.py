"""May holds of a lock be dropped from a history that is to be refuted?

Let every process of a mutex (owned or not) alternate acquire and release, beginning with acquire, and do
nothing after an operation of unknown outcome; and let the lock be free at first. A *hold* is an acquire and
the release that its process does next, if it does. It is certain from the return of the acquire to the
invocation of the release, or to the end.

Such a history is linearizable exactly if no two holds are certain at one time. If two are, cut a legal order
at that time: of each process as many acquires as releases are in front of the cut, or one more, and of
these two one more: two acquires have no release between them. If none are, let each hold last from just
before the return of its acquire to just after the invocation of its release; acquires of unknown outcome
never happen, such releases happen at once.

So a history from which holds were dropped as a whole is linearizable if all of it is. Half a hold can't go:
`acquire, release, acquire` without its release is illegal. Nor can a hold where processes don't alternate: of
`acquire (1), release (2), acquire (3), release (1)` on a mutex, the operations of process 2 are needed.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from splitbrain.checkers.verification.claim import Claim
    from splitbrain.histories.operation import Operation

LOCKS = ("mutex", "owned-mutex")


def whole_holds(
    claim: Claim, operations: Iterable[Operation], dropped: Container[int], future: int | None
) -> bool:
    """Whether the operations at the dropped positions are holds of a lock, which may go as a whole.

    `operations` are all of the key, in the order of their invocations; what is behind the position `future`
    is forgotten before.
    """
    if claim.model not in LOCKS or claim.start((None,)) != ("free",):
        return False
    end = inf if future is None else future
    rows: dict[int, list[Operation]] = {}
    for operation in operations:
        if not claim.void(operation) and operation.invoke <= end:
            rows.setdefault(operation.process, []).append(operation)
    return all(_alternates(claim, row, end) and _keeps_holds(row, dropped) for row in rows.values())


def _alternates(claim: Claim, row: Sequence[Operation], end: float) -> bool:
    return all(
        operation.f == ("release" if number % 2 else "acquire")
        and (number == len(row) - 1 or _completed(claim, operation, end))
        for number, operation in enumerate(row)
    )


def _completed(claim: Claim, operation: Operation, end: float) -> bool:
    return claim.completed(operation) and operation.complete is not None and operation.complete <= end


def _keeps_holds(row: Sequence[Operation], dropped: Container[int]) -> bool:
    return all(
        (acquire.invoke in dropped) == (release.invoke in dropped)
        for acquire, release in zip(row[::2], row[1::2], strict=False)
    )
