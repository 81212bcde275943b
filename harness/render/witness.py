"""A refuted sub-history as a picture made of text: who did what while what else went on.

    process 0   |-- write 1 --|  |-- write 2 --|
    process 1                                    |== read 1 ==|
    process 4     |-- write 9 .......................................?

Each operation is a bar from its invocation to its return; a dotted one never returned, so it may take
effect at any later time. Bars are laid out by the order of events and not to scale: each event takes
the leftmost column that is right of the event before it and leaves room for its bar's label. The
operation that no order explains has a double line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.evidence.values import micro_operations, name_of_key
from splitbrain.render.text import DEFAULT_WIDTH, as_json, printable, shorten, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST = 16
"""Operations that a picture can hold; beyond, a list says more."""
LABELS = (24, 16, 11, 8)
"""Lengths to which labels are cut, in turn, until the picture fits the width."""
OBSERVERS = ("read", "get", "cas", "txn")
CHANGING = ("add", "remove", "contains")
"""Operations of a set, which answer [value, whether it changed or was there]."""
TAKERS = ("dequeue", "pop", "poll", "peek")
"""Operations whose null says that they found nothing."""


class Bar(NamedTuple):
    """One operation: its row's process, its ends (`complete` None: open) and what is written on it."""

    position: int
    process: Any
    invoke: int
    complete: int | None
    label: str
    marked: bool


def render_witness(evidence: Mapping[str, Any], width: int = DEFAULT_WIDTH) -> str:
    """Return the picture (or a list, if there are many operations) and the story, at most `width` wide."""
    operations = list(evidence.get("operations", ()))
    marked = marked_operation(evidence, operations)
    lines = _picture(operations, marked, width) or _list(operations, marked, width)
    story = [
        line
        for number, sentence in enumerate(evidence.get("story", ()), start=1)
        for line in wrap(str(sentence), width, f"{number:>3}. ")
    ]
    return "\n".join([*lines, *([""] if lines and story else []), *story])


def label_of(operation: Mapping[str, Any], longest: int = 40) -> str:  # noqa: PLR0911 - one return a shape
    """Return what an operation did, such as `write 7`, `read 7`, `cas 1 -> 2` or `pop: empty`.

    A read that is shown in part tells how much it `found` in all: `read [7] of 91`.
    """
    f, value = printable(str(operation.get("f"))), operation.get("value")
    if "key" in operation:
        rest = label_of({each: operation[each] for each in operation if each != "key"}, longest)
        named = f"{f} {name_of_key(operation['key'])}"
        return shorten(named if rest == f else f"{named}: {rest.removeprefix(f).strip(' :')}", longest)
    if f == "cas" and isinstance(value, (list, tuple)) and len(value) == 2:
        text = f"cas {as_json(value[0], longest)} -> {as_json(value[1], longest)}"
        return shorten(text if operation.get("applied", True) else f"{text}, unequal", longest)
    result, returned = operation.get("result"), operation.get("status") == "ok"
    steps = micro_operations(result if returned else value) if f == "txn" else None
    if steps is not None:
        return shorten(f"{f} {steps}", longest)
    if returned and f in CHANGING and isinstance(result, (list, tuple)) and len(result) == 2:
        return shorten(f"{f} {as_json(value, longest)} -> {as_json(result[1])}", longest)
    if f in OBSERVERS and returned:
        more = f" of {operation['found']}" if "found" in operation else ""
        return shorten(f"{f} {as_json(result, longest)}{more}", longest)
    if value is None:
        text = f"{f} {as_json(result, longest)}" if returned and result is not None else f
        return shorten(f"{f}: empty" if returned and result is None and f in TAKERS else text, longest)
    text = f"{f} {as_json(value, longest)}"
    answered = returned and result is not None and result != value
    return shorten(f"{text} -> {as_json(result, longest)}" if answered else text, longest)


def marked_operation(evidence: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> int | None:
    """Choose the operation that no order explains: the one that is named, or else the last to observe."""
    for named in (evidence, evidence.get("cut") or {}):
        if named.get("stuck") is not None:
            return int(named["stuck"])
    done = [each for each in operations if each.get("status") == "ok" and each.get("complete") is not None]
    observers = [each for each in done if each.get("f") in OBSERVERS]
    last = max(observers or done, key=lambda each: int(each["complete"]), default=None)
    return None if last is None else int(last["position"])


def bar_of(operation: Mapping[str, Any], marked: int | None, longest: int) -> Bar:
    """Return an operation as a bar, with a label of at most that length."""
    returned = operation.get("status") == "ok" and operation.get("complete") is not None
    return Bar(
        position=operation["position"],
        process=operation.get("process"),
        invoke=operation.get("invoke", operation["position"]),
        complete=operation["complete"] if returned else None,
        label=label_of(operation, longest),
        marked=operation["position"] == marked,
    )


def _picture(operations: Sequence[Mapping[str, Any]], marked: int | None, width: int) -> list[str]:
    """Return the picture's lines, or none if it would not fit."""
    if not 0 < len(operations) <= MOST:
        return []
    for longest in LABELS:
        bars = [bar_of(each, marked, longest) for each in operations]
        margin = max(len(row_name(bar)) for bar in bars) + 3
        columns = columns_of(bars)
        end = max([*columns.values(), *(columns[bar.invoke] + len(bar.label) + 8 for bar in bars)]) + 2
        if margin + end <= width:
            rows = [
                f"{row_name(row[0]):<{margin}}{_draw(row, columns, end)}".rstrip() for row in rows_of(bars)
            ]
            return [*rows, "", *_legend(bars, margin, width)]
    return []


def row_name(bar: Bar) -> str:
    """Return what stands in front of a bar's row."""
    return f"process {bar.process}"


def columns_of(bars: Sequence[Bar]) -> dict[int, int]:
    """Give each event (by its line position) a column: in order, with room for the labels."""
    begins = {bar.complete: bar for bar in bars if bar.complete is not None}
    events = sorted([*begins, *(bar.invoke for bar in bars)])
    columns: dict[int, int] = {}
    column = -2
    for event in events:
        column += 2
        if event in begins:
            bar = begins[event]
            column = max(column, columns[bar.invoke] + len(bar.label) + 7)
        columns[event] = column
    return columns


def rows_of(bars: Iterable[Bar]) -> list[list[Bar]]:
    """Put the bars of a process on one row; on a further one where an earlier bar is still open."""
    rows: list[list[Bar]] = []
    for bar in sorted(bars, key=lambda each: (str(type(each.process)), each.process, each.invoke)):
        for row in rows:
            if row[0].process == bar.process and all(_before(each, bar) for each in row):
                row.append(bar)
                break
        else:
            rows.append([bar])
    return rows


def _before(one: Bar, other: Bar) -> bool:
    return one.complete is not None and one.complete < other.invoke


def _draw(row: Sequence[Bar], columns: Mapping[int, int], end: int) -> str:
    text = ""
    for bar in row:
        line = "=" if bar.marked else "-"
        begin = columns[bar.invoke]
        text = text.ljust(begin)
        if bar.complete is None:
            text += f"|{line * 2} {bar.label} ".ljust(end - begin - 1, ".") + "?"
        else:
            text += f"|{f' {bar.label} ':{line}^{columns[bar.complete] - begin - 1}}|"
    return text


def _legend(bars: Sequence[Bar], margin: int, width: int) -> list[str]:
    meanings = ["in the order of events, not to scale"]
    if any(bar.complete is None for bar in bars):
        meanings.append("....? may take effect later, or never")
    if any(bar.marked for bar in bars):
        meanings.append("==== no order explains this")
    return wrap("; ".join(meanings), width, " " * margin)


def _list(operations: Sequence[Mapping[str, Any]], marked: int | None, width: int) -> list[str]:
    lines = []
    for each in sorted(operations, key=lambda one: int(one["position"])):
        returned = each.get("status") == "ok" and each.get("complete") is not None
        span = f"{each['position']}..{each['complete'] if returned else '?'}"
        sign = ">>" if each["position"] == marked else "  "
        lines.append((sign, span, f"process {each.get('process')}", label_of(each, width)))
    if not lines:
        return []
    spans, names = (max(len(line[place]) for line in lines) for place in (1, 2))
    return [
        shorten(f"{sign} {span:>{spans}}  {name:<{names}}  {label}", width)
        for sign, span, name, label in lines
    ]
