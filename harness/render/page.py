"""A verdict as one page for a browser: why, as a picture; and the whole history, to move about in.

The page needs no network and nothing beside it. All that explains the verdict is text and SVG, and is there
without scripts too. The history around it is drawn by a script on a canvas, only as much as is in view, so
that 100,000 operations open at once, at the violation.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from splitbrain.render.explanation import TOLD, paragraph, where_the_proof_is
from splitbrain.render.figure import SOURCES, draw_witness
from splitbrain.render.page_data import history_data, key_text
from splitbrain.render.text import plural, printable
from splitbrain.render.verdict import KINDS, UNDECIDED, WORDS
from splitbrain.render.witness import label_of, marked_operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from splitbrain.histories import History

MOST_TOLD = 10
"""Violations that are told in full."""
STUCK = "no order explains this"
HEADINGS = {"LIN": "Not linearizable"}
START = "what it left is what the others begin with"
WHYS = {
    "real-time": "one had returned when the other was invoked",
    "reads": "the value came from there",
    "overwrites": "the value came from there, and was replaced",
    "value": "a value that is written once is there once, without a gap",
}


def render_page(verdict: Mapping[str, Any], history: History, proof: Mapping[str, Any] | None = None) -> str:
    """Return the page of a verdict on a history; `proof` is the certificate of a valid one."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  0.1 s that only pages need

    environment = Environment(
        loader=PackageLoader("splitbrain.render", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    told = [
        _violation(violation, f"v{number}", told=number == 1)
        for number, violation in enumerate(verdict.get("violations", ())[:MOST_TOLD], start=1)
    ]
    shown = [each for each in told if each["operations"]]
    near = shown[0]["focus"] if shown else None
    data = history_data(history, near, proof if verdict["valid"] is True else None)
    data["spots"] = [_spot(each) for each in shown]
    word = WORDS.get(verdict["valid"], WORDS["unknown"])[0]
    return environment.get_template("page.html").render(
        title=f"{word.capitalize()}: {_source(verdict)}",
        word=word,
        source=_source(verdict),
        paragraph=printable(paragraph(verdict)),
        facts=list(_facts(verdict, history)),
        # The paragraph of a valid verdict has said it, and an unknown one has no proof.
        proof=where_the_proof_is(verdict) if verdict["valid"] is False else "",
        marked=bool(shown),
        violations=told,
        untold=len(verdict.get("violations", ())) - len(told),
        gates=[gate for gate in verdict.get("gates", ()) if not gate.get("held")],
        embedded=len(data["span"]),
        operations=len(history),
        notes=list(history.notes),
        # In a script element only "<" could end it or begin a comment.
        data=json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c"),
    )


def _source(verdict: Mapping[str, Any]) -> str:
    return printable(str(verdict.get("file") or verdict.get("run") or "a history"))


def _facts(verdict: Mapping[str, Any], history: History) -> Iterator[tuple[str, str]]:
    if verdict.get("model"):
        yield "model", str(verdict["model"])
    yield "operations", f"{len(history):,}"
    if history.keyed:
        yield "keys", f"{len(history.keys):,}"
    method = str(verdict.get("method") or UNDECIDED)
    yield "decided by", "nothing" if method == UNDECIDED else method
    yield "time to decide", f"{float(verdict.get('seconds') or 0.0):.3f} s"


def _violation(violation: Mapping[str, Any], name: str, *, told: bool) -> dict[str, Any]:
    """Return what the template needs of one violation; `told`: the paragraph speaks of it."""
    evidence = violation.get("evidence") or {}
    operations = list(evidence.get("operations", ()))
    labels = {each["position"]: printable(label_of(each)) for each in operations}
    circle = list(evidence.get("circle", ()))
    marked = marked_operation(evidence, operations) if operations else None
    story = [printable(str(each)) for each in evidence.get("story", ())]
    kind = str(violation.get("kind"))
    return {
        "name": name,
        "kind": HEADINGS.get(kind, kind),
        "meaning": KINDS.get(kind, ""),
        "summary": printable(str(violation.get("summary"))),
        "figure": draw_witness(evidence, name),
        "story": story if len(story) > TOLD or not told else [],
        "open": any(each["status"] != "ok" for each in operations),
        "circle": [
            {
                "earlier": labels.get(edge["from"], str(edge["from"])),
                "later": labels.get(edge["to"], str(edge["to"])),
                "text": printable(edge["text"]),
                "why": WHYS.get(edge["why"], edge["why"]),
            }
            for edge in circle
        ],
        "furthest": _furthest(evidence, labels),
        "operations": [_operation(each, evidence, marked, labels) for each in operations],
        "key": key_text(evidence.get("key")) if evidence.get("key") is not None else None,
        "focus": marked,
    }


def _furthest(evidence: Mapping[str, Any], labels: Mapping[int, str]) -> dict[str, Any] | None:
    """Say how far an order came, and what was there then."""
    cut = evidence.get("furthest")
    if not cut:
        return None
    order = [{"label": labels.get(each, f"position {each}"), "position": each} for each in cut["order"]]
    running = [
        labels.get(each, f"position {each}")
        for each in cut["open"]
        if each != cut["stuck"] and each not in cut["order"]
    ]
    return {
        "order": order,
        "skipped": cut["order_in_all"] - len(order),
        "stuck": {"label": labels.get(cut["stuck"], f"position {cut['stuck']}"), "position": cut["stuck"]},
        "states": printable(cut["words"]),
        "several": cut["states_in_all"] > 1,
        "running": running,
    }


def _operation(
    each: Mapping[str, Any], evidence: Mapping[str, Any], marked: int | None, labels: Mapping[int, str]
) -> dict[str, Any]:
    position, complete = each["position"], each["complete"]
    reasons = list(dict.fromkeys(_reasons(each, evidence, marked, labels)))
    return {
        "position": position,
        "process": each["process"],
        "label": printable(label_of(each)),
        "returned": "never" if complete is None or each["status"] == "info" else f"{complete}",
        "why": "; ".join(reasons) or "part of the contradiction",
        "role": "stuck" if position == marked else "circle" if _on_circle(position, evidence) else "plain",
    }


def _on_circle(position: int, evidence: Mapping[str, Any]) -> bool:
    return any(position in (edge["from"], edge["to"]) for edge in evidence.get("circle", ()))


def _reasons(
    each: Mapping[str, Any], evidence: Mapping[str, Any], marked: int | None, labels: Mapping[int, str]
) -> Iterator[str]:
    """Say why an operation is part of the contradiction."""
    position = each["position"]
    if position == marked:
        yield STUCK
    if position == evidence.get("start"):
        yield START
    for edge in evidence.get("circle", ()):
        if edge["from"] == position:
            yield printable(f"must come before {labels.get(edge['to'], edge['to'])}: {edge['text']}")
    for edge in evidence.get("edges", ()):
        if edge["from"] == position and edge["why"] in SOURCES and edge not in evidence.get("circle", ()):
            yield printable(edge["text"])
    if each["status"] == "crashed":
        yield "counted as if it had never returned, which allows more orders and not fewer"
    elif each["status"] == "info":
        yield "may have taken effect at any later time, or never"
    cut = evidence.get("cut") or {}
    if position in cut.get("open", ()) and position != marked:
        yield "was running when no order was left"


def _spot(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the script opens, and what it marks there."""
    furthest = told["furthest"]
    order = [each["position"] for each in furthest["order"]] if furthest and not furthest["skipped"] else []
    return {
        "name": plural(len(told["operations"]), "operation") if told["key"] is None else f"key {told['key']}",
        "key": told["key"],
        "focus": told["focus"],
        "order": order,
        "marks": [[each["position"], each["role"], each["why"]] for each in told["operations"]],
    }
