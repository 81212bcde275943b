"""The order that is forced among conflicting operations, in Graphviz's language.

The text is written here and not by a graph library, so that whatever a history holds (quotes, backslashes,
line ends, escapes that mean something to Graphviz) is quoted in one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.render.text import printable, wrap
from splitbrain.render.witness import label_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WIDTH = 90
"""Characters of a line of a heading."""
STUCK = 'color="#b3261e", penwidth=2.5, fillcolor="#fbe3e1"'
CRASHED = 'style="rounded,filled,dashed"'
CIRCLE = 'color="#b3261e", fontcolor="#b3261e", penwidth=2.2'
STYLES = {
    "real-time": 'color="#5f6368"',
    "reads": 'color="#1a73a8", style=dashed',
    "overwrites": 'color="#1a73a8"',
    "value": 'color="#8a5a00"',
}


def render_dot(verdict: Mapping[str, Any]) -> str | None:
    """Return a directed graph of each violation that names operations; None if none does."""
    shown = [
        violation
        for violation in verdict.get("violations", ())
        if (violation.get("evidence") or {}).get("operations")
    ]
    if not shown:
        return None
    lines = [
        "digraph witness {",
        '  graph [charset="UTF-8", rankdir=LR, labelloc=t, labeljust=l, fontname="sans-serif"];',
        '  node [shape=box, style="rounded,filled", fillcolor="#f1f3f4", fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontsize=9];',
    ]
    for number, violation in enumerate(shown):
        heading = _quoted(*wrap(str(violation.get("summary")), WIDTH), left=True)
        lines += [
            f"  subgraph cluster_{number} {{",
            f'    label={heading}; color="#dadce0";',
            *(f"    {line}" for line in _violation(f"v{number}", violation["evidence"])),
            "  }",
        ]
    return "\n".join([*lines, "}", ""])


def _violation(prefix: str, evidence: Mapping[str, Any]) -> Iterator[str]:
    for operation in evidence["operations"]:
        crashed = operation.get("status") != "ok" or operation.get("complete") is None
        style = CRASHED if crashed else ""
        if operation["position"] == evidence.get("stuck"):
            style = f"{style}, {STUCK}".lstrip(", ")
        where = f"process {operation.get('process')}, position {operation['position']}"
        label = _quoted(label_of(operation), where, *(["may not have happened"] if crashed else []))
        yield f"{prefix}_{operation['position']} [label={label}{f', {style}' if style else ''}];"
    circle = {(edge["from"], edge["to"]) for edge in evidence.get("circle", ())}
    for (source, target), (why, text) in _joined(evidence).items():
        style = CIRCLE if (source, target) in circle else STYLES.get(why, "")
        attributes = f"label={_quoted(why)}, tooltip={_quoted(text)}{f', {style}' if style else ''}"
        yield f"{prefix}_{source} -> {prefix}_{target} [{attributes}];"


def _joined(evidence: Mapping[str, Any]) -> dict[tuple[int, int], tuple[str, str]]:
    """Return one edge for each pair of operations, with every reason for it."""
    edges: dict[tuple[int, int], tuple[str, str]] = {}
    for edge in evidence.get("edges", ()):
        pair = (edge["from"], edge["to"])
        known = edges.get(pair)
        if known is None:
            edges[pair] = (edge["why"], edge["text"])
        elif edge["why"] not in known[0].split(", "):
            edges[pair] = (f"{known[0]}, {edge['why']}", f"{known[1]}; {edge['text']}")
    return edges


def _quoted(*lines: str, left: bool = False) -> str:
    r"""Return lines as one quoted string; what is special to Graphviz in them stands for itself."""
    escaped = [printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + ("".join(f"{line}\\l" for line in escaped) if left else "\\n".join(escaped)) + '"'
