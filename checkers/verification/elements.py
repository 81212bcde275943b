"""May a value be dropped, with all its operations, from what a queue or stack is refuted by?

Let L be a legal order of all operations of a queue, stack or priority queue, without those of unknown outcome
that did nothing. Choose some values, and leave out of L every operation that put one of them in, took it out
or looked at it. What remains is legal: of what is in, the remaining values stand as they stood, so whoever
was first, youngest or largest among all is so among fewer; and where nothing was in, still nothing is. (In a
queue without order nothing needs to be first.)

So the chosen values may go if *every* operation that is known to be about one of them goes: no remaining
operation puts it in, takes it or looks at it. A take that was crashed may remain: it is optional, and left
out where it took a chosen value. If a chosen value was in from the start, the sub-history begins without
it.

*A take of unknown outcome* ("lose") may have taken a value that remains, which would stay for ever without
it. So it may go only if it can't have taken one: if of each value that isn't chosen at least as many takes
completed as there are ways in for it (puts of any outcome, and being in from the start). In L each of these
takes has a put in front of it, and no put is left over. A value of which every put is behind `future`
doesn't matter: whoever took it is no part of the beginning that remains.

Each condition is needed:

- *a look remains*: `push 1, peek 1` without its push is illegal; *a take remains*: the same;
- *a put remains*: `push 1, push 2, pop 2, pop 1` without `pop 2` is illegal, since 2 lies on 1;
- *a lose goes*: `push 1, push 2, pop (no answer), pop 1`: the pop without an answer took 2.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeGuard

from splitbrain.checkers.verification.claim import describe
from splitbrain.checkers.verification.verification import RejectedError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from splitbrain.checkers.verification.claim import Claim
    from splitbrain.checkers.verification.steps import Step
    from splitbrain.histories.operation import Operation


def moves_values(step: Step) -> bool:
    """Whether the step puts a value into a queue or stack, or takes one out."""
    return step.kind == "put" or step.kind.startswith(("take-", "lose-"))


def check_values_dropped(
    claim: Claim,
    dropped: Iterable[Operation],
    kept: Iterable[tuple[Operation, Step]],
    everything: Sequence[Operation],
    lasting: Iterable[Operation],
    *,
    held: Mapping[Hashable, Hashable],
) -> dict[Hashable, Hashable]:
    """Check that the values that these operations move may be dropped; return what is `held` without them.

    `everything` are all operations of the key, `lasting` those that the window doesn't forget.

    Raises:
        RejectedError: a value of theirs remains, or a take of unknown outcome may have taken one that does.
    """
    moves = [(each, step) for each in dropped for step in claim.steps(each) if moves_values(step)]
    chosen = {_about(step) for _, step in moves} - {None}
    for operation, step in kept:
        if _about(step) in chosen:
            raise RejectedError(
                f"The certificate drops operations on a value, but keeps {describe(operation)}, which is"
                " about it."
            )
    lost = next((operation for operation, step in moves if _about(step) is None), None)
    if lost is not None and _left_over(claim, everything, lasting) - chosen:
        raise RejectedError(
            f"The certificate drops {describe(lost)}, whose outcome is unknown: it may have taken a value"
            " that is kept."
        )
    return {
        register: ("list", *(item for item in items[1:] if item not in chosen)) if _is_list(items) else items
        for register, items in held.items()
    }


def _about(step: Step) -> Hashable:
    """Return the value that a step puts in, takes out or sees, or None."""
    return step.left if step.kind == "put" else step.found


def _is_list(held: Any) -> TypeGuard[tuple[Hashable, ...]]:
    return isinstance(held, tuple) and held[:1] == ("list",)


def _left_over(claim: Claim, everything: Iterable[Operation], lasting: Iterable[Operation]) -> set[Hashable]:
    """Return the values that are in before the end and have more ways in than takes that completed."""
    (first,) = claim.start([None])
    left: Counter[Hashable] = Counter(first[1:] if _is_list(first) else ())
    put = set(left)
    for operation in everything:
        for step in () if claim.void(operation) else claim.steps(operation):
            if step.kind == "put":
                left[step.left] += 1
            elif step.kind.startswith("take-"):
                left[step.found] -= 1
    for operation in lasting:
        steps = () if claim.void(operation) else claim.steps(operation)
        put.update(step.left for step in steps if step.kind == "put")
    return {value for value in put if left[value] > 0}
