"""The trace of a simulated run put together: messages with their fates, operations with their attempts.

`splitbrain.simulation.story` tells step by step; what people are shown is told by whole things: a
message from its sending to its arrival, an operation from its invocation to its end, a fault from
its begin to its heal. Narratives and diagrams are both made from these. Times are nanoseconds; `order`
is the place in the trace, which orders what has the same time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.runner.interpreter import NEMESIS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from splitbrain.exploration.assess import Assessment
    from splitbrain.exploration.case import Case
    from splitbrain.exploration.simulate import Outcome
    from splitbrain.simulation.story import Happening

LIVES = frozenset(
    {"start", "kill", "power-cut", "pause", "resume", "stop", "release", "raised", "clock", "disk"}
)
"""The happenings that change how a node is."""
PROBE = "probe"
"""The type of the messages with which the harness looks whether a link is cut; nobody's protocol."""


@dataclass(slots=True)
class Message:
    """One message; `arrivals` are the times at which its copies were taken in, `lost` is why one was not."""

    number: int
    source: str
    destination: str
    sent: int
    body: Mapping[str, Any]
    order: int = 0
    arrivals: list[int] = field(default_factory=list)
    lost: str = ""
    ended: int = 0
    """When the last was heard of it: it arrived, or it was lost."""
    ended_order: int = 0

    @property
    def type(self) -> str:
        """The type of its body."""
        return str(self.body.get("type", "?"))


class Attempt(NamedTuple):
    """One request of an operation and the first answer to it, if one came."""

    node: str
    request: Message
    answer: Message | None


@dataclass(frozen=True)
class Operation:
    """One operation; `position` is the line of its invocation, by which evidence names it.

    `end` is None if it was still open when the run ended; then `status` is "open".
    """

    position: int
    client: str
    f: str
    key: Any
    value: Any
    status: str
    result: Any
    error: Any
    applied: bool
    begin: int
    end: int | None
    attempts: Sequence[Attempt]
    cited: bool


class Life(NamedTuple):
    """Something that befell a node; `after` is what the node did last at the same instant, if anything."""

    time: int
    kind: str
    node: str
    fields: Any
    after: Happening | None
    order: int


class Noted(NamedTuple):
    """A note of a node; `cited` says that the violation rests on it."""

    time: int
    node: str
    kind: str
    fields: Mapping[str, Any]
    cited: bool
    order: int


class Span(NamedTuple):
    """A fault that was on from `begin` to `end` (None: it never ended); `actions` began it."""

    id: str
    fault: str
    nodes: tuple[str, ...]
    begin: int
    end: int | None
    actions: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Trace:
    """Everything that a telling of a run is made from, each part in the order of time."""

    nodes: tuple[str, ...]
    clients: tuple[str, ...]
    messages: Sequence[Message]
    operations: Sequence[Operation]
    lives: Sequence[Life]
    notes: Sequence[Noted]
    spans: Sequence[Span]
    end: int

    @property
    def cited_times(self) -> list[int]:
        """The instants at which something happened that the violation rests on, in order."""
        times = [each.time for each in self.notes if each.cited]
        for each in self.operations:
            if each.cited:
                times += [each.begin, *([] if each.end is None else [each.end])]
        times += [each.time for each in self.lives if each.kind == "raised"]
        return sorted(times)


def read_trace(case: Case, outcome: Outcome, assessment: Assessment) -> Trace:
    """Put the trace of a run together.

    Raises:
        ValueError: the run was made without a story.
    """
    if outcome.story is None:
        raise ValueError("A run can be told only if it was made with `story=True`.")
    happenings = outcome.story.happenings
    cited_operations, cited_notes = _cited(assessment)
    messages = _messages(happenings)
    operations = _operations(outcome.lines, messages, cited_operations)
    lives, notes = _lives_and_notes(happenings, cited_notes)
    asking = (each.source for each in messages if each.source not in case.names)
    return Trace(
        nodes=case.names,
        clients=tuple(dict.fromkeys([*(each.client for each in operations), *asking])),
        messages=messages,
        operations=operations,
        lives=lives,
        notes=notes,
        spans=_spans(outcome.faults),
        end=max(outcome.ended, happenings[-1].time if happenings else 0),
    )


def _cited(assessment: Assessment) -> tuple[frozenset[int], frozenset[tuple[str, int]]]:
    """Return the operations (by position) and the notes (by node and line) that violations rest on."""
    operations: set[int] = set()
    notes: set[tuple[str, int]] = set()
    for violation in assessment.violations:
        operations.update(each["position"] for each in violation.evidence.get("operations", ()))
        notes.update((each["node"], each["line"]) for each in violation.evidence.get("notes", ()))
    return frozenset(operations), frozenset(notes)


def _messages(happenings: Iterable[Happening]) -> list[Message]:
    messages: dict[int, Message] = {}
    for order, each in enumerate(happenings):
        if each.kind == "send" and each.fields.get("type") != PROBE:
            messages[each.message] = Message(
                each.message, each.node, each.peer, each.time, each.fields, order, ended=each.time
            )
            continue
        message = messages.get(each.message) if each.message else None
        if message is None:
            continue
        if each.kind in ("receive", "answer"):
            message.arrivals.append(each.time)
        elif each.kind == "lost":
            message.lost = str(each.fields)
        else:
            continue
        message.ended, message.ended_order = each.time, order
    return list(messages.values())


def _operations(
    lines: Sequence[Mapping[str, Any]], messages: Sequence[Message], cited: frozenset[int]
) -> list[Operation]:
    requests: dict[str, list[Message]] = {}
    answers: dict[tuple[str, str], list[Message]] = {}
    for message in messages:
        requests.setdefault(message.source, []).append(message)
        answers.setdefault((message.destination, message.source), []).append(message)
    begun: dict[int, int] = {}
    ends: dict[int, Mapping[str, Any]] = {}
    for position, line in enumerate(lines):
        if line["process"] == NEMESIS:
            continue
        if line["type"] == "invoke":
            begun[line["process"]] = position
        else:
            ends[begun[line["process"]]] = line
    operations = []
    for position, line in enumerate(lines):
        if line["process"] == NEMESIS or line["type"] != "invoke":
            continue
        end = ends.get(position)
        client = f"c{line['process']}"
        until = None if end is None else end["time"]
        operations.append(
            Operation(
                position=position,
                client=client,
                f=line["f"],
                key=line.get("key"),
                value=line["value"],
                status="open" if end is None else end["type"],
                result=None if end is None else end["value"],
                error=None if end is None else end.get("error"),
                applied=end is None or end.get("applied", True) is not False,
                begin=line["time"],
                end=until,
                attempts=_attempts(requests.get(client, ()), answers, line["time"], until),
                cited=position in cited,
            )
        )
    return operations


def _attempts(
    requests: Iterable[Message],
    answers: Mapping[tuple[str, str], Sequence[Message]],
    begin: int,
    end: int | None,
) -> list[Attempt]:
    """Return what a client sent between two times, each with the first answer that arrived by the second.

    A request that was sent at `end` belongs to the operation that the client began then, if there is one.
    """
    attempts = []
    taken: set[int] = set()
    for request in requests:
        if request.sent < begin or (end is not None and request.sent >= max(end, begin + 1)):
            continue
        identity = request.body.get("msg_id")
        answer = next(
            (
                each
                for each in answers.get((request.source, request.destination), ())
                if not request.lost
                and each.number not in taken
                and each.sent >= request.sent
                and each.body.get("in_reply_to") == identity
                and each.arrivals
                and (end is None or each.arrivals[0] <= end)
            ),
            None,
        )
        if answer is not None:
            taken.add(answer.number)
        attempts.append(Attempt(request.destination, request, answer))
    return attempts


def _lives_and_notes(
    happenings: Iterable[Happening], cited: frozenset[tuple[str, int]]
) -> tuple[list[Life], list[Noted]]:
    lives: list[Life] = []
    notes: list[Noted] = []
    lines: dict[str, int] = {}
    latest: dict[str, Happening] = {}
    for order, each in enumerate(happenings):
        node = each.node
        if each.kind in LIVES:
            before = latest.get(node)
            after = before if before is not None and before.time == each.time else None
            lives.append(Life(each.time, each.kind, node, each.fields, after, order))
        if each.kind in ("start", "note"):
            line = lines.get(node, 0)
            lines[node] = line + 1
            if each.kind == "note":
                fields = {name: value for name, value in each.fields.items() if name != "kind"}
                is_cited = (node, line) in cited
                notes.append(Noted(each.time, node, each.fields["kind"], fields, is_cited, order))
        if each.kind in ("send", "persist", "replace", "note", "synced"):
            latest[node] = each
    return lives, notes


def _spans(journal: Iterable[Mapping[str, Any]]) -> list[Span]:
    begun: dict[str, Mapping[str, Any]] = {}
    ended: dict[str, int] = {}
    for entry in journal:
        if entry["phase"] == "begin":
            begun[entry["id"]] = entry
        elif entry["phase"] == "off":
            ended.setdefault(entry["id"], entry["time"])
    return [
        Span(
            name,
            entry["fault"],
            tuple(entry.get("nodes", ())),
            entry["time"],
            ended.get(name),
            entry.get("actions", ()),
        )
        for name, entry in begun.items()
    ]
