"""Re-check `linearizations`: replay the order that is claimed to explain each key.

Linearizability is local (Herlihy & Wing 1990, theorem 1): a history is linearizable if and only if its
restriction to each object is. So it is enough that each key has an order which

1. holds every completed operation of the key once, and no operation that failed,
2. places no operation before one that had returned when it was invoked, and
3. is legal: replayed through the sequential model, each operation finds what it recorded.

An indeterminate operation may be in the order or not, since it may or may not have happened.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.verification.claim import describe, read_claim
from splitbrain.checkers.verification.sequential import take
from splitbrain.checkers.verification.values import identity, reveal, show
from splitbrain.checkers.verification.verification import RejectedError, Verification
from splitbrain.histories.operation import STATUSES, Status

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from splitbrain.checkers.verification.claim import Claim
    from splitbrain.histories.history import History


class _Row(NamedTuple):
    """One operation as its history's columns have it: a tenth of what an `Operation` costs, for a million."""

    invoke: int
    complete: int
    f: str
    value: Any
    result: Any
    status: Status
    applied: bool
    process: int
    key: Any


def verify_linearizations(certificate: Mapping[str, Any], history: History) -> Verification:
    """Confirm that every key has a legal order.

    Raises:
        RejectedError: the certificate is malformed, or an order does not hold.
    """
    claim = read_claim(certificate)
    keys = _keys(claim, history)
    orders = _orders(certificate)
    placed = 0
    for key, (shown, order) in orders.items():
        if key not in keys:
            raise RejectedError(f"The history has no operation on the key {shown}.")
        _replay(claim, keys[key], order, f"order of key {shown}" if claim.keyed else "order")
        placed += len(order)
    for key, rows in keys.items():
        missing = next((each for each in rows.values() if claim.completed(each)), None)
        if key not in orders and missing is not None:
            of_key = f"the key of {describe(missing)}, {show(reveal(key))}"
            raise RejectedError(
                f"The certificate has no order for {of_key if claim.keyed else describe(missing)}."
            )
    return Verification(
        holds=True,
        reason=f"The history is linearizable {claim}: {placed} operation{'s were' if placed != 1 else ' was'}"
        f" replayed{_on_keys(len(orders)) if claim.keyed else ''}.",
        checked=placed,
    )


def _on_keys(count: int) -> str:
    return f", on {count} {'key' if count == 1 else 'keys'}"


def _keys(claim: Claim, history: History) -> dict[Hashable, dict[int, _Row]]:
    """Return the operations of each key by position; all under None where keys don't count."""
    names = [identity(key) if claim.keyed else None for key in history.keys]
    keys: dict[Hashable, dict[int, _Row]] = {name: {} for name in names} or {None: {}}
    tables = [keys[name] for name in names]
    rows = zip(
        history.invoke,
        history.complete,
        map(history.functions.__getitem__, history.f),
        history.values,
        history.results,
        map(STATUSES.__getitem__, history.status),
        (index not in history.unapplied for index in range(len(history))),
        history.process,
        map(history.keys.__getitem__, history.key),
        strict=True,
    )
    for key, row in zip(history.key, map(_Row._make, rows), strict=True):
        tables[key][row.invoke] = row
    return keys


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


def _replay(claim: Claim, rows: Mapping[int, _Row], order: Sequence[int], name: str) -> None:
    placed = set(order)
    if not placed <= rows.keys():
        position = next(each for each in order if each not in rows)
        raise RejectedError(
            f"The {name} names position {position}: no operation{' on that key' * claim.keyed}."
        )
    if len(placed) < len(order):
        ((twice, _),) = Counter(order).most_common(1)
        raise RejectedError(f"The {name} holds {describe(rows[twice])} twice.")
    for position, row in rows.items():
        if position in placed:
            if claim.void(row):
                raise RejectedError(f"The {name} holds {describe(row)}, which failed.")
        elif claim.completed(row):
            raise RejectedError(f"The {name} leaves out {describe(row)}, which completed.")
    ordered = [rows[position] for position in order]
    _respect_real_time(claim, ordered, name)
    steps = [claim.steps(row) for row in ordered]
    registers = dict.fromkeys(step.register for some in steps for step in some)
    numbers = {register: number for number, register in enumerate(registers)}
    state = claim.start(numbers)
    for row, some in zip(ordered, steps, strict=True):
        after = take(some, state, numbers)
        if after is None:
            found = ", ".join(show(reveal(value)) for value in state)
            raise RejectedError(f"In the {name}, {describe(row)} is illegal: it finds {found}.")
        state = after


def _respect_real_time(claim: Claim, ordered: Sequence[_Row], name: str) -> None:
    """Scan from the back: the earliest return of all later operations must not precede an invocation."""
    earliest: _Row | None = None
    for row in reversed(ordered):
        if earliest is not None and earliest.complete < row.invoke:
            raise RejectedError(
                f"The {name} places {describe(row)} before {describe(earliest)},"
                " which had returned when it was invoked."
            )
        if claim.completed(row) and (earliest is None or row.complete < earliest.complete):
            earliest = row
