"""Re-check `linearizations`: replay the order that is claimed to explain each key.

Linearizability is local (Herlihy & Wing 1990, theorem 1): a history is linearizable if and only if its
restriction to each object is. So it is enough that each key has an order which

1. holds every completed operation of the key once, and no operation that failed,
2. places no operation before one that had returned when it was invoked, and
3. is legal: replayed through the sequential model, each operation finds what it recorded.

An indeterminate operation may be in the order or not, since it may or may not have happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.verification.claim import describe, group, read_claim, registers_of, task
from splitbrain.checkers.verification.sequential import take
from splitbrain.checkers.verification.values import identity, reveal, show
from splitbrain.checkers.verification.verification import RejectedError, Verification

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from splitbrain.checkers.verification.claim import Claim
    from splitbrain.histories.history import History
    from splitbrain.histories.operation import Operation


def verify_linearizations(certificate: Mapping[str, Any], history: History) -> Verification:
    """Confirm that every key has a legal order.

    Raises:
        RejectedError: the certificate is malformed, or an order does not hold.
    """
    claim = read_claim(certificate)
    groups = group(claim, history)
    orders = _orders(certificate)
    placed = 0
    for key, (shown, order) in orders.items():
        if key not in groups:
            raise RejectedError(f"The history has no operation on the key {shown}.")
        _replay(claim, groups[key], order, shown)
        placed += len(order)
    for key, operations in groups.items():
        missing = next((each for each in operations if claim.completed(each)), None)
        if key not in orders and missing is not None:
            raise RejectedError(
                f"The certificate has no order for the key of {describe(missing)}, {show(missing.key)}."
            )
    return Verification(
        holds=True,
        reason=f"The history is linearizable {claim}: {placed} operations were replayed, on {len(orders)}"
        f" {'key' if len(orders) == 1 else 'keys'}.",
        checked=placed,
    )


def _orders(certificate: Mapping[str, Any]) -> dict[Hashable, tuple[str, list[int]]]:
    entries = certificate.get("keys")
    if not isinstance(entries, list):
        raise RejectedError("The certificate's `keys` must be a list.")
    orders: dict[Hashable, tuple[str, list[int]]] = {}
    for entry in entries:
        if not isinstance(entry, dict) or "key" not in entry:
            raise RejectedError(f"Each entry of `keys` must be an object with a `key`, not {show(entry)}.")
        order = entry.get("order")
        if not isinstance(order, list) or not all(type(position) is int for position in order):
            raise RejectedError(f"The `order` of key {show(entry['key'])} must be a list of positions.")
        if not certificate["keyed"] and entry["key"] is not None:
            raise RejectedError(f"With keyed: false the only entry has key null, not {show(entry['key'])}.")
        key = identity(entry["key"])
        if key in orders:
            raise RejectedError(f"The key {show(entry['key'])} has two orders.")
        orders[key] = (show(entry["key"]), order)
    return orders


def _replay(claim: Claim, operations: Sequence[Operation], order: Sequence[int], key: str) -> None:
    known = {operation.invoke: operation for operation in operations}
    placed: set[int] = set()
    for position in order:
        if position not in known:
            raise RejectedError(
                f"The order of key {key} names position {position}: no operation on that key."
            )
        if position in placed:
            raise RejectedError(f"The order of key {key} holds {describe(known[position])} twice.")
        if claim.void(known[position]):
            raise RejectedError(f"The order of key {key} holds {describe(known[position])}, which failed.")
        placed.add(position)
    for operation in operations:
        if operation.invoke not in placed and claim.completed(operation):
            raise RejectedError(f"The order of key {key} leaves out {describe(operation)}, which completed.")
    ordered = [known[position] for position in order]
    _respect_real_time(claim, ordered, key)
    tasks = [task(claim, operation) for operation in ordered]
    numbers = registers_of(tasks)
    state = claim.start(numbers)
    for operation, one in zip(ordered, tasks, strict=True):
        after = take(one.steps, state, numbers)
        if after is None:
            found = ", ".join(show(reveal(value)) for value in state)
            raise RejectedError(
                f"In the order of key {key}, {describe(operation)} is illegal: it finds {found}."
            )
        state = after


def _respect_real_time(claim: Claim, ordered: Sequence[Operation], key: str) -> None:
    """Scan from the back: the earliest return of all later operations must not precede an invocation."""
    earliest: tuple[int, Operation] | None = None
    for operation in reversed(ordered):
        if earliest is not None and earliest[0] < operation.invoke:
            raise RejectedError(
                f"The order of key {key} places {describe(operation)} before {describe(earliest[1])},"
                " which had returned when it was invoked."
            )
        if claim.completed(operation) and operation.complete is not None:
            this = (operation.complete, operation)
            earliest = this if earliest is None else min(earliest, this, key=lambda each: each[0])
