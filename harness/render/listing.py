"""Tables of names with one line each, as `splitbrain systems` and its like print them."""

from __future__ import annotations

import textwrap
from itertools import zip_longest
from typing import TYPE_CHECKING

from splitbrain.render.text import printable, terminal_width

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GAP = "  "
NARROW = 18
"""A column is made no narrower than this to fit a table; if that is not enough, rows become paragraphs."""


def render_table(
    rows: Sequence[Mapping[str, str]], columns: Sequence[str], *, width: int | None = None
) -> str:
    """Return the rows under their column names; too wide a table wraps its widest columns.

    Where that is not enough, each row is a paragraph with its first column as the head.
    """
    if not rows:
        return "none"
    width = terminal_width() if width is None else width
    cells = [[printable(str(row.get(column, ""))) for column in columns] for row in rows]
    heads = [column.replace("_", " ") for column in columns]
    widths = _fitted([max(map(len, column)) for column in zip(heads, *cells, strict=True)], width)
    if widths is None:
        return "\n\n".join(_paragraph(heads, row, width) for row in cells)
    lines = [_line(heads, widths), _line(["-" * each for each in widths], widths)]
    for row in cells:
        broken = [textwrap.wrap(cell, each) or [""] for cell, each in zip(row, widths, strict=True)]
        lines += [_line(line, widths) for line in zip_longest(*broken, fillvalue="")]
    return "\n".join(lines)


def _fitted(widths: Sequence[int], width: int) -> list[int] | None:
    """Narrow the widest column until all fit, or give up."""
    fitted = list(widths)
    spare = width - len(GAP) * (len(fitted) - 1)
    while sum(fitted) > spare:
        widest = max(range(len(fitted)), key=fitted.__getitem__)
        if fitted[widest] <= NARROW:
            return None
        fitted[widest] -= 1
    return fitted


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(cell.ljust(each) for cell, each in zip(cells, widths, strict=True)).rstrip()


def _paragraph(heads: Sequence[str], row: Sequence[str], width: int) -> str:
    margin = max(map(len, heads[1:]), default=0) + len(GAP) * 2
    lines = [row[0]]
    for head, cell in zip(heads[1:], row[1:], strict=True):
        lines += textwrap.wrap(
            cell,
            width,
            initial_indent=f"{GAP}{head}".ljust(margin),
            subsequent_indent=" " * margin,
            break_on_hyphens=False,
        )
    return "\n".join(lines)
