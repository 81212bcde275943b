"""What a space-time diagram shows of a run: everything, or of a long one what matters for the violation.

Said again and again (heartbeats) is drawn once, with how often. Of what is still too much,
what is far from the operations and notes that the violation rests on is left out first, and counted.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from splitbrain.render.beats import SECOND, between_nodes, runs_of
from splitbrain.render.incidents import telling_notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from splitbrain.render.trace import Life, Message, Noted, Operation, Span, Trace

Thing = TypeVar("Thing")

MOST_MESSAGES = 320
MOST_OPERATIONS = 60
MOST_NOTES = 80
AFTERMATH = SECOND // 50
"""How much is shown after the last of what the violation rests on."""


class Arrow(NamedTuple):
    """One message to draw; `again` others like it, until `until`, are not."""

    message: Message
    again: int = 0
    until: int = 0


class Choice(NamedTuple):
    """What is drawn, each in the order of time, and how much is not."""

    arrows: Sequence[Arrow]
    operations: Sequence[Operation]
    notes: Sequence[tuple[Noted, str]]
    lives: Sequence[Life]
    spans: Sequence[Span]
    end: int
    left_out: dict[str, int]

    def times(self) -> list[int]:
        """Return every instant at which something is drawn."""
        times = [time for arrow in self.arrows for time in (arrow.message.sent, *arrow.message.arrivals)]
        times += [arrow.message.ended for arrow in self.arrows if arrow.message.lost]
        times += [each.begin for each in self.operations]
        times += [each.end for each in self.operations if each.end is not None]
        times += [each.time for each in self.lives]
        times += [each.time for each, _ in self.notes]
        for span in self.spans:
            times += [span.begin, *([] if span.end is None else [span.end])]
        return [0, *(min(time, self.end) for time in times), self.end]


def choose(trace: Trace, system: str) -> Choice:
    """Choose what to draw."""
    cited = trace.cited_times
    end = min(trace.end, cited[-1] + AFTERMATH) if cited else trace.end

    def distance(time: int) -> float:
        at = bisect_left(cited, time)
        return min((abs(time - each) for each in cited[max(0, at - 1) : at + 1]), default=0) / SECOND

    operations = [each for each in trace.operations if each.begin <= end]
    shown = _nearest(operations, MOST_OPERATIONS, lambda each: -1.0 if each.cited else distance(each.begin))
    lives = [each for each in trace.lives if each.time <= end]
    spans = [each for each in trace.spans if each.begin <= end]
    notes = [each for each in telling_notes(trace, system) if each[0].time <= end]
    told = _nearest(notes, MOST_NOTES, lambda each: -1.0 if each[0].cited else distance(each[0].time))
    arrows, drawn = _arrows(trace, system, shown, end, distance)
    among = [each for each in trace.messages if each.sent <= end]
    left_out = {
        "message": len(among) - drawn,
        "operation": len(operations) - len(shown),
        "note": len(notes) - len(told),
    }
    return Choice(arrows, shown, told, lives, spans, end, left_out)


def _arrows(
    trace: Trace,
    system: str,
    operations: Iterable[Operation],
    end: int,
    distance: Callable[[int], float],
) -> tuple[list[Arrow], int]:
    """Return the messages to draw, and how many those stand for."""
    incidents = sorted({each.time for each in (*trace.lives,)} | {each.begin for each in trace.spans})
    between = [each for each in between_nodes(trace) if each.sent <= end]
    requests: list[Arrow] = []
    cited: set[int] = set()
    for operation in operations:
        for attempt in operation.attempts:
            for message in (attempt.request, attempt.answer):
                if message is not None:
                    requests.append(Arrow(message))
                    cited.update([message.number] if operation.cited else [])
    if len(between) + len(requests) <= MOST_MESSAGES:
        arrows = [*(Arrow(each) for each in between), *requests]
    else:
        arrows = [*_once(between, system, incidents), *requests]
    kept = _nearest(
        arrows,
        MOST_MESSAGES,
        lambda arrow: -1.0 if arrow.message.number in cited else distance(arrow.message.sent),
    )
    kept.sort(key=lambda arrow: arrow.message.order)
    return kept, len(kept) + sum(arrow.again for arrow in kept)


def _once(messages: Sequence[Message], system: str, incidents: Sequence[int]) -> list[Arrow]:
    """Return each run of what is said again as its first message to each of its destinations."""
    arrows = []
    for run in runs_of(messages, system, incidents):
        firsts: dict[str, Message] = {}
        again: dict[str, int] = {}
        for broadcast in run:
            for each in broadcast.messages:
                if each.destination in firsts:
                    again[each.destination] = again.get(each.destination, 0) + 1
                else:
                    firsts[each.destination] = each
        arrows += [Arrow(each, again.get(name, 0), run[-1].time) for name, each in firsts.items()]
    return arrows


def _nearest(things: Sequence[Thing], most: int, distance: Callable[[Thing], float]) -> list[Thing]:
    """Return the nearest things, in their order."""
    if len(things) <= most:
        return list(things)
    order = sorted(range(len(things)), key=lambda at: (distance(things[at]), at))
    return [things[at] for at in sorted(order[:most])]
