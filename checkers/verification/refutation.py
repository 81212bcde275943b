"""Re-check `refutation`: a relaxed sub-history that has no order, and why the whole history then has none.

A relaxation is sound if it turns a linearizable history into a linearizable one: then a refuted
sub-history refutes the whole. Let L be a legal order of all operations of the key, and R the operations
that remain. Let R' be L restricted to those of R that completed, or that wrote something in L (a write,
or a cas that found its old value). We show that R' is a legal order of the sub-history. It respects
real time, since relaxing only takes operations and returns away. Its legality, by relaxation:

*Fails and indeterminate observers go.* A fail did nothing; an indeterminate observer left no result.

*An observer goes*: a completed operation that changes no state in which its recorded result is legal: a
read, an unequal cas, an applied cas from v to v. L has the same state before and after it, so L without
it is legal. A write that finds its own value is none: `write 1, write 2, write 1, read 1`, one after
the other, needs its third write, and so it may where the third *might* find 1.

*A completed operation crashes* ("as": "crashed"): it loses its result and its return and becomes
optional. If it wrote in L, R' has it at its place, where it does the same (a cas of unknown outcome
that finds its old value applies). Otherwise R' omits it, as an optional operation may be.

*A value goes*: a mutator, of any status, whose written value v no remaining operation observes, if no
unequal cas and no append remains on its register. To observe v is to read it, or to be a cas from v
(applied or of unknown outcome). Say that a value is lost if a dropped mutator writes it. Whenever an
operation of R' depends on the state (a read, a cas that applies), it found in L a value that it
observes, which is not lost; so every write of that value in L remains, the last one before it too, and
by induction that one does in R' what it did in L. Dropping the others between them changes nothing, and
writes and deletes depend on no state. With several registers this holds for each. Where a condition is
missing, it fails:

- *v is observed*: `write 1, read 1` without its write is illegal. A crashed write is no different: that
  it never returned does not mean that it never happened.
- *an unequal cas remains*: in `write 1, write 2, cas [1, 5] not applied` nobody reads 2, but without
  `write 2` the cas finds 1 and had to apply.
- *an append remains*: in `put "a", append "b", get "ab"` nobody observes "a", but the append carries it
  on.

An append writes whatever it finds and its own string. So it may go if no remaining operation observes a
string that ends in its own: `append "a", append "b", get "ab"` needs both, for the first one goes only
where no append remains.

Nothing else is allowed. Then the sub-history is refuted anew (`exhaustion`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.verification.claim import describe, group, read_claim, task
from splitbrain.checkers.verification.exhaustion import BUDGET, exhaust
from splitbrain.checkers.verification.values import identity, show
from splitbrain.checkers.verification.verification import RejectedError, Verification

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splitbrain.checkers.verification.claim import Claim
    from splitbrain.checkers.verification.sequential import Step
    from splitbrain.histories.history import History
    from splitbrain.histories.operation import Operation


class Remaining(NamedTuple):
    """An operation of the sub-history, and the steps it has there."""

    operation: Operation
    crashed: bool
    steps: tuple[Step, ...]


def verify_refutation(certificate: Mapping[str, Any], history: History, budget: int = BUDGET) -> Verification:
    """Confirm that the named sub-history follows from the whole, and that it has no order.

    Raises:
        RejectedError: the certificate is malformed, a relaxation is unsound, or the sub-history has an order.
    """
    claim = read_claim(certificate)
    if "key" not in certificate:
        raise RejectedError("The certificate does not name the `key` that it refutes.")
    shown = show(certificate["key"])
    if not claim.keyed and certificate["key"] is not None:
        raise RejectedError(f"With keyed: false the key is null, not {shown}.")
    operations = group(claim, history).get(identity(certificate["key"]))
    if operations is None:
        raise RejectedError(f"The history has no operation on the key {shown}.")
    remaining = _remaining(claim, certificate, operations, shown)
    named = {each.operation.invoke for each in remaining}
    for operation in operations:
        if operation.invoke not in named and not claim.void(operation):
            _check_dropped(claim, operation, remaining)
    outcome = exhaust(
        claim, [task(claim, each.operation, crashed=each.crashed) for each in remaining], budget
    )
    if outcome.linearizable:
        order = f", for instance {', '.join(map(str, outcome.order))}" if outcome.order else ""
        raise RejectedError(f"The {len(remaining)} operations kept of key {shown} have a legal order{order}.")
    if outcome.linearizable is None:
        return Verification(
            holds="unknown",
            reason=f"The {len(remaining)} operations kept of key {shown} are too many to refute anew:"
            f" {outcome.explored} steps were tried.",
            checked=len(remaining),
        )
    return Verification(
        holds=True,
        reason=f"The history is not linearizable {claim}: {len(remaining)} of the {len(operations)}"
        f" operations on key {shown} have no legal order ({outcome.explored} steps tried).",
        checked=len(remaining),
    )


def _remaining(
    claim: Claim, certificate: Mapping[str, Any], operations: Sequence[Operation], key: str
) -> list[Remaining]:
    entries = certificate.get("operations")
    if not isinstance(entries, list):
        raise RejectedError("The certificate's `operations` must be a list.")
    known = {operation.invoke: operation for operation in operations}
    remaining: dict[int, Remaining] = {}
    for entry in entries:
        position = entry.get("position") if isinstance(entry, dict) else None
        if type(position) is not int or entry.get("as") not in ("kept", "crashed"):
            raise RejectedError(
                'Each entry of `operations` must have a `position` and an `as` of "kept" or "crashed",'
                f" unlike {show(entry)}."
            )
        if position not in known:
            raise RejectedError(f"Position {position} is no operation on the key {key}.")
        if position in remaining:
            raise RejectedError(f"The certificate names {describe(known[position])} twice.")
        operation = known[position]
        if claim.void(operation):
            raise RejectedError(f"The certificate keeps {describe(operation)}, which failed.")
        crashed = entry["as"] == "crashed" or not claim.completed(operation)
        remaining[position] = Remaining(operation, crashed, claim.steps(operation, crashed=crashed))
    return list(remaining.values())


def _check_dropped(claim: Claim, operation: Operation, remaining: Sequence[Remaining]) -> None:
    """Raise unless one of the rules allows that this operation was dropped."""
    steps = claim.steps(operation)
    if all(_observes_only(step) for step in steps):
        return
    registers = {step.register for step in steps if not _observes_only(step)}
    for other in remaining:
        for step in other.steps:
            if step.register not in registers:
                continue
            if step.kind == "unequal":
                raise RejectedError(
                    f"The certificate drops {describe(operation)} beside {describe(other.operation)}"
                    ", a cas that compared unequal: its result may depend on what was dropped."
                )
            if step.kind == "append":
                raise RejectedError(
                    f"The certificate drops {describe(operation)} beside {describe(other.operation)}"
                    ", an append: what it leaves depends on what it finds."
                )
            lost = next((mine for mine in steps if _loses(mine, step)), None)
            if lost is not None:
                raise RejectedError(
                    f"The certificate drops {describe(operation)}, but {describe(other.operation)},"
                    " which it keeps, observes its value."
                )


def _observes_only(step: Step) -> bool:
    """Whether the step changes no state in which it is legal."""
    return step.kind in ("read", "unequal") or (step.kind in ("equal", "attempt") and step.found == step.left)


def _loses(dropped: Step, kept: Step) -> bool:
    """Whether the kept step observes a value that the dropped step may have written."""
    if kept.kind not in ("read", "equal", "attempt") or kept.register != dropped.register:
        return False
    if dropped.kind == "append":
        return isinstance(kept.found, str) and kept.found.endswith(str(dropped.left))
    if dropped.kind in ("write", "equal", "attempt"):
        return dropped.left == kept.found
    return False
