"""A space-time diagram (Lamport 1978) of a simulated run, as one SVG file that needs nothing else.

Time runs downwards, a line for each node and each client. Arrows are messages, bars are operations, dots
are notes; hovering shows what is in them. It is legible on light and on dark grounds: it brings its own.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from splitbrain.render.beats import SECOND
from splitbrain.render.lamport_choice import choose
from splitbrain.render.lamport_marks import (
    Sheet,
    draw_arrows,
    draw_bands,
    draw_lives,
    draw_notes,
    draw_operations,
)
from splitbrain.render.lamport_scale import Scale
from splitbrain.render.svg import CHARACTER, element, group, line, text
from splitbrain.render.text import plural, wrap
from splitbrain.render.trace import read_trace

if TYPE_CHECKING:
    from splitbrain.exploration.assess import Assessment
    from splitbrain.exploration.case import Case
    from splitbrain.exploration.simulate import Outcome
    from splitbrain.render.lamport_choice import Choice

STYLE = """
svg { color-scheme: light dark; font: 11px ui-monospace, Menlo, Consolas, monospace; }
.ground { fill: #ffffff; } .ink, text { fill: #1d2733; } .small { font-size: 10px; }
.faint { fill: #6b7785; } .title { font-size: 13px; font-weight: 600; }
.halo { paint-order: stroke; stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round; }
.line { stroke: #8793a1; } .grid { stroke: #8793a1; stroke-opacity: 0.25; }
.head { fill: #e8edf3; stroke: #8793a1; } .bad { fill: #c4202f; } .bad-line { stroke: #c4202f; }
.band { fill: #d9822b; fill-opacity: 0.10; } .apart { fill: #d9822b; fill-opacity: 0.16; }
.pause { fill: #7a5cd6; fill-opacity: 0.35; } .dot { fill: #1d2733; }
.ok { fill: #2a9d5c; } .fail { fill: #8793a1; } .info, .open { fill: #d9a321; }
.cited { stroke: #c4202f; stroke-width: 2.5px; } .strong { font-weight: 700; }
@media (prefers-color-scheme: dark) {
  .ground { fill: #14191f; } .ink, text { fill: #e3e9f0; } .faint { fill: #93a0af; }
  .halo { stroke: #14191f; } .head { fill: #232b35; } .dot { fill: #e3e9f0; }
  .bad { fill: #ff7a80; } .bad-line, .cited { stroke: #ff7a80; }
}
"""
PALETTE = ("#2f7ed8", "#b0408f", "#16a085", "#d9691e", "#7a5cd6", "#9a7d0a", "#c8443f", "#3c8d3f")
"""Hues of middling lightness, one for each type of message between nodes, the commonest first."""

GUTTER, MARGIN = 84.0, 16.0
NODE, CLIENT = 132.0, 216.0
"""Pixels from one node's line to the next, and for each client with its labels."""
HEADING = 15.0


def render_lamport(case: Case, outcome: Outcome, assessment: Assessment) -> str:
    """Return the diagram of a run that was made with `story=True`, as an SVG document.

    Raises:
        ValueError: the run was made without a story.
    """
    trace = read_trace(case, outcome, assessment)
    choice = choose(trace, case.system)
    clients = [each for each in trace.clients if any(one.client == each for one in choice.operations)]
    asking = {arrow.message.source for arrow in choice.arrows} | {
        arrow.message.destination for arrow in choice.arrows
    }
    clients += sorted(asking - set(clients) - set(trace.nodes))
    columns = {name: GUTTER + NODE * (number + 0.5) for number, name in enumerate(trace.nodes)}
    start = GUTTER + NODE * len(trace.nodes) + 24
    columns |= {name: start + CLIENT * number for number, name in enumerate(clients)}
    # The last column needs room for its labels.
    width = max(start + CLIENT * len(clients) if clients else start + NODE / 2, 560.0) + MARGIN
    colours = _colours(choice, set(trace.nodes))
    heading, top = _heading(case, assessment, colours, width)
    scale = Scale(choice.times(), top + 44)
    sheet = Sheet(columns, trace.nodes, scale, colours)
    height = scale.bottom + 60
    parts = [
        element("style", STYLE),
        element("rect", class_="ground", x=0, y=0, width=width, height=height),
        *heading,
        *draw_bands(sheet, choice.spans, choice.end),
        *_axis(sheet, width),
        *draw_lives(sheet, choice.lives, choice.end),
        *draw_arrows(sheet, choice.arrows),
        *draw_operations(sheet, choice.operations, choice.end),
        *draw_notes(sheet, choice.notes),
        *_heads(sheet, top),
        *_foot(choice, scale.bottom + 40),
    ]
    return element(
        "svg",
        "\n".join(parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=round(width),
        height=round(height),
        role="img",
    )


def _colours(choice: Choice, nodes: set[str]) -> dict[str, str]:
    """Give each type of message between nodes a colour; what is not among them is plain."""
    types = Counter(
        arrow.message.type
        for arrow in choice.arrows
        if arrow.message.source in nodes and arrow.message.destination in nodes
    )
    return {kind: PALETTE[at % len(PALETTE)] for at, (kind, _) in enumerate(types.most_common())}


def _heading(
    case: Case, assessment: Assessment, colours: dict[str, str], width: float
) -> tuple[list[str], float]:
    """Return what stands above the diagram, and how far down it reaches."""
    bugs = f" with the seeded bug {', '.join(case.bugs)}" if case.bugs else ""
    name = f"{case.system.rpartition('/')[2]}{bugs}, {plural(case.nodes, 'node')}, seed {case.seed}"
    parts = [text(name, MARGIN, 24, "title")]
    y = 42.0
    characters = int((width - 2 * MARGIN) / (CHARACTER + 0.6))
    for violation in assessment.violations[:2]:
        for row in wrap(f"{violation.kind}: {violation.summary}", characters):
            parts.append(text(row, MARGIN, y, "bad"))
            y += HEADING
    x = MARGIN
    for kind, colour in colours.items():
        wide = CHARACTER * len(kind) + 40
        if x + wide > width:
            x, y = MARGIN, y + HEADING
        parts.append(line(x, y - 4, x + 18, y - 4, stroke=colour, width=2))
        parts.append(text(kind, x + 23, y))
        x += wide
    return parts, y + 10


def _axis(sheet: Sheet, width: float) -> list[str]:
    parts = []
    for time, y in sheet.scale.ticks(46):
        parts.append(line(GUTTER - 12, y, width - MARGIN, y, class_="grid"))
        parts.append(text(f"{time / SECOND:.4f} s", GUTTER - 16, y + 3.5, "small faint", anchor="end"))
    for each in sheet.scale.breaks():
        y = (each.top + each.bottom) / 2
        parts.append(
            element(
                "path",
                d=f"M {GUTTER - 11:.0f} {y - 6:.1f} l 6 4 l -12 4 l 6 4",
                fill="none",
                class_="line",
                title=f"{each.nanoseconds / SECOND:.3f} s in which nothing drawn here happened",
            )
        )
    return parts


def _heads(sheet: Sheet, top: float) -> list[str]:
    """Name the columns, on top and again all along a tall diagram."""
    parts = []
    for name, x in sheet.columns.items():
        wide = max(34.0, CHARACTER * len(name) + 16)
        box = element(
            "rect",
            x=x - wide / 2,
            y=top + 4,
            width=wide,
            height=20,
            rx=4 if name in sheet.nodes else 10,
            class_="head",
        )
        parts.append(group([box, text(name, x, top + 18, "strong", anchor="middle")]))
        y = top + 700
        while y < sheet.scale.bottom - 100:
            parts.append(text(name, x - 8, y, "small faint halo", anchor="end"))
            y += 700
    return parts


def _foot(choice: Choice, y: float) -> list[str]:
    left_out = ", ".join(plural(count, noun) for noun, count in choice.left_out.items() if count)
    about = "Time runs downwards; quiet stretches are compressed (zigzag). Hover for contents."
    rest = f" Not drawn: {left_out}." if left_out else ""
    return [text(about + rest, MARGIN, y, "small faint")]
