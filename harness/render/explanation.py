"""Why a verdict is what it is: one paragraph, then the evidence line by line."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from splitbrain.checkers.verification.sequential import MODELS
from splitbrain.render.text import as_json, colours_wanted, plural, printable, shorten, terminal_width, wrap
from splitbrain.render.verdict import WORDS, coloured, what_was_checked
from splitbrain.render.witness import label_of, render_witness

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from splitbrain.histories import History, Operation

TOLD = 4
"""A story of more sentences than this is told line by line, and the paragraph ends with its last two."""
KEYS_SHOWN, CALLS_SHOWN = 5, 12
EDGES_SHOWN = 24
INDENT = "  "
REPLAYED = (
    "A linearization is an order in which whoever had returned when another was invoked comes before it, and "
    "which gives every result that was recorded when it is replayed one operation at a time."
)
OPEN = "Unknown is neither a pass nor a violation."
OWN_MODEL = "`splitbrain verify` can't re-check this verdict: it knows the built-in models, and not your own."
MORE = "More of it (--timeout, --max-memory) may decide the rest."


def paragraph(verdict: Mapping[str, Any]) -> str:
    """Say in one paragraph what contradicts itself, what proves a pass, or what stopped the search."""
    if verdict["valid"] is True:
        return f"{verdict['reason']} {REPLAYED} {where_the_proof_is(verdict)}"
    if verdict["valid"] == "unknown":
        budget = f" {MORE}" if "budget" in verdict["reason"] else ""
        return f"{verdict['reason']}{budget} {OPEN}"
    first, *others = verdict["violations"] or [{"summary": verdict["reason"]}]
    story = list((first.get("evidence") or {}).get("story", ()))
    told = story if len(story) <= TOLD else story[-2:]
    more = f"{plural(len(others), 'more violation')} {'is' if len(others) == 1 else 'are'} told below."
    return " ".join([first["summary"], *told, *([more] if others else [])])


def render_explanation(
    verdict: Mapping[str, Any],
    history: History | None = None,
    proof: Mapping[str, Any] | None = None,
    *,
    width: int | None = None,
    colour: bool | None = None,
) -> str:
    """Return the paragraph and the evidence as text.

    `history` and `proof`, where there are any, show the order of a valid history.
    """
    width = terminal_width() if width is None else width
    word = WORDS.get(verdict["valid"], WORDS["unknown"])
    lines = wrap(paragraph(verdict), width, f"{word[0]}  ", INDENT)
    sections = [
        [
            *coloured(lines, word, colour=colours_wanted() if colour is None else colour),
            *what_was_checked(verdict, width),
        ],
    ]
    for number, violation in enumerate(verdict.get("violations", ())):
        sections += _violation(violation, width, headed=number > 0)
    if verdict["valid"] is True and history is not None and proof is not None:
        sections.append(list(_orders(history, proof, width)))
    if verdict["valid"] is False:
        sections.append(wrap(where_the_proof_is(verdict), width))
    return "\n\n".join("\n".join(section) for section in sections if section)


def operation_fields(operation: Operation) -> dict[str, Any]:
    """Return an operation of a history as evidence holds one."""
    return {
        "position": operation.invoke,
        "process": operation.process,
        "f": operation.f,
        "value": operation.value,
        "result": operation.result,
        "status": operation.status,
        "invoke": operation.invoke,
        "complete": operation.complete,
        "applied": operation.applied,
    }


def where_the_proof_is(verdict: Mapping[str, Any]) -> str:
    """Say where the certificate is, or how to get it."""
    file = verdict.get("run") or verdict.get("file")
    certificates = [check["certificate"] for check in verdict["checks"] if check.get("certificate")]
    if "model" in verdict and verdict["model"] not in MODELS:
        return OWN_MODEL
    if verdict.get("run") and certificates:
        paths = " and ".join(f"{file}/{each}" for each in certificates)
        return f"Certificates for `splitbrain verify`: {paths}."
    if certificates:
        return f"The certificate is in {certificates[0]}: splitbrain verify {certificates[0]} {file}"
    return "--certificate PROOF writes the certificate, which `splitbrain verify PROOF FILE` re-checks."


def _violation(violation: Mapping[str, Any], width: int, *, headed: bool) -> Iterator[list[str]]:
    evidence = violation.get("evidence") or {}
    story = evidence.get("story", ())
    lines = wrap(f"{violation.get('kind')}: {violation.get('summary')}", width) if headed else []
    if "operations" in evidence:
        whole = headed or len(story) > TOLD
        shown = evidence if whole else {**evidence, "story": ()}
        picture = render_witness(shown, width - len(INDENT)).split("\n")
        yield [*lines, *([""] if lines else []), *(f"{INDENT}{line}".rstrip() for line in picture)]
        yield list(_forced(evidence, width))
    elif headed or evidence:
        yield [*lines, *(line for sentence in story for line in wrap(str(sentence), width, f"{INDENT}- "))]


def _forced(evidence: Mapping[str, Any], width: int) -> Iterator[str]:
    """Tell why one operation comes before another; a star marks those that run in a circle."""
    circle = [(edge["from"], edge["to"], edge["why"]) for edge in evidence.get("circle", ())]
    edges = sorted(
        evidence.get("edges", ()), key=lambda edge: (edge["from"], edge["to"], edge["why"]) not in circle
    )
    if not edges or ("cut" in evidence and not circle):
        return  # real time alone says nothing that the picture doesn't
    circular = ", where * runs in a circle" if circle else ""
    yield from wrap(f"What must come before what (by position){circular}:", width)
    for edge in edges[:EDGES_SHOWN]:
        star = "*" if (edge["from"], edge["to"], edge["why"]) in circle else " "
        head = f" {star} {edge['from']} before {edge['to']}: "
        yield from wrap(f"{edge['text']} ({edge['why']})", width, head)
    if len(edges) > EDGES_SHOWN:
        yield f"   and {len(edges) - EDGES_SHOWN} more"


def _orders(history: History, proof: Mapping[str, Any], width: int) -> Iterator[str]:
    """Show how each key's order begins."""
    keys: Sequence[Mapping[str, Any]] = proof.get("keys", ())
    yield "The order, by its first operations:" if keys else "No key had an operation."
    for each in keys[:KEYS_SHOWN]:
        order = each["order"]
        calls = [_label(history, position) for position in order[:CALLS_SHOWN]]
        more = len(order) - len(calls)
        rest = [f"and {more:,} more"] if more > 0 else []
        name = f"{INDENT}{printable(as_json(each['key']))}: " if proof.get("keyed") else INDENT
        yield from wrap(", ".join([*calls, *rest]), width, name)
    if len(keys) > KEYS_SHOWN:
        yield f"{INDENT}and {plural(len(keys) - KEYS_SHOWN, 'more key')}"


def _label(history: History, position: int) -> str:
    operation = history[bisect_left(history.invoke, position)]
    return shorten(f"{label_of(operation_fields(operation))} ({position})", 60)
