"""The lines of a narrative that tell of faults, of the lives of nodes and of their notes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from splitbrain.render.beats import CITED, INCIDENT, NOTE, Beat
from splitbrain.render.sayings import conjugate, quiet, say_note
from splitbrain.render.text import as_json, plural, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splitbrain.render.trace import Life, Noted, Span, Trace

RARE = 24
"""A kind of note that appears more often than this in a run is told only where it is cited."""
ON_NODES = frozenset({"Kill", "PowerCut", "Pause", "SetClock", "SetDisk", "SpoilDisk"})
"""The actions that the trace tells of where they hit."""
DID = {
    "persist": "right after it wrote a record",
    "replace": "right after it replaced its log",
    "synced": "right after its disk had synced",
}


def incident_beats(trace: Trace) -> list[Beat]:
    """Tell of the faults, and of what befell nodes."""
    beats = [_birth(trace)] if trace.lives else []
    died = {(each.time, each.node) for each in trace.lives if each.kind in ("kill", "power-cut")}
    held = {(each.time, each.node) for each in trace.lives if each.kind == "stop"}
    together: dict[tuple[int, str], list[Life]] = {}
    for life in trace.lives:
        # That a trigger held a node which then died at once says nothing more.
        born = life.kind == "start" and life.fields["life"] == 1
        if not born and not (life.kind == "stop" and (life.time, life.node) in died):
            befell = _befell(life, trace.spans, held=(life.time, life.node) in held)
            together.setdefault((life.time, befell), []).append(life)
    for (time, text), lives in together.items():
        rank = CITED if lives[0].kind == "raised" else INCIDENT
        names = ", ".join(life.node for life in lives)
        told = f"{names} {conjugate(text, len(lives))}"
        beats.append(Beat(time, rank, told, {"incident": len(lives)}, lives[0].order))
    for span in trace.spans:
        does = fault_in_words(span, trace.nodes)
        if does:
            beats.append(Beat(span.begin, INCIDENT, f"{span.id} begins: {does}", {"incident": 1}, -1))
            if span.end is not None:
                beats.append(Beat(span.end, INCIDENT, f"{span.id} ends", {"incident": 1}, -1))
    return beats


def _birth(trace: Trace) -> Beat:
    first = [each.node for each in trace.lives if each.kind == "start" and each.fields["life"] == 1]
    verb = conjugate("starts", len(first))
    return Beat(trace.lives[0].time, INCIDENT, f"{', '.join(first)} {verb} with nothing on disk", {}, -1)


def life_in_words(life: Life, *, between: bool = True) -> str:
    """Return what befell a node; it begins with a verb. With `between` it was between two effects, if any."""
    kind, fields = life.kind, life.fields
    if kind == "start":
        torn = ", the last one torn and dropped" if fields["torn"] else ""
        return f"starts again, with {plural(fields['records'], 'record')} on disk{torn}"
    if kind == "raised":
        return f"{shorten(str(fields), 160)}, and died"
    if kind == "clock":
        rate, offset = fields
        return f"has a clock that now runs at {rate:g} of true time, its wall clock {offset:g} s ahead"
    if kind == "disk":
        return f"has a disk that now {_disk(fields)}"
    words = {
        "kill": "is killed",
        "power-cut": "loses its power",
        "pause": "is paused",
        "resume": "goes on",
        "stop": "is held",
        "release": "is let go on",
    }[kind]
    return f"{words}{_after(life) if between else ''}"


def _befell(life: Life, spans: Sequence[Span], *, held: bool) -> str:
    """Return what befell a node, with the fault that did it.

    A fault that a plan times hits between two steps: what the node did at that instant is a coincidence.
    """
    fault = next(
        (span.id for span in spans if life.node in span.nodes and life.time in (span.begin, span.end)), None
    )
    between = fault is None or held or life.kind == "stop"
    return f"{life_in_words(life, between=between)}{f' ({fault})' if fault and life.kind != 'start' else ''}"


def _after(life: Life) -> str:
    """Say between which effects a node was hit, if it was hit in the middle of a step."""
    did = life.after
    if did is None or life.kind not in ("kill", "power-cut", "stop"):
        return ""
    if did.kind == "send":
        return f" right after it sent {did.peer} {did.fields.get('type')}"
    if did.kind == "note":
        return f" right after it noted {did.fields['kind']}"
    return f" {DID[did.kind]}"


def _disk(fields: Any) -> str:
    if isinstance(fields, str):
        return {"wipe": "holds nothing any more", "bit-rot": "holds a rotten record"}.get(fields, fields)
    lies, delay = fields
    told = [
        *(["loses what it says is synced"] if lies else []),
        *([f"takes {delay:g} s more to sync"] if delay else []),
    ]
    return ", ".join(told) or "is sound again"


def fault_in_words(span: Span, nodes: Sequence[str]) -> str:
    """Return what a fault does, but for what is told of the nodes that it hits; nothing if that is all."""
    actions = [each for each in span.actions if each.get("action") not in ON_NODES]
    return "; ".join(_does(action, nodes) for action in actions)


def _does(action: Mapping[str, Any], nodes: Sequence[str]) -> str:
    kind = action.get("action")
    if kind == "Request":
        return f"asks {action.get('node')} {as_json(action.get('body'), 80)}"
    if kind != "SetLinks":
        rest = {name: value for name, value in action.items() if name != "action"}
        return f"{kind} {as_json(rest, 80)}"
    links = [(link[0], link[1]) for link in action.get("links", ())]
    policies = action.get("policies", ())
    doing = " or ".join(dict.fromkeys(policy_in_words(policy) for policy in policies))
    return f"{doing} {links_in_words(links, nodes)}"


def policy_in_words(policy: Mapping[str, Any]) -> str:
    """Return what a policy does to a link; a verb."""
    if policy.get("cut"):
        return "cuts"
    if policy.get("hold"):
        return "holds back"
    told = ", ".join(f"{name} {value:g}" for name, value in policy.items() if value)
    return f"troubles ({told})"


def links_in_words(links: Sequence[tuple[str, str]], nodes: Sequence[str]) -> str:
    """Return which links: the groups that they lie between, if that is the whole of it."""
    laid = set(links)
    inner = {link for link in laid if set(link) <= set(nodes)}
    groups = _groups(inner, nodes)
    across = {(one, other) for group in groups for one in group for other in nodes if other not in group}
    if len(groups) > 1 and inner == laid == across:
        return "the links between " + " and ".join(", ".join(group) for group in groups)
    if inner == laid and len(inner) == len(nodes) * (len(nodes) - 1) and len(nodes) > 1:
        return "all links between nodes"
    both_ways = all((other, one) in laid for one, other in laid)
    by_source: dict[str, list[str]] = {}
    for one, other in sorted(laid):
        if not both_ways or one < other:
            by_source.setdefault(one, []).append(other)
    word = "and" if both_ways else "to"
    told = "; ".join(f"{one} {word} {', '.join(others)}" for one, others in by_source.items())
    return shorten(f"the links between {told}" if both_ways else told, 120)


def _groups(links: set[tuple[str, str]], nodes: Sequence[str]) -> list[list[str]]:
    """Return the groups of nodes within which no link is laid."""
    groups: list[list[str]] = []
    for node in nodes:
        for group in groups:
            if all((node, other) not in links and (other, node) not in links for other in group):
                group.append(node)
                break
        else:
            groups.append([node])
    return groups


def telling_notes(trace: Trace, system: str) -> list[tuple[Noted, str]]:
    """Return the notes that are cited, and those that are rare and say something of their own, in words."""
    counts = Counter(each.kind for each in trace.notes)
    said: dict[tuple[str, str], str] = {}
    telling = []
    for each in trace.notes:
        if not each.cited and (counts[each.kind] > RARE or quiet(system, each.kind)):
            continue
        text = say_note(system, each)
        if each.cited or said.get((each.node, each.kind)) != text:
            telling.append((each, text))
        said[each.node, each.kind] = text
    return telling


def note_beats(trace: Trace, system: str) -> list[Beat]:
    """Tell of the notes that tell something, those of several nodes together."""
    beats: list[Beat] = []
    together: dict[str, int] = {}
    for each, text in telling_notes(trace, system):
        at = together.get(text)
        if not each.cited and at is not None and _near(beats[at], each):
            names, _, _ = beats[at].text.partition(" \0")
            beats[at] = beats[at]._replace(text=f"{names}, {each.node} \0{text}")
        else:
            together[text] = len(beats)
            rank = CITED if each.cited else NOTE
            beats.append(Beat(each.time, rank, f"{each.node} \0{text}", {"note": 1}, each.order))
    return [_settled(beat) for beat in beats]


def _near(beat: Beat, note: Noted) -> bool:
    return beat.rank != CITED and note.time - beat.time <= 100_000_000


def _settled(beat: Beat) -> Beat:
    names, _, words = beat.text.partition(" \0")
    return beat._replace(text=f"{names} {conjugate(words, names.count(',') + 1)}")
