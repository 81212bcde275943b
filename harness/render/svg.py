"""SVG elements as text. Everything that comes from outside is escaped here, in one place."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from splitbrain.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

CHARACTER = 6.1
"""The width of a character of the small font, in pixels; about."""


def element(name: str, content: str = "", /, *, title: str = "", **attributes: object) -> str:
    """Return an element around `content`, which is SVG already; `title` is what hovering shows.

    Attributes that are None are left out; `class_` is `class`, and `_` in a name stands for `-`.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = (f"<title>{words(title)}</title>" if title else "") + content
    return f"<{name}{given}>{inner}</{name}>" if inner else f"<{name}{given}/>"


def text(
    content: str,
    x: float,
    y: float,
    class_: str = "small",
    *,
    anchor: str | None = None,
    style: str | None = None,
) -> str:
    """Return a text at a place; `anchor` says which end of it stands there, the start if none is given."""
    return element("text", words(content), x=x, y=y, class_=class_, text_anchor=anchor, style=style)


def line(
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    *,
    class_: str | None = None,
    stroke: str | None = None,
    width: float | None = None,
    dashes: str | None = None,
) -> str:
    """Return a line."""
    return element(
        "line",
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        class_=class_,
        stroke=stroke,
        stroke_width=width,
        stroke_dasharray=dashes,
    )


def group(parts: Iterable[str], *, title: str = "", class_: str | None = None) -> str:
    """Return elements as one, with one hover title."""
    return element("g", "".join(parts), title=title, class_=class_)


def words(content: str) -> str:
    """Return a text as SVG may hold it: escaped, and without characters that no XML may have."""
    return escape("\n".join(printable(each) for each in content.split("\n")), quote=False)


def _number(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
