"""The lines of a narrative that tell what each client asked, whom, and what it was told."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from splitbrain.render.beats import CITED, OPERATION, RELATED, SECOND, Beat
from splitbrain.render.sayings import say_fields
from splitbrain.render.text import as_json, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.render.trace import Attempt, Operation, Trace

LONGEST_VALUE = 30
LAST = 1e18
READS = ("read", "get")
UNTOLD = ("type", "in_reply_to", "msg_id")


def operation_beats(trace: Trace) -> list[Beat]:
    """Tell of each operation's begin and end; of a cited one also when it was answered."""
    beats: list[Beat] = []
    about = [each.key for each in trace.operations if each.cited]
    for each in trace.operations:
        rank = CITED if each.cited else RELATED if each.key in about else OPERATION
        first = each.attempts[0].node if each.attempts else None
        order = each.attempts[0].request.order - 0.5 if each.attempts else -1.0
        begins = f"{name(each)} asks{f' {first}' if first else ''}: {asked(each)}"
        beats.append(Beat(each.begin, rank, begins, {"operation": 1}, order, each.position, "begin"))
        served = answering(each)
        if each.cited and served is not None and served.answer is not None:
            answer = served.answer
            fields = {key: value for key, value in answer.body.items() if key not in UNTOLD}
            text = f"{served.node} answers #{each.position}: {answer.type}{say_fields(fields)}"
            beats.append(Beat(answer.sent, rank, text, {}, answer.order, each.position, "answer"))
        if each.end is not None:
            order = served.answer.ended_order + 0.5 if served and served.answer else LAST
            ends = f"{name(each)} is told {told(each)}{by_whom(each)}"
            beats.append(Beat(each.end, rank, ends, {}, order, each.position, "end"))
    return beats


def whole(operation: Operation) -> str:
    """Return an operation in one line: nothing else happened meanwhile."""
    if operation.end is None:
        return f"{name(operation)} asks: {asked(operation)}"
    took = (operation.end - operation.begin) / SECOND * 1000
    text = f"{name(operation)} asks {asked(operation)}, is told {told(operation)}{by_whom(operation)}"
    return f"{text} ({took:.3g} ms)" if took else text


def name(operation: Operation) -> str:
    """Return by what a narrative names an operation."""
    return f"#{operation.position} {operation.client}"


def asked(operation: Operation) -> str:
    """Return what a client asked, such as `write 7 (k1)`."""
    value = operation.value
    if operation.f == "cas" and isinstance(value, (list, tuple)) and len(value) == 2:
        what = f" {as_json(value[0], LONGEST_VALUE)} -> {as_json(value[1], LONGEST_VALUE)}"
    else:
        what = "" if value is None else f" {as_json(value, LONGEST_VALUE)}"
    key = "" if operation.key is None else f" ({_plain(operation.key)})"
    return f"{operation.f}{what}{key}"


def told(operation: Operation) -> str:
    """Return what the client was told in the end."""
    if operation.status == "ok":
        if operation.f in READS or operation.result not in (None, operation.value):
            return as_json(operation.result, LONGEST_VALUE)
        return "ok" if operation.applied else "ok, unequal"
    error = "" if operation.error is None else f": {shorten(_plain(operation.error), 60)}"
    return f"that it failed{error}" if operation.status == "fail" else f"nothing for certain{error}"


def answering(operation: Operation) -> Attempt | None:
    """Return the attempt that ended an operation."""
    if operation.status not in ("ok", "fail"):
        return None
    done = [each for each in operation.attempts if each.answer is not None]
    return done[-1] if done else None


def by_whom(operation: Operation) -> str:
    """Say who answered, and what became of the other attempts."""
    served = answering(operation)
    if operation.status == "fail":
        asked_of = Counter(each.node for each in operation.attempts)
        return f", having asked {_listed(asked_of)}" if len(operation.attempts) > 1 else ""
    others = [each for each in operation.attempts if each is not served]
    refusals = Counter(each.node for each in others if each.answer is not None)
    down = Counter(each.node for each in others if each.request.lost == "refused")
    silent = Counter(each.node for each in others if each.answer is None and each.request.lost != "refused")
    parts = []
    if refusals:
        reason = _reason([each for each in others if each.answer is not None])
        parts.append(f"{_listed(refusals)} refused{reason}")
    if down:
        parts.append(f"{_listed(down)} {'was' if len(down) == 1 else 'were'} down")
    if silent:
        parts.append(f"{_listed(silent)} did not answer")
    after = f"{' after' if served else ';'} {', '.join(parts)}" if parts else ""
    return f" by {served.node}{after}" if served else after


def _reason(refused: Sequence[Attempt]) -> str:
    """Return the text of a refusal, if all refused in the same words but for the node."""
    texts = {
        str(each.answer.body.get("text", "")).replace(each.node, "it") for each in refused if each.answer
    }
    text = next(iter(texts)) if len(texts) == 1 else ""
    return f" ({shorten(text, 40)})" if text else ""


def _listed(nodes: Counter[str]) -> str:
    return ", ".join(f"{node} ({count} times)" if count > 1 else node for node, count in nodes.items())


def _plain(value: object) -> str:
    return value if isinstance(value, str) else as_json(value, LONGEST_VALUE)
