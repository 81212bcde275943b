"""The lines of a narrative before they are chosen and laid out, and how messages become such lines.

What is said again and again is one line: a broadcast, whose copies leave together; a *run* of one
family (heartbeats, retries) from one sender, until something happens to a node or a fault begins or
ends. What arrives late is told again when it arrives, since that is what late messages are about.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.render.sayings import conjugate, say_fields, say_message
from splitbrain.render.text import as_json, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from splitbrain.render.sayings import Saying
    from splitbrain.render.trace import Message, Trace

CITED, INCIDENT, NOTE, RELATED, MESSAGE, OPERATION = range(6)
"""The ranks of lines: what the violation rests on, faults and lives, notes, operations on the keys that the
violation is about, messages, other operations."""
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
ROUTINE = 12
"""A family that its sender says more often than this in a run is routine."""
LATE = 50 * MILLISECOND
"""A message that takes longer than this, and five times as long as most, is late."""
TOGETHER = 20 * MILLISECOND
"""Nodes that say the same to the same within this time say it together."""


class Beat(NamedTuple):
    """One line to be: when, how much it matters, of what it tells how many, and what it says.

    `order` puts lines of one time in order; what the trace does not have comes before it all, at -1.

    `operation` is the position of the operation that it tells of, -1 for none.
    """

    time: int
    rank: int
    text: str
    counts: Mapping[str, int]
    order: float
    operation: int = -1
    stage: str = ""


class Broadcast(NamedTuple):
    """The same words from one node to others at one time."""

    time: int
    source: str
    saying: Saying
    messages: list[Message]


def seconds(time: int) -> str:
    """Return a time as the timeline has it."""
    return f"{time / SECOND:.3f} s"


def message_beats(trace: Trace, system: str, incidents: Sequence[int]) -> list[Beat]:
    """Tell of the messages between nodes; `incidents` are the times that end runs, in order."""
    between = between_nodes(trace)
    runs = runs_of(between, system, incidents)
    return [*_joined(runs, trace.nodes), *_late(between, system)]


def between_nodes(trace: Trace) -> list[Message]:
    """Return the messages that belong to no client's operation; administrators' are among them."""
    clients = {each.client for each in trace.operations}
    return [each for each in trace.messages if each.source not in clients and each.destination not in clients]


def runs_of(messages: Iterable[Message], system: str, incidents: Sequence[int]) -> list[list[Broadcast]]:
    """Return the messages as broadcasts, those that say the same again put together."""
    return _runs(_broadcasts(messages, system), incidents)


def _broadcasts(messages: Iterable[Message], system: str) -> list[Broadcast]:
    broadcasts: dict[tuple[Any, ...], Broadcast] = {}
    for message in messages:
        saying = say_message(system, message)
        address = (message.sent, message.source, saying.text, as_json(saying.fields, 400))
        if address not in broadcasts:
            broadcasts[address] = Broadcast(message.sent, message.source, saying, [])
        broadcasts[address].messages.append(message)
    return list(broadcasts.values())


def _runs(broadcasts: Iterable[Broadcast], incidents: Sequence[int]) -> list[list[Broadcast]]:
    """Put together what is said again without an incident between."""
    families: dict[tuple[str, str], list[Broadcast]] = {}
    for each in broadcasts:
        families.setdefault((each.source, each.saying.family), []).append(each)
    runs: list[list[Broadcast]] = []
    for family in families.values():
        times = sorted({each.time for each in family})
        gaps = [later - earlier for earlier, later in pairwise(times)]
        routine = len(times) > ROUTINE
        longest = 4 * median(gaps) if routine else 0
        run: list[Broadcast] = []
        for each in family:
            again = run and bisect_right(incidents, each.time) == bisect_right(incidents, run[-1].time)
            if again and (
                each.time - run[-1].time <= longest
                if routine
                else each.saying.text == run[-1].saying.text and each.saying.fields == run[-1].saying.fields
            ):
                run.append(each)
            else:
                run = [each]
                runs.append(run)
    return sorted(runs, key=lambda run: run[0].time)


def _joined(runs: Iterable[list[Broadcast]], nodes: Sequence[str]) -> list[Beat]:
    """Let nodes that say the same to the same at about the same time share a line."""
    groups: list[list[list[Broadcast]]] = []
    newest: dict[tuple[Any, ...], list[list[Broadcast]]] = {}
    for run in runs:
        first = run[0]
        address = (
            first.saying.text,
            as_json(_constant(run), 400),
            tuple(sorted({each.destination for broadcast in run for each in broadcast.messages})),
            len(run) > 1,
        )
        group = newest.get(address)
        if group is not None and first.time - group[0][0].time <= TOGETHER:
            group.append(run)
        else:
            newest[address] = group = [run]
            groups.append(group)
    return [_told(group, nodes) for group in groups]


def _told(group: Sequence[Sequence[Broadcast]], nodes: Sequence[str]) -> Beat:
    messages = [each for run in group for broadcast in run for each in broadcast.messages]
    first = group[0][0]
    sources = list(dict.fromkeys(each.source for each in messages))
    reached = {each.destination for each in messages}
    everyone = len(reached) > 2 and reached == set(nodes) - set(sources)
    to = "all others" if everyone else ", ".join(sorted(reached))
    words = conjugate(first.saying.text, len(sources)).replace("{to}", to)
    text = f"{', '.join(sources)} {words}{say_fields(_constant(group[0]))}"
    repeated = max(len(run) for run in group) > 1
    lost = [each for each in messages if each.lost]
    remarks = []
    if repeated:
        last = max(each.sent for each in messages)
        remarks.append(f"{plural(len(messages), 'message')} until {seconds(last)}")
    if lost and len(lost) == len(messages):
        remarks.append(f"{'all ' if len(lost) > 1 else ''}lost: {_reasons(lost)}")
    elif lost and (repeated or len(sources) > 1):
        remarks.append(f"{len(lost)} lost: {_reasons(lost)}")
    elif lost:
        remarks.append(f"lost to {', '.join(each.destination for each in lost)}: {_reasons(lost)}")
    doubled = sum(1 for each in messages if len(each.arrivals) > 1)
    if doubled:
        remarks.append(f"{doubled} twice" if len(messages) > 1 else "arrives twice")
    if remarks:
        text += f" [{'; '.join(remarks)}]"
    return Beat(first.time, MESSAGE, text, {"message": len(messages)}, first.messages[0].order)


def _constant(run: Sequence[Broadcast]) -> dict[str, Any]:
    """Return the fields that a run has in common."""
    first = run[0].saying.fields
    return {
        name: value
        for name, value in first.items()
        if all(name in each.saying.fields and each.saying.fields[name] == value for each in run)
    }


REASONS = {
    "down": "the node is down",
    "policy": "the link drops it",
    "cut": "the link drops it",
    "loss": "by chance",
    "refused": "refused",
}
"""Why messages are lost, by the word of the trace."""


def _reasons(lost: Iterable[Message]) -> str:
    return ", ".join(dict.fromkeys(REASONS.get(each.lost, each.lost) for each in lost))


def _late(messages: Sequence[Message], system: str) -> list[Beat]:
    took = sorted(each.arrivals[0] - each.sent for each in messages if each.arrivals)
    bound = max(LATE, 5 * took[len(took) // 2]) if took else 0
    arrivals: dict[tuple[int, str], list[Message]] = {}
    for message in messages:
        for time in message.arrivals:
            if time - message.sent > bound:
                arrivals.setdefault((time, message.destination), []).append(message)
    return [_told_late(time, node, late, system) for (time, node), late in arrivals.items()]


def _told_late(time: int, node: str, late: Sequence[Message], system: str) -> Beat:
    order = late[0].ended_order
    if len(late) == 1:
        saying = say_message(system, late[0])
        what = f"{saying.text.replace('{to}', node)}{say_fields(saying.fields)}"
        text = f"only now {node} receives that {late[0].source} {what}, sent at {seconds(late[0].sent)}"
        return Beat(time, MESSAGE, text, {}, order)
    senders = ", ".join(f"{name} ({count})" for name, count in Counter(each.source for each in late).items())
    earliest = seconds(min(each.sent for each in late))
    return Beat(
        time,
        MESSAGE,
        f"only now {node} receives {plural(len(late), 'message')}, sent since {earliest}: {senders}",
        {},
        order,
    )


def fused(beats: Iterable[Beat], whole: Callable[[Beat], str]) -> list[Beat]:
    """Put lines of one operation that follow directly on each other together; `whole` words all of them."""
    result: list[Beat] = []
    for beat in beats:
        before = result[-1] if result else None
        if before is None or beat.operation < 0 or beat.operation != before.operation:
            result.append(beat)
        elif before.stage == "answer":
            result[-1] = beat
        elif beat.stage == "end":
            result[-1] = before._replace(text=whole(before))
        else:
            result.append(beat)
    return result
