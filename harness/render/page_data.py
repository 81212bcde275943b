"""A history as the page's script takes it: columns of small numbers, 100,000 operations in a few MB.

Positions rise, so they are stored as differences; what repeats (keys, labels) is stored once and named by its
number. Times are microseconds, likewise as differences. `decode` in `witness.js` is the other half.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from splitbrain.histories.history import NEVER, NO_TIME
from splitbrain.render.text import as_json, printable, shorten
from splitbrain.render.witness import label_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from splitbrain.histories import History

MOST = 200_000
"""Operations that a page holds; of a longer history those around the first violation."""
MOST_FAULTS = 2_000
LABEL = 40
ORDER_RANKED = "linearizations"
_STATUS = "012"
_MICROSECOND = 1000


def history_data(
    history: History, near: int | None, proof: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a history's columns, or those around a position if there are too many operations.

    Where `proof` is the order of a valid history, each operation has its place in it.
    """
    chosen = _chosen(history, near)
    keys = _Pool()
    labels = _Pool()
    invokes = [history.invoke[index] for index in chosen]
    ends = [history.complete[index] for index in chosen]
    named = history.keyed
    data: dict[str, Any] = {
        "operations": len(history),
        "first": chosen.start,
        "invoke": _differences(invokes),
        "span": [0 if end == NEVER else end - begin for begin, end in zip(invokes, ends, strict=True)],
        "process": [history.process[index] for index in chosen],
        "status": "".join(_STATUS[history.status[index]] for index in chosen),
        "key": [keys.number(key_text(history.keys[history.key[index]])) for index in chosen]
        if named
        else None,
        "label": [labels.number(_label(history, index)) for index in chosen],
        "keys": keys.values,
        "labels": labels.values,
        "faults": list(_faults(history.nemesis))[:MOST_FAULTS],
        **_times(history, chosen),
    }
    if len(labels.values) == len(chosen):
        data["label"] = None  # each has a label of its own, in order
    if proof is not None and proof.get("kind") == ORDER_RANKED:
        data["rank"] = _ranks(invokes, proof)
    return data


def _chosen(history: History, near: int | None) -> range:
    count = len(history)
    if count <= MOST:
        return range(count)
    middle = count if near is None else bisect_left(history.invoke, near)
    first = max(0, min(middle - MOST // 2, count - MOST))
    return range(first, first + MOST)


class _Pool:
    """Numbers distinct values in the order in which they come."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self._numbers: dict[Hashable, int] = {}

    def number(self, value: str) -> int:
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


def key_text(key: Any) -> str:
    """Return a key as the page shows it."""
    return shorten(printable(as_json(key)), LABEL)


def _label(history: History, index: int) -> str:
    return printable(
        label_of(
            {
                "f": history.functions[history.f[index]],
                "value": history.values[index],
                "result": history.results[index],
                "status": ("ok", "fail", "info")[history.status[index]],
                "applied": index not in history.unapplied,
            },
            LABEL,
        )
    )


def _differences(values: Iterable[int]) -> list[int]:
    before, differences = 0, []
    for value in values:
        differences.append(value - before)
        before = value
    return differences


def _times(history: History, chosen: Sequence[int]) -> dict[str, Any]:
    """Return begin and length of each operation, if all that is needed was recorded and makes sense."""
    begins = [history.time[index] for index in chosen]
    ends = [history.end_time[index] for index in chosen]
    if NO_TIME in begins or any(one > other for one, other in pairwise(begins)):
        return {"time": None, "length": None}
    begins = [begin // _MICROSECOND for begin in begins]
    lengths = [
        -1 if end == NO_TIME else max(0, end // _MICROSECOND - begin)
        for begin, end in zip(begins, ends, strict=True)
    ]
    return {"time": _differences(begins), "length": lengths}


def _faults(nemesis: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, int, int | None]]:
    """Yield each fault with the positions of its begin and end; a line without a partner is a moment."""
    begun: dict[Any, tuple[str, int]] = {}
    for line in nemesis:
        name, position, value = printable(str(line.get("f"))), line["position"], line.get("value")
        fields = value if isinstance(value, dict) else {}
        identity = str(fields.get("id"))
        if fields.get("phase") == "begin":
            begun[identity] = (name, position)
        elif fields.get("phase") == "end" and identity in begun:
            yield *begun.pop(identity), position
        else:
            yield name, position, position
    for name, position in begun.values():
        yield name, position, None


def _ranks(invokes: Sequence[int], proof: Mapping[str, Any]) -> list[int]:
    """Return each operation's place in its key's order, counted from 1; 0 for one that is not in it."""
    places = {
        position: rank for each in proof["keys"] for rank, position in enumerate(each["order"], start=1)
    }
    return [places.get(position, 0) for position in invokes]
