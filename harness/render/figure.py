"""A refuted sub-history as a picture in SVG, which needs no script: bars, and the order that is forced.

The layout is that of the text (`witness.py`): bars stand in the order of events and not to scale, one row a
process. Arrows are the edges that run in a circle, numbered as in the list beside the picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.render.svg import element, group, text
from splitbrain.render.witness import Bar, bar_of, columns_of, marked_operation, row_name, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

COLUMN = 7.4
"""Pixels of one column of the text's layout."""
GAP = 16.0
"""Pixels between one event and the next, beyond those columns: room for arrows."""
ROW, BAR = 54.0, 26.0
MARGIN, TOP = 14.0, 34.0
BADGE = 8.5
LABEL = 22
"""Longest label on a bar, in characters."""
SOURCES = ("reads", "overwrites")
TAIL = 46.0
"""How far an operation that never returned is drawn beyond its label."""


class _Place(NamedTuple):
    """Where a bar is drawn."""

    bar: Bar
    left: float
    right: float
    top: float

    @property
    def middle(self) -> float:
        return self.top + BAR / 2


def draw_witness(evidence: Mapping[str, Any], name: str) -> str:
    """Return the picture of a violation's operations; `name` begins the ids in it."""
    operations = list(evidence.get("operations", ()))
    if not operations:
        return ""
    marked = marked_operation(evidence, operations)
    bars = [bar_of(each, marked, LABEL) for each in operations]
    rows = rows_of(bars)
    left = MARGIN * 2 + max(len(row_name(bar)) for bar in bars) * COLUMN
    columns = columns_of(bars)
    across = {event: left + columns[event] * COLUMN + n * GAP for n, event in enumerate(sorted(columns))}
    places = list(_places(rows, across))
    width = max(place.right for place in places) + TAIL + MARGIN
    height = TOP + len(rows) * ROW + MARGIN
    circle = list(evidence.get("circle", ()))
    in_circle = {edge[end] for edge in circle for end in ("from", "to")}
    ranks = {position: rank for rank, position in enumerate(_order(evidence), start=1)}
    by_position = {place.bar.position: place for place in places}
    sources = [
        _source(by_position[edge["from"]], by_position[edge["to"]], edge)
        for edge in evidence.get("edges", ())
        if edge["why"] in SOURCES and edge not in circle
    ]
    labels = [
        text(row_name(row[0]), MARGIN, TOP + number * ROW + BAR / 2 + 4, "row")
        for number, row in enumerate(rows)
    ]
    drawn = [
        _draw(place, in_circle=place.bar.position in in_circle, rank=ranks.get(place.bar.position))
        for place in places
    ]
    arrows = [
        _arrow(by_position[edge["from"]], by_position[edge["to"]], number, edge, name)
        for number, edge in enumerate(circle, start=1)
        if edge["from"] in by_position and edge["to"] in by_position
    ]
    return element(
        "svg",
        f"<title>Who did what while what else went on</title>{_head(name)}"
        + "".join([*labels, *sources, *drawn, *arrows]),
        class_="figure",
        role="img",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        xmlns="http://www.w3.org/2000/svg",
    )


def _order(evidence: Mapping[str, Any]) -> Sequence[int]:
    furthest = evidence.get("furthest") or {}
    order: Sequence[int] = furthest.get("order", ())
    return order if furthest.get("order_in_all", 0) == len(order) else ()


def _places(rows: Sequence[Sequence[Bar]], across: Mapping[int, float]) -> Iterator[_Place]:
    for number, row in enumerate(rows):
        for bar in row:
            begin = across[bar.invoke]
            end = begin + (len(bar.label) + 4) * COLUMN if bar.complete is None else across[bar.complete]
            yield _Place(bar, begin, end, TOP + number * ROW)


def _draw(place: _Place, *, in_circle: bool, rank: int | None) -> str:
    bar, width = place.bar, place.right - place.left
    kind = "stuck" if bar.marked else "circle" if in_circle else "plain"
    ended = f"{bar.complete}" if bar.complete is not None else "never returned"
    parts = [
        element("rect", x=place.left, y=place.top, width=width, height=BAR, rx=5, class_=f"bar {kind}"),
        text(bar.label, place.left + width / 2, place.middle + 4, "label", anchor="middle"),
    ]
    if bar.complete is None:
        parts.append(
            element(
                "path",
                d=f"M{place.right:.1f} {place.middle:.1f} h{TAIL:.0f}",
                class_=f"tail {kind}",
            )
        )
        parts.append(text("?", place.right + TAIL + 4, place.middle + 4, "label"))
    if rank is not None:
        parts.append(element("circle", cx=place.left, cy=place.top, r=9, class_="rank"))
        parts.append(text(str(rank), place.left, place.top + 3.5, "rank-number", anchor="middle"))
    title = f"{bar.label}, process {bar.process}, lines {bar.position} to {ended}"
    return group(parts, title=title, class_=f"operation {kind}")


def _head(name: str) -> str:
    """Return the arrow's head; each picture of a page has its own."""
    triangle = element("path", d="M0 0 L10 5 L0 10 z", class_="head")
    marker = element(
        "marker",
        triangle,
        id=f"{name}-head",
        viewBox="0 0 10 10",
        refX="9",
        refY="5",
        markerWidth="7",
        markerHeight="7",
        orient="auto-start-reverse",
    )
    return element("defs", marker)


def _source(source: _Place, target: _Place, edge: Mapping[str, Any]) -> str:
    """Draw where a value came from: a thin line, without an arrow's weight."""
    x1, x2, y1, y2 = source.right, target.left, source.middle, target.middle
    if x2 < x1:
        x1, x2 = (
            source.left + (source.right - source.left) / 2,
            target.left + (target.right - target.left) / 2,
        )
        y1, y2 = (source.top + BAR, target.top) if y1 < y2 else (source.top, target.top + BAR)
        bend = f"C{x1:.1f} {(y1 + y2) / 2:.1f} {x2:.1f} {(y1 + y2) / 2:.1f}"
    else:
        bend = f"C{(x1 + x2) / 2:.1f} {y1:.1f} {(x1 + x2) / 2:.1f} {y2:.1f}"
    line = element("path", d=f"M{x1:.1f} {y1:.1f} {bend} {x2:.1f} {y2:.1f}", class_="source")
    return group([line], title=edge["text"])


def _arrow(source: _Place, target: _Place, number: int, edge: Mapping[str, Any], name: str) -> str:
    """Draw one edge of the circle; one that goes against time goes around its bars, and is dashed."""
    backward = target.left < source.right
    path, x, y = _against(source, target) if backward else _along(source, target)
    line = element(
        "path", d=path, class_=f"edge {'against' if backward else 'along'}", marker_end=f"url(#{name}-head)"
    )
    badge = element("circle", cx=x, cy=y, r=BADGE, class_="edge-badge")
    digit = text(str(number), x, y + 3.5, "edge-number", anchor="middle")
    return group([line, badge, digit], title=f"{edge['text']} ({edge['why']})", class_="forced")


def _along(source: _Place, target: _Place) -> tuple[str, float, float]:
    """Return the way from the end of one bar to the beginning of a later one, and its middle."""
    x1, y1, x2, y2 = source.right, source.middle, target.left, target.middle
    pull = max(12.0, (x2 - x1) / 2)
    path = f"M{x1:.1f} {y1:.1f} C{x1 + pull:.1f} {y1:.1f} {x2 - pull:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    return path, (x1 + x2) / 2, (y1 + y2) / 2


def _against(source: _Place, target: _Place) -> tuple[str, float, float]:
    """Return the way back in time: out of the source's far edge, around, into the target's.

    Where the target lies so near that the way around would cross the source, it leaves at the near edge.
    """
    x1 = source.left + (source.right - source.left) * 0.6
    x2 = target.left + (target.right - target.left) * 0.4
    down = source.middle >= target.middle
    if abs(source.middle - target.middle) > ROW or (
        source.middle != target.middle and x2 > source.left - ROW
    ):
        y1, y2 = (source.top, target.top + BAR) if down else (source.top + BAR, target.top)
        half = (y1 + y2) / 2
        path = f"M{x1:.1f} {y1:.1f} C{x1:.1f} {half:.1f} {x2:.1f} {half:.1f} {x2:.1f} {y2:.1f}"
        # Three tenths of the way, where the arrow in the other direction has no badge.
        return path, 0.784 * x1 + 0.216 * x2, 0.343 * y1 + 0.63 * half + 0.027 * y2
    y1 = source.top + (BAR if down else 0.0)
    y2 = target.top + (BAR if down else 0.0)
    away = (1 if down else -1) * min(ROW - BAR - 4, 24.0) * 1.5
    path = f"M{x1:.1f} {y1:.1f} C{x1:.1f} {y1 + away:.1f} {x2:.1f} {y2 + away:.1f} {x2:.1f} {y2:.1f}"
    # The middle of a cubic curve: an eighth of its ends, three eighths of its handles.
    middle = (y1 + y2) / 8 + 3 * (y1 + y2 + 2 * away) / 8
    return path, (x1 + x2) / 2, middle
