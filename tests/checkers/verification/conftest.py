"""Histories by hand, and an oracle that shares nothing with the verifier: all permutations of all subsets."""

from __future__ import annotations

from itertools import chain, combinations, permutations
from typing import Any

import pytest

from splitbrain.histories import History, build_history


def written(*entries: tuple[Any, ...]) -> History:
    """Build a history from (process, type, f, value[, extra fields]) lines."""
    lines = []
    for index, (process, kind, f, value, *extra) in enumerate(entries):
        fields = extra[0] if extra else {}
        lines.append({"index": index, "process": process, "type": kind, "f": f, "value": value, **fields})
    return build_history(lines)


def linearizable(history: History, initial: Any = None) -> bool:
    """Decide by trying every order of every choice of the indeterminate operations."""
    required = [each for each in history if each.status == "ok"]
    optional = [each for each in history if each.status == "info"]
    choices = chain.from_iterable(combinations(optional, size) for size in range(len(optional) + 1))
    return any(_legal(order, initial) for chosen in choices for order in permutations([*required, *chosen]))


def _legal(order: tuple[Any, ...], state: Any) -> bool:
    for place, each in enumerate(order):
        if any(later.status == "ok" and later.complete < each.invoke for later in order[place + 1 :]):
            return False
        known = each.status == "ok"
        if each.f in ("read", "get"):
            if known and each.result != state:
                return False
        elif each.f in ("write", "put"):
            state = each.value
        elif each.f == "delete":
            state = None
        elif each.f == "append":
            state = (state or "") + each.value
        else:
            old, new = each.value
            if known and each.applied != (state == old):
                return False
            state = new if state == old else state
    return True


@pytest.fixture(name="written")
def _written():
    return written


@pytest.fixture(name="linearizable")
def _linearizable():
    return linearizable


@pytest.fixture
def order_of():
    def make(*orders: tuple[Any, list[int]], **changes: Any) -> dict[str, Any]:
        return {
            "kind": "linearizations",
            "model": "cas-register",
            "initial": None,
            "nil_reads": "exact",
            "failed_cas": "ignored",
            "keyed": False,
            "keys": [{"key": key, "order": order} for key, order in orders],
        } | changes

    return make


@pytest.fixture
def refuted_by():
    def make(kept: list[int], crashed: list[int] | tuple[int, ...] = (), **changes: Any) -> dict[str, Any]:
        return {
            "kind": "refutation",
            "model": "cas-register",
            "initial": None,
            "nil_reads": "exact",
            "failed_cas": "ignored",
            "keyed": False,
            "key": None,
            "operations": [{"position": each, "as": "kept"} for each in kept]
            + [{"position": each, "as": "crashed"} for each in crashed],
            "explored": 1,
        } | changes

    return make
