"""Re-check `refutation` and `prices`: a relaxed sub-history without an order; so the whole has none.

A relaxation is sound if it turns a linearizable history into a linearizable one: then a refuted
sub-history refutes the whole. Let L be a legal order of all operations of the key, and R the operations
that remain. Let R' be L restricted to those of R that completed, or that wrote something in L (a write,
or a cas that found its old value). We show that R' is a legal order of the sub-history. It respects
real time, since relaxing only takes operations and returns away. Its legality, by relaxation:

*Fails and indeterminate observers go.* A fail did nothing; an indeterminate observer left no result.

*A completed operation crashes* ("as": "crashed"): it loses its result and its return and becomes
optional. If it wrote in L, R' has it at its place, where it does the same (a cas of unknown outcome
that finds its old value applies). Otherwise R' omits it, as an optional operation may be.

*An observer or a value goes*: see `dropping`, and `elements` for what is in a queue or stack. *A hold of a
lock goes*: see `holds`. *Some elements are looked at* only, of a set that grows, and *an add goes*: see
`gathering`.

*Some keys are looked at* only, of transactions, or some elements of lists: see `transactions`.

*The past or the future goes*: see `window`.

Nothing else is allowed. Then the sub-history is refuted anew: by trying everything (`exhaustion`), or,
where the certificate puts prices on optional operations, by what an order would cost (`prices`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.verification.claim import describe, group, read_claim, registers_of, task
from splitbrain.checkers.verification.dropping import Remaining, check_dropped
from splitbrain.checkers.verification.elements import check_values_dropped, moves_values
from splitbrain.checkers.verification.exhaustion import BUDGET, exhaust
from splitbrain.checkers.verification.holds import whole_holds
from splitbrain.checkers.verification.looking import read_elements, read_keys
from splitbrain.checkers.verification.prices import cheapest_order
from splitbrain.checkers.verification.values import identity, show
from splitbrain.checkers.verification.verification import RejectedError, Verification
from splitbrain.checkers.verification.window import read_window

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from splitbrain.checkers.verification.claim import Claim, Task
    from splitbrain.checkers.verification.window import Window
    from splitbrain.histories.history import History
    from splitbrain.histories.operation import Operation


def verify_refutation(certificate: Mapping[str, Any], history: History, budget: int = BUDGET) -> Verification:
    """Confirm that the named sub-history follows from the whole, and that it has no order.

    Raises:
        RejectedError: the certificate is malformed, a relaxation is unsound, or the sub-history has an order.
    """
    claim = read_claim(certificate)
    claim = replace(
        claim,
        registers=read_keys(certificate, claim.model),
        elements=read_elements(certificate, claim.model),
    )
    if "key" not in certificate:
        raise RejectedError("The certificate does not name the `key` that it refutes.")
    shown = show(certificate["key"])
    if not claim.keyed and certificate["key"] is not None:
        raise RejectedError(f"With keyed: false the key is null, not {shown}.")
    operations = group(claim, history).get(identity(certificate["key"]))
    if operations is None:
        raise RejectedError(f"The history has no operation on the key {shown}.")
    known = {operation.invoke: operation for operation in operations}
    window = read_window(claim, certificate, known)
    remaining = _remaining(claim, certificate, known, window)
    tasks = [task(claim, each.operation, crashed=each.crashed) for each in remaining]
    numbers = registers_of(tasks)
    held = dict(zip(numbers, claim.start(numbers), strict=True)) if window.held is None else window.held
    named = {each.operation.invoke for each in remaining}
    dropped = [
        operation
        for operation in operations
        if not (operation.invoke in named or claim.void(operation) or window.forgets(task(claim, operation)))
    ]
    untouched = window.past is None and not any(
        each.crashed and not window.makes_optional(whole) and whole.complete is not None
        for each, whole in ((each, task(claim, each.operation)) for each in remaining)
    )
    if not (untouched and whole_holds(claim, operations, {each.invoke for each in dropped}, window.future)):
        check_dropped(claim, dropped, remaining, held)
        if any(moves_values(step) for each in dropped for step in claim.steps(each)):
            kept = [(each.operation, step) for each in remaining for step in each.steps]
            lasting = [each for each in operations if not window.forgets(task(claim, each))]
            held = check_values_dropped(claim, dropped, kept, operations, lasting, held=held)
    subject = _Subject(f" on key {shown}" if claim.keyed else "", str(claim), len(operations))
    if certificate["kind"] == "prices":
        return _refuted_by_prices(subject, tasks, held, _prices(certificate, tasks), budget)
    return _refuted_by_exhaustion(subject, tasks, held, budget)


class _Subject(NamedTuple):
    """What a sentence about the refutation names: the key, by what semantics, of how many operations."""

    where: str
    claim: str
    operations: int


def _refuted_by_exhaustion(
    subject: _Subject, tasks: Sequence[Task], held: Mapping[Hashable, Hashable], budget: int
) -> Verification:
    outcome = exhaust(tasks, held, budget)
    if outcome.linearizable:
        order = f", for instance {', '.join(map(str, outcome.order))}" if outcome.order else ""
        raise RejectedError(f"The {len(tasks)} operations kept{subject.where} have a legal order{order}.")
    if outcome.linearizable is None:
        return Verification(
            holds="unknown",
            reason=f"The {len(tasks)} operations kept{subject.where} are too many to refute anew:"
            f" {outcome.explored} steps were tried.",
            checked=len(tasks),
        )
    return Verification(
        holds=True,
        reason=f"The history is not linearizable {subject.claim}: {len(tasks)} of its {subject.operations}"
        f" operations{subject.where} {'has' if len(tasks) == 1 else 'have'} no legal order"
        f" (steps tried: {outcome.explored}).",
        checked=len(tasks),
    )


def _refuted_by_prices(
    subject: _Subject,
    tasks: Sequence[Task],
    held: Mapping[Hashable, Hashable],
    prices: Mapping[int, int],
    budget: int,
) -> Verification:
    bill, worth = cheapest_order(tasks, held, prices, budget), sum(prices.values())
    if not bill.finished:
        return Verification(
            holds="unknown",
            reason=f"The {len(tasks)} operations kept{subject.where} are too many to price anew:"
            f" {bill.steps} steps were tried.",
            checked=len(tasks),
        )
    if bill.cost is not None and bill.cost <= worth:
        raise RejectedError(
            f"The prices prove nothing: an order of the {len(tasks)} operations kept{subject.where}"
            f" costs {bill.cost}, and all indeterminate ones together {worth}."
        )
    costs = (
        f"even if indeterminate ones took effect again and again (steps tried: {bill.steps})"
        if bill.cost is None
        else f"as it would cost {bill.cost}, and all indeterminate ones together {worth}"
    )
    return Verification(
        holds=True,
        reason=f"The history is not linearizable {subject.claim}: {len(tasks)} of its {subject.operations}"
        f" operations{subject.where} {'has' if len(tasks) == 1 else 'have'} no legal order, {costs}.",
        checked=len(tasks),
    )


def _prices(certificate: Mapping[str, Any], tasks: Sequence[Task]) -> dict[int, int]:
    """Read the prices of optional operations, by position.

    Raises:
        RejectedError: an entry is malformed, or names no optional operation of the sub-history, or one twice.
    """
    entries = certificate.get("prices")
    if not isinstance(entries, list):
        raise RejectedError("The certificate's `prices` must be a list.")
    optional = {one.invoke for one in tasks if one.complete is None}
    prices: dict[int, int] = {}
    for entry in entries:
        position = entry.get("position") if isinstance(entry, dict) else None
        price = entry.get("price") if isinstance(entry, dict) else None
        if type(position) is not int or type(price) is not int or price < 0:
            raise RejectedError(
                "Each entry of `prices` must have a `position` and a `price` that is a whole number and not"
                f" negative, unlike {show(entry)}."
            )
        if position not in optional:
            raise RejectedError(f"Position {position} has a price, but is no indeterminate operation kept.")
        if position in prices:
            raise RejectedError(f"Position {position} has two prices.")
        prices[position] = price
    return prices


def _remaining(
    claim: Claim, certificate: Mapping[str, Any], known: Mapping[int, Operation], window: Window
) -> list[Remaining]:
    """Read the operations of the sub-history.

    Raises:
        RejectedError: an entry is malformed, or says more of an operation than the window leaves.
    """
    entries = certificate.get("operations")
    if not isinstance(entries, list):
        raise RejectedError("The certificate's `operations` must be a list.")
    remaining: dict[int, Remaining] = {}
    for entry in entries:
        position = entry.get("position") if isinstance(entry, dict) else None
        if type(position) is not int or entry.get("as") not in ("kept", "crashed"):
            raise RejectedError(
                'Each entry of `operations` must have a `position` and an `as` of "kept" or "crashed",'
                f" unlike {show(entry)}."
            )
        if position not in known:
            on_key = f" on the key {show(certificate['key'])}" if claim.keyed else " of the history"
            raise RejectedError(f"Position {position} is no operation{on_key}.")
        if position in remaining:
            raise RejectedError(f"The certificate names {describe(known[position])} twice.")
        operation = known[position]
        if claim.void(operation):
            raise RejectedError(f"The certificate keeps {describe(operation)}, which failed.")
        whole = task(claim, operation)
        if window.forgets(whole):
            raise RejectedError(f"The certificate keeps {describe(operation)}, which it forgets.")
        if window.makes_optional(whole) and entry["as"] == "kept":
            raise RejectedError(
                f"The certificate keeps {describe(operation)} as it was, but it ran beside the operation in"
                " `past` or still ran at `future`, so it must be crashed."
            )
        crashed = entry["as"] == "crashed" or whole.complete is None
        remaining[position] = Remaining(operation, crashed, claim.steps(operation, crashed=crashed))
        window.require(remaining[position].steps, describe(operation))
    return list(remaining.values())
