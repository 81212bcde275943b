"""The marks of a space-time diagram: arrows, bars, dots, bands, and the lines of nodes with their gaps."""

from __future__ import annotations

import json
from math import hypot
from typing import TYPE_CHECKING

from splitbrain.render.beats import SECOND
from splitbrain.render.incidents import fault_in_words, life_in_words
from splitbrain.render.lamport_scale import Places, Scale
from splitbrain.render.operation_beats import asked, by_whom, told
from splitbrain.render.svg import CHARACTER, element, group, line, text
from splitbrain.render.text import plural, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from splitbrain.render.lamport_choice import Arrow
    from splitbrain.render.trace import Life, Message, Noted, Operation, Span

PLAIN = "#8793a1"
"""The colour of what clients and nodes say to each other."""
HEAD = 6.0
BAR = 9.0
LONGEST_LABEL = 32
LONGEST_NOTE = 22
LONGEST_BODY = 600
LOST_AT, REFUSED_AT = 0.5, 0.95
"""How far along its way a lost message is drawn; one that found nobody there gets farther."""
DEATHS = ("kill", "power-cut", "raised")
LIVES = {
    "start": "restarts",
    "kill": "killed",
    "power-cut": "power cut",
    "resume": "goes on",
    "pause": "paused",
    "stop": "held",
    "release": "let go on",
}
"""What is written beside a mark, where that is not the word of the trace."""
BESIDE = (0.0, 11.0, -11.0, 22.0)


class Sheet:
    """What all marks share: columns by name, the scale, colours by type, and where labels already are."""

    def __init__(
        self, columns: Mapping[str, float], nodes: Sequence[str], scale: Scale, colours: Mapping[str, str]
    ) -> None:
        self.columns = columns
        self.nodes = nodes
        self.scale = scale
        self.colours = colours
        self.places = Places()

    def label(self, content: str, x: float, y: float, class_: str, *, must: bool = False) -> str:
        """Return a label to the right of a place, or nothing where there is no room and it isn't a must."""
        wide = CHARACTER * len(content)
        at = self.places.place(x, y, wide, tries=BESIDE)
        if at is None and not must:
            return ""
        return text(content, x, (y if at is None else at) + 3.5, f"small halo {class_}".rstrip())


def draw_bands(sheet: Sheet, spans: Iterable[Span], end: int) -> list[str]:
    """Shade the time of each fault of links, and the nodes that it sets apart more so."""
    xs = [sheet.columns[name] for name in sheet.nodes]
    half = (xs[1] - xs[0]) / 2 if len(xs) > 1 else 60
    parts = []
    for span in spans:
        words = fault_in_words(span, sheet.nodes)
        if not words:
            continue
        top, bottom = sheet.scale.y(span.begin), sheet.scale.y(min(span.end or end, end))
        left, right = xs[0] - half, xs[-1] + half
        tall = max(2.0, bottom - top)
        inner = [element("rect", class_="band", x=left, y=top, width=right - left, height=tall)]
        inner += [
            element("rect", class_="apart", x=sheet.columns[name] - half, y=top, width=2 * half, height=tall)
            for name in span.nodes
            if name in sheet.columns and len(span.nodes) < len(sheet.nodes)
        ]
        label = shorten(f"{span.id}: {words}", int((right - left) / CHARACTER) - 2)
        sheet.places.place(left, top + 9, CHARACTER * len(label))
        inner.append(text(label, left + 4, top + 12, "small faint halo"))
        parts.append(group(inner, title=f"{span.id}: {words}"))
    return parts


def draw_lives(sheet: Sheet, lives: Sequence[Life], end: int) -> list[str]:
    """Draw the lines of nodes, with gaps where they were down, and those of clients."""
    parts = []
    top, bottom = sheet.scale.y(0), sheet.scale.y(end) + 8
    for name, x in sheet.columns.items():
        if name not in sheet.nodes:
            parts.append(line(x, top, x, bottom, class_="line", dashes="1 3"))
            continue
        mine = [(each.kind, sheet.scale.y(each.time)) for each in lives if each.node == name]
        for start, stop in _between(mine, ("start",), DEATHS, bottom):
            parts.append(line(x, start, x, stop, class_="line", width=1.5))
        for start, stop in _between(mine, ("pause", "stop"), ("resume", "release", *DEATHS), bottom):
            tall = max(2.0, stop - start)
            parts.append(element("rect", class_="pause", x=x - 5, y=start, width=10, height=tall, rx=3))
    died = {(each.time, each.node) for each in lives if each.kind in DEATHS}
    for life in lives:
        born = life.kind == "start" and life.fields["life"] == 1
        if not born and not (life.kind == "stop" and (life.time, life.node) in died):
            parts.append(_life(sheet, life))
    return parts


def _between(
    marks: Iterable[tuple[str, float]], begins: Sequence[str], ends: Sequence[str], bottom: float
) -> list[tuple[float, float]]:
    """Return from where to where something lasted that these kinds of happenings begin and end."""
    spans: list[tuple[float, float]] = []
    since: float | None = None
    for kind, y in marks:
        if kind in begins and since is None:
            since = y
        elif kind in ends and since is not None:
            spans.append((since, y))
            since = None
    return spans if since is None else [*spans, (since, bottom)]


def _life(sheet: Sheet, life: Life) -> str:
    x, y = sheet.columns[life.node], sheet.scale.y(life.time)
    parts = []
    if life.kind in DEATHS:
        parts.append(_cross(x, y, 6))
    elif life.kind == "start":
        parts.append(element("path", d=f"M {x - 6:.1f} {y:.1f} h 12 l -6 8 z", class_="ok"))
    parts.append(sheet.label(LIVES.get(life.kind, life.kind), x + 9, y, "strong", must=True))
    return group(parts, title=f"{life.time / SECOND:.6f} s: {life.node} {life_in_words(life)}")


def _cross(x: float, y: float, size: float) -> str:
    left, right, top, bottom = x - size, x + size, y - size, y + size
    d = f"M {left:.1f} {top:.1f} L {right:.1f} {bottom:.1f} M {right:.1f} {top:.1f} L {left:.1f} {bottom:.1f}"
    return element("path", d=d, class_="bad-line", stroke_width=2, fill="none")


def draw_arrows(sheet: Sheet, arrows: Iterable[Arrow]) -> list[str]:
    """Draw the messages; a type is written where there is room for it."""
    parts = []
    labelled: set[tuple[int, str, str]] = set()
    for arrow in arrows:
        message = arrow.message
        if message.source not in sheet.columns or message.destination not in sheet.columns:
            continue
        between = message.source in sheet.nodes and message.destination in sheet.nodes
        colour = sheet.colours.get(message.type, PLAIN) if between else PLAIN
        inner = _ways(sheet, message, colour)
        address = (message.sent, message.source, message.type)
        if between and (arrow.again or address not in labelled):
            labelled.add(address)
            inner.append(_label(sheet, arrow, colour))
        parts.append(group(inner, title=_contents(arrow)))
    return parts


def _ways(sheet: Sheet, message: Message, colour: str) -> list[str]:
    x1, y1 = sheet.columns[message.source], sheet.scale.y(message.sent)
    x2 = sheet.columns[message.destination]
    if x1 == x2:
        return [element("path", d=f"M {x1:.1f} {y1:.1f} q 22 4 0 10", stroke=colour, fill="none")]
    parts: list[str] = []
    for number, arrival in enumerate(message.arrivals):
        y2 = sheet.scale.y(arrival)
        parts.append(_arrow(x1, y1, x2, y2, colour, dashed=number > 0))
    if message.lost and not message.arrivals:
        y2 = max(sheet.scale.y(message.ended), y1 + 8)
        share = REFUSED_AT if message.lost in ("down", "refused") else LOST_AT
        x2, y2 = x1 + (x2 - x1) * share, y1 + (y2 - y1) * share
        parts.append(line(x1, y1, x2, y2, stroke=colour, width=1.2, dashes="4 2"))
        parts.append(_cross(x2, y2, 3.5))
    elif not message.arrivals:
        parts.append(line(x1, y1, x1 + (x2 - x1) * 0.9, y1 + 12, stroke=colour, dashes="2 3"))
    return parts


def _arrow(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashed: bool) -> str:
    length = hypot(x2 - x1, y2 - y1) or 1.0
    along, down = (x2 - x1) / length, (y2 - y1) / length
    base_x, base_y = x2 - HEAD * along, y2 - HEAD * down
    across_x, across_y = -down * HEAD / 2.2, along * HEAD / 2.2
    head = (
        f"{x2:.1f},{y2:.1f} {base_x + across_x:.1f},{base_y + across_y:.1f} "
        f"{base_x - across_x:.1f},{base_y - across_y:.1f}"
    )
    shaft = line(x1, y1, base_x, base_y, stroke=colour, width=1.2, dashes="5 3" if dashed else None)
    return shaft + element("polygon", points=head, fill=colour)


def _label(sheet: Sheet, arrow: Arrow, colour: str) -> str:
    message = arrow.message
    x1, x2 = sheet.columns[message.source], sheet.columns[message.destination]
    y1 = sheet.scale.y(message.sent)
    y2 = sheet.scale.y(message.arrivals[0]) if message.arrivals else y1 + 8
    words = message.type + (f" (+{arrow.again} until {arrow.until / SECOND:.2f} s)" if arrow.again else "")
    wide = CHARACTER * len(words)
    share = 0.5 if abs(x2 - x1) < 2 * wide else 0.3
    x, y = x1 + (x2 - x1) * share - wide / 2, y1 + (y2 - y1) * share - 3
    if sheet.places.place(x, y, wide) is None:
        return ""
    return text(words, x, y, "small halo", style=f"fill: {colour}")


def _contents(arrow: Arrow) -> str:
    message = arrow.message
    times = ", ".join(f"{time / SECOND:.6f} s" for time in message.arrivals)
    fate = f"arrives at {times}" if times else f"lost: {message.lost}" if message.lost else "never taken in"
    body = shorten(json.dumps(message.body, ensure_ascii=False, default=str), LONGEST_BODY)
    again = f"\n{plural(arrow.again, 'more message')} like it until {arrow.until / SECOND:.3f} s, not drawn"
    return (
        f"{message.source} to {message.destination}, sent at {message.sent / SECOND:.6f} s, {fate}\n{body}"
        f"{again if arrow.again else ''}"
    )


def draw_operations(sheet: Sheet, operations: Iterable[Operation], end: int) -> list[str]:
    """Draw each operation as a bar on its client's line, with what was asked and told beside it."""
    parts = []
    for each in operations:
        x, top = sheet.columns[each.client], sheet.scale.y(each.begin)
        bottom = sheet.scale.y(end if each.end is None else min(each.end, end))
        bar = element(
            "rect",
            x=x - BAR / 2,
            y=top,
            width=BAR,
            height=max(3.0, bottom - top),
            rx=2,
            class_=f"{each.status}{' cited' if each.cited else ''}",
            fill_opacity=0.9 if each.end is not None else 0.5,
        )
        result = told(each) if each.end is not None else "…"
        words = f"#{each.position} {asked(each)}: {result}"
        style = "strong bad" if each.cited else ""
        label = sheet.label(_clipped(words, LONGEST_LABEL), x + BAR, top + 5, style, must=each.cited)
        took = "open" if each.end is None else f"{(each.end - each.begin) / SECOND * 1000:.3f} ms"
        title = f"{each.client} {words}{by_whom(each)}\nfrom {each.begin / SECOND:.6f} s, {took}"
        parts.append(group([bar, label], title=title))
    return parts


def draw_notes(sheet: Sheet, notes: Iterable[tuple[Noted, str]]) -> list[str]:
    """Draw notes as dots on the lines of their nodes."""
    parts = []
    for note, words in notes:
        x, y = sheet.columns[note.node], sheet.scale.y(note.time)
        dot = element("circle", cx=x, cy=y, r=4 if note.cited else 3, class_="bad" if note.cited else "dot")
        label = sheet.label(
            _clipped(words, LONGEST_NOTE), x + 7, y, "strong bad" if note.cited else "", must=note.cited
        )
        fields = shorten(json.dumps(note.fields, ensure_ascii=False, default=str), LONGEST_BODY)
        parts.append(
            group([dot, label], title=f"{note.time / SECOND:.6f} s: {note.node} notes {note.kind}\n{fields}")
        )
    return parts


def _clipped(label: str, longest: int) -> str:
    """Return a label without its end, if it is too long."""
    return label if len(label) <= longest else label[: longest - 1].rstrip() + "…"
